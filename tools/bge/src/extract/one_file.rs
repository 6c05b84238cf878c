//! One file: whole samples only, and under its name only when it is whole.

use std::{
    fs,
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;

use crate::{
    connection::Connection,
    extract::{
        ending::{Ending, line, tell},
        job::{Job, Missing, Outcome, Take},
        options::Options,
        output::{INDEXES, Output, Style},
        place::{self, Place},
        progress::Interrupt,
    },
    failure::{Failure, PARTIAL, RETRY},
};

pub fn run(options: &Options, connection: &Connection) -> Result<Ending, Failure> {
    let format = options.format().map_err(Failure::input)?;
    let interrupt = Interrupt::watch()?;
    // What is wrong with the output is said before anything is asked for.
    let place = Place::begin(&options.output)?;
    let (job, ids) = Job::new(options, connection, &interrupt)?;
    let run = job.begin(ids.as_deref())?;
    let style = Style::of(job.options, job.call, job.about(), format);
    let mut output = Output::create(place, &options.output, &style, &run.schema())?;
    let earlier = earlier(options);
    if let Some(earlier) = &earlier {
        output.add_file(earlier)?;
    }
    let mut file = OneFile { output, ids: ids.as_deref().unwrap_or_default(), without_rows: Vec::new() };
    let outcome = run.pour(&job, &mut file)?;
    let OneFile { mut output, without_rows, .. } = file;
    if !output.described().is_empty() {
        output.describe(job.describe(output.described()));
    }
    let file = Written { output, without_rows };
    let target = Target { path: &options.output, earlier, is_file: is_file(&options.output) };
    match ids {
        Some(ids) => target.end(options, file, outcome, &ids),
        None => match outcome.stopped {
            Some(failure) => Err(failure),
            None if interrupt.came() && outcome.written.is_empty() => {
                Err(Failure::retry("ended by a signal"))
            }
            None => file.output.finish(&options.output).map(|()| Ending::Complete),
        },
    }
}

/// Whether something may stand beside the output.
fn is_file(path: &Path) -> bool {
    path != Path::new("-") && fs::metadata(path).map_or(true, |about| about.is_file())
}

/// The partial result that a run of its missing samples completes.
fn earlier(options: &Options) -> Option<PathBuf> {
    let partial = place::partial(&options.output);
    let list = fs::canonicalize(place::list(&options.output, "failed")).ok()?;
    let samples = fs::canonicalize(options.samples.as_deref()?).ok()?;
    (samples == list && partial.is_file()).then_some(partial)
}

struct OneFile<'a> {
    output: Output,
    ids: &'a [String],
    without_rows: Vec<usize>,
}

/// What came of it, before it has a name.
struct Written {
    output: Output,
    without_rows: Vec<usize>,
}

impl Take for OneFile<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.output.write(batch).map(drop)
    }

    fn end(&mut self, place: usize, rows: u64) -> Result<(), Failure> {
        if rows == 0 {
            self.without_rows.push(place);
        }
        self.ids.get(place).map_or(Ok(()), |id| self.output.end(id, rows))
    }
}

/// Where the file goes, whole or not.
struct Target<'a> {
    path: &'a Path,
    earlier: Option<PathBuf>,
    is_file: bool,
}

impl Target<'_> {
    fn end(
        self,
        options: &Options,
        file: Written,
        outcome: Outcome,
        ids: &[String],
    ) -> Result<Ending, Failure> {
        let mut missing = outcome.missing(ids);
        let nothing = outcome.written.is_empty() && !ids.is_empty() && self.earlier.is_none();
        if options.fail_fast || nothing {
            tell(&missing);
            let first = missing.into_iter().next().map(|one| one.failure);
            if let Some(failure) = outcome.stopped.clone().or(first) {
                return Err(failure);
            }
            missing = Vec::new();
        }
        tell(&missing);
        self.list("empty", file.without_rows.iter().filter_map(|place| ids.get(*place).cloned()))?;
        if options.allow_missing {
            let gone = |one: &&Missing| !one.is_passing;
            self.list("missing", missing.iter().filter(gone).map(line))?;
            missing.retain(|one| one.is_passing);
        }
        if missing.is_empty() {
            file.output.finish(self.path)?;
            self.list("failed", std::iter::empty())?;
            if self.is_file {
                let partial = place::partial(self.path);
                place::remove(&partial)?;
                for ending in INDEXES {
                    place::remove(&place::index(&partial, ending))?;
                }
            }
            return Ok(Ending::Complete);
        }
        let is_passing = missing.iter().all(|one| one.is_passing);
        self.list("failed", missing.iter().map(line))?;
        file.output.finish(&if self.is_file { place::partial(self.path) } else { self.path.to_owned() })?;
        eprintln!("bge: {} of {} samples are missing", missing.len(), ids.len());
        Ok(Ending::Partial(match outcome.stopped {
            Some(stopped) if stopped.exit != RETRY => stopped.exit,
            _ if is_passing => RETRY,
            _ => PARTIAL,
        }))
    }

    /// A list of ids beside the file; an empty one is none.
    fn list(&self, what: &str, lines: impl Iterator<Item = String>) -> Result<(), Failure> {
        let lines: String = lines.map(|line| line + "\n").collect();
        if !self.is_file {
            return Ok(());
        }
        let path = place::list(self.path, what);
        if lines.is_empty() { place::remove(&path) } else { place::write(&path, &lines) }
    }
}
