//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::shard::Shard;

/// Writes the table of a list call of the BGE open platform, for a cohort of samples, to a file.
///
/// Credentials are found as in libbge: BGE_ACCESS_TOKEN, or BGE_CLIENT_ID and BGE_CLIENT_SECRET, then the stored profile
/// of the `bge` command. The file appears under its name only when it is whole.
///
/// Exit status: 0 complete; 3 partial, the ids that are missing are in OUTPUT.failed.txt; 65 bad input; 75 worth
/// retrying; 77 not authorised; 1 anything else.
#[derive(Debug, Parser)]
#[command(name = "bge-extract", version)]
pub struct Cli {
    /// The list call, such as get_taxon_abundance or get_variants
    pub call: String,

    /// A file of biosample ids, one a line (# begins a comment; - is standard input), or `all` that get_samples lists
    #[arg(long, value_name = "FILE|all")]
    pub samples: Option<String>,

    /// Another argument of the call, or with `--samples all` a filter of get_samples; the value is JSON, or else text
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = argument)]
    pub args: Vec<(String, serde_json::Value)>,

    /// Where the table goes; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,

    /// Told by the file's ending unless given
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// Only part I of N of the samples, I from 0; which part a sample is in follows from its id alone
    #[arg(long, value_name = "I/N", default_value = "0/1")]
    pub shard: Shard,

    /// Samples at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub concurrency: u32,

    /// Pages of each sample that may wait to be written; as many as make some 8,000 rows unless given
    #[arg(long, value_name = "N")]
    pub prefetch: Option<u32>,

    /// Requests per second, at most
    #[arg(long, value_name = "R")]
    pub rate_limit: Option<f64>,

    /// A folder that keeps the pages of finished samples: a run that was ended goes on from there
    #[arg(long, value_name = "DIR")]
    pub checkpoint_dir: Option<PathBuf>,

    /// End at the first sample that fails, instead of leaving it out
    #[arg(long)]
    pub fail_fast: bool,

    /// A value of an unexpected type is an error
    #[arg(long)]
    pub strict: bool,

    /// The platform's address
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// The stored profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,

    /// No progress bar
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Apache Parquet, compressed with Snappy
    Parquet,
    /// Comma-separated, with a line of names; null is empty
    Csv,
    /// One JSON object a line; columns of JSON stand in it as JSON
    Jsonl,
    /// An Arrow IPC file
    Arrow,
}

impl Cli {
    /// The format that is asked for, or that the file's ending tells.
    pub fn format(&self) -> Result<Format, String> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        match self.output.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => Ok(Format::Parquet),
            Some("csv") => Ok(Format::Csv),
            Some("jsonl" | "ndjson") => Ok(Format::Jsonl),
            Some("arrow" | "feather") => Ok(Format::Arrow),
            _ => {
                Err("--format is needed: the output's ending is none of .parquet, .csv, .jsonl, .arrow"
                    .into())
            }
        }
    }
}

fn argument(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    if name.is_empty() || name == "$" {
        return Err("must be NAME=VALUE".into());
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((name.to_owned(), value))
}
