//! A list that takes more than one request: its pieces in the caller's order, all of it, or an error.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    context::Context,
    error::{Error, Result, Status},
    platform::{args::Args, endpoint::Endpoint, session::Session},
};

/// Pieces under way at once.
const AT_ONCE: usize = 4;

pub(super) async fn in_pieces(
    session: &Session,
    context: Context,
    endpoint: &'static Endpoint,
    pieces: Vec<Args>,
) -> Result<String> {
    if let [args] = pieces.as_slice() {
        return session.perform(context, endpoint, args).await;
    }
    context.progress.expect(pieces.len() as u64);
    let done = &AtomicU64::new(0);
    let fetched = pieces.into_iter().map(|args| {
        let context = context.clone();
        async move {
            let list = session.perform(context.clone(), endpoint, &args).await?;
            context.progress.reach(done.fetch_add(1, Ordering::Relaxed) + 1);
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
