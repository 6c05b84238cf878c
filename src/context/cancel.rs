//! A way out of whatever waits, from any thread.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use crate::error::{Error, Result};

/// Ends what waits under it. Clones are one and the same.
#[derive(Clone, Default)]
pub(crate) struct Cancel(Arc<State>);

#[derive(Default)]
struct State {
    is_set: AtomicBool,
    notify: Notify,
}

impl Cancel {
    pub(crate) fn set(&self) {
        self.0.is_set.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_set() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Ends when it is cancelled, at once if it was already.
    pub(crate) async fn cancelled(&self) {
        // Made before the look: a cancel between the two is not missed.
        let notified = self.0.notify.notified();
        if !self.is_set() {
            notified.await;
        }
    }

    /// Carries `work` out unless it is cancelled first.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancelled() => Err(Error::cancelled()),
            outcome = work => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Status;

    #[tokio::test]
    async fn what_waits_is_woken() {
        let cancel = Cancel::default();
        let waiting = cancel.clone();
        let task = tokio::spawn(async move { waiting.unless(std::future::pending::<Result<()>>()).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        cancel.set();
        let error = task.await.expect("no panic").expect_err("cancelled");
        assert_eq!(error.status(), Status::Cancelled);
        assert_eq!(cancel.unless(async { Ok(()) }).await.expect_err("still").status(), Status::Cancelled);
    }
}
