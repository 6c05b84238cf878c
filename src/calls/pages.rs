//! Walking a list page by page: three styles of paging behind one cursor, one page fetched ahead.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{sync::Mutex, task::JoinHandle};

use super::{
    operation::Operation,
    walk::{self, PageSize, Step, Walk},
};
use crate::{
    context::{Cancel, Context, Sender},
    error::{Error, Result, Status},
    json, options,
    platform::{
        args::{self, Args},
        endpoint::{self, Endpoint},
        session::Session,
    },
    sys::process_id,
};

const SWITCHES: [&str; 5] = ["timeout", "deadline", "max_retries", "headers", "strict_count"];

/// A walk through the pages of a list.
pub struct Pages {
    session: Session,
    cursor: Arc<Mutex<Cursor>>,
    /// An operation of this walk is under way.
    busy: Arc<AtomicBool>,
    cancel: Arc<Cancel>,
    name: &'static str,
    /// The caller's name for the walk, for the log.
    tag: Option<Arc<str>>,
    maker: u32,
}

struct Cursor {
    session: Session,
    walk: Walk,
    strict_count: bool,
    /// Whether somebody needs the number of a page's rows.
    counts: bool,
    /// Pages handed over or found empty so far.
    pages: u64,
    rows: u64,
    count: Option<u64>,
    /// What is wrong with the way on from the last page.
    astray: Option<Error>,
    ahead: Option<Ahead>,
    /// Fetched, but not yet handed over.
    ready: Option<Fetched>,
}

/// A page, and the size that it was asked for in.
struct Fetched {
    page: Page,
    size: PageSize,
}

/// A page that is being fetched; dropping it closes its connection.
struct Ahead(JoinHandle<Result<Fetched>>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One page as it came.
#[derive(Clone)]
pub(crate) struct Page {
    pub json: String,
    /// The raw `next_page`; `None` at the end.
    pub next: Option<Box<RawValue>>,
    /// Whether its `result` is a list, and has no rows.
    pub is_empty: bool,
    /// Whether its `result` is a list at all.
    pub is_list: bool,
    pub count: Option<u64>,
    /// Of its rows, by which a page that comes twice is known.
    pub hash: u64,
    /// How many rows it has, if they were counted.
    rows: Option<u64>,
}

impl Page {
    /// Its rows are counted only where somebody needs their number.
    pub(crate) fn read(json: String, counts: bool) -> Result<Self> {
        #[derive(Deserialize)]
        struct Shape<'a> {
            #[serde(borrow)]
            result: Option<&'a RawValue>,
            next_page: Option<Box<RawValue>>,
            #[serde(borrow)]
            count: Option<&'a RawValue>,
        }
        let shape: Shape<'_> = serde_json::from_str(&json).map_err(|cause| {
            Error::new(Status::Protocol, "the page is no object of result and next_page")
                .with_cause(json::misfit(&json, &cause))
        })?;
        let list = shape.result.and_then(|raw| raw.get().strip_prefix('['));
        let is_empty = list.is_some_and(|rest| rest.trim_ascii_start() == "]");
        let rows = shape.result.filter(|_| counts && list.is_some()).and_then(|raw| {
            serde_json::from_str::<Vec<serde::de::IgnoredAny>>(raw.get()).map(|rows| rows.len() as u64).ok()
        });
        let hash = walk::hash(shape.result.map_or("", RawValue::get));
        let count = shape.count.and_then(|raw| raw.get().parse().ok());
        let next = match shape.next_page {
            Some(raw) if raw.get() == "\"\"" => None,
            Some(raw) if raw.get().starts_with(['"', '-']) || raw.get().as_bytes()[0].is_ascii_digit() => {
                Some(raw)
            }
            Some(_) => {
                return Err(Error::new(
                    Status::Protocol,
                    "the page's next_page is neither a string nor a number",
                ));
            }
            None => None,
        };
        Ok(Page { next, is_empty, is_list: list.is_some(), rows, count, hash, json })
    }
}

impl Pages {
    /// Starts a walk of a paginated call; nothing is sent yet. `next_page` in `args_json` resumes an earlier one.
    pub(crate) fn new(session: &Session, name: &str, args_json: &str) -> Result<Self> {
        let named = |error: Error| error.with_call(name);
        let paged = |endpoint: &&Endpoint| endpoint.pages != endpoint::Pages::None;
        let endpoint = endpoint::find(name).filter(paged).ok_or_else(|| {
            let known: Vec<&str> = endpoint::all().filter(paged).map(|endpoint| endpoint.name).collect();
            options::unknown("paginated call", name, &known)
        })?;
        let mut args = Args::parse(args_json).map_err(named)?;
        let strict_count = args.switches(&SWITCHES).map_err(named)?.strict_count;
        args.drop_switch("strict_count");
        let tag = args.tag().map(Arc::from);
        args::prepare(endpoint, &args).map_err(named)?;
        let ends_empty = matches!(endpoint.pages, endpoint::Pages::Number | endpoint::Pages::Envelope);
        let cursor = Cursor {
            session: session.clone(),
            walk: Walk::new(session, endpoint, args).map_err(named)?,
            strict_count,
            counts: strict_count || ends_empty,
            pages: 0,
            rows: 0,
            count: None,
            astray: None,
            ahead: None,
            ready: None,
        };
        Ok(Pages {
            session: session.clone(),
            cursor: Arc::new(Mutex::new(cursor)),
            busy: Arc::new(AtomicBool::new(false)),
            cancel: Arc::default(),
            name: endpoint.name,
            tag,
            maker: process_id(),
        })
    }

    /// Ends what is under way, and the walk: every later page is `Cancelled`. From any thread.
    pub fn cancel(&self) {
        if self.maker != process_id() {
            return;
        }
        self.cancel.set();
        if let Ok(mut cursor) = self.cursor.try_lock() {
            cursor.ahead = None;
        }
    }

    fn check(&self) -> Result<()> {
        if self.maker != process_id() {
            return Err(Error::closed("the pages belong to the process that opened them"));
        }
        if self.busy.load(Ordering::Acquire) {
            return Err(Error::argument("pages", "have an operation under way: wait for it, or free it"));
        }
        Ok(())
    }

    /// The next page, with its own `next_page`; `None` when there is none left.
    pub fn next_page(&self) -> Result<Option<String>> {
        self.check()?;
        let context = self.session.transport().context(Sender::Streaming);
        let cursor = self.cursor.clone();
        let outcome = self.session.transport().wait(self.cancel.unless(async {
            let mut cursor = cursor.lock().await;
            let page = cursor.fetch(&context).await?;
            if page.is_some() {
                cursor.hand_over()?;
            }
            Ok(page)
        }));
        outcome.map_err(|error| self.session.explain(self.name, self.tag.as_deref(), error))
    }

    /// The next page in the background, for at most `limit`; JSON `null` when there is none left.
    pub fn start(&self, limit: Option<Duration>) -> Result<Operation> {
        self.check()?;
        let (cursor, session, name) = (self.cursor.clone(), self.session.clone(), self.name);
        let tag = self.tag.clone();
        let (taken, busy, cancel) = (self.cursor.clone(), self.busy.clone(), self.cancel.clone());
        self.busy.store(true, Ordering::Release);
        // The walk goes on only when somebody has the page: one that was cancelled or never taken is given again.
        let on_end = move |is_taken: bool| {
            busy.store(false, Ordering::Release);
            if is_taken && let Ok(mut cursor) = taken.try_lock() {
                let _ = cursor.hand_over();
            }
        };
        let started = Operation::start_with(
            self.session.transport(),
            move |context| async move {
                let outcome = match limit {
                    None => cancel.unless(async { cursor.lock().await.fetch(&context).await }).await,
                    Some(limit) => {
                        let context = context.clone().within(limit);
                        let fetching = async { cursor.lock().await.fetch(&context).await };
                        cancel.unless(context.bounded(fetching)).await
                    }
                };
                context.progress.reach(1);
                outcome
                    .map_err(|error| session.explain(name, tag.as_deref(), error))
                    .map(|page| page.unwrap_or_else(|| "null".to_owned()))
            },
            Some(Box::new(on_end)),
        );
        if started.is_err() {
            self.busy.store(false, Ordering::Release);
        }
        started
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.maker != process_id() {
            // What is under way is the parent's: nothing of it may be ended here.
            std::mem::forget(self.cursor.clone());
        }
    }
}

impl Cursor {
    /// The next page, which stays `ready` until it is handed over.
    async fn fetch(&mut self, context: &Context) -> Result<Option<String>> {
        if let Some(error) = &self.astray {
            return Err(error.clone());
        }
        while self.ready.is_none() && !self.walk.is_ended() {
            let fetched = match self.ahead.take() {
                Some(mut ahead) => {
                    let fetched = (&mut ahead.0).await.unwrap_or_else(|cause| {
                        Err(Error::new(Status::Internal, "a page's task broke off").with_cause(cause))
                    });
                    match fetched {
                        // What had too little time, was refused for a while, or was cancelled with what the client had
                        // under way before this call, is asked for again.
                        Err(error)
                            if error.status() == Status::Cancelled
                                || (error.is_passing()
                                    && (error.status() == Status::Timeout
                                        || (error.retry_after().is_some()
                                            && context.max_retries != Some(0)))) =>
                        {
                            self.one_page(context.clone()).await?
                        }
                        fetched => fetched?,
                    }
                }
                None => self.one_page(context.clone()).await?,
            };
            if self.pages == 0 {
                self.count = fetched.page.count;
            }
            let is_empty = fetched.page.is_empty;
            self.ready = Some(fetched);
            if is_empty {
                self.hand_over()?;
            }
        }
        match &self.ready {
            Some(fetched) => Ok(Some(fetched.page.json.clone())),
            None if self.strict_count && self.count.is_some_and(|count| count != self.rows) => {
                let count = self.count.unwrap_or_default();
                let what =
                    format!("the pages held {} rows, and the first page's count is {count}", self.rows);
                Err(Error::new(Status::Protocol, what))
            }
            None => Ok(None),
        }
    }

    /// The ready page is the caller's now: on to the next one.
    fn hand_over(&mut self) -> Result<()> {
        let Some(Fetched { page, size }) = self.ready.take() else { return Ok(()) };
        self.pages += 1;
        self.rows += page.rows.unwrap_or(0);
        let Page { next, is_empty, rows, count, hash, .. } = page;
        if let Err(error) = self.walk.step(size, Step { next, is_empty, rows, count, hash }) {
            self.astray = Some(error.clone());
            return if is_empty { Err(error) } else { Ok(()) };
        }
        if !is_empty && !self.walk.is_ended() {
            let fetching = self.one_page(self.session.transport().context(Sender::Streaming));
            self.ahead = Some(Ahead(self.session.transport().spawn(fetching)?));
        }
        Ok(())
    }

    fn one_page(&self, context: Context) -> impl Future<Output = Result<Fetched>> + Send + 'static {
        let (counts, before) = (self.counts, self.walk.before());
        let fetching = self.walk.fetch(&self.session, context);
        async move {
            let (json, size) = fetching.await?;
            // Reading a large page takes milliseconds: not on the thread that carries the connections.
            tokio::task::spawn_blocking(move || {
                let page = Page::read(json, counts)?;
                walk::check(before, page.hash, page.is_empty)?;
                Ok(Fetched { page, size })
            })
            .await
            .map_err(|cause| Error::new(Status::Internal, "a page could not be read").with_cause(cause))?
        }
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("name", &self.name).finish_non_exhaustive()
    }
}
