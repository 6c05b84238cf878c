//! The library over its C ABI against the sandbox: what is sent, what comes back, what happens when things go wrong.

#![allow(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a test tells the seed of what it throws")]

#[path = "../support/mod.rs"]
mod support;

mod arguments;
mod credentials;
mod errors;
mod fuzz;
mod header;
mod logs;
mod nulls;
mod oauth2;
mod operations;
mod pages;
mod queue;
mod retries;
mod run;
mod secrets;
mod tasks;
mod threads;
mod tls;
mod token_files;
mod wire;
