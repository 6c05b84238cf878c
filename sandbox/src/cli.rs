//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde_json::Value;

/// What can be asked of a sandbox that runs.
const CONTROL: &str = include_str!("control.txt");

/// A stand-in for the BGE open platform, its object store and its key service, on loopback.
///
/// Prints one line of JSON when it is ready: where it listens, whose credentials it knows, and which samples are there.
#[derive(Debug, Parser)]
#[command(name = "bge-sandbox", version, args_conflicts_with_subcommands = true, after_long_help = CONTROL)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,

    /// Stop when standard input is closed, so that the sandbox never outlives the process that started it
    #[arg(long)]
    pub stdin_lifetime: bool,

    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the sandbox, run a command against it, and exit with the command's status
    ///
    /// The command finds BGE_ENDPOINT, BGE_ACCESS_TOKEN, BGE_CLIENT_ID, BGE_CLIENT_SECRET, BGE_KMS_ENDPOINT and BGE_SANDBOX (the line
    /// of JSON) in its environment; where that names a proxy, no_proxy and NO_PROXY get the sandbox's address. Standard
    /// output belongs to the command alone. Signals go to the command, and the sandbox ends when the command has.
    #[command(after_long_help = CONTROL)]
    Run {
        #[command(flatten)]
        options: Options,

        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<std::ffi::OsString>,
    },
}

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Port of the platform side; 0 takes any free one
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub port: u16,

    /// Port of the object store side; 0 takes any free one
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub store_port: u16,

    /// Port of the key service; 0 takes any free one
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub kms_port: u16,

    /// Seed of everything that is made up: the same seed gives the same samples, values and pages
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,

    /// Number of samples that belong to the user; every second one is a metagenome
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub samples: u32,

    /// Number of taxa in the abundance profile of each metagenome
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub taxa: u32,

    /// Milliseconds to wait before each answer of the platform
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency: u64,

    /// Requests per second that the platform answers; more get 429 with Retry-After (0: no limit)
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub rps: u32,

    /// Largest `limit` that lists take; more is code 41001 (0: no such limit)
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub max_limit: u64,

    /// Begin with an option changed, as POST /__sandbox__/options does: NAME=VALUE, where VALUE is JSON or a word
    ///
    /// Such as `--option sts_lifetime=60`, `--option store.no_crc=true`. May be given more than once.
    #[arg(long, value_name = "NAME=VALUE", value_parser = option)]
    pub option: Vec<(String, Value)>,

    /// Begin with a fault planned, as POST /__sandbox__/faults does: a JSON object
    ///
    /// Such as `--fault '{"path": "/samples", "kind": "status", "status": 503}'`. May be given more than once.
    #[arg(long, value_name = "JSON", value_parser = json)]
    pub fault: Vec<Value>,

    /// Folder for the objects of the store, which is made if it does not exist; in memory unless given
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

/// What is no JSON is a text.
fn option(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("an option is NAME=VALUE")?;
    Ok((name.to_owned(), json(value).unwrap_or_else(|_| value.into())))
}
