//! What went wrong on the way, told apart.

use std::{
    error::Error as StdError,
    fmt, io,
    time::{Duration, SystemTime},
};

use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::error::{Error, Status};

/// A host name that could not be looked up.
#[derive(Debug)]
pub(super) struct LookupFailed {
    pub host: String,
    pub cause: String,
}

impl fmt::Display for LookupFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name {} could not be looked up: {}", self.host, self.cause)
    }
}

impl StdError for LookupFailed {}

/// Nothing moved for longer than is allowed.
pub(super) fn silent(allowed: Duration) -> Error {
    Error::new(Status::Timeout, format!("nothing moved for {} s", allowed.as_secs_f32()))
        .with_hint("\"timeout\" allows more")
}

/// No answer's head was there in time. Its bytes are seen by nobody before the last one: it counts as one piece.
pub(super) fn unanswered(allowed: Duration) -> Error {
    Error::new(Status::Timeout, format!("no answer within {} s", allowed.as_secs_f32()))
        .with_hint("\"timeout\" allows more")
}

/// More of an answer came than the caller wants to hold.
pub(super) fn too_long(most: u64, http_status: u16) -> Error {
    Error::new(Status::Protocol, format!("the answer is longer than {most} bytes"))
        .with_http(http_status, None)
        .with_hint("\"max_answer\" allows more")
}

/// The client itself could not be made.
pub(super) fn unbuilt(cause: reqwest::Error) -> Error {
    Error::new(Status::Transport, "the HTTP client could not be set up").with_cause(root(&cause)).permanent()
}

/// A failed read of an answer's body.
pub(super) fn of_read(cause: io::Error) -> Error {
    match cause.downcast::<reqwest::Error>() {
        Ok(cause) => of(cause),
        Err(cause) => broken_off().with_cause(cause),
    }
}

fn broken_off() -> Error {
    Error::new(Status::Transport, "the connection ended before the whole answer was there")
}

/// Whether nothing got as far as a connection, so that a second address may help.
pub(super) fn is_unreachable(error: &Error) -> bool {
    error.is_unsent() && error.is_passing()
}

/// Whether a proxy answered that it makes no tunnel.
pub(super) fn is_refused_tunnel(cause: &reqwest::Error) -> bool {
    let refusals = ["tunnel error: unsuccessful", "tunnel error: proxy authorization required"];
    causes(cause).iter().any(|text| refusals.contains(&text.as_str()))
}

fn causes(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut now = error;
    while let Some(source) = now.source() {
        texts.push(source.to_string());
        now = source;
    }
    texts
}

/// A failure once the answer has begun.
pub(super) fn of(cause: reqwest::Error) -> Error {
    explained(cause, "", "nothing moved for too long")
}

/// A failed request; `trusted` says whose certificates would be good.
pub(super) fn of_send(cause: reqwest::Error, trusted: &str) -> Error {
    explained(cause, trusted, "no answer within the time allowed")
}

fn explained(cause: reqwest::Error, trusted: &str, too_late: &str) -> Error {
    let cause = cause.without_url();
    if let Some(tls) = find::<rustls::Error>(&cause) {
        return tls_refused(tls, trusted);
    }
    if let Some(lookup) = find::<LookupFailed>(&cause) {
        return Error::new(Status::Transport, lookup.to_string()).unsent();
    }
    if cause.is_timeout() {
        return if cause.is_connect() {
            Error::new(Status::Timeout, "no connection within the time allowed")
                .with_hint("\"connect_timeout\" allows more")
                .unsent()
        } else {
            Error::new(Status::Timeout, too_late).with_hint("\"timeout\" allows more")
        };
    }
    if let Some(local) = find::<LocalFile>(&cause) {
        return Error::new(Status::Io, "the file could not be read to its end").with_cause(&local.0);
    }
    let reason = root(&cause);
    if cause.is_connect() {
        let error = Error::new(Status::Transport, "no connection").with_cause(&reason).unsent();
        if causes(&cause).iter().any(|text| text.starts_with("tunnel error") || text.starts_with("SOCKS")) {
            // A proxy that wants another name, or does not want this target, will not change its mind.
            let is_final =
                ["authentication", "not accepted", "not allowed"].iter().any(|part| reason.contains(part));
            return if is_final { error.permanent() } else { error };
        }
        let cut = find::<io::Error>(&cause).is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof);
        // A connection that ended in the middle of the TLS handshake is an answer of a kind: no second address.
        return if cut { error.permanent() } else { error };
    }
    if cause.is_body() || cause.is_decode() {
        return broken_off().with_cause(reason);
    }
    if cause.is_builder() {
        return Error::new(Status::Argument, "no request can be made of this").with_cause(reason);
    }
    Error::new(Status::Transport, "the connection broke").with_cause(reason)
}

/// Marks a failure to read the caller's own file while it was being sent.
#[derive(Debug)]
pub(super) struct LocalFile(pub io::Error);

impl fmt::Display for LocalFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for LocalFile {}

fn tls_refused(cause: &rustls::Error, trusted: &str) -> Error {
    use rustls::CertificateError as Bad;
    let refused =
        |cause| Error::new(Status::Transport, "TLS failed").with_cause(cause).unsent().permanent().of_tls();
    let hint = match cause {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer => {
                let hint = format!(
                    "the server's certificate authority is not among those trusted ({trusted}): \"ca_file\" can name it"
                );
                return refused(cause).with_hint(hint);
            }
            Bad::Expired | Bad::ExpiredContext { .. } => {
                "the server's certificate has expired: check the clock"
            }
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet: check the clock"
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "the server's certificate is for another name: check \"endpoint\""
            }
            _ => "the server's certificate is not good",
        },
        _ => "is \"endpoint\" an https address?",
    };
    refused(cause).with_hint(hint)
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut now = Some(error);
    while let Some(error) = now {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // An io::Error shows what it wraps only this way.
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        now = error.source();
    }
    None
}

fn root(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// A century: no sum of times that holds it fails.
const LONGEST_TOLD: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The wait that an answer asks for, in seconds or until a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are a very long time all the same.
        let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST_TOLD));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default().min(LONGEST_TOLD))
}

/// Marks a failed read of a local file, so that `of` does not take it for a broken connection.
pub(crate) fn local(cause: io::Error) -> io::Error {
    io::Error::other(LocalFile(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_from_outside_is_too_large() {
        let parsed = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().expect("a header"));
            retry_after(&headers)
        };
        assert_eq!(parsed("75"), Some(Duration::from_secs(75)));
        for text in
            ["18446744073709551615", "18446744073709551616", &"9".repeat(80), "Fri, 31 Dec 9999 23:59:59 GMT"]
        {
            let wait = parsed(text).expect(text);
            assert!(wait >= Duration::from_secs(86_400 * 365), "{text}: {wait:?}");
            assert!(std::time::Instant::now().checked_add(wait).is_some(), "{text}");
        }
        assert_eq!(parsed("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        for text in ["-1", "1.5", "soon", "", "Fri, 31 Dec 99999 23:59:59 GMT"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
