//! OAuth2: the authorization URL, the three exchanges, and the clients they make.

use std::{fmt, sync::Arc};

use url::form_urlencoded;

use crate::{
    auth::{
        grants::{self, App},
        renew::Credentials,
    },
    calls::operation::Operation,
    client::Client,
    context::{Context, Sender, block_on},
    error::{Error, Result},
    log::{Logger, Sink},
    options,
    platform::{
        args::Args,
        session::{self, CALL_SWITCHES},
    },
    redact::Secret,
    transport::Transport,
};

/// Signs users and applications in.
#[derive(Clone)]
pub struct OAuth2 {
    app: App,
    transport: Transport,
}

impl OAuth2 {
    /// `options_json` is that of [`Client::new`].
    pub fn new(client_id: &str, client_secret: &str, options_json: &str) -> Result<Self> {
        for (name, value) in [("client_id", client_id), ("client_secret", client_secret)] {
            if value.trim().is_empty() {
                return Err(Error::argument(name, "must not be empty"));
            }
        }
        let options = options::client(options_json)?;
        let log = Arc::new(Logger::new(options.log, options.log_format, options.log_file.clone())?);
        let transport = Transport::new(options, log)?;
        Ok(OAuth2 { app: App { id: client_id.to_owned(), secret: Secret::new(client_secret) }, transport })
    }

    /// Whether the platform answers. Source: API document, `alive`.
    pub fn alive(&self) -> Result<()> {
        let context = self.transport.context(Sender::Blocking);
        block_on(session::alive(&self.transport, &context)).map_err(|error| error.with_call("alive"))
    }

    /// Where to send the user's browser. Nothing is sent. `scopes` is separated by spaces or commas.
    pub fn get_authorization_url(
        &self,
        redirect_uri: &str,
        state: Option<&str>,
        scopes: Option<&str>,
    ) -> Result<String> {
        if redirect_uri.trim().is_empty() {
            return Err(
                Error::argument("redirect_uri", "must not be empty").with_call("get_authorization_url")
            );
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &self.app.id);
        query.append_pair("response_type", "code");
        query.append_pair("redirect_uri", redirect_uri);
        if let Some(scopes) = scopes {
            let scopes: Vec<&str> =
                scopes.split([' ', ',']).map(str::trim).filter(|scope| !scope.is_empty()).collect();
            if !scopes.is_empty() {
                query.append_pair("scope", &scopes.join(" "));
            }
        }
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        let endpoint = self.transport.options().endpoint.as_str().trim_end_matches('/');
        Ok(format!("{endpoint}/oauth2/authorize?{}", query.finish()))
    }

    /// A user's token for the code that came with the redirect. Source: POST `/oauth2/access_token`.
    pub fn exchange_authorization_code(&self, code: &str, redirect_uri: &str) -> Result<String> {
        let given = serde_json::json!({ "code": code, "redirect_uri": redirect_uri });
        self.call("exchange_authorization_code", &given.to_string())
    }

    /// A new token, and a new refresh token, for a refresh token. Source: POST `/oauth2/access_token`.
    pub fn exchange_refresh_token(&self, refresh_token: &str) -> Result<String> {
        let given = serde_json::json!({ "refresh_token": refresh_token });
        self.call("exchange_refresh_token", &given.to_string())
    }

    /// The application's own token. Source: POST `/oauth2/access_token`.
    pub fn get_credentials_token(&self) -> Result<String> {
        self.call("get_credentials_token", "{}")
    }

    /// A client: of a plain access token, of a token's JSON (then it renews itself), or of client credentials. With
    /// `token_file` a token that is renewed belongs to its application and its person: a file of anybody else is refused.
    pub fn get_api(&self, token: Option<&str>) -> Result<Client> {
        let file = self.transport.options().token_file.clone();
        let origin = Credentials::origin_of(self.app.clone(), token, file)?;
        let transport = self.transport.of_another()?;
        let credentials = Credentials::new(origin, &transport)?;
        Ok(Client::of(transport, credentials, "client_id and client_secret"))
    }

    /// Starts one of the exchanges, or `alive`, in the background.
    pub fn start(&self, name: &str, args_json: &str) -> Result<Operation> {
        let args = Args::parse(args_json)?;
        let (this, name) = (self.clone(), name.to_owned());
        Operation::start(&self.transport, move |context| async move {
            this.dispatch(&context, &name, &args).await
        })
    }

    /// Carries one of the exchanges out by name.
    pub fn call(&self, name: &str, args_json: &str) -> Result<String> {
        let context = self.transport.context(Sender::Blocking);
        let args = Args::parse(args_json)?;
        block_on(self.dispatch(&context, name, &args))
    }

    /// Sends the log to `sink`, or nowhere.
    pub fn set_log(&self, sink: Option<Box<dyn Sink>>) {
        self.transport.log().set_sink(sink);
    }

    async fn dispatch(&self, context: &Context, name: &str, args: &Args) -> Result<String> {
        const KNOWN: [&str; 4] =
            ["alive", "exchange_authorization_code", "exchange_refresh_token", "get_credentials_token"];
        let context = context.clone().switched(&args.switches(&CALL_SWITCHES)?);
        let wanted: &[&str] = match name {
            "alive" | "get_credentials_token" => &[],
            "exchange_authorization_code" => &["code", "redirect_uri"],
            "exchange_refresh_token" => &["refresh_token"],
            _ => return Err(options::unknown("OAuth2 call", name, &KNOWN)),
        };
        let work = async {
            let mut values = Vec::new();
            for argument in wanted {
                let value = args.text(argument)?.filter(|text| !text.is_empty());
                values.push(value.ok_or_else(|| Error::argument(argument, "must be a string, not empty"))?);
            }
            if let Some(other) = args.names().find(|name| !wanted.contains(name)) {
                return Err(options::unknown("argument", other, wanted));
            }
            match values.as_slice() {
                [] if name == "alive" => {
                    session::alive(&self.transport, &context).await.map(|()| "true".to_owned())
                }
                [] => grants::client_credentials(&self.transport, &context, &self.app).await,
                [code, redirect_uri] => {
                    grants::authorization_code(&self.transport, &context, &self.app, code, redirect_uri).await
                }
                [refresh_token, ..] => {
                    grants::refresh(&self.transport, &context, &self.app, refresh_token).await
                }
            }
        };
        work.await.map_err(|error| error.with_call(name))
    }
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2").field("client_id", &self.app.id).finish_non_exhaustive()
    }
}
