//! What is asked for: a call with its arguments, for these samples or those; and what became of each sample.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bge::{Batches, Client, Error, Part, Status, Table, endpoint::Endpoint};
use serde_json::{Map, Value, json};

use crate::{
    arguments::{self, Members},
    cli::Cli,
    failure::Failure,
    progress::{Bar, Interrupt},
    samples,
};

/// Where rows go: whole samples, one after the other.
pub trait Take {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure>;

    /// All rows of the sample in this place were given.
    fn end(&mut self, place: usize, rows: u64) -> Result<(), Failure>;
}

/// A call, its arguments, and the client that carries it out.
pub struct Job<'a> {
    pub cli: &'a Cli,
    pub call: &'static Endpoint,
    pub args: Members,
    pub interrupt: &'a Interrupt,
    client: Client,
}

impl<'a> Job<'a> {
    pub fn new(cli: &'a Cli, interrupt: &'a Interrupt) -> Result<(Self, Option<Vec<String>>), Failure> {
        let call = arguments::call(cli.call.as_deref().unwrap_or_default())?;
        let listing = arguments::call(samples::LISTING)?;
        let lists = cli.samples.as_deref() == Some("all");
        let others: &[&Endpoint] = if lists { &[listing] } else { &[] };
        let mut args = arguments::read(&cli.args, call, others)?;
        let client = Client::open(&options(cli)?)?;
        let of_samples = call.arg("biosample_id").is_some();
        let ids = match &cli.samples {
            Some(_) if !of_samples => {
                return Err(Failure::input(format!(
                    "{} is not about samples: leave --samples out",
                    call.name
                )));
            }
            Some(from) => {
                let is_filter = |name: &str| listing.arg(name).is_some() && call.arg(name).is_none();
                let filters = args.take(is_filter);
                Some(samples::read(&client, from, filters, cli.retry_for)?)
            }
            None if !cli.shard.is_whole() || cli.queue.is_some() => {
                return Err(Failure::input("--shard and --queue part samples: --samples names them"));
            }
            None if of_samples && !args.contains("biosample_id") => {
                return Err(Failure::input(format!("--samples is needed: {} is about samples", call.name)));
            }
            None => None,
        };
        let ids = ids.map(|ids| samples::of_shard(ids, cli.shard));
        Ok((Job { cli, call, args, interrupt, client }, ids))
    }

    /// Opens the table of these samples; nothing is sent yet.
    pub fn begin(&self, ids: Option<&[String]>) -> Result<Run, Failure> {
        let mut args = self.args.clone();
        if let Some(ids) = ids {
            args.set("biosample_id", &ids)?;
        }
        // Without samples there is nothing that the rest could do without.
        args.set("$", &switches(self.cli, ids.is_some() && !self.cli.fail_fast))?;
        let table = Arc::new(self.client.table(self.call.name, &args.json()?)?);
        let batches = table.stream()?;
        self.interrupt.set(&table);
        Ok(Run { table, batches })
    }
}

/// A table that is read.
pub struct Run {
    table: Arc<Table>,
    batches: Batches,
}

/// What became of the samples, by their places.
#[derive(Default)]
pub struct Outcome {
    pub written: HashSet<usize>,
    pub failed: BTreeMap<usize, Error>,
    /// What ended it before its time.
    pub stopped: Option<Failure>,
}

impl Run {
    pub fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }

    /// Reads all there is.
    pub fn pour(mut self, job: &Job<'_>, take: &mut impl Take) -> Result<Outcome, Failure> {
        let bar = Bar::show(&self.table, job.cli.quiet);
        let mut outcome = Outcome::default();
        let mut rows = 0;
        loop {
            match self.batches.next_part() {
                Ok(None) => break,
                Ok(Some(Part::Rows(_, batch))) => {
                    rows += batch.num_rows() as u64;
                    take.rows(&batch)?;
                }
                Ok(Some(Part::End(place, None))) => {
                    take.end(place, std::mem::take(&mut rows))?;
                    outcome.written.insert(place);
                }
                Ok(Some(Part::End(place, Some(error)))) => {
                    if error.status() != Status::Cancelled {
                        outcome.failed.insert(place, error);
                    }
                    if job.cli.max_failures.is_some_and(|most| outcome.failed.len() > most) {
                        let told = format!("{} samples have failed: --max-failures", outcome.failed.len());
                        outcome.stopped = Some(Failure::other(told));
                        break;
                    }
                }
                // Half a sample was given: only a disk that fails can do that.
                Err(error) if rows > 0 => return Err(error.into()),
                Err(error) => {
                    outcome.stopped = Some(error.into());
                    break;
                }
            }
        }
        drop(bar);
        let report: Value = serde_json::from_str(&self.table.report()?).unwrap_or_default();
        if let Some(number) = report["misfits"].as_u64().filter(|number| *number > 0) {
            eprintln!("bge-extract: {number} values are of an unexpected type; they are in the column extra");
        }
        Ok(outcome)
    }
}

/// A sample that is not in the output, and why.
pub struct Missing {
    pub id: String,
    pub why: String,
    /// Whether another run may have it.
    pub is_passing: bool,
    pub failure: Failure,
}

impl Outcome {
    /// The samples that are not written: each id is, or is here.
    pub fn missing(&self, ids: &[String]) -> Vec<Missing> {
        let left_out = ids.iter().enumerate().filter(|(place, _)| !self.written.contains(place));
        left_out
            .map(|(place, id)| {
                let (failure, is_passing) = match (self.failed.get(&place), &self.stopped) {
                    (Some(error), _) => (Failure::from(error.clone()), error.retryable()),
                    (None, Some(stopped)) => {
                        (stopped.again(format!("the run ended before it: {stopped}")), true)
                    }
                    (None, None) => (Failure::retry("a signal ended the run before it"), true),
                };
                Missing { id: id.clone(), why: failure.to_string(), is_passing, failure }
            })
            .collect()
    }
}

fn options(cli: &Cli) -> Result<String, Failure> {
    let mut options = Map::new();
    options.insert("user_agent".into(), concat!("bge-extract/", env!("CARGO_PKG_VERSION")).into());
    let path =
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
    let texts = [
        ("endpoint", cli.endpoint.clone()),
        ("profile", cli.profile.clone()),
        ("proxy", cli.proxy.clone()),
        ("ca_file", path(&cli.ca_file)),
        ("log_file", path(&cli.log_file)),
    ];
    for (name, value) in texts {
        options.extend(value.map(|value| (name.to_owned(), value.into())));
    }
    let numbers = [("timeout", cli.timeout), ("deadline", cli.deadline)];
    for (name, value) in numbers {
        options.extend(value.map(|value| (name.to_owned(), value.into())));
    }
    options.extend(cli.max_retries.map(|number| ("max_retries".to_owned(), number.into())));
    Ok(Value::Object(options).to_string())
}

fn switches(cli: &Cli, skip: bool) -> Value {
    json!({
        "concurrency": cli.concurrency,
        "prefetch": cli.prefetch,
        "rate_limit": cli.rate_limit,
        "checkpoint_dir": cli.checkpoint_dir,
        "on_error": if skip { "skip" } else { "fail" },
        "strict": cli.strict,
        "columns": Some(&cli.columns).filter(|columns| !columns.is_empty()),
        "whole": true,
        "retry_for": cli.retry_for,
    })
}
