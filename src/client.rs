//! A client: options become its layers, and its calls are carried out by name.

use std::{fmt, sync::Arc, time::Instant};

use crate::{
    auth::{
        discover,
        renew::{Credentials, TokenOrigin},
        token::Token,
    },
    calls::{self, operation::Operation, pages::Pages, tasks, variants},
    context::{Context, Sender, block_on},
    doctor,
    error::{Error, Result},
    log::{Logger, Sink},
    objects::{Content, Objects, Reader, Writer},
    options::{self, Open, Options},
    platform::{
        args::Args,
        endpoint::{self, Endpoint, Kind, Method, Type},
        session::{CALL_SWITCHES, Session},
    },
    table::Table,
    transport::Transport,
};

/// A client of the platform. Cheap to clone; may be shared by any number of threads.
#[derive(Clone)]
pub struct Client {
    session: Session,
    objects: Objects,
    source: Arc<str>,
}

impl Client {
    /// A client of a given access token. `options_json` is one JSON object; `{}` means the defaults.
    pub fn new(access_token: &str, options_json: &str) -> Result<Self> {
        let options = options::client(options_json)?;
        let token = Token::checked("access_token", access_token)?;
        Client::build(options, TokenOrigin::Fixed(token), "access_token", None)
    }

    /// A client of the credentials that are found in `options_json`, the environment or a stored profile, looked at in
    /// this order. Nothing is written.
    pub fn open(options_json: &str) -> Result<Self> {
        let open = Open::read(options_json)?;
        let mut found = discover::find(&open)?;
        let of_environment = discover::endpoint_of_environment()?;
        let endpoint = of_environment
            .as_deref()
            .map(|text| ("BGE_ENDPOINT", text))
            .or(found.endpoint.as_deref().map(|text| ("the profile's endpoint", text)));
        let options = open.options(endpoint)?;
        let (warning, source) = (found.warning.take(), std::mem::take(&mut found.source));
        let origin = found.origin(options.token_file.clone());
        Client::build(options, origin, &source, warning)
    }

    fn build(options: Options, origin: TokenOrigin, source: &str, warning: Option<String>) -> Result<Self> {
        let log = Arc::new(Logger::new(options.log, options.log_format, options.log_file.clone())?);
        if let Some(warning) = warning {
            log.warn(warning);
        }
        let transport = Transport::new(options, log)?;
        let credentials = Credentials::new(origin, &transport)?;
        Ok(Client::of(transport, credentials, source))
    }

    pub(crate) fn of(transport: Transport, credentials: Credentials, source: &str) -> Self {
        let session = Session::new(transport.clone(), credentials);
        let objects = Objects::new(transport, Arc::new(session.clone()));
        Client { session, objects, source: source.into() }
    }

    /// Where the credentials were found, for people: the names of options or of variables of the environment, or the path
    /// of a stored profile.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The platform's address.
    pub fn endpoint(&self) -> &str {
        self.transport().options().endpoint.as_str()
    }

    /// How the token was come by: `authorization_code`, `client_credentials`, or `given`, where nothing more is known.
    pub fn grant(&self) -> &'static str {
        self.session.credentials().grant().name()
    }

    pub(crate) fn transport(&self) -> &Transport {
        self.session.transport()
    }

    /// Carries a call out by name; the result is the envelope's `data` as the platform wrote it.
    pub fn call(&self, name: &str, args_json: &str) -> Result<String> {
        let args = Args::parse(args_json).map_err(|error| error.with_call(name))?;
        match named(name)? {
            Named::Endpoint(endpoint) => self.call_endpoint(endpoint, args),
            Named::Doctor => self.doctor(args_json),
            Named::UnfinishedUploads => {
                let context = self.transport().context(Sender::Streaming);
                self.transport().wait(self.by_name(context, name, args))
            }
            Named::WaitTask | Named::Request | Named::GetToken => {
                block_on(self.by_name(self.transport().context(Sender::Blocking), name, args))
            }
        }
    }

    /// Carries a row of the table out.
    pub fn call_endpoint(&self, endpoint: &'static Endpoint, args: Args) -> Result<String> {
        let transport = self.transport();
        let outcome = if streams(endpoint, &args) {
            transport.wait(self.dispatch(transport.context(Sender::Streaming), endpoint, &args))
        } else {
            block_on(self.dispatch(transport.context(Sender::Blocking), endpoint, &args))
        };
        self.explained(endpoint.name, &args, outcome)
    }

    /// Sends what the library does not know yet: `args_json` goes to the query (GET) or the form (POST). Never repeated.
    pub fn request(&self, method: &str, path: &str, args_json: &str) -> Result<String> {
        let args = Args::parse(args_json).map_err(|error| error.with_call("request"))?;
        let work = self.free(self.transport().context(Sender::Blocking), method, path, &args);
        self.explained("request", &args, block_on(work))
    }

    /// Asks for a task again and again until it is done, failed or the deadline passes.
    pub fn wait_task(&self, args: Args) -> Result<String> {
        let context = self.transport().context(Sender::Blocking);
        self.explained("wait_task", &args, block_on(tasks::wait_task(&self.session, context, &args)))
    }

    /// Whether the platform answers. Source: API document, `alive`.
    pub fn alive(&self) -> Result<()> {
        self.call("alive", "{}").map(|_| ())
    }

    /// Starts a call in the background.
    pub fn start(&self, name: &str, args_json: &str) -> Result<Operation> {
        let args = Args::parse(args_json).map_err(|error| error.with_call(name))?;
        named(name)?;
        let (this, name) = (self.clone(), name.to_owned());
        Operation::start(
            self.transport(),
            move |context| async move { this.by_name(context, &name, args).await },
        )
    }

    /// A call that is ready to be run: on the thread that will want its result, where any other one may cancel it.
    pub fn prepare(&self, name: &str, args_json: &str) -> Result<Operation> {
        let args = Args::parse(args_json).map_err(|error| error.with_call(name))?;
        let is_short = match named(name)? {
            Named::Endpoint(endpoint) => !streams(endpoint, &args),
            Named::UnfinishedUploads | Named::Doctor => false,
            Named::WaitTask | Named::Request | Named::GetToken => true,
        };
        let (this, name) = (self.clone(), name.to_owned());
        let work = |context| async move { this.by_name(context, &name, args).await };
        Ok(Operation::prepare(self.transport(), is_short, work))
    }

    /// The token in use, as JSON.
    pub fn get_token(&self) -> Result<String> {
        self.call("get_token", "{}")
    }

    /// Another token from now on, in the place of the one in use: a plain access token, a token's JSON (which is renewed
    /// where the client has an application), or `None` for the application's own. Nothing is sent, no connection is
    /// lost; a request that is under way goes on with the token that it has, the next one carries the new one.
    pub fn set_token(&self, token: Option<&str>) -> Result<()> {
        self.session
            .credentials()
            .replace(self.transport(), token)
            .map_err(|error| error.with_call("set_token"))
    }

    /// A name for whose data this client sees, by which what is kept on disk can be told apart: the same through all
    /// renewals and in every process that is given the same credentials, another for anybody else, and no secret.
    pub fn account(&self) -> String {
        self.session.account()
    }

    /// A walk through a list, page by page; nothing is sent yet.
    pub fn pages(&self, name: &str, args_json: &str) -> Result<Pages> {
        Pages::new(&self.session, name, args_json)
    }

    /// All pages of a list as one table; nothing is sent before the first batch is asked for.
    #[cfg(feature = "arrow")]
    pub fn table(&self, name: &str, args_json: &str) -> Result<Table> {
        Table::open(&self.session, name, args_json)
    }

    #[cfg(not(feature = "arrow"))]
    pub(crate) fn table(&self, name: &str, args_json: &str) -> Result<Table> {
        Table::open(&self.session, name, args_json)
    }

    /// Uploads bytes in memory; `args_json` is that of the call `upload`.
    pub fn upload(&self, filename: &str, data: impl Into<Vec<u8>>, args_json: &str) -> Result<String> {
        let args = Args::parse(args_json).map_err(|error| error.with_call("upload"))?;
        self.upload_content(filename, Arc::new(bytes::Bytes::from(data.into())), args)
    }

    pub(crate) fn upload_content(
        &self,
        filename: &str,
        content: Arc<dyn Content>,
        args: Args,
    ) -> Result<String> {
        let context = self.transport().context(Sender::Streaming);
        let outcome = self.transport().wait(self.objects.upload(context, filename, content, args.clone()));
        self.explained("upload", &args, outcome)
    }

    /// The same in the background; `on_end` is called when the operation has ended and reads the content no more.
    pub(crate) fn start_upload(
        &self,
        filename: &str,
        content: Arc<dyn Content>,
        args: Args,
        on_end: impl Fn(bool) + Send + Sync + 'static,
    ) -> Result<Operation> {
        let (this, filename) = (self.clone(), filename.to_owned());
        let work = move |context| async move {
            let outcome = this.objects.upload(context, &filename, content, args.clone()).await;
            this.explained("upload", &args, outcome)
        };
        Operation::start_with(self.transport(), work, Some(Box::new(on_end)))
    }

    /// A reader of an object; nothing is sent before the first read.
    pub fn open_reader(&self, object_name: &str, args_json: &str) -> Result<Reader> {
        self.objects.reader(object_name, args_json).map_err(|error| error.with_call("open_reader"))
    }

    /// A writer of an object; nothing is sent before the first write.
    pub fn open_writer(&self, filename: &str, args_json: &str) -> Result<Writer> {
        self.objects.writer(filename, args_json).map_err(|error| error.with_call("open_writer"))
    }

    /// Everything between this client and the platform, looked at: `{"checks": [{"name", "state", "detail", "hint"}]}`, with
    /// nothing secret in it. `args_json` is `{"lang": "en" or "zh", "round_trip": true, "cmk_id": …}`.
    pub fn doctor(&self, args_json: &str) -> Result<String> {
        self.doctor_of(args_json, Ok(&self.source))
    }

    fn doctor_of(&self, args_json: &str, source: std::result::Result<&str, &Error>) -> Result<String> {
        let args = Args::parse(args_json).map_err(|error| error.with_call(DOCTOR))?;
        let context = self.transport().context(Sender::Streaming);
        let look = doctor::look(&self.session, &self.objects, context, &args, source);
        self.explained(DOCTOR, &args, self.transport().wait(look))
    }

    /// The same for whoever has no client yet: with the options of [`Client::open`], where credentials that are not found
    /// are a finding and no error.
    pub fn doctor_with(options_json: &str, args_json: &str) -> Result<String> {
        let failure = match Client::open(options_json) {
            Ok(client) => return client.doctor(args_json),
            Err(error) => error,
        };
        let options = Open::read(options_json)?
            .options(discover::endpoint_of_environment()?.as_deref().map(|text| ("BGE_ENDPOINT", text)))?;
        let client = Client::build(options, TokenOrigin::Fixed(Token::plain("none")), "", None)?;
        client.doctor_of(args_json, Err(&failure))
    }

    /// Sends the log to `sink`, or nowhere.
    pub fn set_log(&self, sink: Option<Box<dyn Sink>>) {
        self.transport().log().set_sink(sink);
    }

    /// Ends whatever is under way: operations, pages, transfers and tables at once, a blocking call at its next wait. What
    /// begins after it is not concerned.
    pub fn cancel(&self) {
        self.transport().cancel_all();
    }

    fn explained<T>(&self, call: &str, args: &Args, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| self.session.explain(call, args.tag(), error))
    }

    async fn by_name(&self, context: Context, name: &str, args: Args) -> Result<String> {
        let outcome = match named(name)? {
            Named::Endpoint(endpoint) => self.dispatch(context, endpoint, &args).await,
            Named::WaitTask => tasks::wait_task(&self.session, context, &args).await,
            Named::Request => self.request_by_name(context, &args).await,
            Named::GetToken => self.token(&context, &args).await,
            Named::Doctor => {
                doctor::look(&self.session, &self.objects, context, &args, Ok(&self.source)).await
            }
            Named::UnfinishedUploads => self.objects.unfinished_uploads(context, &args).await,
        };
        self.explained(name, &args, outcome)
    }

    async fn dispatch(&self, context: Context, endpoint: &'static Endpoint, args: &Args) -> Result<String> {
        match endpoint.kind {
            Kind::Transfer => self.objects.carry_out(context, endpoint, args).await,
            _ => calls::carry_out(&self.session, context, endpoint, args).await,
        }
    }

    async fn token(&self, context: &Context, args: &Args) -> Result<String> {
        if let Some(name) = args.names().next() {
            return Err(Error::argument(name, "is no known argument: get_token takes none"));
        }
        let context = context.clone().switched(&args.switches(&CALL_SWITCHES)?);
        let token = self.session.credentials().bearer(self.transport(), &context, Instant::now()).await?;
        Ok(token.json().to_owned())
    }

    async fn request_by_name(&self, context: Context, args: &Args) -> Result<String> {
        const KNOWN: [&str; 3] = ["method", "path", "args"];
        if let Some(other) = args.names().find(|name| !KNOWN.contains(name)) {
            return Err(options::unknown("argument", other, &KNOWN));
        }
        let text = |name: &str| -> Result<String> {
            args.text(name)?.ok_or_else(|| Error::argument(name, "is required: a string"))
        };
        let context = context.switched(&args.switches(&CALL_SWITCHES)?);
        let inner = Args::parse(args.get("args").unwrap_or("{}"))?;
        self.free(context, &text("method")?, &text("path")?, &inner).await
    }

    async fn free(&self, context: Context, method: &str, path: &str, args: &Args) -> Result<String> {
        let method = match method {
            "GET" => Method::Get,
            "POST" => Method::Post,
            _ => return Err(Error::argument("method", "must be GET or POST")),
        };
        check_path(path)?;
        let context = context.switched(&args.switches(&CALL_SWITCHES)?);
        self.session.perform_free(context, method, path, args).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("session", &self.session).finish_non_exhaustive()
    }
}

enum Named {
    Endpoint(&'static Endpoint),
    WaitTask,
    Request,
    GetToken,
    UnfinishedUploads,
    Doctor,
}

const DOCTOR: &str = "doctor";

/// Whether a body streams, or several requests run side by side.
fn streams(endpoint: &Endpoint, args: &Args) -> bool {
    endpoint.kind == Kind::Transfer
        || endpoint.args.iter().any(|arg| arg.kind == Type::File && args.get(arg.name).is_some())
        || (endpoint.kind == Kind::Variants && variants::is_long(args))
}

fn named(name: &str) -> Result<Named> {
    match name {
        "wait_task" => Ok(Named::WaitTask),
        "request" => Ok(Named::Request),
        "get_token" => Ok(Named::GetToken),
        DOCTOR => Ok(Named::Doctor),
        "unfinished_uploads" => Ok(Named::UnfinishedUploads),
        _ => endpoint::find(name).map(Named::Endpoint).ok_or_else(|| {
            let known: Vec<&str> = endpoint::all().map(|endpoint| endpoint.name).collect();
            options::unknown("call", name, &known)
        }),
    }
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
