//! `bge download`: objects out of the store, into files.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::{
    connection::Connection,
    failure::Failure,
    transfer::{Outcomes, carry_out},
};

/// Downloads objects
///
/// The paths of the files go to standard output. A file gets its name when its length and checksum are right; a download
/// that broke off, or was ended, goes on where it was when the same command is run again.
#[derive(Debug, Args)]
pub struct Options {
    /// Names of objects, or http and https addresses
    #[arg(required = true, value_name = "OBJECT")]
    objects: Vec<String>,

    /// A file, for one object, or a folder; the current folder unless given. A file that is there is replaced
    #[arg(short, long, value_name = "FILE|DIR", default_value = ".")]
    output: PathBuf,

    /// domestic or international
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// Seconds that the presigned address is good for
    #[arg(long, value_name = "SECONDS")]
    expiration_time: Option<u64>,

    /// Leave encrypted objects as they are stored
    #[arg(long)]
    no_decrypt: bool,

    /// Pieces fetched at once
    #[arg(short, long, value_name = "N")]
    jobs: Option<u32>,

    /// The results as JSON: paths, sizes, checksums, and what failed
    #[arg(long)]
    json: bool,

    /// No progress bar
    #[arg(short, long)]
    quiet: bool,
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let output = options.output.to_str().unwrap_or_default();
    if output.is_empty() || output == "-" {
        return Err(Failure::input(told!(
            "--output is a file or a folder; `bge cat` writes to standard output",
            "--output 须为文件或文件夹；输出到标准输出请用 bge cat"
        )));
    }
    if output.ends_with('/') {
        std::fs::create_dir_all(Path::new(output)).map_err(|cause| Failure::io(output, &cause))?;
    }
    if options.objects.len() > 1 && !Path::new(output).is_dir() {
        return Err(Failure::input(told!(
            "--output must be a folder for several objects",
            "下载多个对象时 --output 须为文件夹"
        )));
    }
    let client = connection.open()?;
    let mut outcomes = Outcomes::default();
    for object in &options.objects {
        let common = json!({
            "path": output,
            "multipart_num_threads": options.jobs,
            "decrypt": options.no_decrypt.then_some(false),
        });
        let is_address = ["http://", "https://"].iter().any(|scheme| object.starts_with(scheme));
        let (call, own) = match is_address {
            true => ("download_file", json!({"url": object})),
            false => (
                "download",
                json!({"object_name": object, "region": options.region, "expiration_time": options.expiration_time}),
            ),
        };
        let mut args = common.as_object().cloned().unwrap_or_default();
        args.extend(own.as_object().cloned().unwrap_or_default());
        // A presigned address is as good as a password.
        let name = if is_address { object.split('?').next().unwrap_or_default() } else { object };
        outcomes.add(name, carry_out(&client, call, &args.into(), name, options.quiet));
    }
    outcomes.tell("path", options.json)
}
