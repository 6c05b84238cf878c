//! Lists of ids that are too long for one request line: sent in pieces, or refused with the number that fits.

use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    platform::{
        args::{Args, id_list, prepare},
        endpoint::{Arg, Endpoint, Method, Type},
        session::Session,
    },
    transport::Target,
};

/// What common proxies and servers take of a request line.
const LONGEST: usize = 8190;
/// What a piece is made for: a proxy sees the whole address, and the next server may have to add to it.
const WANTED: usize = 8000;
/// `GET ` and ` HTTP/1.1`.
const AROUND: usize = 13;

/// The same arguments in pieces whose request lines are short enough; one piece where they are already. The rows of all
/// pieces are the rows of the whole.
pub(crate) fn split(session: &Session, endpoint: &'static Endpoint, args: Args) -> Result<Vec<Args>> {
    let Some(long) = longest(session, endpoint, &args)? else { return Ok(vec![args]) };
    long.pieces
        .iter()
        .map(|ids| {
            let mut piece = args.clone();
            piece.set(long.arg.name, raw(long.arg, &ids.join(","))?);
            Ok(piece)
        })
        .collect()
}

/// Refuses what does not fit into one request line.
pub(crate) fn check(session: &Session, endpoint: &'static Endpoint, args: &Args) -> Result<()> {
    match longest(session, endpoint, args)? {
        None => Ok(()),
        Some(long) => {
            let fit = long.pieces.iter().map(Vec::len).max().unwrap_or_default();
            let count: usize = long.pieces.iter().map(Vec::len).sum();
            let what = format!("holds {count} ids, and one request takes {fit} of them");
            Err(Error::argument(long.arg.name, what).with_hint("ask for them in pieces"))
        }
    }
}

struct Long {
    arg: &'static Arg,
    pieces: Vec<Vec<String>>,
}

/// The longest list of ids of a request whose line is too long, in pieces that fit.
fn longest(session: &Session, endpoint: &'static Endpoint, args: &Args) -> Result<Option<Long>> {
    if endpoint.method != Method::Get {
        return Ok(None);
    }
    let about = |args: &Args| -> Result<usize> {
        match prepare(endpoint, args)?.request.target {
            Target::Platform(path) => Ok(path.len() + AROUND),
            _ => Ok(0),
        }
    };
    let prefix = session.transport().options().endpoint.path().trim_end_matches('/').len();
    let length = about(args)? + prefix;
    if length <= LONGEST {
        return Ok(None);
    }
    let lists = endpoint.args.iter().filter(|arg| arg.kind == Type::Ids);
    let given = lists.filter_map(|arg| Some((arg, args.get(arg.name)?)));
    let Some((arg, raw)) = given.max_by_key(|(_, raw)| raw.len()) else {
        return Err(Error::argument(
            "args_json",
            format!("makes a request line of {length} bytes: too long"),
        ));
    };
    let text = id_list(arg.name, raw)?;
    let ids: Vec<String> = text.split(',').map(str::to_owned).collect();
    let address = session.transport().options().endpoint.as_str().len();
    // Without the list itself; upper-casing may only make it longer.
    let room = WANTED.saturating_sub(address + length.saturating_sub(encoded(&text)));
    let mut pieces: Vec<Vec<String>> = Vec::new();
    let mut left = 0;
    for id in ids {
        // Behind the first one each has a comma, which the query writes in three bytes.
        let own = encoded(&id) + 3;
        match pieces.last_mut() {
            Some(piece) if own <= left => {
                left -= own;
                piece.push(id);
            }
            _ if own <= room => {
                left = room - own;
                pieces.push(vec![id]);
            }
            _ => return Err(Error::argument(arg.name, "holds an id that no request line takes")),
        }
    }
    Ok(Some(Long { arg, pieces }))
}

/// The bytes of a text in a query.
fn encoded(text: &str) -> usize {
    url::form_urlencoded::byte_serialize(text.as_bytes()).map(str::len).sum()
}

fn raw(arg: &Arg, text: &str) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(text).map_err(|_| Error::argument(arg.name, "must be ids"))
}
