//! Work that is done once for all who want its outcome.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use tokio::{runtime::Handle, sync::watch};

use super::Context;
use crate::error::{Error, Result, Status};

/// At most one piece of work at a time, carried to its end on a runtime, whoever of those who wait for it leaves. Its
/// outcome is everybody's who joined before it was there; a failure is also that of whoever needed it before, and only
/// now comes to ask.
pub(crate) struct Joint<T>(Mutex<Option<Outcome<T>>>);

type Outcome<T> = watch::Receiver<Option<Ended<T>>>;

#[derive(Clone)]
struct Ended<T> {
    at: Instant,
    outcome: Result<T>,
}

impl<T> Default for Joint<T> {
    fn default() -> Self {
        Joint(Mutex::new(None))
    }
}

impl<T: Clone + Send + Sync + 'static> Joint<T> {
    pub(crate) fn is_under_way(&self) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|outcome| outcome.borrow().is_none() && outcome.has_changed().is_ok())
    }

    /// The outcome of the work under way, or of `work` if there is none. Who needs it since `since` shares a failure that
    /// came after that. The wait is bounded by `context`; the work itself is not.
    pub(crate) async fn outcome<F>(
        &self,
        context: &Context,
        runtime: &Handle,
        since: Instant,
        work: impl FnOnce() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut outcome = {
            let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let is_shared = |outcome: &&Outcome<T>| match &*outcome.borrow() {
                // Closed without an outcome: a panic ended it.
                None => outcome.has_changed().is_ok(),
                Some(ended) => ended.outcome.is_err() && ended.at >= since,
            };
            match under_way.as_ref().filter(is_shared) {
                Some(outcome) => outcome.clone(),
                None => {
                    let (done, outcome) = watch::channel(None);
                    let work = work();
                    runtime.spawn(async move {
                        let outcome = work.await;
                        done.send_replace(Some(Ended { at: Instant::now(), outcome }));
                    });
                    *under_way = Some(outcome.clone());
                    outcome
                }
            }
        };
        context
            .bounded(async {
                let broken = || Error::new(Status::Internal, "shared work broke off");
                let ended = outcome.wait_for(Option::is_some).await.map_err(|_| broken())?;
                ended.as_ref().map_or_else(|| Err(broken()), |ended| ended.outcome.clone())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use super::*;

    #[tokio::test]
    async fn one_failure_is_everybodys_and_the_next_one_begins_anew() {
        let (joint, begun) = (Arc::new(Joint::<u32>::default()), Arc::new(AtomicU32::new(0)));
        let before = Instant::now();
        let joins: Vec<_> = (0..64)
            .map(|_| {
                let (joint, begun) = (joint.clone(), begun.clone());
                tokio::spawn(async move {
                    let work = || async move {
                        begun.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(30)).await;
                        Err(Error::new(Status::Auth, "refused"))
                    };
                    joint.outcome(&Context::for_tests(), &Handle::current(), Instant::now(), work).await
                })
            })
            .collect();
        for join in joins {
            assert_eq!(join.await.expect("no panic").expect_err("refused").status(), Status::Auth);
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        let late = joint.outcome(&Context::for_tests(), &Handle::current(), before, || async { Ok(5) }).await;
        assert_eq!(late.expect_err("needed before it failed").status(), Status::Auth);
        let again = joint
            .outcome(&Context::for_tests(), &Handle::current(), Instant::now(), || async { Ok(5) })
            .await;
        assert_eq!(again.expect("anew"), 5);
    }

    #[tokio::test]
    async fn who_leaves_does_not_end_it() {
        let joint = Joint::<u32>::default();
        let work = || async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            Ok(3)
        };
        let mut hasty = Context::for_tests();
        hasty.deadline = Some(std::time::Instant::now() + Duration::from_millis(5));
        let left = joint.outcome(&hasty, &Handle::current(), Instant::now(), work).await;
        assert_eq!(left.expect_err("too late").status(), Status::Timeout);
        let waited = joint
            .outcome(&Context::for_tests(), &Handle::current(), Instant::now(), || async { Ok(4) })
            .await;
        assert_eq!(waited.expect("the first one's"), 3);
    }

    #[tokio::test]
    async fn a_panic_is_told_and_does_not_stay() {
        let joint = Joint::<u32>::default();
        let broken = joint
            .outcome(&Context::for_tests(), &Handle::current(), Instant::now(), || async {
                tokio::task::yield_now().await;
                panic!("a bug")
            })
            .await;
        assert_eq!(broken.expect_err("no outcome").status(), Status::Internal);
        let again = joint
            .outcome(&Context::for_tests(), &Handle::current(), Instant::now(), || async { Ok(1) })
            .await;
        assert_eq!(again.expect("anew"), 1);
    }
}
