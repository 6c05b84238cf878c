//! A client's tokens: when they are renewed, and by whom.

use std::{fmt, path::PathBuf, pin::Pin, sync::Arc};

use arc_swap::ArcSwapOption;

use super::{
    account::{Account, Grant, fingerprint},
    grants::{self, App},
    token::Token,
    token_store::TokenStore,
};
use crate::{
    context::{Context, Sender},
    error::{Error, Result, Status},
    log::{Event, Level},
    redact::Redactor,
    sys::{PerProcess, process_id},
    transport::Transport,
};

/// A renewal under way. Named, because renewing sends a request, and sending one may renew.
pub(crate) type Renewal<'a> = Pin<Box<dyn Future<Output = Result<Arc<Token>>> + Send + 'a>>;

/// Where a client's tokens come from.
pub(crate) enum TokenOrigin {
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
    account: Account,
    current: ArcSwapOption<Token>,
    file: Option<TokenStore>,
    // One refresh in flight; a forked child makes its own lock.
    turn: PerProcess<tokio::sync::Mutex<()>>,
    maker: u32,
}

impl Credentials {
    pub(crate) fn new(origin: TokenOrigin) -> Result<Self> {
        let is_stored = matches!(origin, TokenOrigin::Stored(_));
        let (app, token, file) = match origin {
            TokenOrigin::Fixed(token) | TokenOrigin::Stored(token) => (None, Some(token), None),
            TokenOrigin::Renewed { app, token, file } => (Some(app), token, file.map(TokenStore::new)),
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
        let account = account_of(app.as_ref(), token.as_ref(), is_stored);
        Ok(Credentials(Arc::new(Shared {
            app,
            is_stored,
            account,
            current: ArcSwapOption::new(token.map(Arc::new)),
            file,
            turn: PerProcess::new(|| tokio::sync::Mutex::new(())),
            maker: process_id(),
        })))
    }

    /// A token that is still good.
    pub(crate) async fn bearer(&self, transport: &Transport, context: &Context) -> Result<Arc<Token>> {
        match self.0.current.load_full() {
            Some(token) if self.0.app.is_none() || !token.ends_soon() => Ok(token),
            Some(token) => match self.renew(transport, context, Some(token.clone())).await {
                Err(error) if error.is_passing() && !token.ends_within(0.0) => Ok(token),
                renewed => renewed,
            },
            None => self.renew(transport, context, None).await,
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

    /// A name for whose data this client sees: the same through all renewals and in every process that is given the same
    /// credentials, another for anybody else, and no secret.
    pub(crate) fn account(&self) -> String {
        self.0.account.digest()
    }

    /// Another token in the place of `refused`, unless there is one already.
    pub(crate) fn renew<'a>(
        &'a self,
        transport: &'a Transport,
        context: &'a Context,
        refused: Option<Arc<Token>>,
    ) -> Renewal<'a> {
        let this = self.clone();
        let mine = transport.clone();
        let own_context = transport.context(context.sender);
        Box::pin(async move {
            let blocking = own_context.sender == Sender::Blocking;
            let work = async move { this.renew_now(&mine, &own_context, refused).await };
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
        context: &Context,
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
            Some(file) => Some(file.lock(context).await?),
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
            Some(refresh) => grants::refresh(transport, context, app, refresh.reveal()).await,
            None => grants::client_credentials(transport, context, app).await,
        };
        let json = json.map_err(|error| match error.status() {
            Status::Api | Status::Http if !error.is_passing() => error.with_status(Status::Auth),
            _ => error,
        })?;
        let token = Token::from_json(&json)
            .ok_or_else(|| Error::new(Status::Protocol, "the renewed token has no access_token"))?;
        let token = Arc::new(token);
        shared.current.store(Some(token.clone()));
        transport.log().tell(Level::Info, || {
            let event = Event { name: "renewal", tag: context.tag.as_deref(), facts: Vec::new() };
            ("the access token was renewed".to_owned(), event)
        });
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

fn account_of(app: Option<&App>, token: Option<&Token>, is_stored: bool) -> Account {
    let client_id = app.map(|app| app.id.clone());
    let secret = token.map(|token| token.refresh.as_ref().unwrap_or(&token.access));
    let (grant, first) = match token {
        Some(token) if token.refresh.is_some() || is_stored => (Grant::AuthorizationCode, secret),
        Some(_) if app.is_none() => (Grant::Given, secret),
        _ => (Grant::ClientCredentials, None),
    };
    Account { client_id, grant, first: first.map(|secret| fingerprint(secret.reveal())) }
}

fn not_renewable(why: &str) -> Error {
    Error::new(Status::Auth, format!("the access token cannot be renewed: {why}"))
}
