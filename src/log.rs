//! Each client's own log: to a function of the caller's or to a file, never to the host's output.

use std::{
    fmt,
    fs::OpenOptions,
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwapOption;

use crate::{
    error::{Error, Result},
    sys::PerProcess,
};

/// How much a client tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Nothing.
    Off = 0,
    /// Failed calls.
    Error = 1,
    /// Repeats, renewals, fallbacks; what is told when a sink is named and no level.
    #[default]
    Info = 2,
    /// Every attempt.
    Debug = 3,
}

/// Where lines go.
pub trait Sink: Send + Sync {
    /// Takes one line, without its end. One call at a time for each client.
    fn line(&self, level: Level, message: &str);
}

struct File(PathBuf);

impl Sink for File {
    fn line(&self, level: Level, message: &str) {
        let now = httpdate::fmt_http_date(std::time::SystemTime::now());
        // Opened for each line: a rotated or full file harms no call.
        if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(&self.0) {
            let _ = file.write_all(format!("{now} {level:?} {message}\n").as_bytes());
        }
    }
}

pub(crate) struct Logger {
    level: Level,
    sink: ArcSwapOption<Box<dyn Sink>>,
    // One line at a time; a lock that another thread held at a fork must not stop the child.
    turn: PerProcess<Mutex<()>>,
    // Said before there was anybody to say it to.
    unheard: ArcSwapOption<String>,
}

impl Logger {
    pub(crate) fn new(level: Level, file: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = &file {
            OpenOptions::new().append(true).create(true).open(path).map_err(|cause| {
                Error::argument("log_file", "must name a file that can be written").with_cause(cause)
            })?;
        }
        let sink = file.map(|path| Arc::new(Box::new(File(path)) as Box<dyn Sink>));
        Ok(Logger {
            level,
            sink: ArcSwapOption::new(sink),
            turn: PerProcess::new(|| Mutex::new(())),
            unheard: ArcSwapOption::empty(),
        })
    }

    pub(crate) fn set_sink(&self, sink: Option<Box<dyn Sink>>) {
        self.sink.store(sink.map(Arc::new));
        if self.sink.load().is_some()
            && let Some(unheard) = self.unheard.swap(None)
        {
            self.write(Level::Info, || unheard.to_string());
        }
    }

    /// A warning from before a sink may have been set: it waits for one.
    pub(crate) fn warn(&self, message: String) {
        match self.sink.load().is_some() {
            true => self.write(Level::Info, || message),
            false => self.unheard.store(Some(Arc::new(message))),
        }
    }

    pub(crate) fn write(&self, level: Level, message: impl FnOnce() -> String) {
        if level > self.level {
            return;
        }
        if let Some(sink) = self.sink.load_full() {
            let line: String = message().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _turn = self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            sink.line(level, &line);
        }
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger").field("level", &self.level).finish_non_exhaustive()
    }
}
