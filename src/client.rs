//! A client: its connections and credentials, and the path of one call through them.

use std::{fmt, sync::Arc, time::Instant};

use crate::{
    args::{Args, Prepared, Switches, free_request, prepare},
    credentials::{Credentials, Source, Token},
    endpoint::{self, Answer as Gives, Endpoint, Kind, Method, Pages, Type},
    envelope::{self, Envelope},
    error::{Error, Result, Status},
    log::{Level, Logger, Sink},
    op::Operation,
    options,
    storage::{self, Vault},
    tasks,
    transport::{Answer, Progress, Repeat, Request, Retry, Sender, Target, Terms, Transport, retry_after},
    variants,
};

/// The switches that every call of the platform knows.
pub(crate) const CALL_SWITCHES: [&str; 4] = ["timeout", "deadline", "max_retries", "headers"];

/// A client of the platform. Cheap to clone; may be shared by any number of threads.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Transport,
    pub(crate) credentials: Credentials,
    /// Credentials of the object store.
    pub(crate) vault: Vault,
}

impl Client {
    /// A client of a given access token. `options_json` is one JSON object; `{}` means the defaults.
    pub fn new(access_token: &str, options_json: &str) -> Result<Self> {
        let options = options::client(options_json)?;
        let token = plain_token("access_token", access_token)?;
        let log = Arc::new(Logger::new(options.log, options.log_file.clone())?);
        Ok(Client::of(Transport::new(options, log)?, Credentials::new(Source::Fixed(token))?))
    }

    pub(crate) fn of(transport: Transport, credentials: Credentials) -> Self {
        Client { transport, credentials, vault: Vault::new() }
    }

    /// Carries a call out by name; the result is the envelope's `data` as the platform wrote it.
    pub fn call(&self, name: &str, args_json: &str) -> Result<String> {
        let args = Args::parse(args_json).map_err(|error| error.with_call(name))?;
        match named(name)? {
            Named::Endpoint(endpoint) => self.call_endpoint(endpoint, args),
            Named::WaitTask | Named::Request | Named::GetToken => {
                pollster::block_on(self.by_name(self.transport.terms(Sender::Blocking), name, args))
            }
        }
    }

    /// Carries a row of the table out.
    pub fn call_endpoint(&self, endpoint: &'static Endpoint, args: Args) -> Result<String> {
        let streams = endpoint.kind == Kind::Transfer
            || endpoint.args.iter().any(|arg| arg.kind == Type::File && args.get(arg.name).is_some())
            || (endpoint.kind == Kind::Variants && variants::is_long(&args));
        let outcome = if streams {
            self.transport.wait(self.dispatch(self.transport.terms(Sender::Streaming), endpoint, &args))
        } else {
            pollster::block_on(self.dispatch(self.transport.terms(Sender::Blocking), endpoint, &args))
        };
        self.told(endpoint.name, outcome)
    }

    /// Sends what the library does not know yet: `args_json` goes to the query (GET) or the form (POST). Never repeated.
    pub fn request(&self, method: &str, path: &str, args_json: &str) -> Result<String> {
        let work = async {
            let args = Args::parse(args_json)?;
            self.free(self.transport.terms(Sender::Blocking), method, path, &args).await
        };
        self.told("request", pollster::block_on(work))
    }

    /// Asks for a task again and again until it is done, failed or the deadline passes.
    pub fn wait_task(&self, args: Args) -> Result<String> {
        let terms = self.transport.terms(Sender::Blocking);
        self.told("wait_task", pollster::block_on(tasks::wait_task(self, terms, &args)))
    }

    /// Whether the platform answers. Source: API document, `alive`.
    pub fn alive(&self) -> Result<()> {
        let terms = self.transport.terms(Sender::Blocking);
        self.told("alive", pollster::block_on(alive(&self.transport, &terms)))
    }

    /// Starts a call in the background.
    pub fn start(&self, name: &str, args_json: &str) -> Result<Operation> {
        let args = Args::parse(args_json).map_err(|error| error.with_call(name))?;
        named(name)?;
        let (this, name) = (self.clone(), name.to_owned());
        Operation::start(&self.transport, move |terms| async move { this.by_name(terms, &name, args).await })
    }

    /// The token in use, as JSON.
    pub fn get_token(&self) -> Result<String> {
        self.call("get_token", "{}")
    }

    async fn token(&self, terms: &Terms, args: &Args) -> Result<String> {
        if let Some(name) = args.names().next() {
            return Err(Error::argument(name, "is no known argument: get_token takes none"));
        }
        let terms = terms.clone().switched(&args.switches(&CALL_SWITCHES)?);
        self.credentials.bearer(&self.transport, &terms).await.map(|token| token.json().to_owned())
    }

    /// Sends the log to `sink`, or nowhere.
    pub fn set_log(&self, sink: Option<Box<dyn Sink>>) {
        self.transport.log().set_sink(sink);
    }

    /// The error as the caller gets it: with the call's name, and without secrets.
    pub(crate) fn told<T>(&self, call: &str, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| {
            let error = self.credentials.advise(self.credentials.redact(error)).with_call(call);
            self.transport.log().write(Level::Error, || error.message().to_owned());
            error
        })
    }

    pub(crate) async fn by_name(&self, terms: Terms, name: &str, args: Args) -> Result<String> {
        let outcome = match named(name)? {
            Named::Endpoint(endpoint) => self.dispatch(terms, endpoint, &args).await,
            Named::WaitTask => tasks::wait_task(self, terms, &args).await,
            Named::Request => self.request_by_name(terms, &args).await,
            Named::GetToken => self.token(&terms, &args).await,
        };
        self.told(name, outcome)
    }

    pub(crate) async fn dispatch(
        &self,
        terms: Terms,
        endpoint: &'static Endpoint,
        args: &Args,
    ) -> Result<String> {
        if endpoint.kind == Kind::Transfer {
            return storage::dispatch(self, terms, endpoint, args).await;
        }
        let terms = terms.switched(&args.switches(&CALL_SWITCHES)?);
        match endpoint.kind {
            Kind::Variants => variants::get_variants(self, terms, endpoint, args).await,
            Kind::Alive => {
                if let Some(name) = args.names().next() {
                    return Err(options::unknown("argument", name, &[]).with_hint("alive takes none"));
                }
                alive(&self.transport, &terms).await.map(|()| "true".to_owned())
            }
            Kind::Call | Kind::Transfer => self.perform(terms, endpoint, args).await,
        }
    }

    /// One request of the table, and its result.
    pub(crate) async fn perform(&self, mut terms: Terms, endpoint: &Endpoint, args: &Args) -> Result<String> {
        let Prepared { mut request, redactor, idle } = prepare(endpoint, args)?;
        if idle {
            return Ok("null".to_owned());
        }
        terms.redactor = Arc::new(redactor);
        if endpoint.name == "introspect" {
            request = self.introspection(&terms, request).await?;
        }
        let rule = if endpoint.repeatable { Repeat::Passing } else { Repeat::Harmless };
        let read: fn(&Envelope<'_>) -> Result<String> = match (endpoint.answer, endpoint.pages) {
            (Gives::Nothing, _) => |_| Ok("null".to_owned()),
            (Gives::Data, Pages::Envelope) => envelope::with_pagination,
            (Gives::Data, _) => |envelope| Ok(envelope.data.to_owned()),
        };
        ask(&self.transport, &terms, Some(&self.credentials), &request, rule, read).await
    }

    /// `introspect` asks about the access token in use.
    async fn introspection(&self, terms: &Terms, mut request: Request) -> Result<Request> {
        let token = self.credentials.bearer(&self.transport, terms).await?;
        if let Target::Platform(path) = &mut request.target
            && !path.contains("token=")
        {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("token", token.access.reveal())
                .finish();
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(&query);
        }
        Ok(request)
    }

    async fn request_by_name(&self, terms: Terms, args: &Args) -> Result<String> {
        const KNOWN: [&str; 3] = ["method", "path", "args"];
        if let Some(other) = args.names().find(|name| !KNOWN.contains(name)) {
            return Err(options::unknown("argument", other, &KNOWN));
        }
        let text = |name: &str| -> Result<String> {
            args.text(name)?.ok_or_else(|| Error::argument(name, "is required: a string"))
        };
        let terms = terms.switched(&args.switches(&CALL_SWITCHES)?);
        let inner = Args::parse(args.get("args").unwrap_or("{}"))?;
        self.free(terms, &text("method")?, &text("path")?, &inner).await
    }

    async fn free(&self, terms: Terms, method: &str, path: &str, args: &Args) -> Result<String> {
        let method = match method {
            "GET" => Method::Get,
            "POST" => Method::Post,
            _ => return Err(Error::argument("method", "must be GET or POST")),
        };
        check_path(path)?;
        let mut terms = terms.switched(&args.switches(&CALL_SWITCHES)?);
        let Prepared { request, redactor, .. } = free_request(method, path, args)?;
        terms.redactor = Arc::new(redactor);
        let read = |envelope: &Envelope<'_>| Ok(envelope.data.to_owned());
        ask(&self.transport, &terms, Some(&self.credentials), &request, Repeat::Never, read).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("transport", &self.transport).finish_non_exhaustive()
    }
}

enum Named {
    Endpoint(&'static Endpoint),
    WaitTask,
    Request,
    GetToken,
}

fn named(name: &str) -> Result<Named> {
    match name {
        "wait_task" => Ok(Named::WaitTask),
        "request" => Ok(Named::Request),
        "get_token" => Ok(Named::GetToken),
        _ => endpoint::find(name).map(Named::Endpoint).ok_or_else(|| {
            let known: Vec<&str> = endpoint::all().map(|endpoint| endpoint.name).collect();
            options::unknown("call", name, &known)
        }),
    }
}

/// An access token that can stand in a header.
pub(crate) fn plain_token(name: &str, token: &str) -> Result<Token> {
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::argument(name, "must be an access token: ASCII, not empty, no spaces"));
    }
    Ok(Token::plain(token))
}

fn check_path(path: &str) -> Result<()> {
    let wrong = |why: &str| Err(Error::argument("path", format!("must start with one \"/\" and {why}")));
    if !path.starts_with('/') || path.starts_with("//") {
        return wrong("is no absolute URL");
    }
    if path.contains(['?', '#', '\\']) || path.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return wrong("holds neither query nor spaces: parameters go in args_json");
    }
    let climbs = |segment: &str| matches!(segment.to_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(climbs) { wrong("has no \".\" or \"..\" in it") } else { Ok(()) }
}

impl Transport {
    /// The conditions that this client's options set.
    pub(crate) fn terms(&self, sender: Sender) -> Terms {
        let options = self.options();
        Terms {
            sender,
            timeout: options.timeout,
            deadline: options.deadline.map(|deadline| Instant::now() + deadline),
            max_retries: options.max_retries,
            headers: Default::default(),
            progress: Arc::new(Progress::default()),
            redactor: Default::default(),
            pace: None,
        }
    }
}

impl Terms {
    /// The same, but for what one call's `"$"` says.
    pub(crate) fn switched(mut self, switches: &Switches) -> Self {
        if let Some(timeout) = switches.timeout {
            self.timeout = timeout;
        }
        if let Some(deadline) = switches.deadline {
            self.deadline = Some(Instant::now() + deadline);
        }
        if let Some(max_retries) = switches.max_retries {
            self.max_retries = max_retries;
        }
        if !switches.headers.is_empty() {
            self.headers = switches.headers.clone();
        }
        self
    }
}

/// Sends a request until it is answered or may not be sent again, and reads the answer's envelope.
pub(crate) async fn ask<T>(
    transport: &Transport,
    terms: &Terms,
    credentials: Option<&Credentials>,
    request: &Request,
    rule: Repeat,
    read: impl Fn(&Envelope<'_>) -> Result<T>,
) -> Result<T> {
    let mut retry = Retry::new(terms, transport.log(), rule);
    let mut renewed = false;
    loop {
        let mut sent = request.clone();
        let mut token = None;
        if let Some(credentials) = credentials {
            let bearer = credentials.bearer(transport, terms).await?;
            sent = authorized(sent, &bearer)?;
            token = Some(bearer);
        }
        let outcome = transport.send(terms, &sent).await.and_then(|answer| {
            let outcome = envelope::read(answer.status, answer.is_json(), &answer.body);
            outcome.and_then(|envelope| read(&envelope)).map_err(|error| answer.tells(error))
        });
        let error = match outcome {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let refused = error.status() == Status::Auth && error.code() != 401;
        match credentials {
            Some(credentials) if refused && !renewed && credentials.can_renew() => {
                renewed = true;
                credentials.renew(transport, terms, token).await?;
            }
            Some(credentials) => retry.again(credentials.redact(error)).await?,
            None => retry.again(error).await?,
        }
    }
}

/// GET `/ping`, without a token: any answer below 400 will do.
pub(crate) async fn alive(transport: &Transport, terms: &Terms) -> Result<()> {
    let request = Request::new(Method::Get, Target::Platform("/ping".to_owned()));
    let mut retry = Retry::new(terms, transport.log(), Repeat::Passing);
    loop {
        let error = match transport.send(terms, &request).await {
            Ok(answer) if answer.status < 400 => return Ok(()),
            Ok(answer) => {
                let error = Error::new(Status::Http, "the platform does not answer as it should");
                answer.tells(error.with_http(answer.status, None))
            }
            Err(error) => error,
        };
        retry.again(error).await?;
    }
}

fn authorized(request: Request, token: &Token) -> Result<Request> {
    let mut value = reqwest::header::HeaderValue::from_str(&format!("Bearer {}", token.access.reveal()))
        .map_err(|_| Error::new(Status::Auth, "the access token cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(request.with_header(reqwest::header::AUTHORIZATION, value))
}

impl Answer {
    fn is_json(&self) -> bool {
        let content_type =
            self.headers.get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type
            .and_then(|text| text.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
    }

    /// Adds what the answer's headers say to an error.
    pub(crate) fn tells(&self, error: Error) -> Error {
        let names = ["x-request-id", "x-oss-request-id", "x-acs-request-id", "request-id"];
        let id = names.iter().find_map(|name| self.headers.get(*name)).and_then(|value| value.to_str().ok());
        let http = if error.http_status() == 0 { self.status } else { error.http_status() };
        error.with_http(http, id).with_retry_after(retry_after(&self.headers))
    }
}
