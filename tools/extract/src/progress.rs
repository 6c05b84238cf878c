//! A bar on a terminal, and signals that ask for an end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use bge::Table;
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::{Handle, Signals},
};

use crate::failure::Failure;

/// Shows how far a table is, until it is dropped.
pub struct Bar(Option<(Sender<()>, JoinHandle<()>)>);

impl Bar {
    /// Nothing is shown where standard error is no terminal.
    pub fn show(table: &Arc<Table>, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        if bar.is_hidden() {
            return Bar(None);
        }
        if let Ok(style) = ProgressStyle::with_template(
            "{elapsed_precise} [{wide_bar}] {pos}/{len} samples, {msg} rows, {eta} to go",
        ) {
            bar.set_style(style.progress_chars("=> "));
        }
        let (end, ended) = channel();
        let table = table.clone();
        let shown = std::thread::spawn(move || {
            while ended.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                let now = table.progress();
                bar.set_length(now.samples);
                bar.set_position(now.samples_done);
                bar.set_message(now.rows.to_string());
            }
            bar.finish_and_clear();
        });
        Bar(Some((end, shown)))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((end, shown)) = self.0.take() {
            drop(end);
            let _ = shown.join();
        }
    }
}

/// Cancels a table on SIGTERM and SIGINT, so that what is there can be written.
pub struct Interrupt {
    came: Arc<AtomicBool>,
    handle: Handle,
    waiting: Option<JoinHandle<()>>,
}

impl Interrupt {
    pub fn watch(table: &Arc<Table>) -> Result<Self, Failure> {
        let mut signals = Signals::new([SIGTERM, SIGINT])
            .map_err(|cause| Failure::io("signals cannot be caught", &cause))?;
        let (came, handle, table) = (Arc::new(AtomicBool::new(false)), signals.handle(), table.clone());
        let told = came.clone();
        let waiting = std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                told.store(true, Ordering::Release);
                table.wind_up();
            }
        });
        Ok(Interrupt { came, handle, waiting: Some(waiting) })
    }

    pub fn came(&self) -> bool {
        self.came.load(Ordering::Acquire)
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
