//! Files up and down against the sandbox: what is sent, what comes back, and that nothing is ever silently wrong.

#![allow(
    clippy::print_stdout,
    reason = "tests tell the seed of what they throw, and a child its parent how it went"
)]
#![allow(unsafe_code)]

#[path = "../support/mod.rs"]
mod support;

mod content;
mod handles;

mod answers;
mod disk;
mod doors;
mod downloads;
mod encryption;
mod faults;
mod folders;
mod kills;
mod parts;
mod portals;
mod readers;
mod records;
mod resumes;
mod schedules;
mod streams;
mod uploads;
