//! `get_variants`: the platform takes 100 rsIDs at a time; a longer list is fetched in pieces.

use serde_json::value::RawValue;

use super::lists;
use crate::{
    context::Context,
    error::{Error, Result},
    platform::{
        args::{Args, id_list},
        endpoint::Endpoint,
        session::Session,
    },
};

/// What one request takes.
const MOST: usize = 100;

fn rsids(args: &Args) -> Result<Vec<String>> {
    let list = args.get("rsids").map(|raw| id_list("rsids", raw)).transpose()?.unwrap_or_default();
    Ok(list.trim().split(',').map(|rsid| rsid.trim().to_owned()).collect())
}

/// Whether the list needs more than one request.
pub(crate) fn is_long(args: &Args) -> bool {
    rsids(args).is_ok_and(|rsids| rsids.len() > MOST)
}

/// One list, pieces in the caller's order: all of it, or an error.
pub(crate) async fn get_variants(
    session: &Session,
    context: Context,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    if !is_long(args) {
        return session.perform(context, endpoint, args).await;
    }
    let rsids = rsids(args)?;
    let mut pieces = Vec::new();
    for piece in rsids.chunks(MOST) {
        let mut args = args.clone();
        let text = serde_json::Value::from(piece.join(",")).to_string();
        let raw = RawValue::from_string(text).map_err(|_| Error::argument("rsids", "must be rsIDs"))?;
        args.set("rsids", raw);
        pieces.push(args);
    }
    lists::in_pieces(session, context, endpoint, pieces).await
}
