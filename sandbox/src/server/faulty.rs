//! Answers that go wrong: what each kind of fault puts in place of an answer, or does to one.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use base64::Engine;
use serde_json::Value;

use super::connection::Ending;
use super::endless::{bomb, endless};
use super::kinds::{Kind, ServiceError};
use super::ranges::RangeFault;
use super::side::Side;
use super::spoiled::Spoil;
use crate::keys::{self, Failure};
use crate::platform::envelope::envelope;
use crate::wire::answer::{json_response, page, text_response};

/// What a fault means for the request it was made for.
pub enum Effect {
    /// Wait, then go on as usual.
    Wait(Duration),
    /// Never answer.
    Silence,
    /// Break the connection off, after so many bytes of the request's body.
    Break(Option<u64>),
    /// Answer this instead.
    Answer(Box<Response<Body>>),
    /// Do the work, and spoil the answer.
    Spoil(Spoil),
    /// Do the work, and answer another range.
    Range(RangeFault),
}

pub fn effect(kind: &Kind, side: Side) -> Effect {
    match kind {
        Kind::DelayHeaders { ms } => Effect::Wait(Duration::from_millis(*ms)),
        Kind::Hang => Effect::Silence,
        Kind::Reset { request_bytes } => Effect::Break(*request_bytes),
        Kind::DelayBody { ms, bytes } => {
            Effect::Spoil(Spoil::Pause { bytes: *bytes, length: Duration::from_millis(*ms) })
        }
        Kind::ResetBody { bytes } => Effect::Spoil(Spoil::End { bytes: *bytes, how: Ending::Reset }),
        Kind::Truncate { bytes } => Effect::Spoil(Spoil::End { bytes: *bytes, how: Ending::Finish }),
        Kind::Close { reset } => {
            Effect::Spoil(Spoil::Leave { how: if *reset { Ending::Reset } else { Ending::Finish } })
        }
        Kind::Corrupt { offset, xor } => Effect::Spoil(Spoil::Flip { offset: *offset, xor: *xor }),
        Kind::Drip { bytes, interval_ms } => {
            Effect::Spoil(Spoil::Drip { bytes: *bytes, interval: Duration::from_millis(*interval_ms) })
        }
        Kind::ContentRange { value, total, shift } => {
            Effect::Range(RangeFault::Misplace { value: value.clone(), total: total.clone(), shift: *shift })
        }
        Kind::ShortRange { bytes } => Effect::Range(RangeFault::Shorten { bytes: *bytes }),
        _ => Effect::Answer(Box::new(instead(kind, side))),
    }
}

fn instead(kind: &Kind, side: Side) -> Response<Body> {
    match kind {
        Kind::Status { status, headers, envelope, xml, body, body_base64, content_type } => {
            let status = status_code(*status);
            let mut response = match (envelope, xml, body, body_base64) {
                (Some(parts), ..) => json_response(status, envelope_of(parts, status), None),
                (None, Some(error), ..) => of_service(side, status, error),
                (None, None, Some(text), _) => {
                    text_response(status, "text/plain; charset=utf-8", text.clone())
                }
                (None, None, None, Some(encoded)) => {
                    let bytes = base64::prelude::BASE64_STANDARD.decode(encoded).unwrap_or_default();
                    let mut response = text_response(status, "application/octet-stream", String::new());
                    *response.body_mut() = Body::from(bytes);
                    response
                }
                _ if side != Side::Platform => of_service(side, status, &usual(side, status)),
                _ => html_response(status, &page(&status.to_string(), "")),
            };
            if let Some(value) = content_type.as_ref().and_then(|value| HeaderValue::from_str(value).ok()) {
                response.headers_mut().insert(CONTENT_TYPE, value);
            }
            for (name, value) in headers {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
                    response.headers_mut().append(name, value);
                }
            }
            response
        }
        Kind::Code { code, msg, data, status } => {
            let msg = msg.as_deref().unwrap_or_else(|| message_of(*code));
            json_response(status_code(*status), envelope(*code, msg, &data.to_string(), None), None)
        }
        Kind::ExpiredToken { status } => {
            json_response(status_code(*status), envelope(403, message_of(403), "null", None), None)
        }
        Kind::ExpiredSts if side == Side::Kms => {
            let refusal =
                Failure::new(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.");
            keys::failure(refusal, "kms")
        }
        Kind::ExpiredSts => xml_response(
            StatusCode::FORBIDDEN,
            &ServiceError {
                code: "SecurityTokenExpired".into(),
                message: Some("The security token you provided has expired.".into()),
                ec: Some("0002-00000007".into()),
            },
        ),
        Kind::NotJson { body } => {
            let body = body.clone().unwrap_or_else(|| "{\"code\": 0, \"msg\": ".into());
            json_response(StatusCode::OK, body, None)
        }
        Kind::NullData => json_response(StatusCode::OK, envelope(0, "成功", "null", None), None),
        Kind::Redirect { location, status } => {
            let mut response =
                text_response(status_code(*status), "text/plain; charset=utf-8", String::new());
            // As bytes: a Location may be raw UTF-8, as some servers send it.
            if let Ok(location) = HeaderValue::from_bytes(location.as_bytes()) {
                response.headers_mut().insert(LOCATION, location);
            }
            response
        }
        Kind::GzipGarbage => {
            let mut response = json_response(StatusCode::OK, String::new(), None);
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(&b"\x1f\x8b\x08\x00 this was never compressed by anyone"[..]);
            response
        }
        Kind::GzipBomb { bytes } => {
            let mut response = json_response(StatusCode::OK, String::new(), None);
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = bomb("{\"code\": 0, \"msg\": \"成功\", \"data\": \"", *bytes, "\"}");
            response
        }
        Kind::Endless { status, start, text, content_type } => {
            let status = status_code(*status);
            let (of_kind, begun, goes_on) = match status.is_success() {
                true => {
                    ("application/json; charset=utf-8", "{\"code\": 0, \"msg\": \"成功\", \"data\": [", "0, ")
                }
                false => (
                    "text/html; charset=utf-8",
                    "<!DOCTYPE html>\n<html lang=\"zh\"><body>\n",
                    "<p>服务器错误</p>\n",
                ),
            };
            let mut response = text_response(status, of_kind, String::new());
            *response.body_mut() = endless(
                start.clone().unwrap_or_else(|| begun.to_owned()),
                text.as_deref().unwrap_or(goes_on),
            );
            if let Some(value) = content_type.as_ref().and_then(|value| HeaderValue::from_str(value).ok()) {
                response.headers_mut().insert(CONTENT_TYPE, value);
            }
            response
        }
        // All that is left is the captive portal.
        _ => html_response(
            StatusCode::OK,
            &page(
                "无线网络登录",
                "<form action=\"/login\"><input name=\"phone\"><button>登录</button></form>",
            ),
        ),
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn message_of(code: i64) -> &'static str {
    match code {
        0 => "成功",
        400 => "错误的请求",
        401 => "无访问权限",
        403 => "access_token 已失效或错误",
        40014 => "本接口不支持授权码模式的应用访问",
        41001 => "参数错误",
        41202 => "模型不存在",
        41303 => "请提供本人的 biosample_id",
        _ => "系统错误",
    }
}

/// `true` stands for an envelope whose code is the status.
fn envelope_of(parts: &Value, status: StatusCode) -> String {
    let code = parts.get("code").and_then(Value::as_i64).unwrap_or_else(|| i64::from(status.as_u16()));
    let msg = parts.get("msg").and_then(Value::as_str).unwrap_or_else(|| message_of(code));
    envelope(code, msg, &parts.get("data").unwrap_or(&Value::Null).to_string(), None)
}

/// The error that a service usually means by a status.
fn usual(side: Side, status: StatusCode) -> ServiceError {
    let code = match (status.as_u16(), side) {
        (503, Side::Kms) => "ServiceUnavailableTemporary",
        (500..=599, Side::Kms) => "InternalFailure",
        (429, Side::Kms) => "Throttling",
        (404, Side::Kms) => "Forbidden.KeyNotFound",
        (403, Side::Kms) => "Forbidden.NoPermission",
        (503, _) => "ServiceUnavailable",
        (500..=599, _) => "InternalError",
        (429, _) => "QpsLimitExceeded",
        (408, _) => "RequestTimeout",
        (404, _) => "NoSuchKey",
        (403, _) => "AccessDenied",
        (_, Side::Kms) => "InvalidParameter",
        _ => "BadRequest",
    };
    ServiceError { code: code.into(), message: None, ec: None }
}

const USUAL_MESSAGE: &str = "We encountered an internal error. Please try again.";

/// An error in the language of the object store or of the key service.
fn of_service(side: Side, status: StatusCode, error: &ServiceError) -> Response<Body> {
    if side != Side::Kms {
        return xml_response(status, error);
    }
    let message = error.message.as_deref().unwrap_or(USUAL_MESSAGE);
    keys::failure(Failure::new(status.as_u16(), &error.code, message), "kms")
}

fn xml_response(status: StatusCode, xml: &ServiceError) -> Response<Body> {
    let request_id =
        uuid::Uuid::from_u128(rand::random()).simple().to_string().to_uppercase()[..24].to_owned();
    let ec = xml.ec.as_ref().map_or_else(String::new, |ec| format!("\n  <EC>{ec}</EC>"));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{}</Code>\n  <Message>{}</Message>\n  \
         <RequestId>{request_id}</RequestId>\n  <HostId>oss-cn-shenzhen.aliyuncs.com</HostId>{ec}\n</Error>\n",
        xml.code,
        xml.message.as_deref().unwrap_or(USUAL_MESSAGE),
    );
    let mut response = text_response(status, "application/xml", body);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-oss-request-id", value);
    }
    response
}

fn html_response(status: StatusCode, body: &str) -> Response<Body> {
    text_response(status, "text/html; charset=utf-8", body.to_owned())
}
