//! Every call of the platform: what it answers, whose samples it shows, which arguments it refuses.

#[path = "../common/mod.rs"]
mod common;

mod account;
mod files;
mod microbiome;
mod models;
mod reports;
mod samples;
mod services;
mod streams;
mod variants;

use common::Answer;
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn refused(answer: &Answer, code: i64) {
    assert_eq!((answer.status, answer.code()), (200, code), "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}
