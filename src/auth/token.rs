//! An access token and what came with it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    redact::Secret,
};

/// A token is renewed this long before it ends, or a tenth of its life if that is less.
const LEEWAY: f64 = 60.0;

/// An access token with what came with it.
pub(crate) struct Token {
    pub access: Secret,
    pub refresh: Option<Secret>,
    /// Seconds since the epoch, where the token's JSON tells.
    pub ends: Option<f64>,
    lifetime: f64,
    json: String,
}

impl Token {
    /// A bare access token, about which nothing else is known.
    pub(crate) fn plain(access: &str) -> Self {
        let json = Value::Object(Map::from_iter([("access_token".to_owned(), access.into())])).to_string();
        Token { access: Secret::new(access), refresh: None, ends: None, lifetime: 0.0, json }
    }

    /// An access token that can stand in a header; `name` is where it was given.
    pub(crate) fn checked(name: &str, token: &str) -> Result<Self> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::argument(name, "must be an access token: ASCII, not empty, no spaces"));
        }
        Ok(Token::plain(token))
    }

    /// The same without its refresh token.
    pub(crate) fn without_refresh(mut self) -> Self {
        self.refresh = None;
        self
    }

    /// A token's JSON, as one of the exchanges gave it. Numbers may be written as strings.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        let all: Map<String, Value> = serde_json::from_str(json).ok()?;
        let text = |name: &str| all.get(name)?.as_str().filter(|text| !text.is_empty());
        let number = |name: &str| match all.get(name)? {
            Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        };
        let lifetime = number("expires_in").unwrap_or(0.0);
        Some(Token {
            access: Secret::new(text("access_token")?),
            refresh: text("refresh_token").map(Secret::new),
            ends: number("obtained_at").filter(|_| lifetime > 0.0).map(|obtained| obtained + lifetime),
            lifetime,
            json: json.to_owned(),
        })
    }

    /// The token as JSON, with `obtained_at` where it is known.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    pub(super) fn ends_within(&self, leeway: f64) -> bool {
        self.ends.is_some_and(|ends| now() + leeway >= ends)
    }

    pub(super) fn ends_soon(&self) -> bool {
        self.ends_within(LEEWAY.min(self.lifetime / 10.0))
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
