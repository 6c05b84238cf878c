//! An access token and what came with it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    redact::Secret,
};

/// A token is renewed this long before it ends, or a tenth of its life if that is less.
const LEEWAY: f64 = 60.0;

/// The member that says so where a person's token came without a refresh token: it is not the application's own.
pub(super) const OF_A_PERSON: (&str, &str) = ("grant_type", "authorization_code");

/// An access token with what came with it.
pub(crate) struct Token {
    pub access: Secret,
    pub refresh: Option<Secret>,
    /// Seconds since the epoch, where the token's JSON says it.
    pub ends: Option<f64>,
    /// Seconds since the epoch, where the token's JSON says it.
    pub obtained: Option<f64>,
    /// A person signed in for it.
    pub is_personal: bool,
    lifetime: f64,
    json: String,
}

/// What a caller gives where a token is asked for.
pub(crate) enum GivenToken {
    /// Nothing: the application's own token.
    Nothing,
    /// An access token alone.
    Plain(Token),
    /// A token's JSON, as one of the exchanges gave it.
    Whole(Token),
}

impl GivenToken {
    pub(crate) fn read(text: Option<&str>) -> Result<Self> {
        let Some(text) = text.map(trimmed) else { return Ok(GivenToken::Nothing) };
        if text.is_empty() {
            return Err(Error::argument("token", "must not be empty"));
        }
        if !text.starts_with('{') {
            return Token::checked("token", text).map(GivenToken::Plain);
        }
        Token::from_json(text).map(GivenToken::Whole).ok_or_else(|| {
            Error::argument("token", "must be an access token, or a token's JSON with its access_token")
        })
    }
}

impl Token {
    /// A bare access token, about which nothing else is known.
    pub(crate) fn plain(access: &str) -> Self {
        let json = Value::Object(Map::from_iter([("access_token".to_owned(), access.into())])).to_string();
        Token {
            access: Secret::new(access),
            refresh: None,
            ends: None,
            obtained: None,
            is_personal: false,
            lifetime: 0.0,
            json,
        }
    }

    /// An access token that can stand in a header; `name` is where it was given.
    pub(crate) fn checked(name: &str, token: &str) -> Result<Self> {
        let token = trimmed(token);
        if !fits_a_header(token) {
            return Err(Error::argument(name, "must be an access token: ASCII, not empty, no spaces"));
        }
        Ok(Token::plain(token))
    }

    /// A token's JSON, as one of the exchanges gave it. Numbers may be written as strings.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        let all: Map<String, Value> = serde_json::from_str(json).ok()?;
        let text = |name: &str| all.get(name)?.as_str().map(trimmed).filter(|text| !text.is_empty());
        let number = |name: &str| match all.get(name)? {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let number = |name: &str| number(name).filter(|number: &f64| number.is_finite() && *number > 0.0);
        let (lifetime, obtained) = (number("expires_in").unwrap_or(0.0), number("obtained_at"));
        let refresh = text("refresh_token").map(Secret::new);
        Some(Token {
            access: Secret::new(text("access_token").filter(|access| fits_a_header(access))?),
            is_personal: refresh.is_some() || text(OF_A_PERSON.0) == Some(OF_A_PERSON.1),
            refresh,
            ends: obtained.filter(|_| lifetime > 0.0).map(|obtained| obtained + lifetime),
            obtained,
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

    /// Whether it was obtained after `other`; `None` where the two do not say.
    pub(super) fn is_after(&self, other: &Token) -> Option<bool> {
        let times = self.obtained.zip(other.obtained).or_else(|| self.ends.zip(other.ends));
        times.filter(|(own, others)| own != others).map(|(own, others)| own > others)
    }
}

/// Without the white space, line ends and byte order mark that people, editors and shells put around a text.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

fn fits_a_header(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Seconds since the epoch.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
