//! Waiting for a task of the platform.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    args::Args,
    client::{CALL_SWITCHES, Client},
    endpoint,
    error::{Error, Result, Status},
    transport::{Terms, deadline_passed},
};

/// The waits between two looks: from the first to the longest, each half as long again as the one before.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// What a task's `progress` says.
enum State {
    Running,
    Done,
    Failed,
}

fn state(task: &str) -> Result<State> {
    #[derive(Deserialize)]
    struct Task {
        progress: String,
    }
    let task: Task = serde_json::from_str(task)
        .map_err(|_| Error::new(Status::Protocol, "the task does not tell its progress"))?;
    Ok(match task.progress.to_uppercase().as_str() {
        "SUCCESS" => State::Done,
        "FAILURE" | "REVOKED" => State::Failed,
        _ => State::Running,
    })
}

/// Asks for `task_id` until it is done, failed or the deadline passes; gives the task as the platform wrote it.
pub(crate) async fn wait_task(client: &Client, terms: Terms, args: &Args) -> Result<String> {
    let terms = terms.switched(&args.switches(&CALL_SWITCHES)?);
    let endpoint =
        endpoint::find("task").ok_or_else(|| Error::new(Status::Internal, "no task in the table"))?;
    let mut args = args.clone();
    args.drop_switch("deadline");
    let mut wait = FIRST;
    loop {
        let task = client.perform(terms.clone(), endpoint, &args).await?;
        match state(&task)? {
            State::Done => return Ok(task),
            State::Failed => {
                let data = RawValue::from_string(task).ok();
                return Err(Error::new(Status::Api, "the task failed").with_envelope(0, None, data));
            }
            State::Running => {}
        }
        let pause = wait.mul_f64(0.75 + fastrand::f64() / 4.0);
        if terms.deadline.is_some_and(|deadline| Instant::now() + pause >= deadline) {
            return Err(deadline_passed().with_hint("the task goes on: wait for it again"));
        }
        terms.sleep(pause).await;
        wait = wait.mul_f64(1.5).min(LONGEST);
    }
}
