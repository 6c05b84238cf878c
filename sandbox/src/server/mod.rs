//! The two listeners, and the way of a request from the socket to its answer: log, fault, work, answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONNECTION, HOST, HeaderName, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt;

pub mod connection;
mod control;
mod endless;
mod faults;
mod faulty;
mod kinds;
mod listener;
mod log;
mod pattern;
mod ranges;
mod rate;
mod recorded;
pub mod sandbox;
pub mod side;
mod spoiled;

use crate::keys;
use crate::platform;
use crate::platform::envelope::{self, Refusal};
use crate::wire::answer::{page as html_page, text_response};
use crate::wire::request::Decoded;
use crate::world::options::LogMode;
pub use listener::bind;

use connection::{Connection, Ending, Socket};
use faults::Fault;
use faulty::Effect;
use log::Entry;
use recorded::RecordedBody;
use sandbox::Sandbox;
use side::Side;

/// Accepts connections until the process ends. An outage is heard of from now on, not only once this is polled.
pub fn serve(listener: TcpListener, side: Side, sandbox: Arc<Sandbox>) -> impl Future<Output = ()> {
    let closing = sandbox.closing(side);
    accept(listener, side, sandbox, closing)
}

async fn accept(
    mut listener: TcpListener,
    side: Side,
    sandbox: Arc<Sandbox>,
    mut closing: watch::Receiver<Duration>,
) {
    static NEXT_CONNECTION: AtomicU64 = AtomicU64::new(1);
    let store = crate::store::router(Arc::clone(&sandbox.world.store));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Ok(()) = closing.changed() => {
                let time = *closing.borrow_and_update();
                listener = listener::closed_for(listener, time, || sandbox.is_closed(side)).await;
                continue;
            }
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: give others the time to close some.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        // A small answer must not wait for the acknowledgement of the one before it. Without it all is only slower.
        let _ = stream.set_nodelay(true);
        let connection = Connection::new(NEXT_CONNECTION.fetch_add(1, Ordering::Relaxed), peer.port());
        let counter = Arc::clone(sandbox.counter(side));
        counter.accepted.fetch_add(1, Ordering::Relaxed);
        let socket = Socket::new(stream, Arc::clone(&connection), counter);
        let mut closing = sandbox.closing(side);
        let sandbox = Arc::clone(&sandbox);
        let store = store.clone();
        tokio::spawn(async move {
            let of_requests = Arc::clone(&connection);
            let service = service_fn(move |request| {
                let exchange = Exchange {
                    side,
                    sandbox: Arc::clone(&sandbox),
                    connection: Arc::clone(&of_requests),
                    store: store.clone(),
                };
                async move { Ok::<_, Infallible>(exchange.answer(request).await) }
            });
            let http = hyper::server::conn::http1::Builder::new()
                .max_buf_size(1024 * 1024)
                .serve_connection(TokioIo::new(socket), service);
            tokio::pin!(http);
            loop {
                tokio::select! {
                    // A peer that goes away in the middle is nothing to report.
                    _ = &mut http => break,
                    () = connection.ended() => break,
                    Ok(()) = closing.changed() => if !connection.is_spared() {
                        connection.end(Ending::Reset);
                    },
                }
            }
        });
    }
}

/// The bytes of the request line.
fn request_line(parts: &Parts) -> u64 {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    (parts.method.as_str().len() + target + "  HTTP/1.1".len()) as u64
}

/// The answer of the server in front of the platform, which looks no further.
fn uri_too_long() -> Response<Body> {
    let page = html_page("414 Request-URI Too Large", "");
    let mut response = text_response(StatusCode::URI_TOO_LONG, "text/html", page);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// One request on its way.
struct Exchange {
    side: Side,
    sandbox: Arc<Sandbox>,
    connection: Arc<Connection>,
    store: axum::Router,
}

impl Exchange {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = Body::new(body);
        if self.side == Side::Platform && parts.uri.path().starts_with(control::PREFIX) {
            return control::answer(&self.sandbox, &self.connection, &parts, body).await;
        }
        self.sandbox.counter(self.side).requests.fetch_add(1, Ordering::Relaxed);
        let log = self.sandbox.world.options().log;
        let entry =
            (log != LogMode::Off).then(|| self.sandbox.log.begin(self.side, &parts, &self.connection));
        let query = parts.uri.query().unwrap_or_default();
        let longest = self.sandbox.world.options().max_request_line;
        if self.side == Side::Platform && longest > 0 && request_line(&parts) > longest {
            if let Some(entry) = &entry {
                entry.set_status(StatusCode::URI_TOO_LONG.as_u16());
            }
            return uri_too_long();
        }
        let fault = self.sandbox.faults.take(self.side, &parts.method, parts.uri.path(), query);
        if let (Some(entry), Some(fault)) = (&entry, &fault) {
            entry.set_fault(&fault.kind.name());
        }
        let mut response = match fault {
            None => self.work(parts, body, entry.as_ref(), log).await,
            Some(fault) => self.go_wrong(fault, parts, body, entry.as_ref(), log).await,
        };
        if self.side == Side::Platform
            && let Ok(id) = HeaderValue::from_str(&uuid::Uuid::from_u128(rand::random()).simple().to_string())
        {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
        }
        if let Some(entry) = &entry {
            entry.set_status(response.status().as_u16());
        }
        response
    }

    /// The real answer.
    async fn work(
        &self,
        parts: Parts,
        body: Body,
        entry: Option<&Arc<Entry>>,
        log: LogMode,
    ) -> Response<Body> {
        if self.side == Side::Store {
            let body = match entry {
                Some(entry) => Body::new(RecordedBody::new(body, Arc::clone(entry), log == LogMode::Full)),
                None => body,
            };
            let Ok(response) = self.store.clone().oneshot(Request::from_parts(parts, body)).await;
            return response;
        }
        if self.side == Side::Kms {
            let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            return match self.read(&parts, body, entry, log).await {
                Some(decoded) => keys::answer(&self.sandbox.world, host, &decoded),
                None => Response::new(Body::empty()),
            };
        }
        let options = self.sandbox.world.options();
        if let Err(seconds) = self.sandbox.rate_limit.take(options.rps) {
            self.sandbox.counter(self.side).refused.fetch_add(1, Ordering::Relaxed);
            self.read(&parts, body, entry, log).await;
            let refusal = Refusal::http(StatusCode::TOO_MANY_REQUESTS, "请求过于频繁");
            let mut response = envelope::respond(Err(refusal), &parts.headers, None);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            return response;
        }
        if options.latency > 0 {
            tokio::time::sleep(Duration::from_millis(options.latency)).await;
        }
        match self.read(&parts, body, entry, log).await {
            Some(decoded) => {
                let response = platform::answer(&self.sandbox.world, &parts.headers, &decoded);
                decoded.forget_files();
                response
            }
            // The peer is gone: nobody sees this.
            None => Response::new(Body::empty()),
        }
    }

    /// Reads a request that is no object into the log.
    async fn read(
        &self,
        parts: &Parts,
        body: Body,
        entry: Option<&Arc<Entry>>,
        log: LogMode,
    ) -> Option<Arc<Decoded>> {
        let path = parts.uri.path();
        let options = self.sandbox.world.options();
        let path = match path.strip_prefix(options.base_path.as_str()) {
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        };
        let decoded = Arc::new(Decoded::read(parts, path, body, log == LogMode::Full).await.ok()?);
        if let Some(entry) = entry {
            entry.set_decoded(Arc::clone(&decoded));
            self.sandbox.log.charge(entry, decoded.cost());
        }
        Some(decoded)
    }

    async fn go_wrong(
        &self,
        fault: Fault,
        parts: Parts,
        body: Body,
        entry: Option<&Arc<Entry>>,
        log: LogMode,
    ) -> Response<Body> {
        match faulty::effect(&fault.kind, self.side) {
            Effect::Wait(time) if fault.after_work => {
                let response = self.work(parts, body, entry, log).await;
                tokio::time::sleep(time).await;
                response
            }
            Effect::Wait(time) => {
                tokio::time::sleep(time).await;
                self.work(parts, body, entry, log).await
            }
            Effect::Spoil(spoil) => {
                let response = self.work(parts, body, entry, log).await;
                spoiled::spoil(response, spoil, &self.connection).await
            }
            Effect::Range(fault) => {
                let response = self.work(parts, body, entry, log).await;
                ranges::go_wrong(response, fault).await
            }
            Effect::Silence => {
                self.before(&fault, None, parts, body, entry, log).await;
                std::future::pending().await
            }
            Effect::Break(request_bytes) => {
                self.before(&fault, request_bytes, parts, body, entry, log).await;
                self.connection.end(Ending::Reset);
                std::future::pending().await
            }
            Effect::Answer(response) => {
                self.before(&fault, None, parts, body, entry, log).await;
                *response
            }
        }
    }

    /// What happens to the request before its answer goes wrong: the work, or reading all or some of its body.
    async fn before(
        &self,
        fault: &Fault,
        request_bytes: Option<u64>,
        parts: Parts,
        mut body: Body,
        entry: Option<&Arc<Entry>>,
        log: LogMode,
    ) {
        if fault.after_work {
            let answer = self.work(parts, body, entry, log).await;
            // The work of the store may go on in the body of its answer.
            let _ = answer.into_body().collect().await;
            return;
        }
        if request_bytes.is_none() && !fault.consume_body {
            return;
        }
        if request_bytes.is_none() && self.side != Side::Store {
            self.read(&parts, body, entry, log).await;
            return;
        }
        let limit = request_bytes.unwrap_or(u64::MAX);
        if let Some(entry) = entry {
            body = Body::new(RecordedBody::new(body, Arc::clone(entry), log == LogMode::Full));
        }
        let mut received = 0;
        while received < limit {
            match body.frame().await {
                Some(Ok(frame)) => received += frame.data_ref().map_or(0, |data| data.len() as u64),
                _ => break,
            }
        }
    }
}
