//! `bge`: the BGE open platform from the shell.

mod connection;
mod extract;
mod failure;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{connection::Connection, failure::Failure};

/// The BGE open omics platform from the shell
///
/// Credentials are found as in libbge: BGE_ACCESS_TOKEN, or BGE_CLIENT_ID and BGE_CLIENT_SECRET, then the stored profile.
///
/// Exit status: 0 done; 3 samples are missing for good; 65 bad input; 75 what is missing is worth repeating;
/// 77 not authorised; 1 anything else.
#[derive(Debug, Parser)]
#[command(name = "bge", version)]
struct Cli {
    #[command(flatten)]
    connection: Connection,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Extract(Box<extract::Options>),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are no errors, and go to standard output.
            let _ = error.print();
            return if error.use_stderr() { Failure::input("").exit.into() } else { ExitCode::SUCCESS };
        }
    };
    match run(&cli) {
        Ok(exit) => exit,
        Err(failure) => {
            eprintln!("bge: {failure}");
            failure.exit.into()
        }
    }
}

/// Carries the command out; the exit status, unless it failed.
fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Extract(options) => extract::run(options, &cli.connection),
    }
}
