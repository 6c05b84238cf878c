//! Waiting for a task of the platform.

use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::{
    context::Context,
    error::{Error, Result, Status},
    platform::{
        args::Args,
        endpoint,
        session::{CALL_SWITCHES, Session},
    },
};

/// The waits between two looks: from the first to the longest, each half as long again as the one before.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// What a task's `progress` says.
enum TaskState {
    Running,
    Done,
    Failed,
}

fn state(task: &str) -> Result<TaskState> {
    #[derive(Deserialize)]
    struct Task {
        progress: String,
    }
    let task: Task = serde_json::from_str(task)
        .map_err(|_| Error::new(Status::Protocol, "the task does not tell its progress"))?;
    Ok(match task.progress.to_uppercase().as_str() {
        "SUCCESS" => TaskState::Done,
        "FAILURE" | "REVOKED" => TaskState::Failed,
        _ => TaskState::Running,
    })
}

/// Asks for `task_id` until it is done, failed or the deadline passes; gives the task as the platform wrote it.
pub(crate) async fn wait_task(session: &Session, context: Context, args: &Args) -> Result<String> {
    let context = context.switched(&args.switches(&CALL_SWITCHES)?);
    let endpoint =
        endpoint::find("task").ok_or_else(|| Error::new(Status::Internal, "no task in the table"))?;
    let mut args = args.clone();
    args.drop_switch("deadline");
    let mut wait = FIRST;
    loop {
        let task = session.perform(context.clone(), endpoint, &args).await?;
        match state(&task)? {
            TaskState::Done => return Ok(task),
            TaskState::Failed => return Err(Error::failed_task(task)),
            TaskState::Running => {}
        }
        let pause = wait.mul_f64(0.75 + fastrand::f64() / 4.0);
        if context.deadline.is_some_and(|deadline| Instant::now() + pause >= deadline) {
            return Err(context.late().with_hint("the task goes on: wait for it again"));
        }
        context.sleep(pause).await?;
        wait = wait.mul_f64(1.5).min(LONGEST);
    }
}
