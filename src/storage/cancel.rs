//! A way out of a blocked read or write, from any thread.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use tokio::sync::Notify;

use crate::{
    error::{Error, Result},
    transport::deadline_passed,
};

#[derive(Default)]
pub(super) struct Cancel {
    is_set: AtomicBool,
    notify: Notify,
}

impl Cancel {
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.is_set.load(Ordering::Acquire) { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Carries `work` out unless it is cancelled or the deadline passes first.
    pub(super) async fn or<T>(
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
    use std::{sync::Arc, time::Duration};

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
