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
//! Layers, each knowing only those below it: `ffi`, `client` and `oauth2`, then `table`, `objects` and `calls`, then
//! `platform`, `auth`, `transport`, `disk`, and the small rooms. ARCHITECTURE.md follows one call through them.

#![cfg_attr(not(feature = "arrow"), allow(dead_code, reason = "some of it is only for tables"))]

#[cfg(not(panic = "unwind"))]
compile_error!("libbge stops panics at the C boundary: build with panic = \"unwind\"");

mod auth;
mod calls;
mod client;
mod context;
#[allow(dead_code, reason = "its users come one after the other")]
mod disk;
mod doctor;
mod envelope;
mod error;
pub mod ffi;
mod json;
mod log;
mod oauth2;
mod objects;
mod options;
mod pace;
mod platform;
mod redact;
mod sys;
#[cfg_attr(not(feature = "arrow"), path = "table/absent.rs")]
mod table;
mod transport;

pub use auth::profiles::{Profiles, StoredProfile};
pub use calls::{operation::Operation, pages::Pages, queue::Queue};
pub use client::Client;
pub use error::{Error, Result, Status, StorageRefusal};
pub use json::get as json_get;
pub use log::{Level, Sink};
pub use oauth2::OAuth2;
pub use objects::{Reader, Writer};
pub use options::{DEFAULT_ENDPOINT, DEFAULT_FALLBACK};
pub use platform::{args::Args, endpoint};
#[cfg(feature = "arrow")]
pub use table::{Batches, PageRows, Part, Table, TableProgress};

/// The `data` of an answer's bytes, for fuzzing and measuring what every call goes through.
#[doc(hidden)]
pub fn data_of_envelope(http_status: u16, body: &[u8]) -> Result<String> {
    envelope::read(http_status, true, body).map(|envelope| envelope.data.to_owned())
}
