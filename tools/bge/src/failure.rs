//! What went wrong, and with which status the program ends.

use std::{fmt, io};

use bge::Error;

pub const PARTIAL: u8 = 3;
const OTHER: u8 = 1;
const INPUT: u8 = 65;
pub const RETRY: u8 = 75;
const UNAUTHORISED: u8 = 77;

#[derive(Clone, Debug)]
pub struct Failure {
    pub exit: u8,
    /// Whoever read what was written went away.
    pub is_broken_pipe: bool,
    message: String,
}

impl Failure {
    fn new(exit: u8, message: impl Into<String>) -> Self {
        Failure { exit, is_broken_pipe: false, message: message.into() }
    }

    pub fn input(message: impl Into<String>) -> Self {
        Failure::new(INPUT, message)
    }

    pub fn retry(message: impl Into<String>) -> Self {
        Failure::new(RETRY, message)
    }

    pub fn unauthorised(message: impl Into<String>) -> Self {
        Failure::new(UNAUTHORISED, message)
    }

    pub fn io(what: &str, cause: &io::Error) -> Self {
        let is_broken_pipe = cause.kind() == io::ErrorKind::BrokenPipe;
        Failure { is_broken_pipe, ..Failure::new(OTHER, format!("{what}: {cause}")) }
    }

    /// The same kind of failure, in other words.
    pub fn again(&self, message: impl Into<String>) -> Self {
        Failure::new(self.exit, message)
    }

    pub fn other(message: impl Into<String>) -> Self {
        Failure::new(OTHER, message)
    }
}

impl Failure {
    /// A failure of the library, by the name of its status.
    pub fn of_status(name: &str, retryable: bool, message: impl Into<String>) -> Self {
        let exit = match name {
            // A refusal in an envelope is about what was asked for: an argument, or a sample of somebody else's.
            "BGE_ERR_ARGUMENT" | "BGE_ERR_API" => INPUT,
            "BGE_ERR_AUTH" => UNAUTHORISED,
            "BGE_ERR_TRANSPORT" | "BGE_ERR_TIMEOUT" => RETRY,
            _ if retryable => RETRY,
            _ => OTHER,
        };
        Failure::new(exit, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::of_status(error.status().name(), error.retryable(), error.message())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
