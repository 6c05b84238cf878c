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

use super::queue::Queue;
use crate::{
    context::{Context, Progress, Sender},
    error::{Error, Result, Status},
    sys::process_id,
    transport::Transport,
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
    stage: Mutex<Stage>,
    finished: Condvar,
    progress: Arc<Progress>,
    pipe: OnceCell<(io::PipeReader, io::PipeWriter)>,
    /// Where its end is told; set while the stage is locked.
    queue: OnceCell<(Queue, u64)>,
    on_end: Option<Box<dyn Fn(bool) + Send + Sync>>,
}

enum Stage {
    Running,
    Done(Result<String>),
    Taken,
}

impl Shared {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The first outcome counts.
    fn finish(&self, outcome: Result<String>) {
        let mut stage = self.stage();
        if !matches!(*stage, Stage::Running) {
            return;
        }
        // Before anybody can see the end: what the operation borrowed is not touched after it.
        if let Some(on_end) = &self.on_end {
            on_end(false);
        }
        *stage = Stage::Done(outcome);
        let queue = self.queue.get().cloned();
        if let Some((_, writer)) = self.pipe.get() {
            let _ = (&*writer).write_all(b".");
        }
        self.finished.notify_all();
        drop(stage);
        if let Some((queue, key)) = queue {
            queue.push(key);
        }
    }
}

impl Operation {
    /// Starts `work` on the client's runtime.
    pub(crate) fn start<F>(transport: &Transport, work: impl FnOnce(Context) -> F) -> Result<Self>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        Self::start_with(transport, work, None)
    }

    /// The same; `on_end` is told when it ends (`false`) and when its result is taken (`true`).
    pub(crate) fn start_with<F>(
        transport: &Transport,
        work: impl FnOnce(Context) -> F,
        on_end: Option<Box<dyn Fn(bool) + Send + Sync>>,
    ) -> Result<Self>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let context = transport.context(Sender::Streaming);
        let shared = Arc::new(Shared {
            stage: Mutex::new(Stage::Running),
            finished: Condvar::new(),
            progress: context.progress.clone(),
            pipe: OnceCell::new(),
            queue: OnceCell::new(),
            on_end,
        });
        let cancel = context.cancel.clone();
        // Boxed: it is large, and is moved several times before it runs.
        let work = Box::pin(work(context));
        let work = AssertUnwindSafe(async move { cancel.unless(work).await }).catch_unwind();
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
        let mut stage = self.shared.stage();
        while matches!(*stage, Stage::Running) {
            stage = match until {
                None => self.shared.finished.wait(stage).unwrap_or_else(|poisoned| poisoned.into_inner()),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(false);
                    }
                    let waited = self.shared.finished.wait_timeout(stage, left);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
            };
        }
        Ok(true)
    }

    /// Has its end told to a queue, as `key`; at once if it has ended. An operation has one queue at most.
    pub fn notify(&self, queue: &Queue, key: u64) -> Result<()> {
        self.check_process()?;
        let stage = self.shared.stage();
        if self.shared.queue.set((queue.clone(), key)).is_err() {
            return Err(Error::argument("op", "has a queue already"));
        }
        if !matches!(*stage, Stage::Running) {
            drop(stage);
            queue.push(key);
        }
        Ok(())
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
        let mut stage = self.shared.stage();
        match std::mem::replace(&mut *stage, Stage::Taken) {
            Stage::Running => {
                *stage = Stage::Running;
                Err(Error::argument("op", "is not done yet: wait for it first"))
            }
            Stage::Taken => Err(Error::closed("the result was taken already")),
            Stage::Done(outcome) => {
                drop(stage);
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
        let stage = self.shared.stage();
        let (reader, _) = self
            .shared
            .pipe
            .get_or_try_init(|| {
                let (reader, writer) = io::pipe()?;
                if !matches!(*stage, Stage::Running) {
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
