//! The async client on the thread that wants the answer: that thread drives the connections itself, so that no other one
//! is woken for a request, and it can be cancelled and has its deadline all the same.
//!
//! A lane is a runtime of one thread with connections of its own. It has one driver at a time; those that nobody drives
//! are kept for the next caller, the last used one first, and are closed when nobody has wanted them for a while.

use std::{
    cell::RefCell,
    future::Future,
    mem,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Runtime};

use super::Transport;
use crate::{
    error::{Error, Result, Status},
    sys::refuse_signals,
};

/// How long a connection is kept that nobody uses: shorter than the idle time of the load balancers in front of such
/// services, so that no write meets a connection that is just being closed.
pub(super) const KEPT: Duration = Duration::from_secs(10);

/// The async client; its connections belong to the runtime that they were made on.
#[derive(Default)]
pub(super) struct Clients {
    pub streaming: OnceCell<reqwest::Client>,
    /// The same, but it hands bodies over as they are, compressed or not: files.
    pub verbatim: OnceCell<reqwest::Client>,
}

thread_local! {
    /// The lane that this thread drives, and whose it is.
    static DRIVEN: RefCell<Option<(usize, Arc<Clients>)>> = const { RefCell::new(None) };
}

/// The lanes of one process that nobody drives now.
#[derive(Clone)]
pub(super) struct Lanes(Arc<Mutex<Waiting>>);

struct Waiting {
    lanes: Vec<Lane>,
    /// How many may still be made.
    more: usize,
    /// Somebody looks after those that are not wanted any more.
    is_swept: bool,
}

struct Lane {
    runtime: Option<Runtime>,
    clients: Arc<Clients>,
    since: Instant,
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Without waiting: it may be dropped on a runtime's thread.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Lane {
    fn new() -> Result<Self> {
        // The one thread that it may start asks a proxy why it refused.
        let mut builder = Builder::new_current_thread();
        builder.max_blocking_threads(1).on_thread_start(refuse_signals).enable_io().enable_time();
        let runtime = builder.build().map_err(|cause| {
            Error::new(Status::Internal, "no way to wait for the network").with_cause(cause)
        })?;
        Ok(Lane { runtime: Some(runtime), clients: Arc::default(), since: Instant::now() })
    }
}

impl Lanes {
    pub(super) fn new(most: usize) -> Self {
        Lanes(Arc::new(Mutex::new(Waiting { lanes: Vec::new(), more: most, is_swept: false })))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that nobody drives; `None` when there are as many as there may be.
    fn take(&self) -> Result<Option<Taken<'_>>> {
        let mut waiting = self.waiting();
        let lane = match waiting.lanes.pop() {
            Some(lane) => Some(lane),
            None if waiting.more == 0 => return Ok(None),
            None => {
                waiting.more -= 1;
                None
            }
        };
        drop(waiting);
        let mut taken = Taken { lanes: self, lane };
        if taken.lane.is_none() {
            taken.lane = Some(Lane::new()?);
        }
        Ok(Some(taken))
    }

    /// Closes what nobody has wanted for a while; how long until there may be more of it, `None` if there is none left.
    fn sweep(&self) -> Option<Duration> {
        let mut waiting = self.waiting();
        let (kept, old) =
            mem::take(&mut waiting.lanes).into_iter().partition(|lane| lane.since.elapsed() < KEPT);
        waiting.lanes = kept;
        let old: Vec<Lane> = old;
        waiting.more += old.len();
        let next = waiting.lanes.iter().map(|lane| KEPT.saturating_sub(lane.since.elapsed())).min();
        waiting.is_swept = next.is_some();
        drop(waiting);
        next
    }
}

/// A lane that is driven; it goes back when it is dropped.
struct Taken<'a> {
    lanes: &'a Lanes,
    lane: Option<Lane>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = self.lanes.waiting();
        match self.lane.take() {
            // What broke off in a panic is in no known state.
            Some(mut lane) if !std::thread::panicking() => {
                lane.since = Instant::now();
                waiting.lanes.push(lane);
            }
            _ => waiting.more += 1,
        }
    }
}

/// This thread drives a lane as long as this is there.
struct Driven(Option<(usize, Arc<Clients>)>);

impl Driven {
    fn begin(owner: usize, clients: Arc<Clients>) -> Self {
        Driven(DRIVEN.replace(Some((owner, clients))))
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        DRIVEN.set(self.0.take());
    }
}

/// Has the connections do what they can do at once: the first turn brings what has come, the second has it dealt with.
async fn look_around() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

impl Transport {
    /// Carries short `work` out on this thread, and what it sends, too.
    pub(crate) fn drive<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let lanes = self.lanes();
        let Some(taken) = lanes.take()? else { return self.wait(work) };
        let Some(lane) = &taken.lane else { return self.wait(work) };
        let Some(runtime) = &lane.runtime else { return self.wait(work) };
        let driven = Driven::begin(self.owner(), lane.clients.clone());
        let carried = pin!(async {
            // Nobody has looked at the connections since the last call: what has come meanwhile is seen now, the end of a
            // connection first of all.
            look_around().await;
            let outcome = work.await;
            if outcome.is_err() {
                // Nor will anybody see to it that what broke off is closed.
                look_around().await;
            }
            outcome
        });
        let outcome = runtime.block_on(carried as Pin<&mut dyn Future<Output = Result<T>>>);
        drop(driven);
        drop(taken);
        self.have_lanes_swept();
        outcome
    }

    fn have_lanes_swept(&self) {
        let lanes = self.lanes();
        if mem::replace(&mut lanes.waiting().is_swept, true) {
            return;
        }
        let swept = lanes.clone();
        let sweeping = self.spawn(async move {
            while let Some(next) = swept.sweep() {
                tokio::time::sleep(next).await;
            }
        });
        if sweeping.is_err() {
            // Without a thread for it, the next call tries again.
            lanes.waiting().is_swept = false;
        }
    }

    /// The clients of the lane that this thread drives for this transport.
    pub(super) fn driven(&self) -> Option<Arc<Clients>> {
        DRIVEN.with_borrow(|driven| match driven {
            Some((owner, clients)) if *owner == self.owner() => Some(clients.clone()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_kept_for_a_while_and_are_no_more_than_allowed() {
        let lanes = Lanes::new(2);
        let (one, other) = (lanes.take().expect("a lane"), lanes.take().expect("a lane"));
        assert!(one.is_some() && other.is_some());
        assert!(lanes.take().expect("no error").is_none(), "there are two");
        drop((one, other));
        assert!(lanes.sweep().is_some_and(|next| next <= KEPT));
        assert_eq!(lanes.waiting().lanes.len(), 2);
        for lane in &mut lanes.waiting().lanes {
            lane.since -= KEPT;
        }
        assert_eq!(lanes.sweep(), None);
        let waiting = lanes.waiting();
        assert_eq!((waiting.lanes.len(), waiting.more), (0, 2));
    }

    #[test]
    fn what_a_panic_left_is_not_used_again() {
        let lanes = Lanes::new(1);
        let driving = std::panic::AssertUnwindSafe(|| {
            let _taken = lanes.take().expect("a lane");
            std::panic::resume_unwind(Box::new("provoked"));
        });
        assert!(std::panic::catch_unwind(driving).is_err());
        let waiting = lanes.waiting();
        assert_eq!((waiting.lanes.len(), waiting.more), (0, 1));
    }
}
