//! What `bge extract` takes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::{connection::seconds, extract::shard::Shard};

/// Writes the table of a list call, for a cohort of samples, to a file or a folder
///
/// The file appears under its name only when it is whole: where samples are missing, what there is becomes
/// NAME.partial.ENDING, and the ids that are missing, with the reasons, NAME.ENDING.failed.txt. Given as --samples for the
/// same output, that list completes it. A signal (TERM, INT, HUP, USR1, USR2, XCPU) ends a run like that.
#[derive(Debug, Args)]
pub struct Options {
    /// The list call, such as get_taxon_abundance or get_variants
    #[arg(required_unless_present_any = ["verify_dataset", "merge"])]
    pub call: Option<String>,

    /// A file of biosample ids, one a line (# begins a comment; - is standard input), or `all` that get_samples lists
    #[arg(long, value_name = "FILE|all")]
    pub samples: Option<String>,

    /// Another argument of the call, or with `--samples all` a filter of get_samples. The value goes out as it is typed;
    /// where the call takes an array or an object it is JSON
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = argument)]
    pub args: Vec<(String, String)>,

    /// The rsIDs of get_variants, one a line (# begins a comment)
    #[arg(long, value_name = "FILE")]
    pub rsids: Option<PathBuf>,

    /// Where the table goes: a file, - for standard output, or a folder (`DIR/`) of Parquet files that are read as one table
    #[arg(short, long, value_name = "FILE|DIR/")]
    pub output: PathBuf,

    /// Told by the file's ending unless given
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// Only these columns, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Vec<String>,

    /// Abundances as a table with features in rows and samples in columns: .tsv, .csv or .parquet. --columns describe the
    /// features
    #[arg(long)]
    pub matrix: bool,

    /// Only taxa of this rank, such as species, in .biom and with --matrix: ranks contain each other
    #[arg(long, value_name = "RANK")]
    pub rank: Option<String>,

    /// Only part I of N of the samples, I from 0; which part a sample is in follows from its id alone
    #[arg(long, value_name = "I/N", default_value = "0/1")]
    pub shard: Shard,

    /// A folder through which any number of workers share the samples, a chunk at a time; the output is a folder
    #[arg(long, value_name = "DIR", conflicts_with = "shard")]
    pub queue: Option<PathBuf>,

    /// Samples of a chunk of the queue
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub chunk: u32,

    /// Looks whether a folder of Parquet files is whole and right, instead of fetching anything; --samples may name who
    /// has to be in it
    #[arg(long, requires = "output", conflicts_with_all = ["call", "merge"])]
    pub verify_dataset: bool,

    /// Makes one Parquet file of a folder of them, with the samples in the order of --samples
    #[arg(long, value_name = "DIR", requires = "samples", conflicts_with = "call")]
    pub merge: Option<PathBuf>,

    /// Samples at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub concurrency: u32,

    /// Pages of each sample that may wait to be written; as many as make some 8,000 rows unless given
    #[arg(long, value_name = "N")]
    pub prefetch: Option<u32>,

    /// A folder that keeps the pages of finished samples: a run that was ended goes on from there
    #[arg(long, value_name = "DIR")]
    pub checkpoint_dir: Option<PathBuf>,

    /// End at the first sample that fails, instead of leaving it out
    #[arg(long)]
    pub fail_fast: bool,

    /// End when more samples than this have failed
    #[arg(long, value_name = "N")]
    pub max_failures: Option<usize>,

    /// Samples that cannot be had for good are no failure: they are listed, and the table is complete without them
    #[arg(long)]
    pub allow_missing: bool,

    /// A value of an unexpected type is an error
    #[arg(long)]
    pub strict: bool,

    /// How long an outage of the platform is waited out, with nobody left out for it
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0, value_parser = seconds)]
    pub retry_for: f64,

    /// Times and lists stay the text that they come as, in Parquet and Arrow too
    #[arg(long)]
    pub text: bool,

    /// A byte order mark before the CSV, for Excel
    #[arg(long)]
    pub csv_bom: bool,

    /// What stands for null in CSV; nothing unless given, as for an empty text
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub csv_null: String,

    /// No progress bar, and no lines of progress
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Apache Parquet, compressed with Snappy
    Parquet,
    /// Comma-separated, with a line of names; null is empty
    Csv,
    /// The same with tabs
    Tsv,
    /// One JSON object a line; columns of JSON stand in it as JSON
    Jsonl,
    /// An Arrow IPC file
    Arrow,
    /// Variants of all samples, as VCF 4.3 on GRCh38
    Vcf,
    /// The same, compressed, with an index
    #[value(name = "vcf.gz")]
    VcfGz,
    /// The same as BCF, with an index
    Bcf,
    /// Abundances of all samples, as BIOM 1.0
    Biom,
}

impl Options {
    /// Whether the output is a folder of files.
    pub fn is_dataset(&self) -> bool {
        let text = self.output.as_os_str().as_encoded_bytes();
        self.queue.is_some() || text.ends_with(b"/") || self.output.is_dir()
    }

    /// The format that is asked for, or that the file's ending tells.
    pub fn format(&self) -> Result<Format, String> {
        let format = self.format.or_else(|| self.is_dataset().then_some(Format::Parquet));
        match format.or_else(|| format_of(&self.output)) {
            Some(_) if self.is_dataset() && self.matrix => Err("--matrix is one file: name it".into()),
            Some(format) if self.is_dataset() && format != Format::Parquet => {
                Err("--output is a folder, which only Parquet can be in: name a file".into())
            }
            Some(format) => Ok(format),
            None => {
                let told = "--format is needed: the output's ending is none of .parquet, .csv, .tsv, .jsonl, .arrow, .vcf, .vcf.gz, .bcf, .biom";
                Err(told.into())
            }
        }
    }
}

fn format_of(path: &Path) -> Option<Format> {
    if path.as_os_str().as_encoded_bytes().ends_with(b".vcf.gz") {
        return Some(Format::VcfGz);
    }
    match path.extension()?.to_str()? {
        "parquet" => Some(Format::Parquet),
        "csv" => Some(Format::Csv),
        "tsv" => Some(Format::Tsv),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        "arrow" | "feather" => Some(Format::Arrow),
        "vcf" => Some(Format::Vcf),
        "bcf" => Some(Format::Bcf),
        "biom" => Some(Format::Biom),
        _ => None,
    }
}

fn argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && name != "$" => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".into()),
    }
}
