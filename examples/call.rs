//! Carries one call out, with the credentials that are found: `call NAME [ARGS_JSON [OPTIONS_JSON]]`.
//!
//! Prints the result on standard output, or the error's JSON on standard error, and ends with the error's status.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, not the library")]

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(name) = arguments.next() else {
        eprintln!("usage: call NAME [ARGS_JSON [OPTIONS_JSON]]");
        return ExitCode::from(64);
    };
    let args = arguments.next().unwrap_or_else(|| "{}".to_owned());
    let options = arguments.next().unwrap_or_else(|| "{}".to_owned());
    let outcome = bge::Client::open(&options).and_then(|client| client.call(&name, &args));
    match outcome {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", error.to_json());
            ExitCode::from(error.status() as u8)
        }
    }
}
