//! Walking a list page by page: three styles of paging behind one cursor, one page fetched ahead.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{sync::Mutex, task::JoinHandle};

use super::operation::Operation;
use crate::{
    context::{Context, Sender},
    error::{Error, Result, Status},
    options,
    platform::{
        args::{self, Args},
        endpoint::{self, Endpoint},
        session::{CALL_SWITCHES, Session},
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
    name: &'static str,
    maker: u32,
}

struct Cursor {
    session: Session,
    endpoint: &'static Endpoint,
    args: Args,
    strict_count: bool,
    /// The raw `next_page` values that were asked for already.
    asked: HashSet<String>,
    /// Pages handed over or found empty so far.
    pages: u64,
    rows: u64,
    count: Option<u64>,
    ended: bool,
    /// The last page's `next_page` was asked for before.
    repeats: bool,
    ahead: Option<Ahead>,
    /// Fetched, but not yet handed over.
    ready: Option<Page>,
}

/// A page that is being fetched; dropping it closes its connection.
struct Ahead(JoinHandle<Result<Page>>);

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
    rows: u64,
    count: Option<u64>,
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
        let shape: Shape<'_> = serde_json::from_str(&json)
            .map_err(|_| Error::new(Status::Protocol, "the page is no object of result and next_page"))?;
        let list = shape.result.and_then(|raw| raw.get().strip_prefix('['));
        let is_empty = list.is_some_and(|rest| rest.trim_ascii_start() == "]");
        let rows = shape.result.filter(|_| counts && list.is_some()).map_or(0, |raw| {
            serde_json::from_str::<Vec<serde::de::IgnoredAny>>(raw.get()).map_or(0, |rows| rows.len() as u64)
        });
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
        Ok(Page { next, is_empty, is_list: list.is_some(), rows, count, json })
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
        args::prepare(endpoint, &args).map_err(named)?;
        let mut asked = HashSet::new();
        if let Some(first) = args.get("next_page") {
            asked.insert(first.to_owned());
        }
        let cursor = Cursor {
            session: session.clone(),
            endpoint,
            args,
            strict_count,
            asked,
            pages: 0,
            rows: 0,
            count: None,
            ended: false,
            repeats: false,
            ahead: None,
            ready: None,
        };
        Ok(Pages {
            session: session.clone(),
            cursor: Arc::new(Mutex::new(cursor)),
            busy: Arc::new(AtomicBool::new(false)),
            name: endpoint.name,
            maker: process_id(),
        })
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
    pub fn next_page(&mut self) -> Result<Option<String>> {
        self.check()?;
        let context = self.session.transport().context(Sender::Streaming);
        let cursor = self.cursor.clone();
        let outcome = self.session.transport().wait(async {
            let mut cursor = cursor.lock().await;
            let page = cursor.fetch(&context).await?;
            if page.is_some() {
                cursor.hand_over()?;
            }
            Ok(page)
        });
        outcome.map_err(|error| self.session.explain(self.name, error))
    }

    /// The next page in the background; JSON `null` when there is none left.
    pub fn start(&mut self) -> Result<Operation> {
        self.check()?;
        let (cursor, session, name) = (self.cursor.clone(), self.session.clone(), self.name);
        let (taken, busy) = (self.cursor.clone(), self.busy.clone());
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
                let outcome = cursor.lock().await.fetch(&context).await;
                context.progress.reach(1);
                outcome
                    .map_err(|error| session.explain(name, error))
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

impl Cursor {
    /// The next page, which stays `ready` until it is handed over.
    async fn fetch(&mut self, context: &Context) -> Result<Option<String>> {
        if self.repeats {
            let what = "the page's next_page leads back to a page that was given already";
            return Err(Error::new(Status::Protocol, what));
        }
        if self.ready.is_none() && !self.ended {
            let page = match self.ahead.take() {
                Some(mut ahead) => (&mut ahead.0).await.unwrap_or_else(|cause| {
                    Err(Error::new(Status::Internal, "a page's task broke off").with_cause(cause))
                })?,
                None => self.one_page(context.clone()).await?,
            };
            if self.pages == 0 {
                self.count = page.count;
            }
            self.ready = Some(page);
        }
        if self.ready.as_ref().is_some_and(|page| page.is_empty) {
            self.ready = None;
            self.ended = true;
        }
        match &self.ready {
            Some(page) => Ok(Some(page.json.clone())),
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
        let Some(page) = self.ready.take() else { return Ok(()) };
        self.pages += 1;
        self.rows += page.rows;
        let Some(next) = page.next else {
            self.ended = true;
            return Ok(());
        };
        if !self.asked.insert(next.get().to_owned()) {
            self.repeats = true;
            return Ok(());
        }
        self.args.set("next_page", next);
        let fetching = self.one_page(self.session.transport().context(Sender::Streaming));
        self.ahead = Some(Ahead(self.session.transport().runtime()?.spawn(fetching)));
        Ok(())
    }

    fn one_page(&self, context: Context) -> impl Future<Output = Result<Page>> + Send + 'static {
        let (session, endpoint, args, counts) =
            (self.session.clone(), self.endpoint, self.args.clone(), self.strict_count);
        async move {
            let context = context.switched(&args.switches(&CALL_SWITCHES)?);
            let json = session.perform(context, endpoint, &args).await?;
            // Reading a large page takes milliseconds: not on the thread that carries the connections.
            tokio::task::spawn_blocking(move || Page::read(json, counts))
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
