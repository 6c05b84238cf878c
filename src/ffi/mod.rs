//! The C ABI: one file for each noun of `bge.h`, which is generated from this folder.
//!
//! Nothing is decided here. `pointers`, `boundary` and `row` hold the only clever code: they check pointers, stop panics
//! and hand errors over; every function is take, call, give.

#![allow(unsafe_code)]
#![allow(non_camel_case_types)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    clippy::missing_safety_doc,
    reason = "the header says once what every function asks of its pointers"
)]

#[cfg(feature = "arrow")]
mod arrow;
pub mod arrow_stream;
mod boundary;
mod pointers;
mod row;

pub mod account;
pub mod args;
pub mod client;
pub mod doctor;
pub mod error;
pub mod files;
pub mod log;
pub mod microbiome;
pub mod models;
pub mod oauth2;
pub mod op;
pub mod ops;
pub mod pages;
pub mod reader;
pub mod reports;
pub mod samples;
pub mod services;
pub mod streams;
pub mod table;
pub mod text;
pub mod transfers;
pub mod variants;
pub mod version;
pub mod writer;
