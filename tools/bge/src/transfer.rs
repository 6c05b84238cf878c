//! A transfer under way: how far it is, on a terminal.

use std::time::Duration;

use bge::{Client, Error};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::{failure::Failure, out};

/// What a bar shows once the total is known, and before.
const KNOWN: &str = "{prefix} [{wide_bar}] {bytes}/{total_bytes}, {bytes_per_sec}, {msg} {eta}";
const UNKNOWN: &str = "{prefix} {bytes}, {bytes_per_sec}";
const OFTEN: Duration = Duration::from_millis(200);

/// Carries a transfer out; nothing is shown where nobody looks.
pub fn carry_out(
    client: &Client,
    call: &str,
    args: &Value,
    name: &str,
    is_quiet: bool,
) -> Result<String, Error> {
    let operation = client.start(call, &args.to_string())?;
    if is_quiet || !out::is_watched() {
        operation.wait(None)?;
        return operation.result();
    }
    let bar = ProgressBar::no_length().with_prefix(console::truncate_str(name, 40, "…").into_owned());
    bar.set_message(told!("left:", "剩余："));
    let style =
        |template| ProgressStyle::with_template(template).ok().map(|style| style.progress_chars("=> "));
    bar.set_style(style(UNKNOWN).unwrap_or_else(ProgressStyle::default_bar));
    let mut is_known = false;
    while !operation.wait(Some(OFTEN))? {
        let (done, total) = operation.progress();
        if total > 0 && !is_known {
            is_known = true;
            bar.set_style(style(KNOWN).unwrap_or_else(ProgressStyle::default_bar));
        }
        if total > 0 {
            bar.set_length(total);
        }
        bar.set_position(done);
    }
    bar.finish_and_clear();
    operation.result()
}

/// What became of several transfers: their results, and the first failure's kind.
#[derive(Default)]
pub struct Outcomes {
    results: Vec<Value>,
    failure: Option<Failure>,
    failed: usize,
}

impl Outcomes {
    /// Takes a result, a list of results, or a failure, of `what`.
    pub fn add(&mut self, what: &str, outcome: Result<String, Error>) {
        match outcome {
            Ok(text) => match serde_json::from_str(&text) {
                Ok(Value::Array(many)) => self.results.extend(many),
                Ok(one) => self.results.push(one),
                Err(_) => {}
            },
            Err(error) => {
                let told: Value = serde_json::from_str(&error.to_json()).unwrap_or_default();
                match told["files"].as_array() {
                    Some(files) => files.iter().for_each(|file| self.add_file(file)),
                    None => {
                        eprintln!("bge: {what}: {}", error.message());
                        self.failed += 1;
                        self.results.push(serde_json::json!({"path": what, "error": told}));
                    }
                }
                self.failure.get_or_insert(error.into());
            }
        }
    }

    fn add_file(&mut self, file: &Value) {
        match file.get("result") {
            Some(result) => self.results.push(result.clone()),
            None => {
                let message = file["error"]["message"].as_str().unwrap_or_default();
                eprintln!("bge: {}: {message}", file["path"].as_str().unwrap_or_default());
                self.failed += 1;
                self.results.push(file.clone());
            }
        }
    }

    /// Tells all: as JSON, or the member `shown` of each result on a line of its own.
    pub fn tell(self, shown: &str, as_json: bool) -> Result<(), Failure> {
        if as_json {
            out::line(&Value::Array(self.results.clone()).to_string())?;
        } else {
            for text in self
                .results
                .iter()
                .filter_map(|result| result[shown].as_str().filter(|_| result.get("error").is_none()))
            {
                out::line(text)?;
            }
        }
        let (failed, all) = (self.failed, self.results.len());
        match self.failure {
            None => Ok(()),
            Some(failure) => {
                Err(failure.again(told!("{failed} of {all} failed", "{all} 个中有 {failed} 个失败")))
            }
        }
    }
}
