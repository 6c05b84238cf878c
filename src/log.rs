//! Each client's own log: to a function of the caller's or to a file, never to the host's output.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwapOption;
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    sys::PerProcess,
};

/// How much a client logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Nothing.
    Off = 0,
    /// Failed calls.
    Error = 1,
    /// Repeats, renewals, fallbacks; what is logged when a sink is named and no level.
    #[default]
    Info = 2,
    /// Every attempt.
    Debug = 3,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object each, with what a program can count and draw.
    Json,
}

/// What a line is about, beside its words: the event's name, the call's tag if its caller gave one, and its facts.
pub(crate) struct Event<'a> {
    pub name: &'static str,
    pub tag: Option<&'a str>,
    pub facts: Vec<(&'static str, Value)>,
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
        let line = match message.strip_prefix('{') {
            Some(json) => format!("{{\"time\":\"{now}\",{json}\n"),
            None => format!("{now} {level:?} {message}\n"),
        };
        // Opened for each line: a rotated or full file harms no call.
        if let Ok(mut file) = open(&self.0) {
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// Nobody waits for a log: a pipe without a reader is an error, and a full one loses the line.
fn open(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().append(true).create(true).custom_flags(libc::O_NONBLOCK).open(path)
}

pub(crate) struct Logger {
    level: Level,
    format: Format,
    sink: ArcSwapOption<Box<dyn Sink>>,
    // One line at a time; a lock that another thread held at a fork must not stop the child.
    turn: PerProcess<Mutex<()>>,
    // Said before there was anybody to say it to.
    unheard: ArcSwapOption<String>,
}

impl Logger {
    pub(crate) fn new(level: Level, format: Format, file: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = &file {
            open(path).map_err(|cause| {
                Error::argument("log_file", "must name a file that can be written").with_cause(cause)
            })?;
        }
        let sink = file.map(|path| Arc::new(Box::new(File(path)) as Box<dyn Sink>));
        Ok(Logger {
            level,
            format,
            sink: ArcSwapOption::new(sink),
            turn: PerProcess::new(|| Mutex::new(())),
            unheard: ArcSwapOption::empty(),
        })
    }

    /// Where lines go from now on. The sink from before gets no line any more when this returns.
    pub(crate) fn set_sink(&self, sink: Option<Box<dyn Sink>>) {
        let before = {
            let _turn = self.turn();
            self.sink.swap(sink.map(Arc::new))
        };
        drop(before);
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
        self.record(level, || (message(), Event { name: "notice", tag: None, facts: Vec::new() }));
    }

    /// A line with what programs want to know of it.
    pub(crate) fn record<'a>(&self, level: Level, line: impl FnOnce() -> (String, Event<'a>)) {
        if level > self.level || self.sink.load().is_none() {
            return;
        }
        let (message, event) = line();
        let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = match self.format {
            Format::Text => message,
            Format::Json => json(level, message, event),
        };
        let _turn = self.turn();
        // Looked at within the turn: whoever takes a sink away waits for its last line.
        if let Some(sink) = self.sink.load_full() {
            sink.line(level, &line);
        }
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn json(level: Level, message: String, event: Event<'_>) -> String {
    let mut all = Map::new();
    all.insert("level".to_owned(), format!("{level:?}").to_lowercase().into());
    all.insert("event".to_owned(), event.name.into());
    if let Some(tag) = event.tag {
        all.insert("tag".to_owned(), tag.into());
    }
    for (name, value) in event.facts {
        if !value.is_null() {
            all.insert(name.to_owned(), value);
        }
    }
    all.insert("message".to_owned(), message.into());
    Value::Object(all).to_string()
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger").field("level", &self.level).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Sink for Kept {
        fn line(&self, _: Level, message: &str) {
            self.0.lock().expect("no panic").push(message.to_owned());
        }
    }

    fn lines_of(format: Format) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let logger = Logger::new(Level::Info, format, None).expect("a logger");
        logger.set_sink(Some(Box::new(Kept(lines.clone()))));
        logger.write(Level::Info, || "one\nline".to_owned());
        logger.record(Level::Info, || {
            let facts = vec![("wait", 0.5.into()), ("request_id", Value::Null)];
            ("\"again\"".to_owned(), Event { name: "repeat", tag: Some("7"), facts })
        });
        logger.write(Level::Debug, || panic!("nobody asked"));
        lines.lock().expect("no panic").clone()
    }

    #[test]
    fn lines_are_texts_or_objects() {
        assert_eq!(lines_of(Format::Text), ["one line", "\"again\""]);
        let objects: Vec<Value> =
            lines_of(Format::Json).iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(
            objects,
            [
                json!({"event": "notice", "level": "info", "message": "one line"}),
                json!({"event": "repeat", "level": "info", "message": "\"again\"", "tag": "7", "wait": 0.5}),
            ]
        );
    }
}
