//! `bge-extract`: the table of a cohort of samples, as a file.

mod arguments;
mod cli;
mod dataset;
mod extract;
mod failure;
mod fingerprint;
mod job;
mod merge;
mod output;
mod place;
mod progress;
mod queue;
mod samples;
mod shard;
mod value;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, failure::Failure};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are no errors, and go to standard output.
            let _ = error.print();
            return if error.use_stderr() { Failure::input("").exit.into() } else { ExitCode::SUCCESS };
        }
    };
    match extract::run(&cli) {
        Ok(extract::Ending::Complete) => ExitCode::SUCCESS,
        Ok(extract::Ending::Partial(exit)) => exit.into(),
        Err(failure) => {
            eprintln!("bge-extract: {failure}");
            failure.exit.into()
        }
    }
}
