//! What is asked for: a call with its arguments, for these samples or those; and what became of each sample.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bge::{Batches, Client, Error, Part, Status, Table, endpoint::Endpoint};
use serde_json::{Value, json};

use crate::{
    connection::Connection,
    extract::{
        arguments::{self, Members},
        options::Options,
        output,
        progress::{Bar, Interrupt},
        samples,
    },
    failure::Failure,
    lang::say,
};

/// Where rows go: whole samples, one after the other.
pub trait Take {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure>;

    /// All rows of the sample in this place were given.
    fn end(&mut self, place: usize, rows: u64) -> Result<(), Failure>;
}

/// A call, its arguments, and the client that carries it out.
pub struct Job<'a> {
    pub options: &'a Options,
    pub call: &'static Endpoint,
    pub args: Members,
    /// The columns to ask for; all of them if it is none.
    columns: Vec<String>,
    pub interrupt: &'a Interrupt,
    client: Client,
}

impl<'a> Job<'a> {
    pub fn new(
        options: &'a Options,
        connection: &Connection,
        interrupt: &'a Interrupt,
    ) -> Result<(Self, Option<Vec<String>>), Failure> {
        let call = arguments::call(options.call.as_deref().unwrap_or_default())?;
        let listing = arguments::call(samples::LISTING)?;
        let lists = options.samples.as_deref() == Some("all");
        let others: &[&Endpoint] = if lists { &[listing] } else { &[] };
        let mut args = arguments::read(&options.args, call, others)?;
        if let Some(path) = &options.rsids {
            if call.arg("rsids").is_none() || args.contains("rsids") {
                return Err(Failure::input(say(
                    "--rsids is for get_variants, without --arg rsids",
                    "--rsids 用于 get_variants，且不能同时使用 --arg rsids",
                )));
            }
            args.set("rsids", &samples::rsids(path)?)?;
        }
        if call.arg("data_type").is_some() && !args.contains("data_type") {
            args.set("data_type", &"list")?;
        }
        let format = options.format().map_err(Failure::input)?;
        let columns = output::columns(options, format, call).map_err(Failure::input)?;
        let columns = columns.unwrap_or_else(|| options.columns.clone());
        let client = connection.open()?;
        let of_samples = call.arg("biosample_id").is_some();
        let ids = match &options.samples {
            Some(_) if !of_samples => {
                return Err(Failure::input(format!(
                    "{} is not about samples: leave --samples out",
                    call.name
                )));
            }
            Some(from) => {
                let is_filter = |name: &str| listing.arg(name).is_some() && call.arg(name).is_none();
                let filters = args.take(is_filter);
                Some(samples::read(&client, from, filters, options.retry_for)?)
            }
            None if !options.shard.is_whole() || options.queue.is_some() => {
                return Err(Failure::input("--shard and --queue part samples: --samples names them"));
            }
            None if of_samples && !args.contains("biosample_id") => {
                return Err(Failure::input(format!("--samples is needed: {} is about samples", call.name)));
            }
            None => None,
        };
        let ids = ids.map(|ids| samples::of_shard(ids, options.shard));
        Ok((Job { options, call, args, columns, interrupt, client }, ids))
    }

    /// What a file says of where it comes from: the call, its arguments, and the library. The samples are in its rows.
    pub fn about(&self) -> BTreeMap<String, String> {
        let about = [
            ("bge.endpoint", self.call.name.to_owned()),
            ("bge.arguments", self.args.json().unwrap_or_default()),
            ("bge.library", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What the platform tells of these samples. Without it a file is whole, too.
    pub fn describe(&self, ids: &[String]) -> BTreeMap<String, Value> {
        samples::described(&self.client, ids, self.options.retry_for).unwrap_or_else(|failure| {
            let told = told!(
                "nothing is said of the samples but their ids: {failure}",
                "除编号外没有样品信息：{failure}"
            );
            eprintln!("bge: {told}");
            BTreeMap::new()
        })
    }

    /// Opens the table of these samples; nothing is sent yet.
    pub fn begin(&self, ids: Option<&[String]>) -> Result<Run, Failure> {
        let mut args = self.args.clone();
        if let Some(ids) = ids {
            args.set("biosample_id", &ids)?;
        }
        // Without samples there is nothing that the rest could do without.
        args.set("$", &switches(self.options, &self.columns, ids.is_some() && !self.options.fail_fast))?;
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
        let bar = Bar::show(&self.table, job.options.quiet);
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
                    if job.options.max_failures.is_some_and(|most| outcome.failed.len() > most) {
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
            eprintln!("bge: {number} values are of an unexpected type; they are in the column extra");
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

fn switches(options: &Options, columns: &[String], skip: bool) -> Value {
    json!({
        "concurrency": options.concurrency,
        "prefetch": options.prefetch,
        "checkpoint_dir": options.checkpoint_dir,
        "on_error": if skip { "skip" } else { "fail" },
        "strict": options.strict,
        "columns": Some(columns).filter(|columns| !columns.is_empty()),
        "whole": true,
        "retry_for": options.retry_for,
    })
}
