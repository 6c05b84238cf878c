//! From the command line to the file: whole samples only.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bge::{Batches, Client, Error, Part, Status, Table, endpoint};
use serde_json::{Map, Value, json};

use crate::{
    cli::Cli,
    failure::Failure,
    output::Output,
    progress::{Bar, Interrupt},
    samples,
};

/// How a run that wrote its file ended.
pub enum Outcome {
    Complete,
    /// Samples are missing; their ids are in a file beside it.
    Partial,
}

/// A sample that is not in the file, and why.
struct Missing {
    id: String,
    why: String,
    failure: Failure,
}

pub fn run(cli: &Cli) -> Result<Outcome, Failure> {
    let format = cli.format().map_err(Failure::input)?;
    let client = Client::open(&options(cli).to_string())?;
    let mut args: Map<String, Value> = cli.args.iter().cloned().collect();
    let ids = ids(cli, &client, &mut args)?;
    if let Some(ids) = &ids {
        args.insert("biosample_id".to_owned(), json!(ids));
    }
    // Without samples there is nothing that the rest could do without.
    let skip = ids.is_some() && !cli.fail_fast;
    args.insert("$".to_owned(), switches(cli, skip));
    let table = Arc::new(client.table(&cli.call, &Value::Object(args).to_string())?);
    let interrupt = Interrupt::watch(&table)?;
    let bar = Bar::show(&table, cli.quiet);
    let mut batches = table.stream()?;
    let mut output = Output::create(&cli.output, format, &batches.schema())?;
    let mut seen = Seen::default();
    let end = write(&mut batches, &mut output, &mut seen);
    drop(bar);
    let ids = ids.unwrap_or_default();
    match end {
        Ok(()) => {}
        Err(Stop::Table(error)) => return Err(error.into()),
        Err(Stop::Output(failure)) => return Err(failure),
    }
    let missing = missing(&seen, &ids);
    tell_misfits(&table)?;
    if ids.is_empty() && interrupt.came() {
        return Err(Failure::retry("ended by a signal"));
    }
    let list = PathBuf::from(format!("{}.failed.txt", cli.output.display()));
    let is_file = cli.output != Path::new("-");
    if missing.is_empty() {
        output.finish()?;
        if is_file && list.exists() {
            fs::remove_file(&list).map_err(|cause| Failure::io("an old list of failed ids", &cause))?;
        }
        return Ok(Outcome::Complete);
    }
    for sample in &missing {
        eprintln!("bge-extract: {} is missing: {}", sample.id, sample.why);
    }
    if missing.len() == ids.len() {
        // Nothing came of it: the first reason is the run's.
        let first = missing.into_iter().next().map(|sample| sample.failure);
        return Err(first.unwrap_or_else(|| Failure::other("no sample")));
    }
    if is_file {
        let lines: String =
            missing.iter().map(|sample| format!("{}  # {}\n", sample.id, sample.why)).collect();
        fs::write(&list, lines).map_err(|cause| Failure::io(&list.display().to_string(), &cause))?;
    }
    output.finish()?;
    eprintln!("bge-extract: {} of {} samples are missing", missing.len(), ids.len());
    Ok(Outcome::Partial)
}

fn options(cli: &Cli) -> Value {
    let mut options = Map::new();
    options.insert("user_agent".into(), concat!("bge-extract/", env!("CARGO_PKG_VERSION")).into());
    for (name, value) in [("endpoint", &cli.endpoint), ("profile", &cli.profile)] {
        options.extend(value.as_ref().map(|value| (name.to_owned(), value.as_str().into())));
    }
    Value::Object(options)
}

fn switches(cli: &Cli, skip: bool) -> Value {
    json!({
        "concurrency": cli.concurrency,
        "prefetch": cli.prefetch,
        "rate_limit": cli.rate_limit,
        "checkpoint_dir": cli.checkpoint_dir,
        "on_error": if skip { "skip" } else { "fail" },
        "strict": cli.strict,
        "whole": true,
    })
}

/// The samples of a call that is about samples.
fn ids(cli: &Cli, client: &Client, args: &mut Map<String, Value>) -> Result<Option<Vec<String>>, Failure> {
    let of_samples = endpoint::find(&cli.call).is_none_or(|call| call.arg("biosample_id").is_some());
    match &cli.samples {
        Some(from) if of_samples => {
            let ids = samples::read(client, from, args, &cli.call)?;
            Ok(Some(samples::of_shard(ids, cli.shard)))
        }
        Some(_) => Err(Failure::input(format!("{} is not about samples: leave --samples out", cli.call))),
        None if !cli.shard.is_whole() => Err(Failure::input("--shard parts samples: --samples names them")),
        None if of_samples && !args.contains_key("biosample_id") => {
            Err(Failure::input(format!("--samples is needed: {} is about samples", cli.call)))
        }
        None => Ok(None),
    }
}

enum Stop {
    Table(Error),
    Output(Failure),
}

/// Writes what comes: whole samples only. Gives the places of those that are written, and the samples that are not.
fn write(batches: &mut Batches, output: &mut Output, seen: &mut Seen) -> Result<(), Stop> {
    loop {
        match batches.next_part().map_err(Stop::Table)? {
            None => return Ok(()),
            Some(Part::Rows(_, batch)) => output.write(&batch).map_err(Stop::Output)?,
            Some(Part::End(place, None)) => {
                seen.written.insert(place);
            }
            Some(Part::End(place, Some(error))) => {
                seen.failed.insert(place, error);
            }
        }
    }
}

/// What became of the samples, by their places.
#[derive(Default)]
struct Seen {
    written: HashSet<usize>,
    failed: HashMap<usize, Error>,
}

/// The samples that are not in the file: each id is there, or here.
fn missing(seen: &Seen, ids: &[String]) -> Vec<Missing> {
    let left_out = ids.iter().enumerate().filter(|(place, _)| !seen.written.contains(place));
    left_out
        .map(|(place, id)| match seen.failed.get(&place) {
            Some(error) if error.status() != Status::Cancelled => Missing {
                id: id.clone(),
                failure: Failure::from(error.clone()),
                why: error.message().to_owned(),
            },
            _ => {
                let why = "a signal ended the run before it".to_owned();
                Missing { id: id.clone(), failure: Failure::retry(why.clone()), why }
            }
        })
        .collect()
}

fn tell_misfits(table: &Table) -> Result<(), Failure> {
    let report: Value = serde_json::from_str(&table.report()?).unwrap_or_default();
    match report["misfits"].as_u64() {
        None | Some(0) => Ok(()),
        Some(number) => {
            eprintln!("bge-extract: {number} values are of an unexpected type; they are in the column extra");
            Ok(())
        }
    }
}
