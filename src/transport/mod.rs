//! A request over HTTP: where it goes, what it carries, how long it may take. Knows nothing of envelopes.

mod blocking;
mod body;
mod failure;
mod hop;
mod redirect;
mod retry;
mod streaming;
mod tls;

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use once_cell::sync::OnceCell;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{runtime::Runtime, sync::Semaphore};
use url::Url;

pub(crate) use body::{Body, ByteStream, CHUNK, FilePart, StreamBody};
pub(crate) use failure::local;
use failure::retry_after;
pub(crate) use retry::{Repeat, Retry};
pub(crate) use streaming::Streamed;

use crate::{
    context::{Cancel, Context, Progress, Sender},
    error::{Error, Result, Status},
    log::{Level, Logger},
    options::Options,
    sys::{PerProcess, without_signals},
};

/// Where a request goes.
#[derive(Clone)]
pub(crate) enum Target {
    /// A path (and query) below the platform's endpoint.
    Platform(String),
    /// Any address.
    Url(Url),
}

/// A request that can be sent any number of times.
#[derive(Clone)]
pub(crate) struct Request {
    pub method: reqwest::Method,
    pub target: Target,
    pub headers: HeaderMap,
    pub body: Body,
}

impl Request {
    pub(crate) fn new(method: reqwest::Method, target: Target) -> Self {
        Request { method, target, headers: HeaderMap::new(), body: Body::Empty }
    }

    pub(crate) fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// A whole answer in memory.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: bytes::Bytes,
}

impl Answer {
    /// Whether it calls itself `application/json`.
    pub(crate) fn is_json(&self) -> bool {
        let content_type =
            self.headers.get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type
            .and_then(|text| text.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
    }

    /// Adds what the headers say to an error.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let id = request_id(&self.headers);
        let http = if error.http_status() == 0 { self.status } else { error.http_status() };
        error.with_http(http, id).with_retry_after(retry_after(&self.headers))
    }
}

/// The server's name for a request.
fn request_id(headers: &HeaderMap) -> Option<&str> {
    let names = ["x-request-id", "x-oss-request-id", "x-acs-request-id", "request-id"];
    names.iter().find_map(|name| headers.get(*name)).and_then(|value| value.to_str().ok())
}

/// The connections of one client.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Shared>);

struct Shared {
    options: Options,
    ca: tls::ExtraRoots,
    log: Arc<Logger>,
    engine: PerProcess<Engine>,
}

/// What does not survive a fork: threads, connections, locks. Each part is made when first needed.
struct Engine {
    tls: OnceCell<rustls::ClientConfig>,
    blocking: OnceCell<reqwest::blocking::Client>,
    streaming: OnceCell<reqwest::Client>,
    /// The same, but it hands bodies over as they are, compressed or not: files.
    verbatim: OnceCell<reqwest::Client>,
    runtime: OnceCell<Runtime>,
    connections: Semaphore,
    /// What is under way now waits under this.
    cancel: Mutex<Cancel>,
    on_fallback: AtomicBool,
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Transport {
    pub(crate) fn new(options: Options, log: Arc<Logger>) -> Result<Self> {
        let ca = tls::ExtraRoots::load(options.ca_file.as_deref())?;
        let max_connections = options.max_connections;
        let engine = PerProcess::new(move || Engine {
            tls: OnceCell::new(),
            blocking: OnceCell::new(),
            streaming: OnceCell::new(),
            verbatim: OnceCell::new(),
            runtime: OnceCell::new(),
            connections: Semaphore::new(max_connections),
            cancel: Mutex::default(),
            on_fallback: AtomicBool::new(false),
        });
        Ok(Transport(Arc::new(Shared { options, ca, log, engine })))
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn log(&self) -> &Logger {
        &self.0.log
    }

    /// The runtime that carries whatever can be cancelled or streams a body.
    pub(crate) fn runtime(&self) -> Result<&Runtime> {
        let shared = &*self.0;
        shared.engine.runtime.get_or_try_init(|| {
            without_signals(|| {
                tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .max_blocking_threads(shared.options.max_threads)
                    .thread_name("bge")
                    .thread_keep_alive(Duration::from_secs(5))
                    .enable_all()
                    .build()
            })
            .map_err(|cause| Error::new(Status::Internal, "no thread could be started").with_cause(cause))
        })
    }

    /// The conditions that this client's options set.
    pub(crate) fn context(&self, sender: Sender) -> Context {
        let options = self.options();
        let cancel = self.cancel().clone();
        let mut context = Context::new(sender, options.timeout, options.deadline, cancel);
        context.max_retries = Some(options.max_retries);
        context
    }

    fn cancel(&self) -> MutexGuard<'_, Cancel> {
        self.0.engine.cancel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends whatever is under way, wherever it waits; what begins after it is not concerned.
    pub(crate) fn cancel_all(&self) {
        let under_way = std::mem::take(&mut *self.cancel());
        under_way.set();
    }

    /// Sends a request until it is answered as `read` likes it, or may not be sent again.
    pub(crate) async fn repeat<T>(
        &self,
        context: &Context,
        request: &Request,
        rule: Repeat,
        read: impl Fn(&Answer) -> Result<T>,
    ) -> Result<T> {
        let mut retry = Retry::new(context, self.log(), rule);
        loop {
            let answer = self.send(context, request).await;
            match answer.and_then(|answer| read(&answer).map_err(|error| answer.explain(error))) {
                Ok(done) => return Ok(done),
                Err(error) => retry.again(error).await?,
            }
        }
    }

    /// Carries `work` out on the runtime and waits for it on this thread.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime()?.block_on(work)
    }

    /// One attempt, its redirects included: the whole answer.
    pub(crate) async fn send(&self, context: &Context, request: &Request) -> Result<Answer> {
        context
            .bounded(async {
                if let Some(pace) = &context.pace {
                    context.sleep(pace.turn()).await?;
                }
                let _permit = self.permit().await?;
                let hops = |url, request| self.follow(context, request, url);
                self.reach(request, hops).await
            })
            .await
    }

    /// One attempt, its redirects included: the answer's headers, and its body to be read as it comes.
    pub(crate) async fn open(&self, context: &Context, request: &Request) -> Result<Streamed> {
        context
            .bounded(async {
                let _permit = self.permit().await?;
                let hops = |url, request| self.follow_streamed(context, request, url);
                self.reach(request, hops).await
            })
            .await
    }

    async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        self.0.engine.connections.acquire().await.map_err(|_| Error::closed("the client is closed"))
    }

    /// Tries the endpoint and, where that cannot be reached at all, the second address.
    async fn reach<'a, T, F>(
        &'a self,
        request: &'a Request,
        send: impl Fn(Url, &'a Request) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let path = match &request.target {
            Target::Url(url) => return send(url.clone(), request).await,
            Target::Platform(path) => path,
        };
        let options = &self.0.options;
        let on_fallback = &self.0.engine.on_fallback;
        let second = options.fallback.as_ref();
        let (now, other) = match second.filter(|_| on_fallback.load(Ordering::Relaxed)) {
            Some(second) => (second, Some(&options.endpoint)),
            None => (&options.endpoint, second),
        };
        let failed = match send(address(now, path)?, request).await {
            Err(error) if failure::is_unreachable(&error) => error,
            outcome => return outcome,
        };
        let Some(other) = other else { return Err(failed) };
        self.0
            .log
            .write(Level::Info, || format!("{} cannot be reached; trying {}", origin(now), origin(other)));
        let outcome = send(address(other, path)?, request).await;
        if !matches!(&outcome, Err(error) if failure::is_unreachable(error)) {
            on_fallback.fetch_xor(true, Ordering::Relaxed);
        }
        outcome
    }

    fn blocking(&self) -> Result<&reqwest::blocking::Client> {
        let shared = &*self.0;
        shared.engine.blocking.get_or_try_init(|| {
            let builder = reqwest::blocking::ClientBuilder::from(self.builder()?).timeout(None);
            without_signals(|| builder.build()).map_err(failure::unbuilt)
        })
    }

    fn streaming(&self) -> Result<&reqwest::Client> {
        let shared = &*self.0;
        shared.engine.streaming.get_or_try_init(|| self.builder()?.build().map_err(failure::unbuilt))
    }

    /// The client for a request: files come from anywhere, calls from the platform.
    fn streaming_for(&self, request: &Request) -> Result<&reqwest::Client> {
        match request.target {
            Target::Platform(_) => self.streaming(),
            Target::Url(_) => self
                .0
                .engine
                .verbatim
                .get_or_try_init(|| self.builder()?.no_gzip().build().map_err(failure::unbuilt)),
        }
    }

    fn builder(&self) -> Result<reqwest::ClientBuilder> {
        let shared = &*self.0;
        let tls = shared.engine.tls.get_or_try_init(|| tls::config(&shared.ca))?;
        tls::builder(&shared.options, tls.clone())
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("endpoint", &self.0.options.endpoint.as_str())
            .finish_non_exhaustive()
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The endpoint's own path stays in front.
fn address(endpoint: &Url, path: &str) -> Result<Url> {
    let text = format!("{}{path}", endpoint.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|cause| Error::argument("path", "makes no valid address").with_cause(cause))
}
