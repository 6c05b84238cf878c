//! `bge calls`: what can be called.

use bge::endpoint;
use clap::Args;

use crate::{failure::Failure, lang, out};

/// Lists the calls of the platform
#[derive(Debug, Args)]
pub struct Options {
    /// The whole table as JSON: arguments, types, defaults, choices, columns
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    if options.json {
        return out::line(&endpoint::describe());
    }
    let longest = crate::call::names().map(|call| call.name.len()).max().unwrap_or(0);
    let mut noun = "";
    for call in crate::call::names() {
        if call.noun != noun {
            let gap = if noun.is_empty() { "" } else { "\n" };
            noun = call.noun;
            out::line(&format!("{gap}{}", lang::of_noun(noun)))?;
        }
        out::line(&format!("  {:longest$}  {}", call.name, lang::of_call(call)))?;
    }
    Ok(())
}
