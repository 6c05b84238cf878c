//! `bge model run`: a model's answer for some parameters.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use crate::{
    call::flags::standard_input,
    connection::Connection,
    extract::place,
    failure::Failure,
    model::{Which, task},
    out,
};

/// Runs a model
///
/// Its answer goes to standard output; that of a slow model is waited for.
#[derive(Debug, Args)]
pub struct Options {
    /// The draft that was deployed last, in the place of the published version
    #[arg(short, long)]
    draft: bool,

    /// A parameter of the model; any number of them
    #[arg(short, long, num_args = 2, value_names = ["NAME", "VALUE"], conflicts_with = "file")]
    args: Vec<String>,

    /// The parameters as one JSON object, from a file or standard input (-)
    #[arg(short, long, value_name = "FILE|-")]
    file: Option<PathBuf>,

    /// Where the answer goes; standard output unless given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Do not wait for the task of a slow model
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    which: Which,
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let mut args = options.parameters()?;
    args.insert("model_id".to_owned(), options.which.id()?.into());
    let call = if options.draft { "invoke_draft_model" } else { "invoke_model" };
    let client = connection.open()?;
    let answer = client.call(call, &Value::Object(args).to_string())?;
    let answer = task::resolved(&client, answer, !options.no_wait)?;
    match &options.output {
        None => out::line(&answer),
        Some(path) => place::write(path, &(answer + "\n")),
    }
}

impl Options {
    fn parameters(&self) -> Result<Map<String, Value>, Failure> {
        let Some(path) = &self.file else {
            let pairs = self.args.chunks_exact(2);
            return Ok(pairs
                .filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.as_str().into())))
                .collect());
        };
        let shown = path.display();
        let text = match path.to_str() {
            Some("-") => standard_input()?,
            _ => std::fs::read_to_string(path).map_err(|cause| {
                Failure::input(told!("{shown} cannot be read: {cause}", "{shown} 无法读取：{cause}"))
            })?,
        };
        serde_json::from_str(&text).map_err(|cause| {
            Failure::input(told!(
                "{shown} must be one JSON object: {cause}",
                "{shown} 须为一个 JSON 对象：{cause}"
            ))
        })
    }
}
