//! `bge extract`: the table of a cohort of samples, as files.

pub mod arguments;
mod dataset;
mod ending;
mod fingerprint;
mod job;
mod merge;
mod one_file;
pub mod options;
pub mod output;
pub mod place;
pub mod progress;
mod queue;
mod samples;
mod shard;
pub mod value;
mod verify;

pub use options::Options;

use std::process::ExitCode;

use self::{ending::Ending, job::Job, progress::Interrupt};
use crate::{connection::Connection, failure::Failure};

pub fn run(options: &Options, connection: &Connection) -> Result<ExitCode, Failure> {
    Ok(match extract(options, connection)? {
        Ending::Complete => ExitCode::SUCCESS,
        Ending::Partial(exit) => exit.into(),
    })
}

fn extract(options: &Options, connection: &Connection) -> Result<Ending, Failure> {
    if options.verify_dataset {
        return verify::run(options);
    }
    if let Some(folder) = &options.merge {
        return merge::run(options, folder);
    }
    options.format().map_err(Failure::input)?;
    if options.queue.is_none() && !options.is_dataset() {
        return one_file::run(options, connection);
    }
    let interrupt = Interrupt::watch()?;
    if let Some(folder) = &options.queue {
        let (job, ids) = Job::new(options, connection, &interrupt)?;
        return queue::run(&job, folder, &ids.unwrap_or_default());
    }
    dataset::prepare(&options.output)?;
    let (job, ids) = Job::new(options, connection, &interrupt)?;
    let name = dataset::ShardName::of(options.shard);
    dataset::run(&job, &options.output, &name, ids.as_deref())
}
