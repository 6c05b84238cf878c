//! `get_variants`: the platform takes 100 rsIDs at a time; a longer list is fetched in pieces.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::value::RawValue;

use crate::{
    context::Context,
    error::{Error, Result, Status},
    platform::{
        args::{Args, id_list},
        endpoint::Endpoint,
        session::Session,
    },
};

/// What one request takes.
const MOST: usize = 100;

/// Pieces under way at once.
const AT_ONCE: usize = 4;

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
    context.progress.expect(pieces.len() as u64);
    let fetched = pieces.into_iter().enumerate().map(|(index, args)| {
        let context = context.clone();
        async move {
            let list = session.perform(context.clone(), endpoint, &args).await?;
            context.progress.reach(index as u64 + 1);
            inside(&list).map(str::to_owned)
        }
    });
    let lists: Vec<String> = stream::iter(fetched).buffered(AT_ONCE).try_collect().await?;
    let filled: Vec<&str> = lists.iter().map(String::as_str).filter(|list| !list.is_empty()).collect();
    Ok(format!("[{}]", filled.join(",")))
}

/// What stands between a list's brackets.
fn inside(list: &str) -> Result<&str> {
    list.trim()
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .map(str::trim)
        .ok_or_else(|| Error::new(Status::Protocol, "the answer is not a list"))
}
