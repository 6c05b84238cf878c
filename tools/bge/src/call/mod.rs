//! `bge call`: every call of the table by its name, with flags made of the table.

mod answer;
pub mod flags;
pub mod official;
mod rows;
pub mod table;

use clap::{ArgMatches, Args, FromArgMatches, Subcommand, error::ErrorKind};

use bge::endpoint::{self, Endpoint};

use crate::{call::answer::Shape, connection::Connection, extract::arguments, failure::Failure};

/// A call with what was typed for it.
#[derive(Debug)]
pub struct Chosen {
    pub endpoint: &'static Endpoint,
    typed: flags::Typed,
    shape: Shape,
}

/// The calls that can be named: all but the one whose bytes are not JSON.
pub fn names() -> impl Iterator<Item = &'static Endpoint> {
    endpoint::all().filter(|endpoint| endpoint.name != "upload")
}

impl Subcommand for Chosen {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let command = command
            .subcommand_value_name("NAME")
            .subcommand_help_heading("Calls")
            .disable_help_subcommand(true);
        command.subcommands(names().map(|endpoint| flags::command(endpoint, &Shape::augment_args)))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        names().any(|endpoint| endpoint.name == name)
    }
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let chosen = matches.subcommand().and_then(|(name, of)| Some((endpoint::find(name)?, of)));
        let (endpoint, matches) = chosen.ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        let (typed, shape) = (flags::typed(endpoint, matches), Shape::from_arg_matches(matches)?);
        Ok(Chosen { endpoint, typed, shape })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub fn run(chosen: &Chosen, connection: &Connection) -> Result<(), Failure> {
    let members = chosen.typed.members(chosen.endpoint)?;
    chosen.shape.check(chosen.endpoint)?;
    let client = connection.open()?;
    chosen.shape.tell(&client, chosen.endpoint, &members.json()?)
}

/// What `--arg` takes.
pub fn argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && name != "$" => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".into()),
    }
}

/// Whether any of these arguments is known to the call; its JSON.
fn json(typed: &[(String, String)], endpoint: &Endpoint) -> Result<arguments::Members, Failure> {
    arguments::read(typed, endpoint, &[])
}
