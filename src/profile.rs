//! Credentials found by themselves: options, environment, the profiles of the official `bge` command.

use crate::{
    client::Client,
    error::{Error, Result, Status},
    options,
};

impl Client {
    /// A client of the credentials that are found in `options_json`, the environment or a stored profile.
    pub fn open(options_json: &str) -> Result<Self> {
        let (_options, _credentials) = options::open(options_json)?;
        Err(Error::new(Status::Unsupported, "no credentials were found"))
    }
}
