//! A request over HTTP: where it goes, what it carries, how long it may take. Knows nothing of envelopes.

mod blocking;
mod body;
mod failure;
mod pace;
mod redirect;
mod retry;
mod streaming;
mod tls;

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use once_cell::sync::OnceCell;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{runtime::Runtime, sync::Semaphore};
use url::Url;

pub(crate) use body::{Body, ByteStream, CHUNK, FilePart, StreamBody};
pub(crate) use failure::{local, retry_after};
pub(crate) use pace::Pace;
pub(crate) use retry::{Repeat, Retry};
pub(crate) use streaming::Streamed;

use crate::{
    endpoint::Method,
    error::{Error, Result, Status},
    log::{Level, Logger},
    options::Options,
    redact::Redactor,
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
    pub(crate) fn new(method: Method, target: Target) -> Self {
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
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

/// Which of reqwest's two clients carries a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The blocking one, on the caller's thread: it cannot be cancelled.
    Blocking,
    /// The async one, on the client's own runtime.
    Streaming,
}

/// How far something has come: bytes or pages. Never goes back.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    pub(crate) fn reach(&self, done: u64) {
        self.done.fetch_max(done, Ordering::Relaxed);
    }

    pub(crate) fn expect(&self, total: u64) {
        self.total.fetch_max(total, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

/// The conditions that one call is carried out under.
#[derive(Clone)]
pub(crate) struct Terms {
    pub sender: Sender,
    /// Of one attempt; of silence, where a body streams.
    pub timeout: Duration,
    pub deadline: Option<Instant>,
    pub max_retries: u32,
    /// The caller's own headers.
    pub headers: HeaderMap,
    pub progress: Arc<Progress>,
    /// What no message about this call may show.
    pub redactor: Arc<Redactor>,
    /// How often requests may be sent, where several calls share a limit.
    pub pace: Option<Arc<Pace>>,
}

impl Terms {
    /// The time that an attempt may take, or an error when there is none left.
    pub(crate) fn attempt(&self) -> Result<Duration> {
        let Some(deadline) = self.deadline else { return Ok(self.timeout) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(deadline_passed()) } else { Ok(left.min(self.timeout)) }
    }

    /// Waits, unless the deadline comes first.
    pub(crate) async fn sleep(&self, wait: Duration) {
        match self.sender {
            Sender::Blocking => std::thread::sleep(wait),
            Sender::Streaming => tokio::time::sleep(wait).await,
        }
    }
}

pub(crate) fn deadline_passed() -> Error {
    Error::new(Status::Timeout, "the deadline passed")
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

    /// Carries `work` out on the runtime and waits for it on this thread.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime()?.block_on(work)
    }

    /// One attempt, its redirects included: the whole answer.
    pub(crate) async fn send(&self, terms: &Terms, request: &Request) -> Result<Answer> {
        if let Some(pace) = &terms.pace {
            terms.sleep(pace.turn()).await;
        }
        let _permit = self.permit().await?;
        let hops = |url, request| self.follow(terms, request, url);
        self.reach(request, hops).await
    }

    /// One attempt, its redirects included: the answer's headers, and its body to be read as it comes.
    pub(crate) async fn open(&self, terms: &Terms, request: &Request) -> Result<Streamed> {
        let _permit = self.permit().await?;
        let hops = |url, request| self.follow_streamed(terms, request, url);
        self.reach(request, hops).await
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
