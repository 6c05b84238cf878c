//! Work that takes a while: started by some calls, asked for with `task`.

use std::collections::HashMap;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::world::data::seed::{timestamp, uuid};
use crate::world::options::Options;

#[derive(Debug)]
struct Task {
    kind: &'static str,
    created: OffsetDateTime,
    /// How often it is still going to say that it is not done.
    polls_left: u32,
    fails: bool,
    result: Value,
}

impl Task {
    fn to_json(&self, id: &str, polls: u32) -> Value {
        let done = self.polls_left == 0;
        let progress = match (done, self.fails) {
            (true, false) => "SUCCESS",
            (true, true) => "FAILURE",
            (false, _) if self.polls_left >= polls => "PENDING",
            (false, _) => "STARTED",
        };
        json!({
            "task_id": id,
            "task_type": self.kind,
            "progress": progress,
            "create_time": timestamp(self.created),
            "result": match (done, self.fails) {
                (true, false) => self.result.clone(),
                (true, true) => json!({"message": "任务执行失败"}),
                _ => Value::Null,
            },
        })
    }
}

#[derive(Debug, Default)]
pub struct Tasks {
    tasks: HashMap<String, Task>,
}

impl Tasks {
    /// A new task; the answer is what the call that started it says.
    pub fn start(&mut self, kind: &'static str, result: Value, options: &Options) -> Value {
        self.start_ending(kind, result, options, options.tasks_fail)
    }

    /// The same for a task whose end is known.
    pub fn start_ending(
        &mut self,
        kind: &'static str,
        result: Value,
        options: &Options,
        fails: bool,
    ) -> Value {
        let id = uuid(&mut rand::rng());
        let created = OffsetDateTime::now_utc();
        let task = Task { kind, created, polls_left: options.task_polls.saturating_add(1), fails, result };
        let answer = json!({"task_id": id, "create_time": timestamp(created), "progress": "PENDING"});
        self.tasks.insert(id, task);
        answer
    }

    /// What the task says when it is asked for; `None` when there is no such task.
    pub fn poll(&mut self, id: &str, polls: u32) -> Option<Value> {
        let task = self.tasks.get_mut(id)?;
        task.polls_left = task.polls_left.saturating_sub(1);
        Some(task.to_json(id, polls))
    }

    pub fn to_json(&self) -> Value {
        self.tasks
            .iter()
            .map(|(id, task)| json!({"task_id": id, "task_type": task.kind, "done": task.polls_left == 0}))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_done_after_so_many_polls() {
        let options = Options { task_polls: 2, ..Options::default() };
        let mut tasks = Tasks::default();
        let started = tasks.start("ferry", json!(7), &options);
        let id = started["task_id"].as_str().unwrap();
        let seen: Vec<_> = (0..4)
            .map(|_| {
                let json = tasks.poll(id, 2).unwrap();
                (json["progress"].as_str().unwrap().to_owned(), json["result"].clone())
            })
            .collect();
        let progress: Vec<_> = seen.iter().map(|(progress, _)| progress.as_str()).collect();
        assert_eq!(progress, ["PENDING", "STARTED", "SUCCESS", "SUCCESS"]);
        assert_eq!((&seen[1].1, &seen[2].1), (&Value::Null, &json!(7)));
    }
}
