//! The program's arguments: one module a command.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    call::{Chosen, official},
    calls, cat, completions,
    connection::Connection,
    doctor, download, extract,
    lang::{self, Language},
    login, logout, man, model, profile, token, upload, whoami,
};

/// The BGE open omics platform from the shell
///
/// Credentials are found as in libbge: BGE_ACCESS_TOKEN, or BGE_CLIENT_ID and BGE_CLIENT_SECRET, then the stored profile.
///
/// Exit status: 0 done; 3 samples are missing for good; 65 bad input; 75 what is missing is worth repeating;
/// 77 not authorised; 1 anything else.
#[derive(Debug, Parser)]
#[command(name = "bge", version, max_term_width = 120)]
pub struct Cli {
    #[command(flatten)]
    pub connection: Connection,

    /// The language of help and messages; LC_ALL, LC_MESSAGES or LANG tell it unless given
    #[arg(long, global = true, value_enum, value_name = "LANGUAGE", help_heading = "Connection")]
    pub lang: Option<Language>,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Login(login::Options),
    Token(token::Options),
    Logout(logout::Options),
    Whoami(whoami::Options),

    #[command(subcommand, visible_alias = "config")]
    Profile(profile::Command),

    /// Makes a profile the active one, as the official command calls it
    #[command(hide = true)]
    Workon {
        name: Option<String>,
    },

    Calls(calls::Options),

    /// Carries out a call of the platform
    ///
    /// `bge calls` lists them, `bge call NAME --help` says what a call takes. The answer goes to standard output as the
    /// platform wrote it.
    #[command(subcommand, arg_required_else_help = true)]
    Call(Chosen),

    /// The calls as the official command spells them
    ///
    /// Names, order and letters of arguments are those of the official Python command. `bge call` offers more.
    #[command(subcommand, arg_required_else_help = true)]
    Api(official::Chosen),

    Upload(upload::Options),
    Download(download::Options),
    Cat(cat::Options),
    Extract(Box<extract::Options>),

    #[command(subcommand)]
    Model(model::Command),
    Doctor(doctor::Options),
    Completions(completions::Options),
    Man(man::Options),
}

impl Cli {
    /// All commands, in the language that was chosen.
    pub fn whole() -> clap::Command {
        lang::translated(Cli::command())
    }

    pub fn read(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = Cli::whole();
        let matches = command.try_get_matches_from_mut(words)?;
        Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_agree_with_themselves() {
        Cli::command().debug_assert();
    }
}
