//! Answers that go wrong: what each kind of fault puts in place of an answer, or does to one.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use base64::Engine;
use bytes::{Buf, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::Sleep;

use super::connection::{Connection, Ending};
use super::faults::{Kind, Xml};
use super::side::Side;
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
}

/// What can be done to a good answer's body.
pub enum Spoil {
    End { bytes: Option<u64>, how: Ending },
    Leave { how: Ending },
    Pause { bytes: Option<u64>, length: Duration },
    Flip { offset: Option<u64>, xor: u8 },
    Drip { bytes: u64, interval: Duration },
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
        _ => Effect::Answer(Box::new(instead(kind, side))),
    }
}

fn instead(kind: &Kind, side: Side) -> Response<Body> {
    match kind {
        Kind::Status { status, headers, envelope, xml, body, body_base64, content_type } => {
            let status = status_code(*status);
            let mut response = match (envelope, xml, body, body_base64) {
                (Some(parts), ..) => json_response(status, envelope_of(parts, status), false),
                (None, Some(xml), ..) => xml_response(status, xml),
                (None, None, Some(text), _) => {
                    text_response(status, "text/plain; charset=utf-8", text.clone())
                }
                (None, None, None, Some(encoded)) => {
                    let bytes = base64::prelude::BASE64_STANDARD.decode(encoded).unwrap_or_default();
                    let mut response = text_response(status, "application/octet-stream", String::new());
                    *response.body_mut() = Body::from(bytes);
                    response
                }
                _ if side == Side::Store => xml_response(status, &xml_for(status)),
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
            json_response(status_code(*status), envelope(*code, msg, &data.to_string(), None), false)
        }
        Kind::ExpiredToken { status } => {
            json_response(status_code(*status), envelope(403, message_of(403), "null", None), false)
        }
        Kind::ExpiredSts => xml_response(
            StatusCode::FORBIDDEN,
            &Xml {
                code: "SecurityTokenExpired".into(),
                message: Some("The security token you provided has expired.".into()),
                ec: Some("0002-00000007".into()),
            },
        ),
        Kind::NotJson { body } => {
            let body = body.clone().unwrap_or_else(|| "{\"code\": 0, \"msg\": ".into());
            json_response(StatusCode::OK, body, false)
        }
        Kind::NullData => json_response(StatusCode::OK, envelope(0, "成功", "null", None), false),
        Kind::Redirect { location, status } => {
            let mut response =
                text_response(status_code(*status), "text/plain; charset=utf-8", String::new());
            if let Ok(location) = HeaderValue::from_str(location) {
                response.headers_mut().insert(LOCATION, location);
            }
            response
        }
        Kind::GzipGarbage => {
            let mut response = json_response(StatusCode::OK, String::new(), false);
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(&b"\x1f\x8b\x08\x00 this was never compressed by anyone"[..]);
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

fn xml_for(status: StatusCode) -> Xml {
    let code = match status.as_u16() {
        503 => "ServiceUnavailable",
        500..=599 => "InternalError",
        429 => "QpsLimitExceeded",
        408 => "RequestTimeout",
        404 => "NoSuchKey",
        403 => "AccessDenied",
        _ => "BadRequest",
    };
    Xml { code: code.into(), message: None, ec: None }
}

fn xml_response(status: StatusCode, xml: &Xml) -> Response<Body> {
    let request_id =
        uuid::Uuid::from_u128(rand::random()).simple().to_string().to_uppercase()[..24].to_owned();
    let ec = xml.ec.as_ref().map_or_else(String::new, |ec| format!("\n  <EC>{ec}</EC>"));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{}</Code>\n  <Message>{}</Message>\n  \
         <RequestId>{request_id}</RequestId>\n  <HostId>oss-cn-shenzhen.aliyuncs.com</HostId>{ec}\n</Error>\n",
        xml.code,
        xml.message.as_deref().unwrap_or("We encountered an internal error. Please try again."),
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

/// Lets a good answer go wrong.
pub async fn spoil(response: Response<Body>, spoil: Spoil, connection: &Arc<Connection>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let (body, length) = match declared.or_else(|| body.size_hint().exact()) {
        Some(length) => (body, length),
        None => match body.collect().await {
            Ok(collected) => {
                let bytes = collected.to_bytes();
                let length = bytes.len() as u64;
                (Body::from(bytes), length)
            }
            Err(_) => (Body::empty(), 0),
        },
    };
    if let Spoil::End { how, .. } | Spoil::Leave { how } = spoil
        && (length == 0 || body.is_end_stream())
    {
        // Nobody asks an empty body for anything: the headers are all there is to send.
        connection.end_when_flushed(how);
    }
    // What was promised stays promised, whatever comes.
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let spoiled = SpoiledBody {
        inner: body,
        rest: Bytes::new(),
        done: 0,
        pause: None,
        length,
        spoil,
        connection: Arc::clone(connection),
    };
    Response::from_parts(head, Body::new(spoiled))
}

struct SpoiledBody {
    inner: Body,
    /// What has come from `inner` and not gone out.
    rest: Bytes,
    done: u64,
    pause: Option<Pin<Box<Sleep>>>,
    length: u64,
    spoil: Spoil,
    connection: Arc<Connection>,
}

impl SpoiledBody {
    /// The next bytes as they should be, at most `limit` of them (0: as many as there are).
    fn poll_good(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<Option<Result<Bytes, axum::Error>>> {
        while self.rest.is_empty() {
            match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => self.rest = frame.into_data().unwrap_or_default(),
            }
        }
        let take = if limit == 0 {
            self.rest.len()
        } else {
            self.rest.len().min(usize::try_from(limit).unwrap_or(usize::MAX))
        };
        let bytes = self.rest.copy_to_bytes(take);
        self.done += bytes.len() as u64;
        Poll::Ready(Some(Ok(bytes)))
    }

    /// Whether the pause is over.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        Poll::Ready(())
    }
}

impl http_body::Body for SpoiledBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let half = this.length / 2;
        let next = match this.spoil {
            Spoil::End { bytes, how } => {
                let left = bytes.unwrap_or(half).saturating_sub(this.done);
                if left == 0 {
                    // Nobody wakes this body again: the connection ends once what is written has gone out.
                    this.connection.end_when_flushed(how);
                    return Poll::Pending;
                }
                this.poll_good(cx, left)
            }
            Spoil::Leave { how } => {
                let next = this.poll_good(cx, 0);
                if this.done >= this.length || matches!(next, Poll::Ready(None)) {
                    // The last bytes are on their way when the next flush is over.
                    this.connection.end_when_flushed(how);
                }
                next
            }
            Spoil::Pause { bytes, length } => {
                let at = bytes.unwrap_or(half);
                if this.done >= at && !length.is_zero() {
                    this.pause = Some(Box::pin(tokio::time::sleep(length)));
                    this.spoil = Spoil::Pause { bytes: Some(at), length: Duration::ZERO };
                }
                if this.poll_pause(cx).is_pending() {
                    return Poll::Pending;
                }
                let limit = at.saturating_sub(this.done);
                this.poll_good(cx, limit)
            }
            Spoil::Drip { bytes, interval } => {
                if this.poll_pause(cx).is_pending() {
                    return Poll::Pending;
                }
                let next = this.poll_good(cx, bytes);
                if next.is_ready() {
                    this.pause = Some(Box::pin(tokio::time::sleep(interval)));
                }
                next
            }
            Spoil::Flip { offset, xor } => {
                let offset = offset.unwrap_or(half);
                let start = this.done;
                match this.poll_good(cx, 0) {
                    Poll::Ready(Some(Ok(bytes))) if (start..this.done).contains(&offset) => {
                        let mut bytes = bytes.to_vec();
                        if let Some(byte) =
                            usize::try_from(offset - start).ok().and_then(|at| bytes.get_mut(at))
                        {
                            *byte ^= xor;
                        }
                        Poll::Ready(Some(Ok(Bytes::from(bytes))))
                    }
                    other => other,
                }
            }
        };
        next.map(|item| item.map(|result| result.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
