//! Many samples at once, their pages in order: what to fetch next, how far ahead, and what the reader gets.
//!
//! Each of `concurrency` samples has one request under fetcher. Pages that wait for the reader, and those under fetcher, are
//! `concurrency × prefetch` at most. The reader's own sample may have any of them; each one behind it must leave some to
//! those before it. So the reader is never stuck, and when there are too few the samples come to be at different stages,
//! the next one nearly done when its turn comes, instead of all half-done at once.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::task::AbortHandle;

use super::{
    TableProgress,
    options::{Samples, TableOptions, listing},
    page_cache,
    sample_pages::{Fetcher, SamplePages},
};
use crate::{
    error::{Error, Result, Status},
    platform::{args::Args, endpoint::Endpoint, session::Session},
    sys::process_id,
};

/// The samples of one table, and how far each is.
pub(super) struct Cohort {
    fetcher: Fetcher,
    settings: TableOptions,
    state: Mutex<State>,
    changed: Condvar,
    rows: AtomicU64,
    samples_done: AtomicU64,
    samples: AtomicU64,
    misfits: AtomicU64,
    maker: u32,
}

#[derive(Default)]
struct State {
    started: bool,
    /// Whose rows are wanted; `None` is the one unnamed sample.
    samples: Vec<Option<String>>,
    /// Whether `samples` is all of them.
    listed: bool,
    listing: Option<AbortHandle>,
    /// Samples that were begun and are not all read, in order.
    window: VecDeque<Sample>,
    /// The place of the first sample that was not begun.
    next: usize,
    /// Pages that wait for the reader, or are under fetcher.
    held: usize,
    /// Rows that the reader has of the sample that it is at.
    rows: u64,
    failed: Vec<Failed>,
    stopped: Option<Error>,
}

struct Sample {
    place: usize,
    id: Option<String>,
    /// Not there while a page is fetched.
    walk: Option<SamplePages>,
    pages: VecDeque<String>,
    /// How it ended; pages may still be waiting.
    end: Option<Result<()>>,
    task: Option<AbortHandle>,
}

/// A sample that was skipped.
struct Failed {
    place: usize,
    id: Option<String>,
    rows: u64,
    error: Error,
}

/// A page for the reader.
pub(super) struct Read {
    pub sample: usize,
    pub biosample_id: Option<String>,
    pub json: String,
}

impl Cohort {
    pub(super) fn new(session: &Session, settings: TableOptions) -> Arc<Self> {
        let samples: Vec<Option<String>> = match &settings.samples {
            Samples::Unnamed => vec![None],
            Samples::Named(ids) => ids.iter().cloned().map(Some).collect(),
            Samples::Listed(_) => Vec::new(),
        };
        let listed = !matches!(settings.samples, Samples::Listed(_));
        Arc::new(Cohort {
            fetcher: Fetcher {
                session: session.clone(),
                endpoint: settings.endpoint,
                pace: settings.pace.clone(),
                checkpoint_dir: settings.checkpoint_dir.clone(),
            },
            samples: AtomicU64::new(samples.len() as u64),
            state: Mutex::new(State { samples, listed, ..State::default() }),
            settings,
            changed: Condvar::new(),
            rows: AtomicU64::new(0),
            samples_done: AtomicU64::new(0),
            misfits: AtomicU64::new(0),
            maker: process_id(),
        })
    }

    pub(super) fn endpoint(&self) -> &'static Endpoint {
        self.settings.endpoint
    }

    pub(super) fn maker(&self) -> u32 {
        self.maker
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next page in order, waiting for it; `None` when all samples are read.
    pub(super) fn next_page(self: &Arc<Self>) -> Result<Option<Read>> {
        let mut state = self.state();
        self.begin(&mut state);
        loop {
            if let Some(error) = &state.stopped {
                return Err(error.clone());
            }
            let Some(first) = state.window.front_mut() else {
                if state.listed && state.next == state.samples.len() {
                    return Ok(None);
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if let Some(json) = first.pages.pop_front() {
                let page = Read { sample: first.place, biosample_id: first.id.clone(), json };
                state.held -= 1;
                self.pump(&mut state);
                return Ok(Some(page));
            }
            match first.end.take() {
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(end) => self.pass(&mut state, end),
            }
        }
    }

    /// The reader is through with the first sample.
    fn pass(self: &Arc<Self>, state: &mut State, end: Result<()>) {
        let rows = std::mem::take(&mut state.rows);
        let Some(sample) = state.window.pop_front() else { return };
        match end {
            Err(error) if self.settings.skip && may_be_skipped(&error) => {
                state.failed.push(Failed { place: sample.place, id: sample.id, rows, error });
            }
            Err(error) => return self.stop_in(state, error),
            Ok(()) => {}
        }
        self.samples_done.fetch_add(1, Ordering::Relaxed);
        self.pump(state);
    }

    fn begin(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.started, true) || state.stopped.is_some() {
            return;
        }
        if let Some(folder) = &self.settings.checkpoint_dir
            && !(state.listed && state.samples.is_empty())
            && let Err(error) = page_cache::prepare(folder)
        {
            return self.stop_in(state, error.with_call(self.fetcher.endpoint.name));
        }
        if let Samples::Listed(filters) = &self.settings.samples {
            let (this, filters) = (self.clone(), filters.clone());
            match self.spawn(async move { this.list(filters).await }) {
                Ok(task) => state.listing = Some(task),
                Err(error) => self.stop_in(state, error),
            }
        }
        self.pump(state);
    }

    /// Starts whatever may be under fetcher now.
    fn pump(self: &Arc<Self>, state: &mut State) {
        if state.stopped.is_some() {
            return;
        }
        let most = self.settings.concurrency * self.settings.prefetch;
        let left = (self.settings.prefetch / 8).max(1);
        // `behind` is how many samples that are being fetched come before this one.
        let has_room = |held: usize, is_first: bool, behind: usize| {
            held + if is_first { 0 } else { behind.max(1) * left } < most
        };
        let mut active = 0;
        for at in 0..state.window.len() {
            let Some(sample) = state.window.get_mut(at).filter(|sample| sample.end.is_none()) else {
                continue;
            };
            active += 1;
            if has_room(state.held, at == 0, active - 1)
                && let Some(walk) = sample.walk.take()
            {
                state.held += 1;
                if let Err(error) = self.fetch(sample, walk) {
                    return self.stop_in(state, error);
                }
            }
        }
        while active < self.settings.concurrency && has_room(state.held, state.window.is_empty(), active) {
            let Some(id) = state.samples.get(state.next).cloned() else { return };
            let walk = match self.settings.of_sample(id.as_deref()) {
                Ok(args) => SamplePages::new(&self.fetcher, args, id.as_deref().unwrap_or_default()),
                Err(error) => return self.stop_in(state, error),
            };
            let mut sample =
                Sample { place: state.next, id, walk: None, pages: VecDeque::new(), end: None, task: None };
            let outcome = self.fetch(&mut sample, walk);
            state.window.push_back(sample);
            state.next += 1;
            state.held += 1;
            active += 1;
            if let Err(error) = outcome {
                return self.stop_in(state, error);
            }
        }
    }

    fn fetch(self: &Arc<Self>, sample: &mut Sample, mut walk: SamplePages) -> Result<()> {
        let (this, place) = (self.clone(), sample.place);
        sample.task = Some(self.spawn(async move {
            let outcome = walk.next().await;
            this.arrived(place, walk, outcome);
            Ok(())
        })?);
        Ok(())
    }

    /// Work in the background; when it fails or breaks off, so does the table.
    fn spawn(
        self: &Arc<Self>,
        work: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<AbortHandle> {
        let this = self.clone();
        let work = AssertUnwindSafe(work).catch_unwind();
        let task = async move {
            let outcome = work.await.unwrap_or_else(|_| {
                Err(Error::new(Status::Internal, "a bug in the library: a page's task panicked"))
            });
            if let Err(error) = outcome {
                this.stop(error);
            }
        };
        Ok(self.fetcher.session.transport().runtime()?.spawn(task).abort_handle())
    }

    fn arrived(self: &Arc<Self>, place: usize, walk: SamplePages, outcome: Result<Option<String>>) {
        let mut state = self.state();
        let first = state.window.front().map_or(0, |sample| sample.place);
        let State { window, held, .. } = &mut *state;
        let Some(sample) = window.get_mut(place.wrapping_sub(first)) else { return };
        match outcome {
            Ok(page) => {
                match page {
                    Some(page) => sample.pages.push_back(page),
                    None => *held -= 1,
                }
                if walk.is_ended() {
                    sample.end = Some(Ok(()));
                } else {
                    sample.walk = Some(walk);
                }
            }
            Err(error) => {
                *held -= 1;
                let error = self.fetcher.session.explain(self.fetcher.endpoint.name, error);
                sample.end = Some(Err(of_sample(error, sample.id.as_deref())));
            }
        }
        self.pump(&mut state);
        drop(state);
        self.changed.notify_all();
    }

    /// Lists the samples that `get_samples` gives.
    async fn list(self: Arc<Self>, filters: Args) -> Result<()> {
        #[derive(Deserialize)]
        struct Page {
            result: Vec<Listed>,
        }
        #[derive(Deserialize)]
        struct Listed {
            biosample_id: String,
        }
        let fetcher = Fetcher { endpoint: listing()?, ..self.fetcher.clone() };
        let mut walk = SamplePages::new(&fetcher, filters, "all");
        while !walk.is_ended() {
            let page = match walk.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => return Err(self.fetcher.session.explain(fetcher.endpoint.name, error)),
            };
            let page: Page = serde_json::from_str(&page).map_err(|cause| {
                let error =
                    Error::new(Status::Protocol, "the list of samples has one without a biosample_id");
                error.with_cause(crate::options::place(&cause)).with_call(fetcher.endpoint.name)
            })?;
            let mut state = self.state();
            state.samples.extend(page.result.into_iter().map(|sample| Some(sample.biosample_id)));
            self.samples.store(state.samples.len() as u64, Ordering::Relaxed);
            self.pump(&mut state);
        }
        self.state().listed = true;
        self.changed.notify_all();
        Ok(())
    }

    /// Ends everything with an error, unless it has ended with another one.
    pub(super) fn stop(&self, error: Error) {
        self.stop_in(&mut self.state(), error);
    }

    fn stop_in(&self, state: &mut State, error: Error) {
        if state.stopped.is_some() {
            return;
        }
        state.stopped = Some(error.with_call(self.fetcher.endpoint.name));
        let tasks = state.window.iter_mut().filter_map(|sample| sample.task.take());
        for task in tasks.chain(state.listing.take()) {
            task.abort();
        }
        for sample in &mut state.window {
            sample.pages.clear();
        }
        self.changed.notify_all();
    }

    /// A page that could not be made rows of.
    pub(super) fn refuse(&self, error: Error, sample: Option<&str>) -> Error {
        let error = of_sample(error.with_call(self.fetcher.endpoint.name), sample);
        let mut state = self.state();
        self.stop_in(&mut state, error.clone());
        state.stopped.clone().unwrap_or(error)
    }

    /// Rows that the reader has made of a page.
    pub(super) fn decoded(&self, rows: u64, misfits: u64) {
        self.state().rows += rows;
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.misfits.store(misfits, Ordering::Relaxed);
    }

    pub(super) fn progress(&self) -> TableProgress {
        TableProgress {
            rows: self.rows.load(Ordering::Relaxed),
            samples_done: self.samples_done.load(Ordering::Relaxed),
            samples: self.samples.load(Ordering::Relaxed),
        }
    }

    pub(super) fn failed(&self) -> Vec<usize> {
        self.state().failed.iter().map(|failed| failed.place).collect()
    }

    pub(super) fn report(&self) -> String {
        let state = self.state();
        let failed: Vec<_> = state
            .failed
            .iter()
            .map(|failed| {
                let error = RawValue::from_string(failed.error.to_json()).ok();
                json!({"biosample_id": failed.id, "rows": failed.rows, "error": error})
            })
            .collect();
        json!({"failed": failed, "misfits": self.misfits.load(Ordering::Relaxed)}).to_string()
    }
}

fn of_sample(error: Error, sample: Option<&str>) -> Error {
    match sample {
        Some(id) => error.with_sample(id),
        None => error,
    }
}

/// What is wrong with one sample, and not with the token, the disk or the library.
fn may_be_skipped(error: &Error) -> bool {
    !matches!(
        error.status(),
        Status::Auth | Status::Io | Status::Internal | Status::Cancelled | Status::Closed | Status::Argument
    )
}
