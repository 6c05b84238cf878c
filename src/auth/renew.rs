//! A client's tokens: when they are renewed, and how everybody who waits for it gets the same outcome.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;

use super::{
    account::Grant,
    grants::App,
    holder::{Holder, Wanted, not_renewable},
    token::{GivenToken, Token},
    token_store::TokenStore,
};
use crate::{
    context::{Context, Joint},
    error::{Error, Result, Status},
    log::Level,
    redact::Redactor,
    sys::PerProcess,
    transport::Transport,
};

/// So long a call waits for a renewal that it could still do without.
const EARLY: Duration = Duration::from_secs(5);
/// Between two attempts to write a token that could not be written, in milliseconds; twice as much each time.
const PAUSE: u64 = 1_000;
const LONGEST_PAUSE: u64 = 300_000;

/// Where a client's tokens come from.
pub(crate) enum TokenOrigin {
    /// A token that ends when it ends.
    Fixed(Token),
    /// A stored profile's token, whose refresh token is not ours to spend.
    Stored(Token),
    /// Tokens that are renewed.
    Renewed { app: App, wanted: Wanted, file: Option<PathBuf> },
}

/// A client's tokens.
#[derive(Clone)]
pub(crate) struct Credentials(Arc<Shared>);

struct Shared {
    app: Option<App>,
    file: Option<PathBuf>,
    endpoint: String,
    current: ArcSwap<Tokens>,
    /// How often another account came into the place of one.
    changes: AtomicU64,
}

/// One account's tokens, and their renewal.
struct Tokens {
    holder: Holder,
    /// The renewal under way. A forked child has its own.
    renewal: PerProcess<Joint<Arc<Token>>>,
    /// When it began, in milliseconds since `made`.
    begun: AtomicU64,
    made: Instant,
    /// When a token that could not be written is tried again, in milliseconds since `made`; and after what pause.
    due: AtomicU64,
    pause: AtomicU64,
}

impl Credentials {
    /// Nothing is sent. A token file that is somebody else's is refused; a token that is newer than the file's is
    /// written at once.
    pub(crate) fn new(origin: TokenOrigin, transport: &Transport) -> Result<Self> {
        let endpoint = transport.options().endpoint.as_str();
        let (app, file, holder) = match origin {
            TokenOrigin::Fixed(token) => (None, None, Holder::fixed(token, endpoint, None)),
            TokenOrigin::Stored(token) => {
                let advice = "the stored profile's token has ended: run `bge login`";
                (None, None, Holder::fixed(token, endpoint, Some(advice)))
            }
            TokenOrigin::Renewed { app, wanted, file } => {
                let store = file.clone().map(TokenStore::new);
                let holder = Holder::renewed(app.clone(), wanted, store, endpoint, transport.log())?;
                (Some(app), file, holder)
            }
        };
        let current = ArcSwap::from_pointee(Tokens::new(holder));
        let changes = AtomicU64::new(0);
        Ok(Credentials(Arc::new(Shared { app, file, endpoint: endpoint.to_owned(), current, changes })))
    }

    /// An application's client of what a caller gave as a token.
    pub(crate) fn origin_of(app: App, token: Option<&str>, file: Option<PathBuf>) -> Result<TokenOrigin> {
        Ok(match GivenToken::read(token)? {
            GivenToken::Nothing => TokenOrigin::Renewed { app, wanted: Wanted::Application, file },
            GivenToken::Whole(token) => TokenOrigin::Renewed { app, wanted: Wanted::Owner(token), file },
            GivenToken::Plain(token) => TokenOrigin::Fixed(token),
        })
    }

    /// Another token from now on. A request that is under way goes on with the one that it has; connections stay.
    pub(crate) fn replace(&self, transport: &Transport, token: Option<&str>) -> Result<()> {
        let shared = &*self.0;
        let holder = match (GivenToken::read(token)?, &shared.app) {
            (GivenToken::Plain(token), _) => Holder::fixed(token, &shared.endpoint, None),
            (GivenToken::Whole(token), None) if token.refresh.is_none() => {
                Holder::fixed(token, &shared.endpoint, None)
            }
            (GivenToken::Whole(_), None) => {
                return Err(Error::argument("token", "has a refresh token, and this client no application")
                    .with_hint("a client of an application's client_id and client_secret renews tokens"));
            }
            (GivenToken::Nothing, None) => {
                return Err(Error::argument("token", "must not be NULL: this client has no application"));
            }
            (GivenToken::Nothing, Some(app)) => self.holder(app, Wanted::Application, transport)?,
            (GivenToken::Whole(token), Some(app)) => self.holder(app, Wanted::Owner(token), transport)?,
        };
        let account = holder.account();
        let before = shared.current.swap(Arc::new(Tokens::new(holder)));
        if before.holder.account() != account {
            shared.changes.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    fn holder(&self, app: &App, wanted: Wanted, transport: &Transport) -> Result<Holder> {
        let store = self.0.file.clone().map(TokenStore::new);
        Holder::renewed(app.clone(), wanted, store, &self.0.endpoint, transport.log())
    }

    /// A token that is still good, for a call that began at `began`.
    pub(crate) async fn bearer(
        &self,
        transport: &Transport,
        context: &Context,
        began: Instant,
    ) -> Result<Arc<Token>> {
        let tokens = self.0.current.load_full();
        if tokens.holder.is_unwritten() {
            tokens.clone().write_again(transport)?;
        }
        let Some(token) = tokens.holder.token() else {
            return tokens.renewed(transport, context, None, began).await;
        };
        if !tokens.holder.renews() || !token.ends_soon() {
            return Ok(token);
        }
        if token.ends_within(0.0) {
            return tokens.renewed(transport, context, Some(token), began).await;
        }
        // Still good: whatever becomes of the renewal, the call goes on. One that takes long is not waited for.
        if tokens.renewal.is_under_way() && tokens.since_begun() > EARLY {
            return Ok(token);
        }
        let now = Instant::now();
        let patience = context
            .deadline
            .map_or(EARLY, |deadline| (deadline.saturating_duration_since(now) / 2).min(EARLY));
        let mut brief = context.clone();
        brief.deadline = Some(now + patience);
        // One that failed a moment ago is not begun again for every call.
        let since = began.checked_sub(EARLY).unwrap_or(began);
        match tokens.renewed(transport, &brief, Some(token.clone()), since).await {
            Err(error) if error.status() == Status::Cancelled => Err(error),
            Err(_) if !token.ends_within(0.0) => Ok(token),
            Err(error) if error.status() == Status::Timeout => {
                tokens.renewed(transport, context, Some(token), began).await
            }
            outcome => outcome,
        }
    }

    /// Whether there is another token in the place of a refused one, or can be.
    pub(crate) fn can_replace(&self, refused: &Token) -> bool {
        let tokens = self.0.current.load();
        tokens.holder.renews() || tokens.holder.token().is_some_and(|token| token.access != refused.access)
    }

    /// Sees to another token in the place of `refused`, unless there is one already.
    pub(crate) async fn renew(
        &self,
        transport: &Transport,
        context: &Context,
        refused: Arc<Token>,
        began: Instant,
    ) -> Result<()> {
        let tokens = self.0.current.load_full();
        match tokens.holder.token() {
            Some(token) if token.access != refused.access => Ok(()),
            _ => tokens.renewed(transport, context, Some(refused), began).await.map(|_| ()),
        }
    }

    /// A name for whose data this client sees: the same through all renewals and in every process that is given the same
    /// credentials, another for anybody else, and no secret.
    pub(crate) fn account(&self) -> String {
        self.0.current.load().holder.account().digest()
    }

    /// How often the token was swapped for one of another account, as far as is known: what comes after that may be
    /// another one's data.
    pub(crate) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    /// How the client came by its token.
    pub(crate) fn grant(&self) -> Grant {
        self.0.current.load().holder.account().grant
    }

    /// Masks this client's secrets, and those of the token that a request carried.
    pub(crate) fn redact(&self, error: Error, sent: Option<&Token>) -> Error {
        let tokens = self.0.current.load();
        let mut redactor = Redactor::default();
        for app in [&self.0.app.as_ref(), &tokens.holder.app()].into_iter().flatten() {
            redactor.hide(app.secret.reveal());
        }
        let current = tokens.holder.token();
        for token in [current.as_deref(), sent].into_iter().flatten() {
            redactor.hide(token.access.reveal());
            if let Some(refresh) = &token.refresh {
                redactor.hide(refresh.reveal());
            }
        }
        error.redacted(&redactor)
    }

    /// What the caller can do about a refused token.
    pub(crate) fn advise(&self, error: Error) -> Error {
        if error.status() != Status::Auth || error.code() == 401 {
            return error;
        }
        match self.0.current.load().holder.advice() {
            Some(advice) => error.with_hint(advice),
            None => error,
        }
    }
}

impl Tokens {
    fn new(holder: Holder) -> Self {
        Tokens {
            holder,
            renewal: PerProcess::new(Joint::default),
            begun: AtomicU64::new(0),
            made: Instant::now(),
            due: AtomicU64::new(0),
            pause: AtomicU64::new(PAUSE),
        }
    }

    /// The outcome of the renewal under way, or of a new one, waited for no longer than the call may take. One that
    /// failed after the call began is the call's own, too: whoever waited behind it does not repeat it. It is carried
    /// to its end whoever stops waiting.
    async fn renewed(
        self: &Arc<Self>,
        transport: &Transport,
        context: &Context,
        refused: Option<Arc<Token>>,
        began: Instant,
    ) -> Result<Arc<Token>> {
        if !self.holder.renews() {
            return Err(not_renewable("it was given without OAuth2"));
        }
        let work = || {
            self.begun.store(self.made.elapsed().as_millis() as u64, Ordering::Relaxed);
            let (tokens, mine) = (self.clone(), transport.clone());
            async move {
                let outcome = tokens.holder.renew(&mine, refused.as_deref()).await;
                if let Err(error) = &outcome {
                    mine.log().write(Level::Info, || format!("no renewed access token: {}", error.message()));
                }
                outcome
            }
        };
        let outcome = self.renewal.outcome(context, transport.runtime()?.handle(), began, work).await;
        outcome.map_err(|error| match context.left() {
            Err(_) => error.during("waiting for a renewed access token"),
            Ok(_) => error,
        })
    }

    fn since_begun(&self) -> Duration {
        self.made.elapsed().saturating_sub(Duration::from_millis(self.begun.load(Ordering::Relaxed)))
    }

    fn write_again(self: Arc<Self>, transport: &Transport) -> Result<()> {
        let now = self.made.elapsed().as_millis() as u64;
        let (due, pause) = (self.due.load(Ordering::Relaxed), self.pause.load(Ordering::Relaxed));
        let next = now.saturating_add(pause);
        if now >= due && self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.pause.store((pause * 2).min(LONGEST_PAUSE), Ordering::Relaxed);
            let mine = transport.clone();
            transport.runtime()?.spawn_blocking(move || self.holder.write_again(mine.log()));
        }
        Ok(())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("renews", &self.0.current.load().holder.renews())
            .finish_non_exhaustive()
    }
}
