//! One file: whole samples only, and under its name only when it is whole.

use std::{
    fs,
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;

use crate::{
    cli::Cli,
    dataset,
    failure::{Failure, PARTIAL, RETRY},
    job::{Job, Missing, Outcome, Take},
    merge,
    output::{Output, Style},
    place::{self, Place},
    progress::Interrupt,
    queue, verify,
};

/// How a run ended that did what could be done.
pub enum Ending {
    Complete,
    /// Samples are missing; their ids are in a file beside the output. The exit status says whether to try again.
    Partial(u8),
}

pub fn run(cli: &Cli) -> Result<Ending, Failure> {
    if cli.verify_dataset {
        return verify::run(cli);
    }
    if let Some(folder) = &cli.merge {
        return merge::run(cli, folder);
    }
    let format = cli.format().map_err(Failure::input)?;
    let interrupt = Interrupt::watch()?;
    if let Some(folder) = &cli.queue {
        let (job, ids) = Job::new(cli, &interrupt)?;
        return queue::run(&job, folder, &ids.unwrap_or_default());
    }
    if cli.is_dataset() {
        dataset::prepare(&cli.output)?;
        let (job, ids) = Job::new(cli, &interrupt)?;
        let name = dataset::ShardName::of(cli.shard);
        let ending = dataset::run(&job, &cli.output, &name, ids.as_deref())?;
        return Ok(ending);
    }
    // What is wrong with the output is said before anything is asked for.
    let place = Place::begin(&cli.output)?;
    let (job, ids) = Job::new(cli, &interrupt)?;
    let run = job.begin(ids.as_deref())?;
    let style = Style { format, csv_bom: cli.csv_bom, csv_null: cli.csv_null.clone(), text: cli.text };
    let mut output = Output::create(place, &cli.output, &style, &run.schema())?;
    let earlier = earlier(cli);
    if let Some(earlier) = &earlier {
        output.add_file(earlier)?;
    }
    let mut file = OneFile { output, without_rows: Vec::new() };
    let outcome = run.pour(&job, &mut file)?;
    let target = Target { path: &cli.output, earlier, is_file: is_file(&cli.output) };
    match ids {
        Some(ids) => target.end(cli, file, outcome, &ids),
        None => match outcome.stopped {
            Some(failure) => Err(failure),
            None if interrupt.came() && outcome.written.is_empty() => {
                Err(Failure::retry("ended by a signal"))
            }
            None => file.output.finish(&cli.output).map(|()| Ending::Complete),
        },
    }
}

/// Whether something may stand beside the output.
fn is_file(path: &Path) -> bool {
    path != Path::new("-") && fs::metadata(path).map_or(true, |about| about.is_file())
}

/// The partial result that a run of its missing samples completes.
fn earlier(cli: &Cli) -> Option<PathBuf> {
    let partial = place::partial(&cli.output);
    let list = fs::canonicalize(place::list(&cli.output, "failed")).ok()?;
    let samples = fs::canonicalize(cli.samples.as_deref()?).ok()?;
    (samples == list && partial.is_file()).then_some(partial)
}

struct OneFile {
    output: Output,
    without_rows: Vec<usize>,
}

impl Take for OneFile {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.output.write(batch).map(drop)
    }

    fn end(&mut self, place: usize, rows: u64) -> Result<(), Failure> {
        if rows == 0 {
            self.without_rows.push(place);
        }
        Ok(())
    }
}

/// Where the file goes, whole or not.
struct Target<'a> {
    path: &'a Path,
    earlier: Option<PathBuf>,
    is_file: bool,
}

impl Target<'_> {
    fn end(self, cli: &Cli, file: OneFile, outcome: Outcome, ids: &[String]) -> Result<Ending, Failure> {
        let mut missing = outcome.missing(ids);
        let nothing = outcome.written.is_empty() && !ids.is_empty() && self.earlier.is_none();
        if cli.fail_fast || nothing {
            tell(&missing);
            let first = missing.into_iter().next().map(|one| one.failure);
            if let Some(failure) = outcome.stopped.clone().or(first) {
                return Err(failure);
            }
            missing = Vec::new();
        }
        tell(&missing);
        self.list("empty", file.without_rows.iter().filter_map(|place| ids.get(*place).cloned()))?;
        if cli.allow_missing {
            let gone = |one: &&Missing| !one.is_passing;
            self.list("missing", missing.iter().filter(gone).map(line))?;
            missing.retain(|one| one.is_passing);
        }
        if missing.is_empty() {
            file.output.finish(self.path)?;
            self.list("failed", std::iter::empty())?;
            if self.is_file {
                remove(&place::partial(self.path))?;
            }
            return Ok(Ending::Complete);
        }
        let is_passing = missing.iter().all(|one| one.is_passing);
        self.list("failed", missing.iter().map(line))?;
        file.output.finish(&if self.is_file { place::partial(self.path) } else { self.path.to_owned() })?;
        eprintln!("bge-extract: {} of {} samples are missing", missing.len(), ids.len());
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
        if lines.is_empty() { remove(&path) } else { place::write(&path, &lines) }
    }
}

pub fn line(missing: &Missing) -> String {
    format!("{}  # {}", missing.id, missing.why)
}

/// The first ones by name: a cohort may be large.
pub fn tell(missing: &[Missing]) {
    const SHOWN: usize = 20;
    for one in missing.iter().take(SHOWN) {
        eprintln!("bge-extract: {} is missing: {}", one.id, one.why);
    }
    if missing.len() > SHOWN {
        eprintln!("bge-extract: and {} more", missing.len() - SHOWN);
    }
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::io(&format!("{} cannot be removed", path.display()), &cause))
        }
        _ => Ok(()),
    }
}
