//! The sender of ordinary calls: reqwest's blocking client, on the caller's thread.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use reqwest::blocking::{Client, Request, Response};

use super::{Answer, Body, failure, hop::Hop, limits, streaming};
use crate::{context::Context, error::Result};

/// Bytes read at a time.
const PIECE: usize = 64 << 10;

/// A body that is longer goes by the other sender, which sees it move.
const SHORT: usize = 8 << 10;

/// Whether the blocking client can carry it: it knows the silence that the client's options allow, of the answer's
/// beginning and of each read, and neither deadlines nor cancels.
pub(super) fn can_carry(context: &Context, request: &super::Request, allowed: Duration) -> bool {
    let is_short = match &request.body {
        Body::Empty => true,
        Body::Bytes(bytes) => bytes.len() <= SHORT,
        Body::Multipart { .. } | Body::Stream(_) => false,
    };
    is_short && context.deadline.is_none() && context.timeout == allowed
}

/// One hop.
pub(super) fn send(client: &Client, hop: &Hop<'_>, context: &Context) -> Result<Answer> {
    let mut request = Request::new(hop.request.method.clone(), hop.url.clone());
    *request.headers_mut() = hop.headers.clone();
    if let Body::Bytes(bytes) = &hop.request.body {
        *request.body_mut() = Some(bytes.clone().into());
    }
    let answer = client.execute(request).map_err(|cause| match hop.proxy() {
        Some(proxy) if failure::is_refused_tunnel(&cause) => {
            let patience = streaming::ASKING.min(context.timeout);
            proxy.refused(&hop.url, &proxy.ask(&hop.url, &hop.network.trust.config, patience))
        }
        _ => failure::of_send(cause, &hop.network.trust.description),
    })?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let through = hop.check(status, &headers)?;
    let body = body(answer, context).map_err(|error| match error.http_status() {
        0 => error.with_http(status, None),
        _ => error,
    })?;
    Ok(Answer { status, headers, body, through })
}

fn body(mut answer: Response, context: &Context) -> Result<bytes::Bytes> {
    let status = answer.status().as_u16();
    let most = limits::Most::of(context, status);
    let promised = answer.content_length();
    most.check_promise(promised)?;
    // One byte more, so that the end is seen without growing.
    let mut body: Vec<u8> = Vec::with_capacity(most.at_once(promised) + 1);
    let begun = Instant::now();
    loop {
        context.cancel.check()?;
        let have = body.len();
        let rest = promised.map_or(PIECE as u64, |promised| (promised + 1).saturating_sub(have as u64));
        body.resize(have + rest.clamp(1, PIECE as u64) as usize, 0);
        let read = answer.read(&mut body[have..]).map_err(failure::of_read)?;
        body.truncate(have + read);
        if read == 0 || most.is_enough(&mut body, begun.elapsed(), context)? {
            return Ok(body.into());
        }
    }
}
