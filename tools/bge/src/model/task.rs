//! Tasks of the platform: what takes longer than an answer.

use std::time::Duration;

use bge::Client;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::{failure::Failure, out};

/// Waits for a task to end; the task as the platform wrote it.
pub fn wait(client: &Client, task_id: &str) -> Result<String, Failure> {
    let operation = client.start("wait_task", &json!({"task_id": task_id}).to_string())?;
    if !out::is_watched() {
        operation.wait(None)?;
        return Ok(operation.result()?);
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(told!("waiting for the task {task_id}", "等待任务 {task_id}"));
    while !operation.wait(Some(Duration::from_millis(100)))? {
        bar.tick();
    }
    bar.finish_and_clear();
    Ok(operation.result()?)
}

/// Tells an answer, or what becomes of the task that it names.
pub fn tell(client: &Client, answer: String, waits: bool) -> Result<(), Failure> {
    out::line(&resolved(client, answer, waits)?)
}

/// The answer, or the end of the task that it names.
pub fn resolved(client: &Client, answer: String, waits: bool) -> Result<String, Failure> {
    let told: Value = serde_json::from_str(&answer).unwrap_or_default();
    match told["task_id"].as_str() {
        // A model's own result may have a member of that name.
        Some(task_id) if waits && told.get("model_code").is_none() => wait(client, task_id),
        _ => Ok(answer),
    }
}
