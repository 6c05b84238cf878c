//! `bge extract`: the table of a cohort of samples, as files.

pub mod arguments;
mod dataset;
mod fingerprint;
mod job;
mod merge;
mod one_file;
pub mod options;
pub mod output;
pub mod place;
mod progress;
mod queue;
mod samples;
mod shard;
pub mod value;
mod verify;

pub use one_file::run;
pub use options::Options;
