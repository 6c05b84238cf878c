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

pub(super) fn timed_out() -> Error {
    Error::new(Status::Timeout, "the time for one attempt ran out").with_hint("\"timeout\" allows more")
}

/// The client itself could not be made.
pub(super) fn unbuilt(cause: reqwest::Error) -> Error {
    Error::new(Status::Transport, "the HTTP client could not be set up").with_cause(root(&cause)).permanent()
}

/// Whether nothing got as far as a connection, so that a second address may help.
pub(super) fn is_unreachable(error: &Error) -> bool {
    error.is_unsent() && error.is_passing()
}

pub(super) fn of(cause: reqwest::Error) -> Error {
    let cause = cause.without_url();
    if let Some(tls) = find::<rustls::Error>(&cause) {
        return tls_refused(tls);
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
            timed_out()
        };
    }
    if let Some(local) = find::<LocalFile>(&cause) {
        return Error::new(Status::Io, "the file could not be read to its end").with_cause(&local.0);
    }
    let told = root(&cause);
    if cause.is_connect() {
        let refused =
            find::<io::Error>(&cause).is_some_and(|cause| cause.kind() != io::ErrorKind::UnexpectedEof);
        let error = Error::new(Status::Transport, "no connection").with_cause(told).unsent();
        // A connection that ended in the middle of the TLS handshake is an answer of a kind: no second address.
        return if refused { error } else { error.permanent() };
    }
    if cause.is_body() || cause.is_decode() {
        return Error::new(Status::Transport, "the connection ended before the whole answer was there")
            .with_cause(told);
    }
    if cause.is_builder() {
        return Error::new(Status::Argument, "no request can be made of this").with_cause(told);
    }
    Error::new(Status::Transport, "the connection broke").with_cause(told)
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

fn tls_refused(cause: &rustls::Error) -> Error {
    use rustls::CertificateError as Bad;
    let hint = match cause {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer => "the server's certificate authority is unknown: \"ca_file\" can name it",
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
    Error::new(Status::Transport, "TLS failed").with_cause(cause).with_hint(hint).unsent().permanent()
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

/// The wait that an answer asks for, in seconds or until a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text)
            .ok()
            .map(|date| date.duration_since(SystemTime::now()).unwrap_or_default()),
    }
}

/// Marks a failed read of a local file, so that `of` tells it from a broken connection.
pub(crate) fn local(cause: io::Error) -> io::Error {
    io::Error::other(LocalFile(cause))
}
