//! A way out of whatever waits, from any thread.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use crate::error::{Error, Result, Status};

/// Ends what waits under it. Clones are one and the same.
#[derive(Clone, Default)]
pub(crate) struct Cancel(Arc<State>);

#[derive(Default)]
struct State {
    is_set: AtomicBool,
    notify: Notify,
    parent: Option<Cancel>,
}

impl Cancel {
    #[allow(dead_code, reason = "handles are to have their own")]
    /// One that also ends when this one does.
    pub(crate) fn child(&self) -> Self {
        Cancel(Arc::new(State { parent: Some(self.clone()), ..State::default() }))
    }

    pub(crate) fn set(&self) {
        self.0.is_set.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire) || self.0.parent.as_ref().is_some_and(Cancel::is_set)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_set() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Ends when it is cancelled, at once if it was already.
    pub(crate) async fn cancelled(&self) {
        // Made before the look: a cancel between the two is not missed.
        let own = self.0.notify.notified();
        if self.is_set() {
            return;
        }
        match &self.0.parent {
            None => own.await,
            Some(parent) => tokio::select! {
                () = own => {}
                () = parent.boxed() => {}
            },
        }
    }

    fn boxed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.cancelled())
    }

    /// Carries `work` out unless it is cancelled first.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancelled() => Err(Error::cancelled()),
            outcome = work => outcome,
        }
    }

    /// The same, and unless the deadline passes first. On a runtime only.
    pub(crate) async fn or<T>(
        &self,
        deadline: Option<Instant>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            outcome = self.unless(work) => outcome,
            () = late => Err(Error::new(Status::Timeout, "the deadline passed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_waits_is_woken() {
        let cancel = Cancel::default();
        let waiting = cancel.child().child();
        let task = tokio::spawn(async move { waiting.unless(std::future::pending::<Result<()>>()).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        cancel.set();
        let error = task.await.expect("no panic").expect_err("cancelled");
        assert_eq!(error.status(), Status::Cancelled);
        assert_eq!(cancel.or(None, async { Ok(()) }).await.expect_err("still").status(), Status::Cancelled);
        assert_eq!(cancel.child().check().expect_err("born cancelled").status(), Status::Cancelled);
    }

    #[test]
    fn a_child_ends_alone() {
        let cancel = Cancel::default();
        cancel.child().set();
        assert!(!cancel.is_set());
    }

    #[tokio::test]
    async fn a_deadline_ends_it() {
        let soon = Some(Instant::now() + Duration::from_millis(10));
        let outcome = Cancel::default().or(soon, std::future::pending::<Result<()>>()).await;
        assert_eq!(outcome.expect_err("late").status(), Status::Timeout);
    }
}
