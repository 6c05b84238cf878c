//! Servers, proxies and networks that do not behave: in a process of its own, since others count threads and sockets.

#![allow(unsafe_code)]

#[path = "../support/mod.rs"]
mod support;

mod forks;
mod moments;
mod names;
mod pauses;
mod proxies;
mod quotas;
mod servers;
mod silences;
