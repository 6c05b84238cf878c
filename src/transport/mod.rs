//! A request over HTTP: where it goes, what it carries, how long it may take. Knows nothing of envelopes.

mod blocking;
mod body;
mod budget;
mod failover;
mod failure;
mod hop;
mod inspect;
mod lanes;
mod limits;
mod links;
mod lookup;
mod proxy;
mod redirect;
mod retry;
mod streaming;
mod tls;
mod tunnel;

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

pub(crate) use body::{Body, ByteStream, CHUNK, FilePart, StreamBody};
use budget::{Budget, Outcome};
pub(crate) use failure::local;
use failure::retry_after;
pub(crate) use inspect::ProxyRoute;
use links::Common;
pub(crate) use retry::{Repeat, Retry};
pub(crate) use streaming::Streamed;
use tunnel::Through;

use crate::{
    context::{Cancel, Context, Progress, Sender},
    error::{Error, Result, Status},
    log::{Event, Level, Logger},
    options::Options,
    pace::{Learned, Pace, Pauses, Repeats},
    sys::PerProcess,
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

    /// Who is asked, among those that may ask to be left alone.
    fn server(&self) -> &str {
        match &self.target {
            Target::Platform(_) => "",
            Target::Url(url) => url.host_str().unwrap_or_default(),
        }
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
    /// A proxy whose own failure it may be.
    through: Option<Through>,
}

impl Answer {
    #[cfg(test)]
    pub(crate) fn new(status: u16, headers: HeaderMap, body: bytes::Bytes) -> Self {
        Answer { status, headers, body, through: None }
    }

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
        let error = error.with_http(http, id);
        let error = match &self.through {
            // What has a code, a document or a name for the request is the platform's, or the store's.
            Some(through) if error.code() == 0 && error.storage().is_none() && id.is_none() => {
                through.explain(error, &self.body)
            }
            _ => error,
        };
        error.with_retry_after(retry_after(&self.headers))
    }
}

/// The server's name for a request.
fn request_id(headers: &HeaderMap) -> Option<&str> {
    let names = ["x-request-id", "x-oss-request-id", "x-acs-request-id", "request-id"];
    names.iter().find_map(|name| headers.get(*name)).and_then(|value| value.to_str().ok())
}

/// What one client sends with. The connections may be several clients'.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Shared>);

struct Shared {
    common: Arc<Common>,
    log: Arc<Logger>,
    own: PerProcess<Own>,
}

/// One client's own, in one process.
struct Own {
    /// What is under way now waits under this.
    cancel: Mutex<Cancel>,
    pace: Option<Pace>,
    learned: Learned,
    /// In the place of both, where processes share a quota.
    budget: Option<Budget>,
    pauses: Pauses,
    repeats: Arc<Repeats>,
    /// How often the platform wanted fewer requests.
    refusals: AtomicU64,
}

impl Transport {
    pub(crate) fn new(options: Options, log: Arc<Logger>) -> Result<Self> {
        if let Some(path) = &options.rate_budget {
            budget::check(path)?;
        }
        Ok(Self::over(Arc::new(Common::new(options)?), log))
    }

    fn over(common: Arc<Common>, log: Arc<Logger>) -> Self {
        let (rate, budget) = (common.options.rate_limit, common.options.rate_budget.clone());
        let own = PerProcess::new(move || Own {
            cancel: Mutex::default(),
            pace: rate.map(Pace::new),
            learned: Learned::default(),
            budget: budget.clone().map(|path| Budget::new(path, rate)),
            pauses: Pauses::default(),
            repeats: Arc::default(),
            refusals: AtomicU64::new(0),
        });
        Transport(Arc::new(Shared { common, log, own }))
    }

    /// Another client's, over the same connections: what it logs, waits for and cancels is its own.
    pub(crate) fn of_another(&self) -> Result<Self> {
        let options = self.options();
        let log = Logger::new(options.log, options.log_format, options.log_file.clone())?;
        Ok(Self::over(self.0.common.clone(), Arc::new(log)))
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.common.options
    }

    pub(crate) fn log(&self) -> &Logger {
        &self.0.log
    }

    /// The conditions that this client's options set.
    pub(crate) fn context(&self, sender: Sender) -> Context {
        let options = self.options();
        let mut context = Context::new(sender, options.timeout, options.deadline, self.under_way());
        context.max_retries = options.max_retries;
        context.limits.answer = options.max_answer;
        context.repeats = self.0.own.repeats.clone();
        context
    }

    fn cancel(&self) -> MutexGuard<'_, Cancel> {
        self.0.own.cancel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What ends whatever begins now, when all that is under way is ended.
    pub(crate) fn under_way(&self) -> Cancel {
        self.cancel().clone()
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

    /// One attempt, its redirects included: the whole answer.
    pub(crate) async fn send(&self, context: &Context, request: &Request) -> Result<Answer> {
        let attempt = async {
            let _permit = self.turn(context, request).await?;
            let hops = |url, request| Box::pin(self.follow(context, request, url));
            let answer = self.reach(request, hops).await?;
            self.heard(context, request, answer.status, &answer.headers).await?;
            Ok(answer)
        };
        context.bounded(attempt).await
    }

    /// One attempt, its redirects included: the answer's headers, and its body to be read as it comes.
    pub(crate) async fn open(&self, context: &Context, request: &Request) -> Result<Streamed> {
        let attempt = async {
            let permit = self.turn(context, request).await?;
            let hops = |url, request| Box::pin(self.follow_streamed(context, request, url));
            let mut streamed = self.reach(request, hops).await?;
            streamed.permit = Some(permit);
            self.heard(context, request, streamed.status, &streamed.headers).await?;
            Ok(streamed)
        };
        context.bounded(attempt).await
    }

    /// Waits until a request may be sent: the server has not asked for a pause, it is this client's turn, a connection is free.
    async fn turn(&self, context: &Context, request: &Request) -> Result<OwnedSemaphorePermit> {
        self.wait_for_pause(context, request).await?;
        if let Some(pace) = &context.pace {
            context.sleep(pace.turn()).await?;
        }
        if matches!(request.target, Target::Platform(_)) {
            self.platform_turn(context).await?;
        }
        loop {
            let connections = &self.0.common.links.connections;
            if connections.available_permits() == 0 {
                let most = self.options().max_connections;
                self.note(context, || format!("all {most} connections are in use: waiting"));
            }
            let permit = connections.clone().acquire_owned().await;
            let permit = permit.map_err(|_| Error::closed("the client is closed"))?;
            // Whoever had the connection before may have been asked for a pause.
            if self.0.own.pauses.of(request.server()).is_none() {
                return Ok(permit);
            }
            drop(permit);
            self.wait_for_pause(context, request).await?;
        }
    }

    /// What one call waits for, in the log.
    fn note(&self, context: &Context, message: impl FnOnce() -> String) {
        self.log().record(Level::Debug, || {
            (message(), Event { name: "notice", tag: context.tag.as_deref(), facts: Vec::new() })
        });
    }

    /// Waits until the platform may be asked: by this client's rate, or by the quota that it shares.
    async fn platform_turn(&self, context: &Context) -> Result<()> {
        let own = &*self.0.own;
        let Some(budget) = &own.budget else {
            let wait = own.pace.as_ref().map_or(Duration::ZERO, Pace::turn);
            let wait = wait.max(own.learned.turn(Instant::now()));
            return if wait.is_zero() { Ok(()) } else { context.sleep(wait).await };
        };
        loop {
            match budget.turn(context, self.log()).await? {
                Outcome::Now => return Ok(()),
                Outcome::Pause(left, status) => self.wait_out(context, left, status).await?,
                Outcome::Alone(wait) => {
                    context.sleep(wait.max(own.learned.turn(Instant::now()))).await?;
                    let Some((left, status)) = budget.pause_without_lock() else { return Ok(()) };
                    self.wait_out(context, left, status).await?;
                }
            }
        }
    }

    async fn wait_for_pause(&self, context: &Context, request: &Request) -> Result<()> {
        while let Some(pause) = self.0.own.pauses.of(request.server()) {
            let left = pause.left();
            // Not all at the same moment.
            let spread = left.div_f64(10.0).min(Duration::from_secs(1)).mul_f64(fastrand::f64());
            self.wait_out(context, left, pause.status).await?;
            context.sleep(spread).await?;
        }
        Ok(())
    }

    /// Waits out what is left of a pause; one that lasts too long is an error.
    async fn wait_out(&self, context: &Context, left: Duration, status: u16) -> Result<()> {
        if left > retry::LONGEST_RETRY_AFTER || context.is_too_long(left) {
            let what = "the server wants no requests yet, and this one was not sent";
            let error = Error::new(Status::Http, what).with_http(status, None);
            return Err(error.with_retry_after(Some(left)).unsent());
        }
        self.note(context, || format!("waiting {:.1} s, as the server asked", left.as_secs_f64()));
        context.sleep(left).await
    }

    /// A server that says when to come back is left alone until then, by whatever this client does.
    async fn heard(
        &self,
        context: &Context,
        request: &Request,
        status: u16,
        headers: &HeaderMap,
    ) -> Result<()> {
        let own = &*self.0.own;
        if status < 500 && status != 429 {
            own.repeats.answered(Instant::now());
        }
        let wait = retry_after(headers).filter(|_| matches!(status, 429 | 503));
        let is_platform = matches!(request.target, Target::Platform(_));
        if status == 429 && is_platform {
            own.learned.refused(Instant::now());
            own.refusals.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(wait) = wait {
            own.pauses.begin(request.server(), wait, status);
        }
        match &own.budget {
            Some(budget) if is_platform && (status == 429 || wait.is_some()) => {
                budget.refused(context, self.log(), status, wait).await
            }
            _ => Ok(()),
        }
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
        let options = self.options();
        let Some(second) = &options.fallback else {
            return send(address(&options.endpoint, path)?, request).await;
        };
        let failover = &self.0.common.links.failover;
        let begins_with_second = failover.begins_with_second(Instant::now());
        let (now, other) = match begins_with_second {
            true => (second, &options.endpoint),
            false => (&options.endpoint, second),
        };
        let failed = match send(address(now, path)?, request).await {
            Err(error) if failure::is_unreachable(&error) => error,
            outcome => {
                failover.answered(begins_with_second, Instant::now());
                return outcome;
            }
        };
        self.log().write(Level::Info, || {
            format!("{failed}; {} is tried in the place of {}", origin(other), origin(now))
        });
        let outcome = send(address(other, path)?, request).await;
        match outcome {
            Err(error) if failure::is_unreachable(&error) => {
                let both = format!("{} cannot be reached, nor can the other address", origin(now));
                Err(error.during(&both))
            }
            outcome => {
                failover.answered(!begins_with_second, Instant::now());
                outcome
            }
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("endpoint", &self.options().endpoint.as_str())
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
