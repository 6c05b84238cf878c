//! One call: how long it may take, whether it was cancelled, how much may come, how far it is, and what no message about
//! it may show. Whatever a call waits for, it waits for under this, so that its deadline and a cancel bound all of it.

mod blocking;
mod cancel;
mod joint;
mod park;

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::header::HeaderMap;

pub(crate) use blocking::blocking;
pub(crate) use cancel::Cancel;
pub(crate) use joint::Joint;
pub(crate) use park::block_on;

use crate::{
    error::{Error, Result, Status},
    pace::{Pace, Repeats},
    redact::Redactor,
};

/// Which of reqwest's two clients carries a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The blocking one, on the caller's thread: what it has begun to send cannot be cancelled.
    Blocking,
    /// The async one, on the client's own runtime.
    Streaming,
}

/// The library's own switches for one call.
#[derive(Clone, Default)]
pub(crate) struct Switches {
    pub timeout: Option<Duration>,
    pub deadline: Option<Duration>,
    pub max_retries: Option<u32>,
    pub headers: HeaderMap,
    pub strict_count: bool,
    /// The caller's name for the call, for the log.
    pub tag: Option<Arc<str>>,
}

/// How much of an answer is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of an answer, after decompression.
    pub answer: u64,
    /// Bytes of an error's body; the rest is dropped.
    pub error_body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { answer: 1 << 30, error_body: 64 << 10 }
    }
}

/// The conditions that one call is carried out under.
#[derive(Clone)]
pub(crate) struct Context {
    pub sender: Sender,
    /// The longest silence: no byte moves either way.
    pub timeout: Duration,
    /// When the call is over, whatever it waits for.
    pub deadline: Option<Instant>,
    /// No switch of its own moves the deadline past this.
    latest: Option<Instant>,
    /// How often it is repeated; `None` is as often as an ordinary outage takes.
    pub max_retries: Option<u32>,
    /// The caller's own headers.
    pub headers: HeaderMap,
    pub progress: Arc<Progress>,
    /// What no message about this call may show.
    pub redactor: Arc<Redactor>,
    /// How often requests may be sent, where several calls share a limit.
    pub pace: Option<Arc<Pace>>,
    /// What its repeats draw on: the client's.
    pub repeats: Arc<Repeats>,
    /// The caller's name for this call, for the log.
    pub tag: Option<Arc<str>>,
    pub limits: Limits,
    pub cancel: Cancel,
    /// Of work that goes on between the calls of a handle.
    calls: Option<Arc<Calls>>,
    begun: Instant,
    /// The failure that it was last repeated for, and when, for whoever asks what a deadline cut off. The calls of a handle
    /// share it.
    last: Arc<Mutex<Option<(Instant, Error)>>>,
}

/// How long each call of a handle may take, and when the one is over that came last.
struct Calls {
    each: Option<Duration>,
    last: Mutex<Option<Instant>>,
}

impl Calls {
    /// When whoever waits now, or begins to in a moment, has waited enough.
    fn end(&self, now: Instant) -> Option<Instant> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|end| *end > now).or_else(|| now.checked_add(self.each?))
    }
}

impl Context {
    pub(crate) fn new(sender: Sender, timeout: Duration, deadline: Option<Duration>, cancel: Cancel) -> Self {
        let begun = Instant::now();
        Context {
            sender,
            timeout,
            deadline: deadline.and_then(|deadline| begun.checked_add(deadline)),
            latest: None,
            max_retries: None,
            headers: HeaderMap::new(),
            progress: Arc::default(),
            redactor: Arc::default(),
            pace: None,
            repeats: Arc::default(),
            tag: None,
            limits: Limits::default(),
            cancel,
            calls: None,
            begun,
            last: Arc::default(),
        }
    }

    /// For a handle that is called again and again: the deadline is each call's, and what goes on between two calls has
    /// none, but never waits for longer than a call would. `cancel` ends it all.
    pub(crate) fn of_handle(mut self, cancel: Cancel) -> Self {
        let each = self.deadline.take().map(|end| end.saturating_duration_since(self.begun));
        self.calls = Some(Arc::new(Calls { each, last: Mutex::default() }));
        self.cancel = cancel;
        self
    }

    /// One call of a handle, which `cancel` ends too.
    pub(crate) fn call(&self, cancel: Cancel) -> Self {
        let mut context = self.clone();
        context.begun = Instant::now();
        context.cancel = cancel;
        if let Some(calls) = &self.calls {
            context.deadline = calls.each.and_then(|each| context.begun.checked_add(each));
            *calls.last.lock().unwrap_or_else(PoisonError::into_inner) = context.deadline;
        }
        context
    }

    /// The same, but for what one call's `"$"` says.
    pub(crate) fn switched(mut self, switches: &Switches) -> Self {
        if let Some(timeout) = switches.timeout {
            self.timeout = timeout;
        }
        if let Some(deadline) = switches.deadline {
            self.deadline = earlier(self.begun.checked_add(deadline), self.latest);
        }
        if switches.max_retries.is_some() {
            self.max_retries = switches.max_retries;
        }
        if !switches.headers.is_empty() {
            self.headers = switches.headers.clone();
        }
        if switches.tag.is_some() {
            self.tag.clone_from(&switches.tag);
        }
        self
    }

    /// The same, but over when `limit` has passed, whatever its switches say.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.latest = earlier(self.latest, Instant::now().checked_add(limit));
        self.deadline = earlier(self.deadline, self.latest);
        self
    }

    /// The time left; `None` is without end. An error when there is none.
    pub(crate) fn left(&self) -> Result<Option<Duration>> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.late()) } else { Ok(Some(left)) }
    }

    /// Whether something that takes `wait` would end after the deadline.
    pub(crate) fn is_too_long(&self, wait: Duration) -> bool {
        let now = Instant::now();
        let deadline = self.deadline.or_else(|| self.calls.as_ref()?.end(now));
        deadline.is_some_and(|deadline| now.checked_add(wait).is_none_or(|end| end >= deadline))
    }

    /// The one way to wait: carries `work` out unless the call is cancelled or its deadline passes first.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let bounded = self.cancel.unless(work);
        let Some(deadline) = self.deadline else { return bounded.await };
        self.left()?;
        tokio::select! {
            biased;
            outcome = bounded => outcome,
            () = self.until(deadline) => Err(self.late()),
        }
    }

    /// Waits; an error when the call ends before that.
    pub(crate) async fn sleep(&self, wait: Duration) -> Result<()> {
        self.bounded(async {
            match Instant::now().checked_add(wait) {
                Some(end) => self.until(end).await,
                None => std::future::pending().await,
            }
            Ok(())
        })
        .await
    }

    async fn until(&self, end: Instant) {
        match self.sender {
            Sender::Blocking => park::Alarm::at(end).await,
            Sender::Streaming => tokio::time::sleep_until(end.into()).await,
        }
    }

    /// Remembers why the call is repeated.
    pub(crate) fn repeated_for(&self, error: &Error) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), error.clone()));
    }

    /// The deadline has passed: with the last failure since the call began, as its cause.
    pub(crate) fn late(&self) -> Error {
        let late = Error::new(Status::Timeout, "the deadline passed");
        match &*self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((at, last)) if *at >= self.begun => late
                .with_http(last.http_status(), last.request_id())
                .with_cause(last)
                .redacted(&self.redactor),
            _ => late,
        }
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Context::new(Sender::Streaming, Duration::from_secs(5), None, Cancel::default())
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn with(sender: Sender, deadline: u64) -> Context {
        Context::new(sender, Duration::from_secs(5), Some(Duration::from_millis(deadline)), Cancel::default())
    }

    #[test]
    fn a_deadline_ends_every_wait_with_what_is_known() {
        let context = with(Sender::Blocking, 30);
        context.repeated_for(&Error::new(Status::Http, "the server refused").with_http(503, Some("id-1")));
        for late in [
            block_on(context.sleep(Duration::from_secs(3600))),
            block_on(context.bounded(std::future::pending())),
            context.left().map(|_| ()),
        ] {
            let late = late.expect_err("too late");
            assert_eq!(
                (late.status(), late.http_status(), late.request_id()),
                (Status::Timeout, 503, Some("id-1"))
            );
            assert!(late.message().contains("the server refused"), "{late}");
        }
    }

    #[tokio::test]
    async fn so_it_does_on_a_runtime() {
        let context = with(Sender::Streaming, 30);
        let late = context.sleep(Duration::MAX).await.expect_err("too late");
        assert_eq!(late.status(), Status::Timeout);
        assert!(context.is_too_long(Duration::MAX));
    }

    #[test]
    fn a_cancel_ends_a_wait_on_a_thread() {
        let mut context = Context::for_tests();
        context.sender = Sender::Blocking;
        let cancel = context.cancel.clone();
        let waiting = std::thread::spawn(move || block_on(context.sleep(Duration::from_secs(3600))));
        std::thread::sleep(Duration::from_millis(30));
        cancel.set();
        let outcome = waiting.join().expect("no panic");
        assert_eq!(outcome.expect_err("cancelled").status(), Status::Cancelled);
    }

    #[test]
    fn between_the_calls_of_a_handle_nothing_waits_for_longer_than_a_call_would() {
        let handle = with(Sender::Blocking, 5000).of_handle(Cancel::default());
        let (short, long) = (Duration::from_secs(2), Duration::from_secs(6));
        assert!(!handle.is_too_long(short) && handle.is_too_long(long), "before the first");
        assert_eq!(handle.left().expect("without end"), None);
        let call = handle.call(Cancel::default());
        assert!(call.left().expect("time").is_some_and(|left| left > short));
        assert!(!handle.is_too_long(short) && handle.is_too_long(long), "while one waits");
        let endless = Context::for_tests().of_handle(Cancel::default());
        assert!(!endless.is_too_long(long) && endless.call(Cancel::default()).deadline.is_none());
    }

    #[test]
    fn a_failure_is_that_of_the_calls_that_were_under_way() {
        let handle = with(Sender::Blocking, 5000).of_handle(Cancel::default());
        let before = handle.call(Cancel::default());
        handle.repeated_for(&Error::new(Status::Http, "the server refused"));
        let after = handle.call(Cancel::default());
        assert!(before.late().message().contains("the server refused"), "{}", before.late());
        assert!(!after.late().message().contains("the server refused"), "{}", after.late());
    }

    #[test]
    fn no_switch_outlives_the_limit() {
        let switches = Switches { deadline: Some(Duration::from_secs(60)), ..Switches::default() };
        let limited = with(Sender::Blocking, 60_000).within(Duration::from_secs(1)).switched(&switches);
        assert!(limited.left().expect("time").expect("a deadline") <= Duration::from_secs(1));
        let shorter = Switches { deadline: Some(Duration::from_millis(10)), ..Switches::default() };
        let shorter = limited.within(Duration::from_secs(5)).switched(&shorter);
        assert!(shorter.left().is_ok_and(|left| left <= Some(Duration::from_millis(10))));
    }

    #[test]
    fn switching_twice_is_switching_once() {
        let switches = Switches { deadline: Some(Duration::from_secs(60)), ..Switches::default() };
        let once = with(Sender::Blocking, 5).switched(&switches);
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!(once.clone().switched(&switches).deadline, once.deadline);
    }
}
