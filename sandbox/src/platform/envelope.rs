//! What the platform answers with: the envelope, refusals.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use crate::wire::answer::{accepts_gzip, json_response, text_response};

/// The result of a call.
#[derive(Debug)]
pub enum Data {
    Json(Value),
    /// JSON text that was put together by hand because there is a lot of it.
    Raw(String),
    /// One page of JSON text with the envelope's `pagination`, or none of it.
    Page {
        data: String,
        pagination: Option<(u64, u64)>,
    },
    /// Not an envelope at all.
    Text(&'static str),
}

/// The platform's "no": a code, its message and whatever explains it.
#[derive(Debug)]
pub struct Refusal {
    pub code: i64,
    pub msg: &'static str,
    pub data: Value,
    pub status: StatusCode,
}

impl Refusal {
    pub fn new(code: i64, msg: &'static str) -> Refusal {
        Refusal { code, msg, data: Value::Null, status: StatusCode::OK }
    }

    /// 400: a wrong authorization code, redirect URI, refresh token or client secret.
    pub fn bad_request() -> Refusal {
        Refusal::new(400, "错误的请求")
    }

    /// 401: the token lacks the scope, or its kind may not make this call.
    pub fn no_permission() -> Refusal {
        Refusal::new(401, "无访问权限")
    }

    /// 403: an unknown or expired access token.
    pub fn bad_token() -> Refusal {
        Refusal::new(403, "access_token 已失效或错误")
    }

    /// 40014: the call is for client-credentials tokens only.
    pub fn credentials_only() -> Refusal {
        Refusal::new(40014, "本接口不支持授权码模式的应用访问")
    }

    /// 41001: the argument `name` is missing, malformed or out of range; `why` is for the person who reads the answer.
    pub fn argument(name: &str, why: &str) -> Refusal {
        Refusal { data: json!({ name: why }), ..Refusal::new(41001, "参数错误") }
    }

    /// 41202: unknown model.
    pub fn no_model() -> Refusal {
        Refusal::new(41202, "模型不存在")
    }

    /// 41303: the sample does not exist, or is not the caller's.
    pub fn not_your_sample() -> Refusal {
        Refusal::new(41303, "请提供本人的 biosample_id")
    }

    /// A refusal of the transport: the status and the code are the same number.
    pub fn http(status: StatusCode, msg: &'static str) -> Refusal {
        Refusal { status, ..Refusal::new(i64::from(status.as_u16()), msg) }
    }
}

/// The envelope around a result or a refusal, as an HTTP answer; compressed from so many bytes on, or not at all.
pub fn respond(result: Result<Data, Refusal>, headers: &HeaderMap, gzip_from: Option<u64>) -> Response<Body> {
    let (status, body) = match result {
        Ok(Data::Text(text)) => {
            return text_response(StatusCode::OK, "text/plain; charset=utf-8", text.into());
        }
        Ok(Data::Json(value)) => (StatusCode::OK, envelope(0, "成功", &value.to_string(), None)),
        Ok(Data::Raw(data)) => (StatusCode::OK, envelope(0, "成功", &data, None)),
        Ok(Data::Page { data, pagination }) => (StatusCode::OK, envelope(0, "成功", &data, pagination)),
        Err(no) => (no.status, envelope(no.code, no.msg, &no.data.to_string(), None)),
    };
    json_response(status, body, gzip_from.filter(|_| accepts_gzip(headers)))
}

/// `{"code", "msg", "data"}` around data that is JSON text already.
pub fn envelope(code: i64, msg: &str, data: &str, pagination: Option<(u64, u64)>) -> String {
    let msg = Value::from(msg);
    match pagination {
        None => format!(r#"{{"code": {code}, "msg": {msg}, "data": {data}}}"#),
        Some((count, page)) => format!(
            r#"{{"code": {code}, "msg": {msg}, "data": {data}, "pagination": {{"count": {count}, "page": {page}}}}}"#
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_keeps_the_data_as_written() {
        assert_eq!(
            envelope(0, "成功", "[1e-07]", Some((3, 2))),
            r#"{"code": 0, "msg": "成功", "data": [1e-07], "pagination": {"count": 3, "page": 2}}"#
        );
    }
}
