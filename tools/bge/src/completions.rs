//! `bge completions`: what shells complete.

use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell, generate};

use crate::{failure::Failure, out};

/// Writes a completion script to standard output
///
/// `source <(bge completions bash)` for this shell; `make install` puts the scripts where the shells look.
#[derive(Debug, Args)]
pub struct Options {
    #[arg(value_enum)]
    shell: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Bash,
    Zsh,
    Fish,
}

/// `program` is the whole of it.
pub fn run(options: &Options, mut program: Command) -> Result<(), Failure> {
    let shell = match options.shell {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut program, "bge", &mut script);
    out::bytes(&script).and_then(|()| out::flush())
}
