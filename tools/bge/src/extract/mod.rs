//! `bge extract`: the table of a cohort of samples, as files.

mod arguments;
mod dataset;
mod fingerprint;
mod job;
mod merge;
mod one_file;
mod options;
mod output;
mod place;
mod progress;
mod queue;
mod samples;
mod shard;
mod value;
mod verify;

pub use one_file::run;
pub use options::Options;
