//! Multipart uploads: initiate, parts, list, complete, abort.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::error::{OssError, OssResult};
use super::headers::{put_header, state_crc};
use super::receive::{receive, receive_text};
use super::request::OssRequest;
use super::upload::{exists, forbids_overwrite};
use super::xml::{PartReference, Xml, parse_complete};
use crate::wire::signing::encode;
use crate::world::clock;
use crate::world::store::Store;
use crate::world::store::object::{Object, default_type, kept_headers, quoted, same_etag};
use crate::world::store::upload::{Part, Upload, join};

const MAX_PART_NUMBER: u32 = 10_000;
/// Every part but the last must have this many bytes.
const MIN_PART: u64 = 100 << 10;
const MAX_LISTED: usize = 1000;
/// 10,000 parts take less than 1 MiB of XML.
const MAX_COMPLETE_BODY: usize = 4 << 20;

pub(super) fn initiate(store: &Store, request: &OssRequest) -> OssResult<Response> {
    let forbid_overwrite = forbids_overwrite(&request.headers);
    if forbid_overwrite && store.exists(&request.key) {
        return Err(exists());
    }
    let mut headers = kept_headers(&request.headers);
    default_type(&mut headers);
    let id = store.new_id("upload", 32);
    let upload = Upload {
        key: request.key.clone(),
        headers,
        initiated: store.now(),
        forbid_overwrite,
        parts: BTreeMap::new(),
    };
    store.uploads().insert(id.clone(), upload);
    Ok(xml_response(Xml::document("InitiateMultipartUploadResult", |xml| {
        name(xml, store, request);
        xml.text("UploadId", &id);
    })))
}

pub(super) async fn upload_part(
    store: &Store,
    request: &OssRequest,
    body: &mut Option<Body>,
) -> OssResult<Response> {
    let stated = request.parameter("partNumber").unwrap_or("");
    let number =
        stated.parse::<u32>().ok().filter(|number| (1..=MAX_PART_NUMBER).contains(number)).ok_or_else(
            || {
                OssError::argument(
                    "partNumber",
                    stated,
                    "Part number must be an integer between 1 and 10000, inclusive.",
                )
            },
        )?;
    with_upload(store, request, |_| ())?;
    let received = receive(store, request, body).await?;
    let part = Part {
        blob: received.blob,
        digest: received.digest,
        crc64: received.crc64,
        crc64_stated: !store.options().no_part_crc,
        modified: store.now(),
    };
    let mut response = Response::new(Body::empty());
    put_header(response.headers_mut(), "etag", &quoted(&part.etag()));
    state_crc(store, response.headers_mut(), part.crc64_stated.then_some(part.crc64));
    // The upload may have been aborted or completed while the bytes arrived.
    with_upload(store, request, |upload| upload.parts.insert(number, part))?;
    Ok(response)
}

pub(super) fn list_parts(store: &Store, request: &OssRequest) -> OssResult<Response> {
    if store.options().deny_list_parts {
        return Err(OssError::denied("You have no right to list the parts of this upload."));
    }
    let limit = number_parameter(request, "max-parts", MAX_LISTED)?;
    if !(1..=MAX_LISTED).contains(&limit) {
        return Err(OssError::argument(
            "max-parts",
            &limit.to_string(),
            "Argument max-parts must be an integer between 1 and 1000.",
        ));
    }
    let marker = number_parameter(request, "part-number-marker", 0)?;
    with_upload(store, request, |upload| {
        let after = u32::try_from(marker).unwrap_or(u32::MAX);
        let mut following = upload.parts.range(after.saturating_add(1)..);
        let listed: Vec<_> = following.by_ref().take(limit).collect();
        let truncated = following.next().is_some();
        let last = listed.last().map_or(marker, |(number, _)| **number as usize);
        Xml::document("ListPartsResult", |xml| {
            name(xml, store, request);
            xml.text("UploadId", request.parameter("uploadId").unwrap_or(""));
            xml.text("StorageClass", "Standard");
            xml.text("PartNumberMarker", &marker.to_string());
            xml.text("NextPartNumberMarker", &last.to_string());
            xml.text("MaxParts", &limit.to_string());
            xml.text("IsTruncated", if truncated { "true" } else { "false" });
            for (number, part) in listed {
                xml.element("Part", |xml| {
                    xml.text("PartNumber", &number.to_string());
                    xml.text("LastModified", &clock::xml(part.modified));
                    xml.text("ETag", &quoted(&part.etag()));
                    if part.crc64_stated && !store.options().no_crc {
                        xml.text("HashCrc64ecma", &part.crc64.to_string());
                    }
                    xml.text("Size", &part.blob.size().to_string());
                });
            }
        })
    })
    .map(xml_response)
}

pub(super) async fn complete(
    store: &Store,
    request: &OssRequest,
    body: &mut Option<Body>,
) -> OssResult<Response> {
    let text = receive_text(body, MAX_COMPLETE_BODY).await?;
    let every_part = request.header("x-oss-complete-all") == Some("yes");
    let listed = match every_part {
        true => None,
        false => Some(
            parse_complete(&text)
                .map(|read| read.parts)
                .filter(|parts| !parts.is_empty())
                .ok_or_else(malformed)?,
        ),
    };
    // From here on nothing waits: the upload is completed even if the client has gone.
    let object = finish(store, request, listed)?;
    if store.take_complete_failure() {
        return Err(OssError::internal("We encountered an internal error. Please try again."));
    }
    let mut response = xml_response(Xml::document("CompleteMultipartUploadResult", |xml| {
        let host = request.header("host").unwrap_or("");
        xml.text("Location", &format!("http://{host}/{}/{}", request.bucket, encode(&request.key)));
        name(xml, store, request);
        xml.text("ETag", &object.quoted_etag());
    }));
    put_header(response.headers_mut(), "etag", &object.quoted_etag());
    state_crc(store, response.headers_mut(), object.crc64);
    Ok(response)
}

/// Turns an upload into an object, or leaves it as it was.
fn finish(store: &Store, request: &OssRequest, listed: Option<Vec<PartReference>>) -> OssResult<Arc<Object>> {
    let id = request.parameter("uploadId").unwrap_or("");
    let mut uploads = store.uploads();
    let upload = uploads
        .get(id)
        .filter(|upload| upload.key == request.key)
        .ok_or_else(|| OssError::no_such_upload(id))?;
    let forbid_overwrite = upload.forbid_overwrite || forbids_overwrite(&request.headers);
    let chosen = chosen_parts(upload, id, listed)?;
    let joined = join(&chosen, upload.headers.clone(), store.options().no_md5, store.now());
    let object = store.insert(&request.key, joined, forbid_overwrite).ok_or_else(exists)?;
    uploads.remove(id);
    Ok(object)
}

/// The parts to join, in order and each as the client knows it.
fn chosen_parts<'a>(
    upload: &'a Upload,
    id: &str,
    listed: Option<Vec<PartReference>>,
) -> OssResult<Vec<&'a Part>> {
    let Some(listed) = listed else {
        return match upload.parts.is_empty() {
            true => Err(malformed()),
            false => large_enough(upload.parts.iter().map(|(n, part)| (*n, part)).collect()),
        };
    };
    let mut chosen = Vec::with_capacity(listed.len());
    let mut previous = 0;
    for reference in listed {
        if reference.number <= previous {
            return Err(OssError::bad_request(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts list must specified in order by part number.",
            )
            .with("UploadId", id));
        }
        previous = reference.number;
        let part = upload
            .parts
            .get(&reference.number)
            .filter(|part| same_etag(&reference.etag, &part.etag()))
            .ok_or_else(|| {
                OssError::bad_request(
                    "InvalidPart",
                    "One or more of the specified parts could not be found or the specified entity tag might not have matched the part's entity tag.",
                )
                .with("PartNumber", reference.number.to_string())
                .with("ETag", reference.etag.as_str())
                .with("UploadId", id)
            })?;
        chosen.push((reference.number, part));
    }
    large_enough(chosen)
}

fn large_enough(chosen: Vec<(u32, &Part)>) -> OssResult<Vec<&Part>> {
    let before_last = chosen.iter().take(chosen.len().saturating_sub(1));
    for (number, part) in before_last {
        if part.blob.size() < MIN_PART {
            return Err(OssError::bad_request(
                "EntityTooSmall",
                "Your proposed upload smaller than the minimum allowed size.",
            )
            .with("ProposedSize", part.blob.size().to_string())
            .with("MinSizeAllowed", MIN_PART.to_string())
            .with("PartNumber", number.to_string())
            .with("ETag", quoted(&part.etag())));
        }
    }
    Ok(chosen.into_iter().map(|(_, part)| part).collect())
}

pub(super) fn abort(store: &Store, request: &OssRequest) -> OssResult<Response> {
    with_upload(store, request, |_| ())?;
    let id = request.parameter("uploadId").unwrap_or("");
    store.uploads().remove(id);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// The upload that the request names, if it is one of this key.
fn with_upload<T>(store: &Store, request: &OssRequest, then: impl FnOnce(&mut Upload) -> T) -> OssResult<T> {
    let id = request.parameter("uploadId").unwrap_or("");
    store
        .uploads()
        .get_mut(id)
        .filter(|upload| upload.key == request.key)
        .map(then)
        .ok_or_else(|| OssError::no_such_upload(id))
}

fn number_parameter(request: &OssRequest, name: &str, default: usize) -> OssResult<usize> {
    match request.parameter(name) {
        None | Some("") => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| OssError::argument(name, text, "The argument is not a number."))
        }
    }
}

/// Bucket and key, encoded if the client asked for that.
fn name(xml: &mut Xml, store: &Store, request: &OssRequest) {
    let encoded = request.parameter("encoding-type") == Some("url");
    if encoded {
        xml.text("EncodingType", "url");
    }
    xml.text("Bucket", store.bucket());
    match encoded {
        true => xml.text("Key", &encode(&request.key)),
        false => xml.text("Key", &request.key),
    }
}

fn malformed() -> OssError {
    OssError::bad_request(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema.",
    )
}

fn xml_response(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
