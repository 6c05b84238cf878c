//! Calls in the background: waiting, progress, cancelling.

use std::{
    fmt,
    future::Future,
    io::{self, Write},
    os::fd::{AsRawFd, RawFd},
    panic::AssertUnwindSafe,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use once_cell::sync::OnceCell;
use tokio::task::AbortHandle;

use crate::{
    error::{Error, Result, Status},
    sys::process_id,
    transport::{Progress, Sender, Terms, Transport},
};

/// A call under way.
pub struct Operation {
    shared: Arc<Shared>,
    task: AbortHandle,
    maker: u32,
    /// Keeps the runtime alive, and is dropped last.
    _transport: Transport,
}

struct Shared {
    state: Mutex<State>,
    finished: Condvar,
    progress: Arc<Progress>,
    pipe: OnceCell<(io::PipeReader, io::PipeWriter)>,
    on_end: Option<Box<dyn Fn(bool) + Send + Sync>>,
}

enum State {
    Running,
    Done(Result<String>),
    Taken,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The first outcome counts.
    fn finish(&self, outcome: Result<String>) {
        let mut state = self.state();
        if !matches!(*state, State::Running) {
            return;
        }
        // Before anybody can see the end: what the operation borrowed is not touched after it.
        if let Some(on_end) = &self.on_end {
            on_end(false);
        }
        *state = State::Done(outcome);
        if let Some((_, writer)) = self.pipe.get() {
            let _ = (&*writer).write_all(b".");
        }
        self.finished.notify_all();
    }
}

impl Operation {
    /// Starts `work` on the client's runtime.
    pub(crate) fn start<F>(transport: &Transport, work: impl FnOnce(Terms) -> F) -> Result<Self>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        Self::start_with(transport, work, None)
    }

    /// The same; `on_end` is told when it ends (`false`) and when its result is taken (`true`).
    pub(crate) fn start_with<F>(
        transport: &Transport,
        work: impl FnOnce(Terms) -> F,
        on_end: Option<Box<dyn Fn(bool) + Send + Sync>>,
    ) -> Result<Self>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let terms = transport.terms(Sender::Streaming);
        let shared = Arc::new(Shared {
            state: Mutex::new(State::Running),
            finished: Condvar::new(),
            progress: terms.progress.clone(),
            pipe: OnceCell::new(),
            on_end,
        });
        let work = AssertUnwindSafe(work(terms)).catch_unwind();
        let ending = shared.clone();
        let task = transport.runtime()?.spawn(async move {
            let outcome = work.await.unwrap_or_else(|_| {
                Err(Error::new(Status::Internal, "a bug in the library: the operation panicked"))
            });
            ending.finish(outcome);
        });
        Ok(Operation {
            shared,
            task: task.abort_handle(),
            maker: process_id(),
            _transport: transport.clone(),
        })
    }

    fn check_process(&self) -> Result<()> {
        if self.maker == process_id() {
            return Ok(());
        }
        Err(Error::closed("the operation belongs to the process that started it"))
    }

    /// Waits for the end, for at most `limit`; tells whether it has come.
    pub fn wait(&self, limit: Option<Duration>) -> Result<bool> {
        self.check_process()?;
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut state = self.shared.state();
        while matches!(*state, State::Running) {
            state = match until {
                None => self.shared.finished.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner()),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(false);
                    }
                    let waited = self.shared.finished.wait_timeout(state, left);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
            };
        }
        Ok(true)
    }

    /// How far it is and how far it goes, in bytes or pages; a total of 0 is not known.
    pub fn progress(&self) -> (u64, u64) {
        self.shared.progress.get()
    }

    /// Ends it, unless it has ended. Its connection is closed.
    pub fn cancel(&self) {
        if self.maker == process_id() {
            self.shared.finish(Err(Error::cancelled()));
            self.task.abort();
        }
    }

    /// The result, once.
    pub fn result(&self) -> Result<String> {
        self.check_process()?;
        let mut state = self.shared.state();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Running => {
                *state = State::Running;
                Err(Error::argument("op", "is not done yet: wait for it first"))
            }
            State::Taken => Err(Error::closed("the result was taken already")),
            State::Done(outcome) => {
                drop(state);
                if let (Some(on_end), Ok(_)) = (&self.shared.on_end, &outcome) {
                    on_end(true);
                }
                outcome
            }
        }
    }

    /// A file descriptor that becomes readable at the end; it belongs to the operation.
    pub fn fd(&self) -> Option<RawFd> {
        self.check_process().ok()?;
        let state = self.shared.state();
        let (reader, _) = self
            .shared
            .pipe
            .get_or_try_init(|| {
                let (reader, writer) = io::pipe()?;
                if !matches!(*state, State::Running) {
                    (&writer).write_all(b".")?;
                }
                io::Result::Ok((reader, writer))
            })
            .ok()?;
        Some(reader.as_raw_fd())
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
