//! The README names everything that there is.

mod common;

use std::process::Command;

use common::{BINARY, Sandbox};
use serde_json::{Value, json};

const README: &str = include_str!("../README.md");

fn missing<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    names.into_iter().filter(|name| !README.contains(&format!("`{name}`"))).collect()
}

fn help(arguments: &[&str]) -> String {
    String::from_utf8(Command::new(BINARY).args(arguments).output().unwrap().stdout).unwrap()
}

#[test]
fn every_option_of_the_command_line() {
    let help = help(&["--help"]);
    let flags: Vec<_> = help.lines().map(str::trim).filter(|line| line.starts_with("--")).collect();
    assert!(flags.len() >= 9);
    let flags: Vec<_> = flags.into_iter().map(|flag| flag.replace(['<', '>'], "")).collect();
    assert_eq!(missing(flags.iter().map(String::as_str)), [""; 0]);
}

#[test]
fn every_kind_of_fault_and_every_option() {
    let sandbox = Sandbox::start(&[]);
    let refusal = sandbox.try_control("POST", "faults", json!({"kind": "unheard of"})).json();
    let kinds = refusal["error"].as_str().unwrap().split_once("one of ").unwrap().1;
    let kinds: Vec<_> = kinds.split(", ").map(|kind| kind.trim_matches('`')).collect();
    assert!(kinds.len() >= 18);
    assert_eq!(missing(kinds.iter().copied()), [""; 0]);
    let options = sandbox.control("GET", "options", Value::Null);
    let of_store = options["store"].as_object().unwrap().keys();
    let names: Vec<_> = options.as_object().unwrap().keys().chain(of_store).map(String::as_str).collect();
    assert!(names.len() > 20);
    assert_eq!(missing(names.iter().copied()), [""; 0]);
    for help in [help(&["--help"]), help(&["run", "--help"])] {
        let words: Vec<_> = help.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        let unsaid: Vec<_> = kinds.iter().chain(&names).filter(|name| !words.contains(name)).collect();
        assert_eq!(unsaid, Vec::<&&str>::new());
    }
}

#[test]
fn the_examples_of_requests_work() {
    let sandbox = Sandbox::start(&[]);
    let mut examples = 0;
    for command in README.split("curl -d '").skip(1) {
        let (body, rest) = command.split_once('\'').unwrap();
        let name = rest.split("__sandbox__/").nth(1).unwrap().split('"').next().unwrap();
        sandbox.control("POST", name, serde_json::from_str(body).unwrap());
        examples += 1;
    }
    assert_eq!(examples, 9);
    let ready = README.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let ready: Value = serde_json::from_str(ready).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ready), names(&sandbox.ready));
}
