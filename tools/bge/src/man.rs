//! `bge man`: manual pages.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::{failure::Failure, out};

/// Writes a manual page to standard output, or all of them into a folder
#[derive(Debug, Args)]
pub struct Options {
    /// The command, such as `profile list`; bge itself unless given
    command: Vec<String>,

    /// A folder for all pages
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    all: Option<PathBuf>,
}

/// `program` is the whole of it.
pub fn run(options: &Options, program: Command) -> Result<(), Failure> {
    let pages = pages(program);
    let Some(folder) = &options.all else {
        let wanted = std::iter::once("bge")
            .chain(options.command.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join("-");
        let page = pages.iter().find(|(name, _)| *name == wanted);
        let (_, text) =
            page.ok_or_else(|| Failure::input(told!("there is no page {wanted}", "没有手册页 {wanted}")))?;
        return out::bytes(text).and_then(|()| out::flush());
    };
    std::fs::create_dir_all(folder).map_err(|cause| Failure::io(&folder.display().to_string(), &cause))?;
    for (name, text) in pages {
        let path = folder.join(format!("{name}.1"));
        std::fs::write(&path, text).map_err(|cause| Failure::io(&path.display().to_string(), &cause))?;
    }
    Ok(())
}

/// Every page by its name. Single calls have none: their help is the table of calls.
fn pages(mut command: Command) -> Vec<(String, Vec<u8>)> {
    command.build();
    let mut all = Vec::new();
    add("bge", &command, &mut all);
    all
}

fn add(name: &str, command: &Command, all: &mut Vec<(String, Vec<u8>)>) {
    let is_table = matches!(name, "bge-call" | "bge-api");
    let mut shown =
        command.clone().name(name.to_owned()).bin_name(name.replace('-', " ")).disable_help_subcommand(true);
    if is_table {
        // As many words as the table has are no list of pages.
        shown = Command::new(name.to_owned())
            .bin_name(format!("{} NAME", name.replace('-', " ")))
            .about(command.get_about().cloned().unwrap_or_default())
            .long_about(command.get_long_about().cloned().unwrap_or_default());
    }
    let mut text = Vec::new();
    // Writing to memory does not fail.
    if Man::new(shown)
        .title(name.to_uppercase())
        .manual("bge")
        .source(concat!("bge ", env!("CARGO_PKG_VERSION")))
        .render(&mut text)
        .is_ok()
    {
        all.push((name.to_owned(), text));
    }
    let below = command
        .get_subcommands()
        .filter(|below| !is_table && !below.is_hide_set() && below.get_name() != "help");
    for below in below {
        add(&format!("{name}-{}", below.get_name()), below, all);
    }
}
