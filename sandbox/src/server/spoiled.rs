//! Good answers that are made to go wrong on their way out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderValue, Response};
use bytes::{Buf, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::Sleep;

use super::connection::{Connection, Ending};

/// What can be done to a good answer's body.
pub enum Spoil {
    End { bytes: Option<u64>, how: Ending },
    Leave { how: Ending },
    Pause { bytes: Option<u64>, length: Duration },
    Flip { offset: Option<u64>, xor: u8 },
    Drip { bytes: u64, interval: Duration },
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
