//! How far it is, on a terminal or line by line, and signals that ask for an end.

use std::{
    io::IsTerminal,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
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

use crate::failure::{self, Failure};

/// A line so often where nobody watches.
const LINE: Duration = Duration::from_secs(60);

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
                while ended.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                    let now = table.progress();
                    bar.set_length(now.samples);
                    bar.set_position(now.samples_done);
                    bar.set_message(now.rows.to_string());
                }
                bar.finish_and_clear();
            })
        } else {
            let every = line_distance();
            std::thread::spawn(move || {
                let begun = Instant::now();
                while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    let now = table.progress();
                    eprintln!(
                        "bge: {} of {} samples, {} rows, {} s",
                        now.samples_done,
                        now.samples,
                        now.rows,
                        begun.elapsed().as_secs()
                    );
                }
            })
        };
        Bar(Some((end, shown)))
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

/// Winds a table up when a signal asks for an end, so that what is whole is written. A second one ends it at once.
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
                    // Nothing was begun that could be left half done.
                    None => std::process::exit(failure::RETRY.into()),
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
