//! What a failed call tells: one line for people, all of it as JSON for programs.

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

/// What a failed call tells. Made where it is understood; gains context on the way up.
#[derive(Clone)]
pub struct Error(Box<Story>);

#[derive(Clone)]
struct Story {
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
    /// `ServerTime`, where the store tells it.
    pub server_time: Option<String>,
}

/// What the library's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of this kind; `summary` says what happened, without the call's name.
    pub fn new(status: Status, summary: impl Into<String>) -> Self {
        Error(Box::new(Story {
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
        .retold()
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
        error.retold()
    }

    pub(crate) fn with_call(mut self, call: &str) -> Self {
        if self.0.call.is_none() {
            self.0.call = Some(call.to_owned());
        }
        self.retold()
    }

    /// The sample that failed, where a call is about many.
    #[cfg(feature = "arrow")]
    pub(crate) fn with_sample(mut self, biosample_id: &str) -> Self {
        self.0.sample = Some(biosample_id.to_owned());
        self.retold()
    }

    /// The address that could not be reached.
    pub(crate) fn at(mut self, address: &str) -> Self {
        self.0.summary = format!("{} ({address})", self.0.summary);
        self.retold()
    }

    /// What was being done when it happened, where that is not the call itself.
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.0.summary = format!("{what}: {}", self.0.summary);
        self.retold()
    }

    pub(crate) fn with_cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self.retold()
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self.retold()
    }

    pub(crate) fn with_http(mut self, status: u16, request_id: Option<&str>) -> Self {
        self.0.http_status = status;
        if let Some(id) = request_id {
            self.0.request_id = Some(id.to_owned());
        }
        self.retold()
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
        self.retold()
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
        self.retold()
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
        let story = &mut *self.0;
        redactor.clean(&mut story.summary);
        let texts = [&mut story.msg, &mut story.cause, &mut story.hint, &mut story.request_id];
        for text in texts.into_iter().flatten() {
            redactor.clean(text);
        }
        for raw in [&mut story.data, &mut story.files] {
            if let Some(json) = raw
                && let Some(clean) = redactor.cleaned(json.get())
            {
                *raw = RawValue::from_string(clean).ok();
            }
        }
        self.retold()
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
        let story = &*self.0;
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                all.insert(name.to_owned(), value);
            }
        };
        put("status", (story.status as i32).into());
        put("name", story.status.name().into());
        put("message", story.line.clone().into());
        put("call", story.call.clone().into());
        put("biosample_id", story.sample.clone().into());
        put("http_status", if story.http_status == 0 { Value::Null } else { story.http_status.into() });
        put("code", if story.code == 0 { Value::Null } else { story.code.into() });
        put("msg", story.msg.clone().into());
        put("request_id", story.request_id.clone().into());
        put("retryable", story.retryable.into());
        put("retry_after", story.retry_after.map(|wait| wait.as_secs_f64()).into());
        put("cause", story.cause.clone().into());
        put("hint", self.hint().into());
        if let Some(refusal) = &story.storage {
            put("storage_code", refusal.code.clone().into());
            put("storage_ec", refusal.ec.clone().into());
            put("server_time", refusal.server_time.clone().into());
        }
        let mut text = Value::Object(all).to_string();
        for (name, raw) in [("data", &story.data), ("files", &story.files)] {
            if let Some(raw) = raw {
                text.pop();
                text.push_str(&format!(",\"{name}\":{}}}", raw.get()));
            }
        }
        text
    }

    fn retold(mut self) -> Self {
        let story = &mut *self.0;
        story.advice = (story.http_status == 429).then(|| pace_advice(story.retry_after));
        let mut line = String::new();
        if let Some(call) = &story.call {
            line.push_str(call);
            line.push_str(": ");
        }
        if let Some(sample) = &story.sample {
            line.push_str(sample);
            line.push_str(": ");
        }
        line.push_str(&story.summary);
        match (story.http_status, story.code) {
            (0, 0) => {}
            (http, 0) => line.push_str(&format!(" (HTTP {http})")),
            (0, code) => line.push_str(&format!(" (code {code})")),
            (http, code) => line.push_str(&format!(" (code {code}, HTTP {http})")),
        }
        let msg = story.msg.as_deref().map(reason::cleaned);
        let reason = story.data.as_deref().and_then(|data| match story.of_task {
            true => reason::of_task(data.get()),
            false => reason::of_refusal(data.get()),
        });
        let reason = reason.filter(|reason| msg.as_ref() != Some(reason));
        let hint = story.hint.as_deref().or(story.advice.as_deref());
        for (before, text) in
            [(": ", msg.as_deref()), (": ", reason.as_deref()), (": ", story.cause.as_deref()), ("; ", hint)]
        {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                line.push_str(before);
                line.push_str(text);
            }
        }
        story.line = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
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
