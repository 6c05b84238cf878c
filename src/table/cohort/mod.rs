//! Many samples at once, their pages in order: what to fetch next, how far ahead, and what the reader gets.
//!
//! Each of `concurrency` samples has one request under way. Pages that wait for the reader in memory, and those under way,
//! are `concurrency × prefetch` at most. The reader's own sample may have any of them; each one behind it must leave some
//! to those before it. So the reader is never stuck, and when there are too few the samples come to be at different stages,
//! the next one nearly done when its turn comes, instead of all half-done at once.
//!
//! A reader that has waited long for a slow sample holds nobody else up: the pages of those behind it go to disk.

mod fetching;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::AbortHandle;

use super::{
    decoders::{Decoders, Rows},
    options::{Samples, TableOptions},
    outage::{Outage, Trouble},
    page_cache::{PageCache, StoredPage},
    report::{Failed, TableProgress},
    sample_pages::{Fetcher, SamplePages},
    schema::Shape,
};
use crate::{
    error::{Error, Result, Status},
    platform::{endpoint, session::Session},
    sys::process_id,
};

/// A reader that has waited so long for one sample lets the others go to disk; and so often it is looked whether a pause
/// is over.
const PATIENCE: Duration = Duration::from_millis(250);

/// The samples of one table, and how far each is.
pub(super) struct Cohort {
    session: Session,
    settings: TableOptions,
    decoders: Arc<Decoders>,
    fetcher: OnceLock<Fetcher>,
    state: Mutex<State>,
    changed: Condvar,
    rows: AtomicU64,
    samples_done: AtomicU64,
    samples: AtomicU64,
    misfits: AtomicU64,
    maker: u32,
}

struct State {
    started: bool,
    /// Whose rows are wanted; `None` is the one unnamed sample.
    samples: Vec<Option<String>>,
    /// Whether `samples` is all of them.
    listed: bool,
    listing: Option<AbortHandle>,
    /// Samples that were begun and are not all read, in order.
    window: VecDeque<Sample>,
    /// The places of those that are not at their end, in order.
    active: Vec<usize>,
    /// The place of the first sample that was not begun.
    next: usize,
    /// Pages in memory that wait for the reader, and those under way.
    held: usize,
    /// Pages that find no room go to disk: the reader waits, and not for them.
    spills: bool,
    outage: Outage,
    /// A request is under way whose answer says nothing but that there is one.
    probes: bool,
    /// The last sample of which the platform has given a page.
    answered: Option<Option<String>>,
    /// The first sample's refusal, as long as nobody was answered.
    refusal: Option<String>,
    /// Rows that the reader has of the sample that it is at.
    rows: u64,
    failed: Vec<Failed>,
    /// Only what is whole is still given.
    winds_up: bool,
    stopped: Option<Error>,
}

struct Sample {
    place: usize,
    id: Option<String>,
    /// Not there while a page is fetched.
    walk: Option<SamplePages>,
    pages: VecDeque<Waiting>,
    trouble: Trouble,
    /// How it ended; pages may still be waiting.
    end: Option<Result<()>>,
    task: Option<AbortHandle>,
}

enum Waiting {
    Rows(Rows),
    OnDisk(StoredPage),
}

/// What the reader gets, in order.
pub(super) enum Event {
    Rows {
        sample: usize,
        rows: Rows,
    },
    /// All of a sample was given, or it is left out because of an error.
    End {
        sample: usize,
        error: Option<Error>,
    },
}

impl Cohort {
    pub(super) fn new(session: &Session, settings: TableOptions) -> Arc<Self> {
        let samples: Vec<Option<String>> = match &settings.samples {
            Samples::Unnamed => vec![None],
            Samples::Named(ids) => ids.iter().cloned().map(Some).collect(),
            Samples::Listed(_) => Vec::new(),
        };
        let (endpoint, columns) = (settings.endpoint, settings.columns.clone());
        let is_paged = endpoint.pages != endpoint::Pages::None;
        let shape = move || Shape::of(endpoint, columns.as_deref());
        Arc::new(Cohort {
            session: session.clone(),
            decoders: Arc::new(Decoders::new(shape, is_paged, settings.strict)),
            fetcher: OnceLock::new(),
            samples: AtomicU64::new(samples.len() as u64),
            state: Mutex::new(State {
                started: false,
                samples,
                listed: !matches!(settings.samples, Samples::Listed(_)),
                listing: None,
                window: VecDeque::new(),
                active: Vec::new(),
                next: 0,
                held: 0,
                spills: false,
                outage: Outage::new(settings.retry_for),
                probes: false,
                answered: None,
                refusal: None,
                rows: 0,
                failed: Vec::new(),
                winds_up: false,
                stopped: None,
            }),
            settings,
            changed: Condvar::new(),
            rows: AtomicU64::new(0),
            samples_done: AtomicU64::new(0),
            misfits: AtomicU64::new(0),
            maker: process_id(),
        })
    }

    pub(super) fn decoders(&self) -> &Decoders {
        &self.decoders
    }

    pub(super) fn maker(&self) -> u32 {
        self.maker
    }

    fn call(&self) -> &'static str {
        self.settings.endpoint.name
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes next, waiting for it; `None` when all samples are read.
    pub(super) fn next(self: &Arc<Self>) -> Result<Option<Event>> {
        self.begin();
        let mut state = self.state();
        let mut waits = false;
        loop {
            if let Some(error) = &state.stopped {
                return Err(error.clone());
            }
            if let Some(first) = state.window.front_mut() {
                let is_given = !self.settings.whole || matches!(first.end, Some(Ok(())));
                if is_given && let Some(page) = first.pages.pop_front() {
                    let (sample, id) = (first.place, first.id.clone());
                    state.spills = false;
                    if let Waiting::Rows(_) = page {
                        state.held -= 1;
                    }
                    self.pump(&mut state);
                    drop(state);
                    return self.give(sample, id.as_deref(), page).map(Some);
                }
                if let Some(end) = first.end.take() {
                    if let Some(event) = self.pass(&mut state, end) {
                        return Ok(Some(event));
                    }
                    continue;
                }
            } else if state.listed && state.next == state.samples.len() {
                self.close();
                return Ok(None);
            }
            if waits {
                state.spills = true;
                self.pump(&mut state);
            }
            let waited = self.changed.wait_timeout(state, PATIENCE);
            let (locked, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            (state, waits) = (locked, timeout.timed_out());
        }
    }

    fn give(&self, sample: usize, id: Option<&str>, page: Waiting) -> Result<Event> {
        let rows = match page {
            Waiting::Rows(rows) => Ok(rows),
            Waiting::OnDisk(stored) => stored.read().and_then(|json| self.decoders.read(&json, id)),
        };
        let rows = rows.map_err(|error| self.refuse(error, id))?;
        self.state().rows += rows.len();
        self.rows.fetch_add(rows.len(), Ordering::Relaxed);
        self.misfits.fetch_add(rows.misfits, Ordering::Relaxed);
        Ok(Event::Rows { sample, rows })
    }

    /// The reader is through with the first sample.
    fn pass(self: &Arc<Self>, state: &mut State, end: Result<()>) -> Option<Event> {
        let rows = std::mem::take(&mut state.rows);
        let sample = state.window.pop_front()?;
        state.held -= sample.pages.iter().filter(|page| matches!(page, Waiting::Rows(_))).count();
        let error = match end {
            Ok(()) => None,
            Err(error) if state.winds_up => {
                return Some(Event::End { sample: sample.place, error: Some(error) });
            }
            Err(error) if self.settings.skip && may_be_skipped(&error) => Some(error),
            Err(error) => {
                self.stop_in(state, error);
                return None;
            }
        };
        if let Some(error) = &error {
            state.failed.push(Failed { id: sample.id, rows, error: error.clone() });
        }
        self.samples_done.fetch_add(1, Ordering::Relaxed);
        self.pump(state);
        Some(Event::End { sample: sample.place, error })
    }

    /// Once. What is kept on disk is read without the lock: a cancel never waits for a disk.
    fn begin(self: &Arc<Self>) {
        let is_empty = {
            let mut state = self.state();
            if std::mem::replace(&mut state.started, true) || state.stopped.is_some() {
                return;
            }
            state.listed && state.samples.is_empty()
        };
        let cache = match &self.settings.checkpoint_dir {
            Some(folder) if !is_empty => PageCache::open(&self.session, self.settings.endpoint, folder),
            _ => Ok(PageCache::unnamed(&self.session)),
        };
        let state = &mut *self.state();
        let cache = match cache {
            Ok(cache) => Arc::new(cache),
            Err(error) => return self.stop_in(state, error),
        };
        if state.stopped.is_some() || state.winds_up {
            return;
        }
        let fetcher = Fetcher {
            session: self.session.clone(),
            endpoint: self.settings.endpoint,
            pace: self.settings.pace.clone(),
            cache,
        };
        let _ = self.fetcher.set(fetcher.clone());
        if let Samples::Listed(filters) = &self.settings.samples {
            let (this, filters) = (self.clone(), filters.clone());
            match self.spawn(async move { this.list(fetcher, filters).await }) {
                Ok(task) => state.listing = Some(task),
                Err(error) => self.stop_in(state, error),
            }
        }
        self.pump(state);
    }

    /// Fetches nothing more: what is whole is still given, what is not ends with an error.
    pub(super) fn wind_up(&self) {
        let mut state = self.state();
        if state.stopped.is_some() || std::mem::replace(&mut state.winds_up, true) {
            return;
        }
        if let Some(task) = state.listing.take() {
            task.abort();
        }
        let State { window, samples, next, active, listed, held, .. } = &mut *state;
        for sample in window.iter_mut().filter(|sample| sample.end.is_none()) {
            if let (Some(task), None) = (sample.task.take(), &sample.walk) {
                task.abort();
                *held -= 1;
            }
            sample.end = Some(Err(Error::cancelled()));
        }
        active.clear();
        samples.truncate(*next);
        *listed = true;
        drop(state);
        self.changed.notify_all();
    }

    /// Ends everything with an error, unless it has ended with another one.
    pub(super) fn stop(&self, error: Error) {
        self.stop_in(&mut self.state(), error);
    }

    fn stop_in(&self, state: &mut State, error: Error) {
        if state.stopped.is_some() {
            return;
        }
        state.stopped = Some(error.with_call(self.call()));
        let tasks = state.window.iter_mut().filter_map(|sample| sample.task.take());
        for task in tasks.chain(state.listing.take()) {
            task.abort();
        }
        for sample in &mut state.window {
            sample.pages.clear();
        }
        self.changed.notify_all();
    }

    /// Nothing more is kept on disk.
    pub(super) fn close(&self) {
        if let Some(fetcher) = self.fetcher.get() {
            fetcher.cache.close();
        }
    }

    /// A page that was read once, and cannot be read again.
    fn refuse(&self, error: Error, sample: Option<&str>) -> Error {
        let error = of_sample(error.with_call(self.call()), sample);
        let mut state = self.state();
        self.stop_in(&mut state, error.clone());
        state.stopped.clone().unwrap_or(error)
    }

    pub(super) fn progress(&self) -> TableProgress {
        TableProgress {
            rows: self.rows.load(Ordering::Relaxed),
            samples_done: self.samples_done.load(Ordering::Relaxed),
            samples: self.samples.load(Ordering::Relaxed),
        }
    }

    pub(super) fn waits_out(&self) -> Option<String> {
        self.state().outage.why().map(str::to_owned)
    }

    pub(super) fn report(&self) -> String {
        super::report::text(&self.state().failed, self.misfits.load(Ordering::Relaxed))
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
