//! Calls in the background: waiting, progress, cancelling.

use std::{
    fmt,
    future::Future,
    io::{self, Write},
    os::fd::{AsRawFd, RawFd},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use once_cell::sync::OnceCell;
use tokio::task::AbortHandle;

use super::queue::Queue;
use crate::{
    context::{Cancel, Context, Progress, Sender},
    error::{Error, Result, Status},
    sys::process_id,
    transport::Transport,
};

/// A call under way, or one that is yet to be run.
pub struct Operation {
    shared: Arc<Shared>,
    task: Task,
    maker: u32,
    /// Keeps the runtime alive, and is dropped last.
    transport: Transport,
}

enum Task {
    /// On the client's runtime.
    Background(AbortHandle),
    /// For whoever runs it, on his own thread; `cancel` is what ends it.
    Own { work: Mutex<Option<Work>>, cancel: Cancel, is_short: bool },
}

type Work = Pin<Box<dyn Future<Output = Result<String>> + Send>>;

struct Shared {
    stage: Mutex<Stage>,
    finished: Condvar,
    progress: Arc<Progress>,
    pipe: OnceCell<(io::PipeReader, io::PipeWriter)>,
    /// Where its key is put at its end; set while the stage is locked.
    queue: OnceCell<(Queue, u64)>,
    on_end: Option<Box<dyn Fn(bool) + Send + Sync>>,
}

enum Stage {
    Running,
    Done(Result<String>),
    Taken,
}

/// A panic becomes an error.
async fn caught(work: impl Future<Output = Result<String>>) -> Result<String> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Error::new(Status::Internal, "a bug in the library: the operation panicked")))
}

impl Shared {
    fn new(context: &Context, on_end: Option<Box<dyn Fn(bool) + Send + Sync>>) -> Arc<Self> {
        Arc::new(Shared {
            stage: Mutex::new(Stage::Running),
            finished: Condvar::new(),
            progress: context.progress.clone(),
            pipe: OnceCell::new(),
            queue: OnceCell::new(),
            on_end,
        })
    }

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

    /// The same; `on_end` is called when it ends (with `false`) and when its result is taken (with `true`).
    pub(crate) fn start_with<F>(
        transport: &Transport,
        work: impl FnOnce(Context) -> F,
        on_end: Option<Box<dyn Fn(bool) + Send + Sync>>,
    ) -> Result<Self>
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let context = transport.context(Sender::Streaming);
        let shared = Shared::new(&context, on_end);
        let cancel = context.cancel.clone();
        // Boxed: it is large, and is moved several times before it runs.
        let work = Box::pin(work(context));
        let work = caught(async move { cancel.unless(work).await });
        let ending = shared.clone();
        let task = transport.spawn(async move { ending.finish(work.await) })?;
        Ok(Operation::of(transport, shared, Task::Background(task.abort_handle())))
    }

    /// Makes `work` ready to be run; `is_short` says that it streams nothing.
    pub(crate) fn prepare<F>(transport: &Transport, is_short: bool, work: impl FnOnce(Context) -> F) -> Self
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let context = transport.context(Sender::Streaming);
        let shared = Shared::new(&context, None);
        let (of_client, cancel) = (context.cancel.clone(), Cancel::default());
        let (work, own) = (Box::pin(work(context)), cancel.clone());
        let work: Work = Box::pin(caught(async move { own.unless(of_client.unless(work)).await }));
        let task = Task::Own { work: Mutex::new(Some(work)), cancel, is_short };
        Operation::of(transport, shared, task)
    }

    fn of(transport: &Transport, shared: Arc<Shared>, task: Task) -> Self {
        Operation { shared, task, maker: process_id(), transport: transport.clone() }
    }

    /// Carries out what was prepared, on this thread, once.
    pub fn run(&self) -> Result<String> {
        self.check_process()?;
        let under_way =
            || Error::argument("op", "is under way: it can be run once, and only if it was not started");
        let Task::Own { work, is_short, .. } = &self.task else { return Err(under_way()) };
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(under_way)?;
        let outcome = if *is_short { self.transport.drive(work) } else { self.transport.wait(work) };
        self.shared.finish(outcome);
        self.result()
    }

    fn check_process(&self) -> Result<()> {
        if self.maker == process_id() {
            return Ok(());
        }
        Err(Error::closed("the operation belongs to the process that started it"))
    }

    /// Waits for the end, for at most `limit`; whether it has come.
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

    /// Puts `key` in a queue when it ends; at once if it has ended. An operation has one queue at most.
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
            match &self.task {
                Task::Background(task) => task.abort(),
                Task::Own { cancel, .. } => cancel.set(),
            }
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
