//! Tokens: what they hold, when they are renewed, and by whom.

use std::{
    fmt,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwapOption;
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result, Status},
    log::Level,
    oauth2::{self, App},
    redact::{Redactor, Secret},
    sys::{PerProcess, process_id},
    token_file::TokenFile,
    transport::{Sender, Terms, Transport},
};

/// A token is renewed this long before it ends, or a tenth of its life if that is less.
const LEEWAY: f64 = 60.0;

/// An access token with what came with it.
pub(crate) struct Token {
    pub access: Secret,
    pub refresh: Option<Secret>,
    /// Seconds since the epoch, where the token's JSON tells.
    ends: Option<f64>,
    lifetime: f64,
    json: String,
}

impl Token {
    /// A bare access token, about which nothing else is known.
    pub(crate) fn plain(access: &str) -> Self {
        let json = Value::Object(Map::from_iter([("access_token".to_owned(), access.into())])).to_string();
        Token { access: Secret::new(access), refresh: None, ends: None, lifetime: 0.0, json }
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

    fn ends_within(&self, leeway: f64) -> bool {
        self.ends.is_some_and(|ends| now() + leeway >= ends)
    }

    fn ends_soon(&self) -> bool {
        self.ends_within(LEEWAY.min(self.lifetime / 10.0))
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A renewal under way. Named, because renewing sends a request, and sending one may renew.
pub(crate) type Renewal<'a> = Pin<Box<dyn Future<Output = Result<Arc<Token>>> + Send + 'a>>;

/// Where a client's tokens come from.
pub(crate) enum Source {
    /// A token that ends when it ends.
    Fixed(Token),
    /// A stored profile's token with a refresh token that is not ours to spend.
    Stored(Token),
    /// A token that is renewed; none yet means client credentials.
    Renewed { app: App, token: Option<Token>, file: Option<PathBuf> },
}

/// A client's tokens.
#[derive(Clone)]
pub(crate) struct Credentials(Arc<Shared>);

struct Shared {
    app: Option<App>,
    is_stored: bool,
    current: ArcSwapOption<Token>,
    file: Option<TokenFile>,
    // One refresh in flight; a forked child makes its own lock.
    turn: PerProcess<tokio::sync::Mutex<()>>,
    maker: u32,
}

impl Credentials {
    pub(crate) fn new(source: Source) -> Result<Self> {
        let is_stored = matches!(source, Source::Stored(_));
        let (app, token, file) = match source {
            Source::Fixed(token) | Source::Stored(token) => (None, Some(token), None),
            Source::Renewed { app, token, file } => (Some(app), token, file.map(TokenFile::new)),
        };
        let stored = match &file {
            Some(file) => file.read()?,
            None => None,
        };
        // The newer one counts: another process may have renewed it since.
        let token = match (token, stored) {
            (Some(given), Some(stored)) if stored.ends.unwrap_or(0.0) < given.ends.unwrap_or(0.0) => {
                Some(given)
            }
            (given, stored) => stored.or(given),
        };
        Ok(Credentials(Arc::new(Shared {
            app,
            is_stored,
            current: ArcSwapOption::new(token.map(Arc::new)),
            file,
            turn: PerProcess::new(|| tokio::sync::Mutex::new(())),
            maker: process_id(),
        })))
    }

    /// A token that is still good.
    pub(crate) async fn bearer(&self, transport: &Transport, terms: &Terms) -> Result<Arc<Token>> {
        match self.0.current.load_full() {
            Some(token) if self.0.app.is_none() || !token.ends_soon() => Ok(token),
            Some(token) => match self.renew(transport, terms, Some(token.clone())).await {
                Err(error) if error.is_passing() && !token.ends_within(0.0) => Ok(token),
                renewed => renewed,
            },
            None => self.renew(transport, terms, None).await,
        }
    }

    /// Whether a refused token can be exchanged for another one.
    pub(crate) fn can_renew(&self) -> bool {
        self.0.app.is_some()
    }

    /// The token in use.
    pub(crate) fn current(&self) -> Option<Arc<Token>> {
        self.0.current.load_full()
    }

    /// Another token in the place of `refused`, unless there is one already.
    pub(crate) fn renew<'a>(
        &'a self,
        transport: &'a Transport,
        terms: &'a Terms,
        refused: Option<Arc<Token>>,
    ) -> Renewal<'a> {
        let this = self.clone();
        let mine = transport.clone();
        let own_terms = transport.terms(terms.sender);
        Box::pin(async move {
            let blocking = own_terms.sender == Sender::Blocking;
            let work = async move { this.renew_now(&mine, &own_terms, refused).await };
            if blocking {
                return work.await;
            }
            // Carried to its end even if the call that wanted it is cancelled: a rotated refresh token that nobody
            // took would be lost.
            let renewal = transport.runtime()?.spawn(work);
            renewal
                .await
                .map_err(|cause| Error::new(Status::Internal, "a renewal broke off").with_cause(cause))?
        })
    }

    async fn renew_now(
        &self,
        transport: &Transport,
        terms: &Terms,
        refused: Option<Arc<Token>>,
    ) -> Result<Arc<Token>> {
        let shared = &*self.0;
        let Some(app) = &shared.app else { return Err(not_renewable("it was given without OAuth2")) };
        let _turn = shared.turn.lock().await;
        let current = shared.current.load_full();
        let is_refused =
            |token: &Token| refused.as_ref().is_some_and(|refused| refused.access == token.access);
        if let Some(token) = &current
            && !is_refused(token)
        {
            return Ok(token.clone());
        }
        let _lock = match &shared.file {
            Some(file) => Some(file.lock(terms).await?),
            None => None,
        };
        let stored = match &shared.file {
            Some(file) => file.read()?.map(Arc::new),
            None => None,
        };
        if let Some(token) = &stored
            && !is_refused(token)
            && !token.ends_soon()
        {
            shared.current.store(stored.clone());
            return Ok(token.clone());
        }
        let refresh = stored.or(current).and_then(|token| token.refresh.clone());
        let json = match &refresh {
            Some(_) if shared.maker != process_id() && shared.file.is_none() => {
                return Err(not_renewable("a forked process must not spend its parent's refresh token")
                    .with_hint("\"token_file\" lets processes share renewals"));
            }
            Some(refresh) => oauth2::refresh(transport, terms, app, refresh.reveal()).await,
            None => oauth2::client_credentials(transport, terms, app).await,
        };
        let json = json.map_err(|error| match error.status() {
            Status::Api | Status::Http if !error.is_passing() => error.with_status(Status::Auth),
            _ => error,
        })?;
        let token = Token::from_json(&json)
            .ok_or_else(|| Error::new(Status::Protocol, "the renewed token has no access_token"))?;
        let token = Arc::new(token);
        shared.current.store(Some(token.clone()));
        transport.log().write(Level::Info, || "the access token was renewed".to_owned());
        if let Some(file) = &shared.file {
            file.write(token.json())?;
        }
        Ok(token)
    }

    /// Masks this client's secrets.
    pub(crate) fn redact(&self, error: Error) -> Error {
        let mut redactor = Redactor::default();
        if let Some(app) = &self.0.app {
            redactor.hide(app.secret.reveal());
        }
        if let Some(token) = self.current() {
            redactor.hide(token.access.reveal());
            if let Some(refresh) = &token.refresh {
                redactor.hide(refresh.reveal());
            }
        }
        error.redacted(&redactor)
    }

    /// What the caller can do about a refused token.
    pub(crate) fn advise(&self, error: Error) -> Error {
        match error.status() {
            Status::Auth if error.code() == 401 => error,
            Status::Auth if self.0.is_stored => {
                error.with_hint("the stored profile's token has ended: run `bge login`")
            }
            _ => error,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("renews", &self.can_renew()).finish_non_exhaustive()
    }
}

fn not_renewable(why: &str) -> Error {
    Error::new(Status::Auth, format!("the access token cannot be renewed: {why}"))
}
