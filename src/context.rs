//! One call: how long it may take, whether it was cancelled, how far it is, and what no message about it may show.
//! Whatever a call waits for, it waits for under this.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::header::HeaderMap;
use tokio::sync::Notify;

use crate::{
    error::{Error, Result, Status},
    pace::Pace,
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
}

/// The conditions that one call is carried out under.
#[derive(Clone)]
pub(crate) struct Context {
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

impl Context {
    /// The same, but for what one call's `"$"` says.
    pub(crate) fn switched(mut self, switches: &Switches) -> Self {
        if let Some(timeout) = switches.timeout {
            self.timeout = timeout;
        }
        if let Some(deadline) = switches.deadline {
            self.deadline = Some(Instant::now() + deadline);
        }
        if let Some(max_retries) = switches.max_retries {
            self.max_retries = max_retries;
        }
        if !switches.headers.is_empty() {
            self.headers = switches.headers.clone();
        }
        self
    }

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

#[derive(Default)]
/// A way out of whatever waits, from any thread.
pub(crate) struct Cancel {
    is_set: AtomicBool,
    notify: Notify,
}

impl Cancel {
    pub(crate) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_set.load(Ordering::Acquire) { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Carries `work` out unless it is cancelled or the deadline passes first.
    pub(crate) async fn or<T>(
        &self,
        deadline: Option<Instant>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let cancelled = self.notify.notified();
        self.check()?;
        let late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancelled => Err(Error::cancelled()),
            outcome = work => outcome,
            () = late => Err(deadline_passed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    #[tokio::test]
    async fn what_waits_is_woken() {
        let cancel = Arc::new(Cancel::default());
        let waiting = cancel.clone();
        let task = tokio::spawn(async move { waiting.or(None, std::future::pending::<Result<()>>()).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        cancel.set();
        let error = task.await.expect("no panic").expect_err("cancelled");
        assert_eq!(error.status(), Status::Cancelled);
        assert_eq!(cancel.or(None, async { Ok(()) }).await.expect_err("still").status(), Status::Cancelled);
    }

    #[tokio::test]
    async fn a_deadline_ends_it() {
        let soon = Some(Instant::now() + Duration::from_millis(10));
        let outcome = Cancel::default().or(soon, std::future::pending::<Result<()>>()).await;
        assert_eq!(outcome.expect_err("late").status(), Status::Timeout);
    }
}
