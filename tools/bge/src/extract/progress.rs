//! How far it is, on a terminal or line by line, and signals that ask for an end.

use std::{
    io::IsTerminal,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bge::Table;
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU},
    iterator::{Handle, Signals},
};

use crate::{
    extract::place,
    failure::{self, Failure},
};

/// A line so often where nobody watches.
const LINE: Duration = Duration::from_secs(60);

/// So often it is looked whether the platform is waited for.
const LOOK: Duration = Duration::from_secs(1);

/// Shows how far a table is, until it is dropped.
pub struct Bar(Option<(Sender<()>, JoinHandle<()>)>);

impl Bar {
    pub fn show(table: &Arc<Table>, quiet: bool) -> Self {
        if quiet {
            return Bar(None);
        }
        let (end, ended) = channel();
        let table = table.clone();
        let shown = if std::io::stderr().is_terminal() {
            std::thread::spawn(move || {
                let bar = ProgressBar::new(0);
                if let Ok(style) = ProgressStyle::with_template(
                    "{elapsed_precise} [{wide_bar}] {pos}/{len} samples, {msg} rows, {eta} to go",
                ) {
                    bar.set_style(style.progress_chars("=> "));
                }
                let mut trouble = Trouble::default();
                while ended.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                    bar.suspend(|| trouble.look(&table));
                    let now = table.progress();
                    bar.set_length(now.samples);
                    bar.set_position(now.samples_done);
                    bar.set_message(now.rows.to_string());
                }
                bar.finish_and_clear();
            })
        } else {
            std::thread::spawn(move || lines(&table, &ended))
        };
        Bar(Some((end, shown)))
    }

    /// Only tells of what is waited out.
    pub fn of_troubles(table: &Arc<Table>) -> Self {
        let (end, ended) = channel();
        let table = table.clone();
        let shown = std::thread::spawn(move || {
            let mut trouble = Trouble::default();
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                trouble.look(&table);
            }
        });
        Bar(Some((end, shown)))
    }
}

/// How far it is, where nobody watches.
fn lines(table: &Table, ended: &Receiver<()>) {
    let (begun, every) = (Instant::now(), line_distance());
    let (mut trouble, mut next) = (Trouble::default(), every);
    while ended.recv_timeout(every.min(LOOK)) == Err(RecvTimeoutError::Timeout) {
        trouble.look(table);
        if begun.elapsed() < next {
            continue;
        }
        next += every;
        let now = table.progress();
        let seconds = begun.elapsed().as_secs();
        eprintln!("bge: {} of {} samples, {} rows, {seconds} s", now.samples_done, now.samples, now.rows);
    }
}

/// Tells of each outage once, when it is waited out: an address may be wrong.
#[derive(Default)]
struct Trouble {
    is_told: bool,
}

impl Trouble {
    fn look(&mut self, table: &Table) {
        let why = table.waits_out();
        if let Some(why) = why.as_ref().filter(|_| !self.is_told) {
            eprintln!("bge: waiting for the platform: {why}");
        }
        self.is_told = why.is_some();
    }
}

/// A minute; a test may set less.
fn line_distance() -> Duration {
    let seconds = std::env::var("BGE_EXTRACT_PROGRESS").ok().and_then(|text| text.parse().ok());
    seconds.filter(|seconds: &f64| (0.05..=86_400.0).contains(seconds)).map_or(LINE, Duration::from_secs_f64)
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((end, shown)) = self.0.take() {
            drop(end);
            let _ = shown.join();
        }
    }
}

/// Winds a table up when a signal asks for an end, so that what is whole is written. A second one ends it at once. Where there
/// is no table, the process ends, and leaves nothing unfinished.
pub struct Interrupt {
    shared: Arc<Shared>,
    handle: Handle,
    waiting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    came: AtomicBool,
    table: Mutex<Option<Arc<Table>>>,
}

impl Shared {
    fn table(&self) -> Option<Arc<Table>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Interrupt {
    pub fn watch() -> Result<Self, Failure> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU])
            .map_err(|cause| Failure::io("signals cannot be caught", &cause))?;
        let (shared, handle) = (Arc::new(Shared::default()), signals.handle());
        let told = shared.clone();
        let waiting = std::thread::spawn(move || {
            for _ in signals.forever() {
                let again = told.came.swap(true, Ordering::AcqRel);
                match told.table() {
                    Some(table) if again => table.cancel(),
                    Some(table) => table.wind_up(),
                    // Nothing is there yet that would be worth keeping.
                    None => place::end_process(failure::RETRY),
                }
            }
        });
        Ok(Interrupt { shared, handle, waiting: Some(waiting) })
    }

    /// From now on it is this table that a signal ends.
    pub fn set(&self, table: &Arc<Table>) {
        *self.shared.table.lock().unwrap_or_else(PoisonError::into_inner) = Some(table.clone());
        if self.came() {
            table.wind_up();
        }
    }

    pub fn came(&self) -> bool {
        self.shared.came.load(Ordering::Acquire)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(waiting) = self.waiting.take() {
            let _ = waiting.join();
        }
    }
}
