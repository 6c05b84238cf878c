//! The SDK of the BGE open omics platform: samples, variants, microbiome abundances, files, models.
//!
//! A [`Client`] carries calls out by name, or by the [`endpoint::Endpoint`] that says what the call is; results are
//! the platform's own JSON, byte for byte. [`OAuth2`] signs users and applications in. The same is there for C in
//! `bge.h`, through [`ffi`].
//!
//! ```no_run
//! let client = bge::Client::new("an access token", "{}")?;
//! let variants = client.call("get_variants", r#"{"biosample_id": "E-B1", "rsids": ["rs762551"]}"#)?;
//! # Ok::<(), bge::Error>(())
//! ```
//!
//! The path of one call: `client` finds the row in `endpoint`, `args` makes a request of the arguments,
//! `credentials` adds a token, `transport` sends and repeats, `envelope` takes the data out of the answer.

#![cfg_attr(not(feature = "arrow"), allow(dead_code, reason = "some of it is only for tables"))]

#[cfg(not(panic = "unwind"))]
compile_error!("libbge stops panics at the C boundary: build with panic = \"unwind\"");

mod args;
mod client;
mod credentials;
pub mod endpoint;
mod envelope;
mod error;
pub mod ffi;
mod json;
mod log;
mod oauth2;
mod op;
mod options;
mod pages;
mod profile;
mod redact;
mod storage;
mod sys;
#[cfg_attr(not(feature = "arrow"), path = "table/absent.rs")]
mod table;
mod tasks;
mod token_file;
mod transport;
mod variants;

pub use args::Args;
pub use client::Client;
pub use error::{Error, Result, Status, StorageRefusal};
pub use json::get as json_get;
pub use log::{Level, Sink};
pub use oauth2::OAuth2;
pub use op::Operation;
pub use options::{DEFAULT_ENDPOINT, DEFAULT_FALLBACK};
pub use pages::Pages;
pub use storage::{Reader, Writer};
#[cfg(feature = "arrow")]
pub use table::{Batches, Table, TableProgress};

/// The `data` of an answer's bytes, for fuzzing and measuring what every call goes through.
#[doc(hidden)]
pub fn data_of_envelope(http_status: u16, body: &[u8]) -> Result<String> {
    envelope::read(http_status, true, body).map(|envelope| envelope.data.to_owned())
}

/// The record batches of one page's JSON, for measuring what every table goes through.
#[cfg(feature = "arrow")]
#[doc(hidden)]
pub fn batches_of_page(name: &str, json: &str) -> Result<Vec<arrow_array::RecordBatch>> {
    table::batches_of_page(name, json)
}
