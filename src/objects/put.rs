//! An upload in one request.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::{
    content::{Content, body},
    grant::Claim,
    meter::Gauge,
    store::{Ask, Name, Store, content_type, etag, sent, stated_crc, verified},
};
use crate::{error::Result, transport::Body};

/// An upload that succeeded.
#[derive(Clone, Debug)]
pub(super) struct Uploaded {
    pub object_name: String,
    pub size: u64,
    pub crc64: u64,
    pub etag: String,
    pub parts: usize,
    pub verified: bool,
}

impl Uploaded {
    pub(super) fn to_json(&self) -> String {
        json!({
            "object_name": self.object_name,
            "size": self.size,
            "crc64": self.crc64.to_string(),
            "etag": self.etag.trim_matches('"'),
            "parts": self.parts,
            "verified": self.verified,
        })
        .to_string()
    }
}

/// Sends it all; the store's checksum must be that of what was sent.
pub(super) async fn put(
    store: &Store,
    claim: &Arc<Claim>,
    content: &Arc<dyn Content>,
    gauge: &Arc<Gauge>,
) -> Result<Uploaded> {
    let size = content.length();
    let (stream, sum) = body(content, 0..size, gauge.clone());
    let ask = Ask::new(Method::PUT).beginning(content_type(claim.filename())).body(Body::Stream(stream));
    let uploaded = store
        .ask(&Name::Below(claim.clone()), &ask, |answer, key| {
            let crc64 = sent(sum.get())?;
            Ok(Uploaded {
                object_name: key.to_owned(),
                size,
                crc64,
                etag: etag(answer)?,
                parts: 1,
                verified: verified(stated_crc(&answer.headers)?, crc64)?,
            })
        })
        .await?;
    claim.keep();
    Ok(uploaded)
}
