//! Answers to ranges that are not what was asked for.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use axum::http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt;
use serde_json::Value;

/// What is done to a 206; any other answer stays as it is.
#[derive(Debug)]
pub enum RangeFault {
    /// The header says something else: all of it, or another total, or another place.
    Misplace { value: Option<String>, total: Option<Value>, shift: i64 },
    /// So many bytes only (half of them unless given), and the header says so.
    Shorten { bytes: Option<u64> },
}

/// First and last byte, and the total.
struct Stated {
    first: u64,
    last: u64,
    total: String,
}

impl Stated {
    fn read(headers: &HeaderMap) -> Option<Stated> {
        let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
        let (range, total) = text.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        Some(Stated { first: first.parse().ok()?, last: last.parse().ok()?, total: total.to_owned() })
    }

    fn write(&self, headers: &mut HeaderMap) {
        put(headers, &format!("bytes {}-{}/{}", self.first, self.last, self.total));
    }
}

fn put(headers: &mut HeaderMap, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(CONTENT_RANGE, value);
    }
}

pub async fn go_wrong(response: Response<Body>, fault: RangeFault) -> Response<Body> {
    let Some(mut stated) = Stated::read(response.headers()) else { return response };
    let (mut head, body) = response.into_parts();
    match fault {
        RangeFault::Misplace { value: Some(text), .. } => {
            put(&mut head.headers, &text);
            Response::from_parts(head, body)
        }
        RangeFault::Misplace { total, shift, .. } => {
            stated.first = stated.first.saturating_add_signed(shift);
            stated.last = stated.last.saturating_add_signed(shift);
            if let Some(total) = total {
                stated.total = total.as_str().map_or_else(|| total.to_string(), str::to_owned);
            }
            stated.write(&mut head.headers);
            Response::from_parts(head, body)
        }
        RangeFault::Shorten { bytes } => {
            let content = body.collect().await.map(|collected| collected.to_bytes()).unwrap_or_default();
            let length = bytes.unwrap_or(content.len() as u64 / 2).clamp(1, content.len().max(1) as u64);
            let kept = content.slice(..content.len().min(usize::try_from(length).unwrap_or(usize::MAX)));
            stated.last = stated.first + length - 1;
            stated.write(&mut head.headers);
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(kept.len()));
            Response::from_parts(head, Body::from(kept))
        }
    }
}
