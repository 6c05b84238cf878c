//! Why a call failed: one line for people, all of it as JSON for programs.

mod reason;

use std::{fmt, time::Duration};

use serde_json::{Map, Value, value::RawValue};

use crate::redact::Redactor;

/// The kinds of failure; the numbers are those of the C ABI and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// Bad argument, option or JSON; nothing was sent.
    Argument = 1,
    /// Name lookup, connect, TLS, reset, proxy, or an answer that broke off.
    Transport = 2,
    /// The time allowed ran out.
    Timeout = 3,
    /// A 4xx or 5xx answer that is none of the others.
    Http = 4,
    /// The platform's envelope has a code other than 0.
    Api = 5,
    /// The platform refused the token.
    Auth = 6,
    /// The answer is not what the protocol says.
    Protocol = 7,
    /// The object store refused.
    Storage = 8,
    /// All of it arrived, but length or checksum is not what was promised.
    Integrity = 9,
    /// A local file could not be read or written.
    Io = 10,
    /// Cancelled by the caller.
    Cancelled = 11,
    /// The handle or stream is already finished.
    Closed = 12,
    /// A bug in the library.
    Internal = 13,
    /// Not in this build.
    Unsupported = 14,
}

impl Status {
    /// Every status with its name in the C ABI.
    pub const ALL: [(Status, &'static str); 14] = [
        (Status::Argument, "BGE_ERR_ARGUMENT"),
        (Status::Transport, "BGE_ERR_TRANSPORT"),
        (Status::Timeout, "BGE_ERR_TIMEOUT"),
        (Status::Http, "BGE_ERR_HTTP"),
        (Status::Api, "BGE_ERR_API"),
        (Status::Auth, "BGE_ERR_AUTH"),
        (Status::Protocol, "BGE_ERR_PROTOCOL"),
        (Status::Storage, "BGE_ERR_STORAGE"),
        (Status::Integrity, "BGE_ERR_INTEGRITY"),
        (Status::Io, "BGE_ERR_IO"),
        (Status::Cancelled, "BGE_ERR_CANCELLED"),
        (Status::Closed, "BGE_ERR_CLOSED"),
        (Status::Internal, "BGE_ERR_INTERNAL"),
        (Status::Unsupported, "BGE_ERR_UNSUPPORTED"),
    ];

    /// The name in the C ABI, such as `BGE_ERR_TIMEOUT`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("BGE_ERR_UNKNOWN", |(_, name)| name)
    }
}

/// Why a call failed. Made where it is understood; gains context on the way up.
#[derive(Clone)]
pub struct Error(Box<Details>);

#[derive(Clone)]
struct Details {
    status: Status,
    summary: String,
    call: Option<String>,
    sample: Option<String>,
    http_status: u16,
    code: i64,
    msg: Option<String>,
    data: Option<Box<RawValue>>,
    /// The data is a task, whose result is the reason.
    of_task: bool,
    request_id: Option<String>,
    cause: Option<String>,
    hint: Option<String>,
    /// What a status says to do, where nobody gave a better hint.
    advice: Option<String>,
    storage: Option<StorageRefusal>,
    files: Option<Box<RawValue>>,
    retry_after: Option<Duration>,
    unsent: bool,
    of_tls: bool,
    permanent: bool,
    settled: bool,
    retryable: bool,
    line: String,
}

/// The members of the object store's error XML that callers can use.
#[derive(Clone, Debug, Default)]
pub struct StorageRefusal {
    /// `Code`, such as `SignatureDoesNotMatch`.
    pub code: String,
    /// `EC`, the finer code, such as `0002-00000080`.
    pub ec: Option<String>,
    /// `ServerTime`, where the store says it.
    pub server_time: Option<String>,
}

/// What the library's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of this kind; `summary` says what happened, without the call's name.
    pub fn new(status: Status, summary: impl Into<String>) -> Self {
        Error(Box::new(Details {
            status,
            summary: summary.into(),
            call: None,
            sample: None,
            http_status: 0,
            code: 0,
            msg: None,
            data: None,
            of_task: false,
            request_id: None,
            cause: None,
            hint: None,
            advice: None,
            storage: None,
            files: None,
            retry_after: None,
            unsent: false,
            of_tls: false,
            permanent: false,
            settled: false,
            retryable: false,
            line: String::new(),
        }))
        .with_line()
    }

    /// A bad argument: `name` is the argument, `wanted` what would be right.
    pub fn argument(name: &str, wanted: impl fmt::Display) -> Self {
        Self::new(Status::Argument, format!("{name} {wanted}"))
    }

    /// A local file that could not be read or written; the path is the caller's own.
    pub fn io(what: impl Into<String>, cause: &std::io::Error) -> Self {
        Self::new(Status::Io, what).with_cause(cause)
    }

    /// A caller's cancel.
    pub fn cancelled() -> Self {
        Self::new(Status::Cancelled, "cancelled by the caller")
    }

    /// A handle or stream that is already finished.
    pub fn closed(what: impl Into<String>) -> Self {
        Self::new(Status::Closed, what)
    }

    /// A task that failed, as the platform wrote it.
    pub(crate) fn failed_task(task: String) -> Self {
        let mut error = Self::new(Status::Api, "the task failed");
        error.0.data = RawValue::from_string(task).ok();
        error.0.of_task = true;
        error.with_line()
    }

    pub(crate) fn with_call(mut self, call: &str) -> Self {
        if self.0.call.is_none() {
            self.0.call = Some(call.to_owned());
        }
        self.with_line()
    }

    /// The sample that failed, where a call is about many.
    #[cfg(feature = "arrow")]
    pub(crate) fn with_sample(mut self, biosample_id: &str) -> Self {
        self.0.sample = Some(biosample_id.to_owned());
        self.with_line()
    }

    /// The address that could not be reached.
    pub(crate) fn at(mut self, address: &str) -> Self {
        self.0.summary = format!("{} ({address})", self.0.summary);
        self.with_line()
    }

    /// What was being done when it happened, where that is not the call itself.
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.0.summary = format!("{what}: {}", self.0.summary);
        self.with_line()
    }

    pub(crate) fn with_cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self.with_line()
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self.with_line()
    }

    pub(crate) fn with_http(mut self, status: u16, request_id: Option<&str>) -> Self {
        self.0.http_status = status;
        if let Some(id) = request_id {
            self.0.request_id = Some(id.to_owned());
        }
        self.with_line()
    }

    pub(crate) fn with_envelope(
        mut self,
        code: i64,
        msg: Option<String>,
        data: Option<Box<RawValue>>,
    ) -> Self {
        self.0.code = code;
        self.0.msg = msg;
        self.0.data = data;
        self.with_line()
    }

    pub(crate) fn with_storage(mut self, refusal: StorageRefusal) -> Self {
        self.0.storage = Some(refusal);
        self
    }

    pub(crate) fn with_status(mut self, status: Status) -> Self {
        self.0.status = status;
        self
    }

    pub(crate) fn with_files(mut self, files: Box<RawValue>) -> Self {
        self.0.files = Some(files);
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self.with_line()
    }

    /// Nothing reached the server: even a write may be repeated.
    pub(crate) fn unsent(mut self) -> Self {
        self.0.unsent = true;
        self
    }

    /// The two sides did not come to trust each other.
    pub(crate) fn of_tls(mut self) -> Self {
        self.0.of_tls = true;
        self
    }

    pub(crate) fn is_of_tls(&self) -> bool {
        self.0.of_tls
    }

    /// Something did reach a server, before this.
    pub(crate) fn sent(mut self) -> Self {
        self.0.unsent = false;
        self
    }

    /// A failure of the connection that repeating cannot mend, such as an unknown certificate authority.
    pub(crate) fn permanent(mut self) -> Self {
        self.0.permanent = true;
        self
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// It was repeated as often as allowed: no loop further out repeats it again.
    pub(crate) fn settled(mut self) -> Self {
        self.0.settled = true;
        self
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.0.settled
    }

    pub(crate) fn is_unsent(&self) -> bool {
        self.0.unsent
    }

    /// Whether time alone may mend it: a broken connection, a timeout, 429 or 5xx.
    pub(crate) fn is_passing(&self) -> bool {
        let passing = match self.0.status {
            Status::Transport | Status::Timeout | Status::Integrity => true,
            // Asking again with the same token changes nothing, whatever the HTTP status around it.
            Status::Auth => false,
            _ => self.0.http_status == 429 || self.0.http_status >= 500,
        };
        passing && !self.0.permanent
    }

    /// How long the server wants to be left alone before the next request.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The object store's refusal, when it was one.
    pub fn storage(&self) -> Option<&StorageRefusal> {
        self.0.storage.as_ref()
    }

    pub(crate) fn redacted(mut self, redactor: &Redactor) -> Self {
        let details = &mut *self.0;
        redactor.clean(&mut details.summary);
        let texts = [&mut details.msg, &mut details.cause, &mut details.hint, &mut details.request_id];
        for text in texts.into_iter().flatten() {
            redactor.clean(text);
        }
        for raw in [&mut details.data, &mut details.files] {
            if let Some(json) = raw
                && let Some(clean) = redactor.cleaned(json.get())
            {
                *raw = RawValue::from_string(clean).ok();
            }
        }
        self.with_line()
    }

    /// The kind of failure.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// The platform's code; 0 if none.
    pub fn code(&self) -> i64 {
        self.0.code
    }

    /// The HTTP status; 0 if there was no answer.
    pub fn http_status(&self) -> u16 {
        self.0.http_status
    }

    /// One line: the call, what happened and what to do.
    pub fn message(&self) -> &str {
        &self.0.line
    }

    /// The server's name for the request, when it gave one.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The name of the call.
    pub fn call(&self) -> Option<&str> {
        self.0.call.as_deref()
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref().or(self.0.advice.as_deref())
    }

    /// Whether the same call is worth repeating; false when a write may have happened.
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// All of it as a JSON object.
    pub fn to_json(&self) -> String {
        let details = &*self.0;
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                all.insert(name.to_owned(), value);
            }
        };
        put("status", (details.status as i32).into());
        put("name", details.status.name().into());
        put("message", details.line.clone().into());
        put("call", details.call.clone().into());
        put("biosample_id", details.sample.clone().into());
        put("http_status", if details.http_status == 0 { Value::Null } else { details.http_status.into() });
        put("code", if details.code == 0 { Value::Null } else { details.code.into() });
        put("msg", details.msg.clone().into());
        put("request_id", details.request_id.clone().into());
        put("retryable", details.retryable.into());
        put("retry_after", details.retry_after.map(|wait| wait.as_secs_f64()).into());
        put("cause", details.cause.clone().into());
        put("hint", self.hint().into());
        if let Some(refusal) = &details.storage {
            put("storage_code", refusal.code.clone().into());
            put("storage_ec", refusal.ec.clone().into());
            put("server_time", refusal.server_time.clone().into());
        }
        let mut text = Value::Object(all).to_string();
        for (name, raw) in [("data", &details.data), ("files", &details.files)] {
            if let Some(raw) = raw {
                text.pop();
                text.push_str(&format!(",\"{name}\":{}}}", raw.get()));
            }
        }
        text
    }

    fn with_line(mut self) -> Self {
        let details = &mut *self.0;
        details.advice = (details.http_status == 429).then(|| pace_advice(details.retry_after));
        let mut line = String::new();
        if let Some(call) = &details.call {
            line.push_str(call);
            line.push_str(": ");
        }
        if let Some(sample) = &details.sample {
            line.push_str(sample);
            line.push_str(": ");
        }
        line.push_str(&details.summary);
        match (details.http_status, details.code) {
            (0, 0) => {}
            (http, 0) => line.push_str(&format!(" (HTTP {http})")),
            (0, code) => line.push_str(&format!(" (code {code})")),
            (http, code) => line.push_str(&format!(" (code {code}, HTTP {http})")),
        }
        let msg = details.msg.as_deref().map(reason::cleaned);
        let reason = details.data.as_deref().and_then(|data| match details.of_task {
            true => reason::of_task(data.get()),
            false => reason::of_refusal(data.get()),
        });
        let reason = reason.filter(|reason| msg.as_ref() != Some(reason));
        let hint = details.hint.as_deref().or(details.advice.as_deref());
        for (before, text) in [
            (": ", msg.as_deref()),
            (": ", reason.as_deref()),
            (": ", details.cause.as_deref()),
            ("; ", hint),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                line.push_str(before);
                line.push_str(text);
            }
        }
        details.line = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self
    }
}

/// What to do about a 429.
fn pace_advice(wait: Option<Duration>) -> String {
    let first = match wait {
        Some(wait) => format!("wait {} s before the next request", wait.as_secs_f64().ceil()),
        None => "the server wants fewer requests".to_owned(),
    };
    format!("{first}; the option \"rate_limit\" keeps a client below a limit")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status().name(), self.message())
    }
}

impl std::error::Error for Error {}
