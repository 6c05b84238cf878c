//! What the object store's room needs of the platform, without its credentials.

use std::pin::Pin;

use super::{args::Args, endpoint, session::Session};
use crate::{
    context::Context,
    error::{Error, Result, Status},
};

/// An answer of the platform that is on its way: the envelope's `data`.
pub(crate) type Answered<'a> = Pin<Box<dyn Future<Output = Result<String>> + Send + 'a>>;

/// Access to the object store, as the platform gives it.
pub(crate) trait StoreAccess: Send + Sync {
    /// Where to write and as whom. Source: `get_upload_token`.
    fn upload_token<'a>(&'a self, context: &'a Context, args: Args) -> Answered<'a>;

    /// Whom the platform takes this client for. Source: `introspect`.
    fn introspection<'a>(&'a self, context: &'a Context) -> Answered<'a>;

    /// A presigned address of an object. Source: `get_download_url`.
    fn presigned_address<'a>(&'a self, context: &'a Context, args: &'a Args) -> Answered<'a>;

    /// A name for whose data the client sees; no secret.
    fn account(&self) -> String;

    /// An error as the caller of a transfer gets it: with the call's name, logged under its tag, and without secrets.
    fn explain(&self, call: &str, tag: Option<&str>, error: Error) -> Error;
}

impl Session {
    async fn by_name(&self, context: &Context, name: &str, args: &Args) -> Result<String> {
        let endpoint = endpoint::find(name)
            .ok_or_else(|| Error::new(Status::Internal, "the call is not in the table"))?;
        self.perform(context.clone(), endpoint, args).await
    }
}

impl StoreAccess for Session {
    fn upload_token<'a>(&'a self, context: &'a Context, args: Args) -> Answered<'a> {
        Box::pin(async move { self.by_name(context, "get_upload_token", &args).await })
    }

    fn introspection<'a>(&'a self, context: &'a Context) -> Answered<'a> {
        Box::pin(async move { self.by_name(context, "introspect", &Args::default()).await })
    }

    fn presigned_address<'a>(&'a self, context: &'a Context, args: &'a Args) -> Answered<'a> {
        Box::pin(self.by_name(context, "get_download_url", args))
    }

    fn account(&self) -> String {
        Session::account(self)
    }

    fn explain(&self, call: &str, tag: Option<&str>, error: Error) -> Error {
        Session::explain(self, call, tag, error)
    }
}
