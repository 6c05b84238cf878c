//! The store's refusals: HTTP status, code, and the XML that carries them.

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};

use super::xml::Xml;

#[derive(Debug)]
pub(super) struct OssError {
    status: StatusCode,
    pub(super) code: &'static str,
    message: String,
    /// The finer code of newer answers; not every refusal has a published one.
    ec: Option<&'static str>,
    details: Vec<(&'static str, String)>,
}

pub(super) type OssResult<T> = Result<T, OssError>;

impl OssError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        OssError { status, code, message: message.to_owned(), ec: None, details: Vec::new() }
    }

    pub(super) fn ec(mut self, ec: &'static str) -> Self {
        self.ec = Some(ec);
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    pub(super) fn bad_request(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn argument(name: &str, value: &str, message: &str) -> Self {
        Self::bad_request("InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", value)
    }

    pub(super) fn denied(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    pub(super) fn no_such_key(key: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
            .ec("0026-00000001")
            .with("Key", key)
    }

    pub(super) fn no_such_upload(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        )
        .ec("0042-00000002")
        .with("UploadId", id)
    }

    pub(super) fn not_implemented(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "A header or parameter you provided implies functionality that is not implemented.",
        )
        .with("Header", what)
    }

    pub(super) fn method_not_allowed(method: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        )
        .with("Method", method)
    }

    pub(super) fn internal(message: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    pub(super) fn disk(error: std::io::Error) -> Self {
        Self::internal(&format!("The store cannot keep the data: {error}"))
    }

    pub(super) fn xml(&self, request_id: &str, host: &str) -> String {
        Xml::document("Error", |xml| {
            xml.text("Code", self.code);
            xml.text("Message", &self.message);
            xml.text("RequestId", request_id);
            xml.text("HostId", host);
            for (name, value) in &self.details {
                xml.text(name, value);
            }
            if let Some(ec) = self.ec {
                xml.text("EC", ec);
            }
        })
    }

    /// An answer to HEAD has no body, so its XML travels in `x-oss-err`.
    pub(super) fn response(&self, request_id: &str, host: &str, head: bool) -> Response {
        let xml = self.xml(request_id, host);
        let in_header = head.then(|| STANDARD.encode(&xml));
        let mut response = Response::new(if head { Body::empty() } else { Body::from(xml) });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        if let Some(ec) = self.ec {
            headers.insert("x-oss-ec", HeaderValue::from_static(ec));
        }
        if let Some(value) = in_header.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert("x-oss-err", value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_everything() {
        let xml = OssError::no_such_key("目录/a&b").xml("5C3D9175B6FC201293AD4890", "127.0.0.1");
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
             <Message>The specified key does not exist.</Message><RequestId>5C3D9175B6FC201293AD4890</RequestId>\
             <HostId>127.0.0.1</HostId><Key>目录/a&amp;b</Key><EC>0026-00000001</EC></Error>\n"
        );
    }
}
