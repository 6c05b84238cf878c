//! What is made of the platform's calls: long lists, walks through pages, waiting for a task, work in the background.

pub(crate) mod operation;
pub(crate) mod pages;
pub(crate) mod queue;
pub(crate) mod tasks;
pub(crate) mod variants;

use crate::{
    context::Context,
    error::{Error, Result, Status},
    options,
    platform::{
        args::Args,
        endpoint::{Endpoint, Kind},
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
        Kind::Call => session.perform(context, endpoint, args).await,
        Kind::Transfer => Err(Error::new(Status::Internal, "a transfer is no call of the platform")),
    }
}
