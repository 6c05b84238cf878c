//! Waiting for tasks.

use serde_json::{Value, json};

use crate::support::{
    Sandbox,
    c::{Api, Outcome, give, text},
};

fn wait_task(api: &Api, id: &str, args: Value) -> Outcome<Value> {
    let (id, args) = (text(id), text(&args.to_string()));
    // SAFETY: live texts, handle and outputs.
    let task = give(|out, err| unsafe {
        bge::ffi::models::bge_api_wait_task(api.0, id.as_ptr(), args.as_ptr(), out, err)
    })?;
    Ok(serde_json::from_str(&task.expect("a task")).expect("JSON"))
}

fn start_task(api: &Api, model: &str) -> String {
    let answer = api.value("invoke_model", json!({"model_id": model})).expect("a task");
    answer["task_id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_task_is_waited_for() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let id = start_task(&api, "slow-model");
    sandbox.clear_log();
    let task = wait_task(&api, &id, json!({"$": {"deadline": 60}})).expect("done");
    let looks = sandbox.take_log();
    assert_eq!(looks.len(), 3, "two that say it runs, and one that says it is done");
    assert!(looks.iter().all(|look| look["path"] == format!("/task/{id}").as_str()));
    assert_eq!(task["task_id"], id.as_str());
    let op = api.start("wait_task", json!({"task_id": start_task(&api, "slow-model")})).expect("started");
    op.finish().expect("done");
}

#[test]
fn a_failed_task_is_an_error_that_holds_it() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"tasks_fail": true}));
    let id = start_task(&api, "slow-model");
    let failure = wait_task(&api, &id, json!({})).expect_err("failed");
    assert_eq!(failure.status, 5);
    assert_eq!(failure.json["data"]["task_id"], id.as_str());
}

#[test]
fn the_deadline_ends_the_wait_and_a_cancel_too() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"task_polls": 1000}));
    let id = start_task(&api, "slow-model");
    let failure = wait_task(&api, &id, json!({"$": {"deadline": 1}})).expect_err("it runs on");
    assert_eq!(failure.status, 3);
    let op = api.start("wait_task", json!({"task_id": id})).expect("started");
    std::thread::sleep(std::time::Duration::from_millis(200));
    op.cancel();
    assert_eq!(op.finish().expect_err("cancelled").status, 11);
    assert_eq!(wait_task(&api, "..", json!({})).expect_err("no id").status, 1);
}
