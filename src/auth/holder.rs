//! The tokens of one account that a client holds, in memory and in its file: which one is newer, whose they are, and how
//! the next one is obtained. Nothing here decides when; see `renew`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;

use super::{
    account::{Account, Grant, Line},
    grants::{self, App},
    token::Token,
    token_store::{Stored, TokenStore},
};
use crate::{
    context::{Cancel, Context, Sender},
    disk::lock::{Lock, Taken},
    error::{Error, Result, Status},
    log::{Event, Level, Logger},
    sys::process_id,
    transport::Transport,
};

/// How long another process may take over its renewal.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a lock that another process holds.
const STEP: Duration = Duration::from_millis(50);
/// Where there are no locks, a refused refresh token may have been spent by another process, which then writes.
const OTHERS_WRITE: Duration = Duration::from_secs(2);

/// Whose token a client asks for.
pub(crate) enum Wanted {
    /// Whoever the token file belongs to; the application itself, where there is none.
    Anyone,
    /// The application itself.
    Application,
    /// Who this token belongs to.
    Owner(Token),
}

/// One account's tokens.
pub(super) struct Holder {
    /// Who renews; `None` where the token ends when it ends.
    app: Option<App>,
    /// Why it is not renewed, where more can be said than that.
    ends_because: Option<&'static str>,
    file: Option<TokenStore>,
    takes_anyone: bool,
    state: ArcSwap<State>,
    /// The newest token is in memory only.
    is_unwritten: AtomicBool,
    is_lockless: AtomicBool,
    /// A refresh token is spent only by the process that has it, or under a lock.
    maker: u32,
}

/// What is known now.
struct State {
    token: Option<Arc<Token>>,
    line: Line,
}

impl Holder {
    /// A token that ends when it ends.
    pub(super) fn fixed(token: Token, endpoint: &str, ends_because: Option<&'static str>) -> Self {
        let grant = if token.is_personal { Grant::AuthorizationCode } else { Grant::Given };
        let line = Line::begin(endpoint, None, grant, Some(&token));
        Holder { ends_because, ..Self::of(None, Some(token), line) }
    }

    /// Tokens that are renewed, and shared through a file if one is named.
    pub(super) fn renewed(
        app: App,
        wanted: Wanted,
        file: Option<TokenStore>,
        endpoint: &str,
        log: &Logger,
    ) -> Result<Self> {
        let takes_anyone = matches!(wanted, Wanted::Anyone);
        let token = match wanted {
            Wanted::Anyone | Wanted::Application => None,
            Wanted::Owner(token) => Some(token),
        };
        let line = Line::begin(endpoint, Some(&app.id), grant_of(token.as_ref()), token.as_ref());
        let holder = Holder { file, takes_anyone, ..Self::of(Some(app), token, line) };
        holder.take_over()?;
        if let Some(store) = &holder.file
            && holder.is_unwritten()
        {
            match holder.write_if_newer(store) {
                // Somebody else's came into its place this very moment.
                Err(error) if error.status() == Status::Argument => return Err(error),
                Err(error) => log.warn(format!("warning: {error}")),
                Ok(()) => {}
            }
        }
        Ok(holder)
    }

    fn of(app: Option<App>, token: Option<Token>, line: Line) -> Self {
        Holder {
            app,
            ends_because: None,
            file: None,
            takes_anyone: false,
            is_unwritten: AtomicBool::new(token.is_some()),
            state: ArcSwap::from_pointee(State { token: token.map(Arc::new), line }),
            is_lockless: AtomicBool::new(false),
            maker: process_id(),
        }
    }

    pub(super) fn renews(&self) -> bool {
        self.app.is_some()
    }

    pub(super) fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }

    pub(super) fn token(&self) -> Option<Arc<Token>> {
        self.state.load().token.clone()
    }

    pub(super) fn account(&self) -> Account {
        self.state.load().line.account.clone()
    }

    /// Whether the newest token still has to be written to the file.
    pub(super) fn is_unwritten(&self) -> bool {
        self.file.is_some() && self.is_unwritten.load(Ordering::Acquire)
    }

    /// Why a token that was refused, or has ended, stays so.
    pub(super) fn advice(&self) -> Option<&'static str> {
        self.ends_because
    }

    /// Another token in the place of `refused`: a newer one that somebody else obtained, or one from the platform. Runs
    /// on the client's runtime, to its end.
    pub(super) async fn renew(&self, transport: &Transport, refused: Option<&Token>) -> Result<Arc<Token>> {
        let Some(app) = &self.app else { return Err(not_renewable("it was given without OAuth2")) };
        // No caller's deadline or cancel ends it: a rotated refresh token that nobody took would be lost.
        let mut context = transport.context(Sender::Streaming);
        (context.deadline, context.cancel) = (None, Cancel::default());
        if let Some(token) = self.usable(refused) {
            return Ok(token);
        }
        let Some(store) = &self.file else { return self.exchange(transport, &context, app, None).await };
        on_disk(|| self.take_over())?;
        if let Some(token) = self.usable(refused) {
            return Ok(token);
        }
        let lock = self.turn(store, transport.log(), refused).await?;
        on_disk(|| self.take_over())?;
        if let Some(token) = self.usable(refused) {
            return Ok(token);
        }
        let outcome = self.exchange(transport, &context, app, Some(store)).await;
        match outcome {
            Err(error) if error.status() == Status::Auth && lock.is_none() => {
                self.of_others(refused).await.ok_or(error)
            }
            Ok(token) if lock.is_none() => {
                // Another process may just have written the token that was spent, over the new one.
                tokio::time::sleep(STEP).await;
                on_disk(|| {
                    if self.take_over().is_ok() && self.is_unwritten() {
                        self.write_again(transport.log());
                    }
                });
                Ok(token)
            }
            outcome => outcome,
        }
    }

    /// Writes the newest token, unless the file has a newer one by now or another process is about to write it.
    pub(super) fn write_again(&self, log: &Logger) {
        let Some(store) = &self.file else { return };
        match self.write_if_newer(store) {
            Ok(()) if !self.is_unwritten() => {
                log.write(Level::Info, || "the renewed token is in token_file now".to_owned());
            }
            Ok(()) => {}
            Err(error) => log.write(Level::Error, || error.to_string()),
        }
    }

    fn write_if_newer(&self, store: &TokenStore) -> Result<()> {
        let _lock = match store.lock() {
            Ok(Taken::Ours(lock)) => Some(lock),
            // Whoever renews writes.
            Ok(Taken::Busy(_)) => return Ok(()),
            Ok(Taken::Unsupported(_)) | Err(_) => None,
        };
        self.take_over()?;
        if !self.is_unwritten() {
            return Ok(());
        }
        let state = self.state.load_full();
        if let Some(token) = &state.token {
            store.write(token, &state.line)?;
        }
        self.is_unwritten.store(false, Ordering::Release);
        Ok(())
    }

    /// A token that is neither the refused one nor about to end.
    fn usable(&self, refused: Option<&Token>) -> Option<Arc<Token>> {
        let is_refused = |token: &Token| refused.is_some_and(|refused| refused.access == token.access);
        self.token().filter(|token| !is_refused(token) && !token.ends_soon())
    }

    /// Takes the file's token where it is newer. An error where the file is somebody else's.
    fn take_over(&self) -> Result<()> {
        let Some(store) = &self.file else { return Ok(()) };
        let Some(Stored { token, line }) = store.read()? else { return Ok(()) };
        let state = self.state.load_full();
        let anyone = self.takes_anyone && state.token.is_none();
        refuse_others(store, &state, anyone, &token, line.as_ref())?;
        let own = &state.line.account;
        let line = line.unwrap_or_else(|| match anyone {
            true => {
                let grant = grant_of(Some(&token));
                Line::begin(&state.line.endpoint, own.client_id.as_deref(), grant, Some(&token))
            }
            false => state.line.clone(),
        });
        let Some(mine) = &state.token else {
            self.adopt(Arc::new(token), line);
            return Ok(());
        };
        if mine.access == token.access && mine.refresh == token.refresh {
            self.adopt(mine.clone(), line);
        } else if is_newer(&token, &line, mine, &state.line) {
            self.adopt(Arc::new(token), line);
        } else {
            // The file knows where the line began; a token that was renewed in memory only continues it.
            let continued = if state.line.has_spent(&token) { state.line.clone() } else { line };
            self.state.store(Arc::new(State { token: Some(mine.clone()), line: continued }));
            self.is_unwritten.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn adopt(&self, token: Arc<Token>, line: Line) {
        self.state.store(Arc::new(State { token: Some(token), line }));
        self.is_unwritten.store(false, Ordering::Release);
    }

    /// Waits for the turn among the processes that share the file. `None`: there are no locks here, or nothing has to
    /// be locked, since a good token is there meanwhile.
    async fn turn(&self, store: &TokenStore, log: &Logger, refused: Option<&Token>) -> Result<Option<Lock>> {
        let started = Instant::now();
        loop {
            let why = match on_disk(|| store.lock()) {
                Ok(Taken::Ours(lock)) => return Ok(Some(lock)),
                Ok(Taken::Busy(_)) => None,
                Ok(Taken::Unsupported(_)) => Some("its file system has no locks".to_owned()),
                Err(cause) => Some(cause.to_string()),
            };
            if let Some(why) = why {
                if !self.is_lockless.swap(true, Ordering::Relaxed) {
                    let path = store.path().display();
                    log.write(Level::Info, || {
                        format!("token_file is renewed without a lock ({path}): {why}")
                    });
                }
                return Ok(None);
            }
            if started.elapsed() > PATIENCE {
                // Only a refresh token must not be spent twice.
                return match self.account().grant {
                    Grant::ClientCredentials => Ok(None),
                    _ => Err(Error::new(
                        Status::Timeout,
                        "another process holds token_file's lock for too long",
                    )),
                };
            }
            tokio::time::sleep(STEP).await;
            on_disk(|| self.take_over())?;
            if self.usable(refused).is_some() {
                return Ok(None);
            }
        }
    }

    /// What another process wrote, that spent the same refresh token a moment earlier.
    async fn of_others(&self, refused: Option<&Token>) -> Option<Arc<Token>> {
        let started = Instant::now();
        while started.elapsed() < OTHERS_WRITE {
            on_disk(|| self.take_over()).ok()?;
            if let Some(token) = self.usable(refused) {
                return Some(token);
            }
            tokio::time::sleep(STEP).await;
        }
        None
    }

    /// Asks the platform, by the grant that the line began with.
    async fn exchange(
        &self,
        transport: &Transport,
        context: &Context,
        app: &App,
        store: Option<&TokenStore>,
    ) -> Result<Arc<Token>> {
        let before = self.state.load_full();
        let mut reserved = None;
        let json = if before.line.account.grant == Grant::ClientCredentials {
            grants::client_credentials(transport, context, app).await
        } else {
            let refresh = before.token.as_ref().and_then(|token| token.refresh.as_ref());
            let Some(refresh) = refresh else {
                return Err(not_renewable("it came without a refresh token").with_hint("sign in again"));
            };
            if self.maker != process_id() && store.is_none() {
                return Err(not_renewable("a forked process must not spend its parent's refresh token")
                    .with_hint("\"token_file\" lets processes share renewals"));
            }
            reserved = store.map(|store| on_disk(|| store.reserve())).transpose()?;
            grants::refresh(transport, context, app, refresh.reveal()).await
        };
        let json = json.map_err(|error| explained(error, before.line.account.grant, store))?;
        let token = Token::from_json(&json)
            .ok_or_else(|| Error::new(Status::Protocol, "the renewed token has no access_token"))?;
        let token = Arc::new(token);
        let line = before.line.renewed(before.token.as_deref(), &token);
        self.state.store(Arc::new(State { token: Some(token.clone()), line: line.clone() }));
        self.is_unwritten.store(true, Ordering::Release);
        transport.log().record(Level::Info, || {
            let event = Event { name: "renewal", tag: context.tag.as_deref(), facts: Vec::new() };
            ("the access token was renewed".to_owned(), event)
        });
        let Some(store) = store else { return Ok(token) };
        let written = on_disk(|| match reserved {
            Some(reserved) => store.fill(reserved, &token, &line),
            None => store.write(&token, &line),
        });
        match written {
            Ok(()) => self.is_unwritten.store(false, Ordering::Release),
            // The call goes on; the next one tries to write it again.
            Err(error) => transport.log().write(Level::Error, || {
                format!("the renewed token is in this process only: {}", error.message())
            }),
        }
        Ok(token)
    }
}

/// Which way a client came by what it was given.
fn grant_of(token: Option<&Token>) -> Grant {
    match token {
        Some(token) if token.is_personal => Grant::AuthorizationCode,
        _ => Grant::ClientCredentials,
    }
}

/// A file belongs to one application and one person, or to the application itself.
fn refuse_others(
    store: &TokenStore,
    state: &State,
    anyone: bool,
    token: &Token,
    line: Option<&Line>,
) -> Result<()> {
    let own = &state.line.account;
    let whose = match line {
        Some(line) if line.account.client_id != own.client_id => {
            let id = line.account.client_id.as_deref().unwrap_or_default();
            format!("another application ({})", shown(id))
        }
        Some(line) if line.endpoint != state.line.endpoint => {
            format!("another address of the platform ({})", shown(&line.endpoint))
        }
        _ if anyone => return Ok(()),
        _ => {
            let grant = line.map_or_else(|| grant_of(Some(token)), |line| line.account.grant);
            let has = |test: &dyn Fn(&Token) -> bool| state.token.as_deref().is_some_and(test);
            let same = has(&|mine| mine.refresh == token.refresh && mine.refresh.is_some())
                || state.line.knows(token)
                || line.is_some_and(|line| line.account.first == own.first || has(&|mine| line.knows(mine)));
            match (own.grant, grant) {
                (Grant::ClientCredentials, Grant::ClientCredentials) => return Ok(()),
                (Grant::ClientCredentials, _) => {
                    "a person, while this client is the application itself".to_owned()
                }
                (_, Grant::ClientCredentials) => {
                    "the application itself, while this client acts for a person".to_owned()
                }
                _ if same => return Ok(()),
                _ if line.is_none() => {
                    "somebody: an older version wrote it, which did not say who that is".to_owned()
                }
                _ => "another person, or to another sign-in of the same one".to_owned(),
            }
        }
    };
    Err(Error::argument("token_file", format!("{} belongs to {whose}", store.path().display()))
        .with_hint("name another file, or remove this one to begin with the token that is given"))
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// Whether the file's token is newer than the one in memory: by what the line went through, else by time.
fn is_newer(stored: &Token, line: &Line, mine: &Token, own: &Line) -> bool {
    match (line.has_spent(mine), own.has_spent(stored)) {
        (true, false) => true,
        (false, true) => false,
        _ => stored.is_after(mine).unwrap_or(true),
    }
}

fn explained(error: Error, grant: Grant, store: Option<&TokenStore>) -> Error {
    let is_final = matches!(error.status(), Status::Api | Status::Http) && !error.is_passing();
    let error = if is_final { error.with_status(Status::Auth) } else { error };
    let error = error.during("the access token could not be renewed");
    match (grant, store) {
        (Grant::ClientCredentials, _) => error,
        _ if !is_final => error,
        (_, None) => error.with_hint("the refresh token is spent or has ended: sign in again"),
        (_, Some(store)) => error.with_hint(format!(
            "the refresh token in {} is spent or has ended: sign in again, and remove the file",
            store.path().display()
        )),
    }
}

pub(super) fn not_renewable(why: &str) -> Error {
    Error::new(Status::Auth, format!("the access token cannot be renewed: {why}"))
}

/// A disk may hang: the runtime's other work goes on meanwhile.
fn on_disk<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
