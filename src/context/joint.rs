//! Work that is done once for all who want its outcome.

use std::sync::{Mutex, PoisonError};

use tokio::{runtime::Handle, sync::watch};

use super::Context;
use crate::error::{Error, Result, Status};

/// At most one piece of work at a time, carried to its end on a runtime, whoever of those who wait for it leaves. Its
/// outcome, a failure too, is everybody's who joined before it was there.
#[allow(dead_code, reason = "renewals are to come through it")]
pub(crate) struct Joint<T>(Mutex<Option<watch::Receiver<Option<Result<T>>>>>);

impl<T> Default for Joint<T> {
    fn default() -> Self {
        Joint(Mutex::new(None))
    }
}

impl<T: Clone + Send + Sync + 'static> Joint<T> {
    /// The outcome of the work under way, or of `work` if there is none. The wait is bounded by `context`; the work
    /// itself is not.
    #[allow(dead_code, reason = "as above")]
    pub(crate) async fn outcome<F>(
        &self,
        context: &Context,
        runtime: &Handle,
        work: impl FnOnce() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut outcome = {
            let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Closed is what has ended, with an outcome or by a panic.
            match under_way.as_ref().filter(|outcome| outcome.has_changed().is_ok()) {
                Some(outcome) => outcome.clone(),
                None => {
                    let (done, outcome) = watch::channel(None);
                    let work = work();
                    runtime.spawn(async move {
                        let outcome = work.await;
                        done.send_replace(Some(outcome));
                    });
                    *under_way = Some(outcome.clone());
                    outcome
                }
            }
        };
        context
            .bounded(async {
                let broken = || Error::new(Status::Internal, "shared work broke off");
                let outcome = outcome.wait_for(Option::is_some).await.map_err(|_| broken())?;
                outcome.clone().unwrap_or_else(|| Err(broken()))
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
        let joins: Vec<_> = (0..64)
            .map(|_| {
                let (joint, begun) = (joint.clone(), begun.clone());
                tokio::spawn(async move {
                    let work = || async move {
                        begun.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(30)).await;
                        Err(Error::new(Status::Auth, "refused"))
                    };
                    joint.outcome(&Context::for_tests(), &Handle::current(), work).await
                })
            })
            .collect();
        for join in joins {
            assert_eq!(join.await.expect("no panic").expect_err("refused").status(), Status::Auth);
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        let again = joint.outcome(&Context::for_tests(), &Handle::current(), || async { Ok(5) }).await;
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
        let left = joint.outcome(&hasty, &Handle::current(), work).await;
        assert_eq!(left.expect_err("too late").status(), Status::Timeout);
        let waited = joint.outcome(&Context::for_tests(), &Handle::current(), || async { Ok(4) }).await;
        assert_eq!(waited.expect("the first one's"), 3);
    }

    #[tokio::test]
    async fn a_panic_is_told_and_does_not_stay() {
        let joint = Joint::<u32>::default();
        let broken = joint
            .outcome(&Context::for_tests(), &Handle::current(), || async {
                tokio::task::yield_now().await;
                panic!("a bug")
            })
            .await;
        assert_eq!(broken.expect_err("no outcome").status(), Status::Internal);
        let again = joint.outcome(&Context::for_tests(), &Handle::current(), || async { Ok(1) }).await;
        assert_eq!(again.expect("anew"), 1);
    }
}
