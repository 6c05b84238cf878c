//! From the command line to the file: whole samples only.

use std::{
    fs, mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::RecordBatch;
use bge::{Batches, Client, Error, Status, Table, endpoint};
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
    let end = write(&mut batches, &mut output);
    drop(bar);
    let ids = ids.unwrap_or_default();
    match end {
        Ok(()) => {}
        Err(Stop::Table(error)) if error.status() == Status::Cancelled && interrupt.came() => {}
        Err(Stop::Table(error)) => return Err(error.into()),
        Err(Stop::Output(failure)) => return Err(failure),
    }
    let missing = missing(&table, &batches, &ids, interrupt.came())?;
    tell_misfits(&table)?;
    if missing.is_empty() && interrupt.came() && table.progress().samples_done < table.progress().samples {
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

/// Writes each sample when all of it is there.
fn write(batches: &mut Batches, output: &mut Output) -> Result<(), Stop> {
    let mut waiting: Vec<RecordBatch> = Vec::new();
    let mut sample = 0;
    loop {
        let batch = batches.next_batch().map_err(Stop::Table)?;
        if batch.is_none() || batches.sample() != sample {
            let whole = mem::take(&mut waiting);
            if !batches.failed().contains(&sample) {
                for batch in &whole {
                    output.write(batch).map_err(Stop::Output)?;
                }
            }
            sample = batches.sample();
        }
        match batch {
            Some(batch) => waiting.push(batch),
            None => return Ok(()),
        }
    }
}

/// The samples that failed, and after a signal those that were not reached.
fn missing(
    table: &Table,
    batches: &Batches,
    ids: &[String],
    interrupted: bool,
) -> Result<Vec<Missing>, Failure> {
    let report: Value = serde_json::from_str(&table.report()?).unwrap_or_default();
    let errors = report["failed"].as_array().cloned().unwrap_or_default();
    let mut missing = Vec::new();
    for (place, report) in batches.failed().into_iter().zip(errors) {
        let Some(id) = ids.get(place) else { continue };
        let error = &report["error"];
        let why = error["message"].as_str().unwrap_or("it failed").to_owned();
        let (name, retryable) = (error["name"].as_str(), error["retryable"].as_bool());
        let failure = Failure::of_status(name.unwrap_or_default(), retryable.unwrap_or(false), why.clone());
        missing.push(Missing { id: id.clone(), failure, why });
    }
    if interrupted {
        let done = usize::try_from(table.progress().samples_done).unwrap_or(usize::MAX);
        for id in ids.iter().skip(done) {
            let why = "a signal ended the run before it".to_owned();
            missing.push(Missing { id: id.clone(), failure: Failure::retry(why.clone()), why });
        }
    }
    Ok(missing)
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
