//! The sender of ordinary calls: reqwest's blocking client, on the caller's thread.

use std::time::Duration;

use reqwest::blocking::{Client, Request};

use super::{Answer, Body, failure, hop::Hop};
use crate::error::Result;

pub(super) fn send(client: &Client, hop: &Hop<'_>, limit: Duration) -> Result<Answer> {
    let mut request = Request::new(hop.request.method.clone(), hop.url.clone());
    *request.headers_mut() = hop.headers.clone();
    *request.timeout_mut() = Some(limit);
    if let Body::Bytes(bytes) = &hop.request.body {
        *request.body_mut() = Some(bytes.clone().into());
    }
    let answer = client.execute(request).map_err(failure::of)?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().map_err(|cause| failure::of(cause).with_http(status, None))?;
    Ok(Answer { status, headers, body })
}
