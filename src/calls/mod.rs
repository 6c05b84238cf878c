//! What is made of the platform's calls: long lists, walks through pages, waiting for a task, work in the background.

mod lists;
pub(crate) mod operation;
pub(crate) mod pages;
mod pieces;
pub(crate) mod queue;

pub(crate) mod tasks;
pub(crate) mod variants;
pub(crate) mod walk;

use crate::{
    context::Context,
    error::{Error, Result, Status},
    options,
    platform::{
        args::Args,
        endpoint::{Endpoint, Kind, Pages},
        session::{self, CALL_SWITCHES, Session},
    },
};

/// Carries a call of the platform out: one row of the table, but for those that move files to or from the object store.
pub(crate) async fn carry_out(
    session: &Session,
    context: Context,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    let context = context.switched(&args.switches(&CALL_SWITCHES)?);
    match endpoint.kind {
        Kind::Variants => variants::get_variants(session, context, endpoint, args).await,
        Kind::Alive => {
            if let Some(name) = args.names().next() {
                return Err(options::unknown("argument", name, &[]).with_hint("alive takes none"));
            }
            session::alive(session.transport(), &context).await.map(|()| "true".to_owned())
        }
        Kind::Call => perform(session, context, endpoint, args).await,
        Kind::Transfer => Err(Error::new(Status::Internal, "a transfer is no call of the platform")),
    }
}

/// One request, or where its ids need more than one and the answer is a plain list, as many as they need.
async fn perform(
    session: &Session,
    context: Context,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    let is_list = endpoint.pages == Pages::None && !endpoint.columns.is_empty();
    match is_list {
        true => {
            let pieces = pieces::split(session, endpoint, args.clone())?;
            lists::in_pieces(session, context, endpoint, pieces).await
        }
        false => {
            pieces::check(session, endpoint, args)?;
            session.perform(context, endpoint, args).await
        }
    }
}
