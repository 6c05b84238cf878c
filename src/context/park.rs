//! Waiting on the caller's own thread, without a runtime.

use std::{
    cell::RefCell,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

thread_local! {
    /// What waits for a time on this thread.
    static ALARMS: RefCell<Alarms> = const { RefCell::new(Alarms { set: Vec::new(), made: 0 }) };
}

struct Alarms {
    set: Vec<(u64, Instant, Waker)>,
    made: u64,
}

struct Unpark {
    thread: Thread,
    // Whatever else parks on this thread may take the token: this remembers.
    is_woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Carries `work` out on this thread, asleep while there is nothing to do.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    carry_out(pin!(work))
}

fn carry_out<T>(mut work: Pin<&mut dyn Future<Output = T>>) -> T {
    let unpark = Arc::new(Unpark { thread: thread::current(), is_woken: AtomicBool::new(false) });
    let waker = Waker::from(unpark.clone());
    let mut task = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut task) {
            return done;
        }
        while !unpark.is_woken.swap(false, Ordering::Acquire) {
            match ring() {
                Some(Duration::ZERO) => {}
                Some(wait) => thread::park_timeout(wait),
                None => thread::park(),
            }
        }
    }
}

/// Wakes what is due; says how long nothing else is.
fn ring() -> Option<Duration> {
    let now = Instant::now();
    let (due, next) = ALARMS.with_borrow_mut(|alarms| {
        let due: Vec<_> = alarms.set.extract_if(.., |(_, at, _)| *at <= now).collect();
        (due, alarms.set.iter().map(|(_, at, _)| *at).min())
    });
    let rang = !due.is_empty();
    due.into_iter().for_each(|(_, _, waker)| waker.wake());
    if rang { Some(Duration::ZERO) } else { next.map(|at| at.saturating_duration_since(now)) }
}

/// Ends at a time. Only within [`block_on`].
pub(super) struct Alarm {
    at: Instant,
    id: Option<u64>,
}

impl Alarm {
    pub(super) fn at(at: Instant) -> Self {
        Alarm { at, id: None }
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.at {
            return Poll::Ready(());
        }
        ALARMS.with_borrow_mut(|alarms| {
            let id = *self.id.get_or_insert_with(|| {
                alarms.made += 1;
                alarms.made
            });
            match alarms.set.iter_mut().find(|(other, ..)| *other == id) {
                Some((_, _, waker)) => waker.clone_from(task.waker()),
                None => alarms.set.push((id, self.at, task.waker().clone())),
            }
        });
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // A thread that ends has no alarms any more.
            let _ = ALARMS.try_with(|alarms| alarms.borrow_mut().set.retain(|(other, ..)| *other != id));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream::FuturesUnordered};

    use super::*;

    #[test]
    fn alarms_ring_in_their_order_and_none_stays() {
        let started = Instant::now();
        let wait = |ms: u64| async move {
            Alarm::at(started + Duration::from_millis(ms)).await;
            ms
        };
        let order = block_on(async {
            let all: FuturesUnordered<_> = [60, 20, 40].into_iter().map(wait).collect();
            all.collect::<Vec<u64>>().await
        });
        assert_eq!(order, [20, 40, 60]);
        assert!(started.elapsed() >= Duration::from_millis(60));
        assert!(ALARMS.with_borrow(|alarms| alarms.set.is_empty()));
    }

    #[test]
    fn a_wake_is_not_lost_to_another_who_parks() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let got = block_on(async move {
            let taking = async {
                if let Some(sender) = sender.take() {
                    let _ = sender.send(7);
                    // As reqwest's blocking client does, while this task is being polled.
                    thread::park_timeout(Duration::from_millis(1));
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                biased;
                got = receiver => got,
                () = taking => unreachable!("never ends"),
            }
        });
        assert_eq!(got, Ok(7));
    }
}
