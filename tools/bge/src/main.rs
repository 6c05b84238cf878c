//! `bge`: the BGE open platform from the shell.

#[macro_use]
mod lang;

mod application;
mod call;
mod calls;
mod cat;
mod cli;
mod clock;
mod completions;
mod connection;
mod doctor;
mod download;
mod extract;
mod failure;
mod login;
mod logout;
mod man;
mod model;
mod out;
mod profile;
mod terminal;
mod token;
mod transfer;
mod upload;
mod whoami;

use std::process::ExitCode;

use crate::{
    cli::{Cli, Command},
    failure::Failure,
};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    lang::choose(&words);
    let cli = match Cli::read(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are no errors, and go to standard output.
            match lang::told(&error).filter(|_| error.use_stderr()) {
                Some(told) => eprintln!("{told}"),
                None => drop(error.print()),
            }
            return if error.use_stderr() { Failure::input("").exit.into() } else { ExitCode::SUCCESS };
        }
    };
    match run(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            if failure.is_broken_pipe {
                out::end_by_broken_pipe();
            }
            eprintln!("bge: {failure}");
            failure.exit.into()
        }
    }
}

/// Carries the command out; the exit status, unless it failed.
fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let connection = &cli.connection;
    match cli.command {
        Command::Login(options) => login::run(&options, connection),
        Command::Token(options) => token::run(&options, connection),
        Command::Logout(options) => logout::run(&options, connection),
        Command::Whoami(options) => whoami::run(&options, connection),
        Command::Profile(command) => profile::run(&command, connection),
        Command::Workon { name } => profile::work_on(name.as_deref()),
        Command::Calls(options) => calls::run(&options),
        Command::Call(call) => call::run(&call, connection),
        Command::Api(call) => call::official::run(&call, connection),
        Command::Upload(options) => upload::run(&options, connection),
        Command::Download(options) => download::run(&options, connection),
        Command::Cat(options) => cat::run(&options, connection),
        Command::Doctor(options) => doctor::run(&options, connection),
        Command::Model(command) => model::run(&command, connection),
        Command::Completions(options) => completions::run(&options, Cli::whole()),
        Command::Man(options) => man::run(&options, Cli::whole()),
        Command::Extract(options) => return extract::run(&options, connection),
    }?;
    Ok(ExitCode::SUCCESS)
}
