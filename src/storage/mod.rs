//! The object store: signed uploads, verified downloads.

use crate::{
    args::Args,
    client::Client,
    endpoint::Endpoint,
    error::{Error, Result, Status},
    transport::Terms,
};

/// Carries a transfer out by name.
pub(crate) async fn dispatch(
    _client: &Client,
    _terms: Terms,
    _endpoint: &'static Endpoint,
    _args: &Args,
) -> Result<String> {
    Err(Error::new(Status::Unsupported, "transfers are not in this build"))
}
