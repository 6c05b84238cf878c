//! GetObject and HeadObject.

use std::time::SystemTime;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::content::Content;
use super::error::{OssError, OssResult};
use super::headers::{put_header, state_crc};
use super::range::{Selection, select};
use super::request::OssRequest;
use crate::world::clock;
use crate::world::store::Store;
use crate::world::store::object::{Object, quoted, same_etag};

/// Query parameters that replace a header of the answer.
const OVERRIDES: [(&str, &str); 6] = [
    ("response-content-type", "content-type"),
    ("response-content-language", "content-language"),
    ("response-expires", "expires"),
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
];

pub(super) fn get(store: &Store, request: &OssRequest) -> OssResult<Response> {
    let object = store.object(&request.key).ok_or_else(|| OssError::no_such_key(&request.key))?;
    let options = store.options();
    let etag = store.etag_for_reader(&object);
    let mut headers = describe(store, &object, &etag);
    if !meets_conditions(request, &object, &etag)? {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.headers_mut() = headers;
        return Ok(response);
    }
    for (parameter, name) in OVERRIDES {
        if let Some(value) = request.parameter(parameter) {
            put_header(&mut headers, name, value);
        }
    }
    let standard = options.standard_ranges || request.header("x-oss-range-behavior") == Some("standard");
    let selection = match options.no_range {
        true => Selection::Whole,
        false => select(request.header("range"), object.size, standard),
    };
    if !options.no_range {
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    let (status, range) = match selection {
        Selection::Whole => (StatusCode::OK, 0..object.size),
        Selection::Part(range) => {
            let stated = format!("bytes {}-{}/{}", range.start, range.end - 1, object.size);
            put_header(&mut headers, "content-range", &stated);
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Selection::Unsatisfiable => {
            return Err(OssError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "InvalidRange",
                "The requested range cannot be satisfied.",
            )
            .with("ActualObjectSize", object.size.to_string())
            .with("RangeRequested", request.header("range").unwrap_or("")));
        }
    };
    let head = request.method == http::Method::HEAD;
    let state_size = head || !options.no_length;
    if state_size {
        let length = range.end - range.start;
        put_header(&mut headers, "content-length", &length.to_string());
    }
    let mut response = Response::new(match head {
        true => Body::empty(),
        false => Body::new(Content::new(&object.pieces, range, state_size)),
    });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn describe(store: &Store, object: &Object, etag: &str) -> HeaderMap {
    let mut headers = object.headers.clone();
    put_header(&mut headers, "etag", &quoted(etag));
    put_header(&mut headers, "last-modified", &clock::http(object.modified));
    put_header(&mut headers, "x-oss-object-type", object.kind);
    put_header(&mut headers, "x-oss-storage-class", "Standard");
    state_crc(store, &mut headers, object.crc64);
    headers
}

/// Whether the content is to be sent: `false` stands for 304.
fn meets_conditions(request: &OssRequest, object: &Object, etag: &str) -> OssResult<bool> {
    let modified = clock::unix(object.modified);
    let date =
        |name| request.header(name).and_then(clock::parse_http).map(|stated: SystemTime| clock::unix(stated));
    let matches = |stated: &str| stated.trim() == "*" || stated.split(',').any(|one| same_etag(one, etag));
    if request.header("if-match").is_some_and(|stated| !matches(stated)) {
        return Err(failed("If-Match"));
    }
    if date("if-unmodified-since").is_some_and(|stated| modified > stated) {
        return Err(failed("If-Unmodified-Since"));
    }
    if request.header("if-none-match").is_some_and(matches) {
        return Ok(false);
    }
    Ok(date("if-modified-since").is_none_or(|stated| modified > stated))
}

fn failed(condition: &str) -> OssError {
    OssError::new(
        StatusCode::PRECONDITION_FAILED,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold.",
    )
    .with("Condition", condition)
}
