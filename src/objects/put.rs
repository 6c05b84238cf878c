//! An upload in one request.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::{
    content::{Content, body},
    crypt::Sealed,
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
    pub encrypted: bool,
}

impl Uploaded {
    pub(super) fn to_json(&self) -> String {
        let mut result = json!({
            "object_name": self.object_name,
            "size": self.size,
            "crc64": self.crc64.to_string(),
            "etag": self.etag.trim_matches('"'),
            "parts": self.parts,
            "verified": self.verified,
        });
        if self.encrypted {
            result["encrypted"] = true.into();
        }
        result.to_string()
    }
}

/// Sends it all, encrypted where there is a key for it; the store's checksum must be that of what was sent.
pub(super) async fn put(
    store: &Store,
    cmk_id: Option<&str>,
    claim: &Arc<Claim>,
    content: &Arc<dyn Content>,
    gauge: &Arc<Gauge>,
) -> Result<Uploaded> {
    let size = content.length();
    let sealed = match cmk_id {
        Some(cmk_id) => Some(Sealed::new(&store.keys(), cmk_id, content).await?),
        None => None,
    };
    let content = sealed.as_ref().map_or(content, |sealed| &sealed.content);
    let meta = sealed.as_ref().map(|sealed| sealed.envelope.headers(None)).unwrap_or_default();
    let (stream, sum) = body(content, 0..size, gauge.clone());
    let ask =
        Ask::new(Method::PUT).beginning(content_type(claim.filename())).meta(meta).body(Body::Stream(stream));
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
                encrypted: sealed.is_some(),
            })
        })
        .await?;
    claim.keep();
    Ok(uploaded)
}
