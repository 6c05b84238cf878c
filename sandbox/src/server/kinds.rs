//! What can go wrong with an answer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// An HTTP status. The body is a short HTML page, or `body`, or an envelope (platform), error XML (store) or JSON (key
    /// service).
    Status {
        status: u16,
        #[serde(default)]
        headers: Map<String, Value>,
        #[serde(default)]
        envelope: Option<Value>,
        #[serde(default)]
        xml: Option<ServiceError>,
        #[serde(default)]
        body: Option<String>,
        /// For bytes that are not text.
        #[serde(default)]
        body_base64: Option<String>,
        #[serde(default)]
        content_type: Option<String>,
    },
    /// A platform code in an envelope.
    Code {
        code: i64,
        #[serde(default)]
        msg: Option<String>,
        #[serde(default)]
        data: Value,
        #[serde(default = "ok")]
        status: u16,
    },
    /// A pause before the answer begins.
    DelayHeaders { ms: u64 },
    /// A pause in the body, after so many bytes.
    DelayBody {
        ms: u64,
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// No answer, ever; the connection stays open.
    Hang,
    /// A TCP RST instead of an answer, after so many bytes of the request's body if that is given.
    Reset {
        #[serde(default)]
        request_bytes: Option<u64>,
    },
    /// A TCP RST after so many bytes of the answer's body.
    ResetBody {
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// The connection ends in good order after so many bytes of the body, fewer than Content-Length says.
    Truncate {
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// A whole answer, and then the connection ends without having said so.
    Close {
        #[serde(default)]
        reset: bool,
    },
    /// One byte of the body is not what it should be.
    Corrupt {
        #[serde(default)]
        offset: Option<u64>,
        #[serde(default = "high_bit")]
        xor: u8,
    },
    /// A captive portal: 200 and an HTML page.
    Html,
    /// Code 403.
    ExpiredToken {
        #[serde(default = "ok")]
        status: u16,
    },
    /// The store's SecurityTokenExpired.
    ExpiredSts,
    /// Content-Type says JSON, but it is none.
    NotJson {
        #[serde(default)]
        body: Option<String>,
    },
    /// Code 0, and `data` is null.
    NullData,
    /// The body comes in small pieces.
    Drip { bytes: u64, interval_ms: u64 },
    /// Another place to look.
    Redirect {
        location: String,
        #[serde(default = "found")]
        status: u16,
    },
    /// Content-Encoding says gzip, but it is none.
    GzipGarbage,
    /// A few bytes that become an envelope of this many.
    GzipBomb {
        #[serde(default = "gibibyte")]
        bytes: u64,
    },
    /// A body without an end: `start`, then `text` for ever.
    Endless {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default)]
        start: Option<String>,
        #[serde(default)]
        text: Option<String>,
        #[serde(default)]
        content_type: Option<String>,
    },
    /// A 206 that says something else of itself: all of the header, or another total, or another place.
    ContentRange {
        #[serde(default)]
        value: Option<String>,
        #[serde(default)]
        total: Option<Value>,
        #[serde(default)]
        shift: i64,
    },
    /// A 206 of fewer bytes than were asked for, which says so.
    ShortRange {
        #[serde(default)]
        bytes: Option<u64>,
    },
}

/// The parts of an error answer of the store, which is XML, or of the key service, where it is JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceError {
    pub code: String,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub ec: Option<String>,
}

fn ok() -> u16 {
    200
}

fn found() -> u16 {
    302
}

fn high_bit() -> u8 {
    0x80
}

fn gibibyte() -> u64 {
    1 << 30
}

impl Kind {
    /// Puts the time that is left into the headers that ask for it.
    pub fn tell_seconds_left(&mut self, left: u64) {
        if let Kind::Status { headers, .. } = self {
            for value in headers.values_mut().filter(|value| *value == "{left}") {
                *value = left.into();
            }
        }
    }

    pub fn name(&self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v["kind"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    pub fn check(&self) -> Result<(), String> {
        let status = match self {
            Kind::Endless { text: Some(text), .. } if text.is_empty() => {
                return Err("`text` must not be empty".into());
            }
            Kind::Status { status, .. }
            | Kind::Code { status, .. }
            | Kind::ExpiredToken { status }
            | Kind::Endless { status, .. }
            | Kind::Redirect { status, .. } => *status,
            Kind::ContentRange { value: None, total: None, shift: 0 } => {
                return Err("one of `value`, `total` and `shift` must be given".into());
            }
            Kind::ContentRange { total: Some(total), .. } if !total.is_u64() && total != "*" => {
                return Err("`total` is a number or `*`".into());
            }
            Kind::ShortRange { bytes: Some(0) } => return Err("`bytes` must be at least 1".into()),
            Kind::Corrupt { xor: 0, .. } => return Err("`xor` of 0 corrupts nothing".into()),
            Kind::Drip { bytes: 0, .. } => return Err("`bytes` must be at least 1".into()),
            _ => return Ok(()),
        };
        if (200..600).contains(&status) {
            Ok(())
        } else {
            Err(format!("{status} is no HTTP status from 200 to 599"))
        }
    }
}
