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

use crate::{
    args::Args,
    client::{CALL_SWITCHES, Client},
    endpoint::{self, Endpoint},
    error::{Error, Result, Status},
    op::Operation,
    options,
    sys::process_id,
    transport::{Sender, Terms},
};

const SWITCHES: [&str; 5] = ["timeout", "deadline", "max_retries", "headers", "strict_count"];

/// A walk through the pages of a list.
pub struct Pages {
    client: Client,
    walk: Arc<Mutex<Walk>>,
    /// An operation of this walk is under way.
    busy: Arc<AtomicBool>,
    name: &'static str,
    maker: u32,
}

struct Walk {
    client: Client,
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
    pub fn new(client: &Client, name: &str, args_json: &str) -> Result<Self> {
        let told = |error: Error| error.with_call(name);
        let paged = |endpoint: &&Endpoint| endpoint.pages != endpoint::Pages::None;
        let endpoint = endpoint::find(name).filter(paged).ok_or_else(|| {
            let known: Vec<&str> = endpoint::all().filter(paged).map(|endpoint| endpoint.name).collect();
            options::unknown("paginated call", name, &known)
        })?;
        let mut args = Args::parse(args_json).map_err(told)?;
        let strict_count = args.switches(&SWITCHES).map_err(told)?.strict_count;
        args.drop_switch("strict_count");
        crate::args::prepare(endpoint, &args).map_err(told)?;
        let mut asked = HashSet::new();
        if let Some(first) = args.get("next_page") {
            asked.insert(first.to_owned());
        }
        let walk = Walk {
            client: client.clone(),
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
            client: client.clone(),
            walk: Arc::new(Mutex::new(walk)),
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
        let terms = self.client.transport.terms(Sender::Streaming);
        let walk = self.walk.clone();
        let outcome = self.client.transport.wait(async {
            let mut walk = walk.lock().await;
            let page = walk.fetch(&terms).await?;
            if page.is_some() {
                walk.hand_over()?;
            }
            Ok(page)
        });
        self.client.told(self.name, outcome)
    }

    /// The next page in the background; JSON `null` when there is none left.
    pub fn start(&mut self) -> Result<Operation> {
        self.check()?;
        let (walk, client, name) = (self.walk.clone(), self.client.clone(), self.name);
        let (taken, busy) = (self.walk.clone(), self.busy.clone());
        self.busy.store(true, Ordering::Release);
        // The walk goes on only when somebody has the page: one that was cancelled or never taken is given again.
        let on_end = move |is_taken: bool| {
            busy.store(false, Ordering::Release);
            if is_taken && let Ok(mut walk) = taken.try_lock() {
                let _ = walk.hand_over();
            }
        };
        let started = Operation::start_with(
            &self.client.transport,
            move |terms| async move {
                let outcome = walk.lock().await.fetch(&terms).await;
                terms.progress.reach(1);
                client.told(name, outcome).map(|page| page.unwrap_or_else(|| "null".to_owned()))
            },
            Some(Box::new(on_end)),
        );
        if started.is_err() {
            self.busy.store(false, Ordering::Release);
        }
        started
    }
}

impl Walk {
    /// The next page, which stays `ready` until it is handed over.
    async fn fetch(&mut self, terms: &Terms) -> Result<Option<String>> {
        if self.repeats {
            let what = "the page's next_page leads back to a page that was given already";
            return Err(Error::new(Status::Protocol, what));
        }
        if self.ready.is_none() && !self.ended {
            let page = match self.ahead.take() {
                Some(mut ahead) => (&mut ahead.0).await.unwrap_or_else(|cause| {
                    Err(Error::new(Status::Internal, "a page's task broke off").with_cause(cause))
                })?,
                None => self.one_page(terms.clone()).await?,
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
        let fetching = self.one_page(self.client.transport.terms(Sender::Streaming));
        self.ahead = Some(Ahead(self.client.transport.runtime()?.spawn(fetching)));
        Ok(())
    }

    fn one_page(&self, terms: Terms) -> impl Future<Output = Result<Page>> + Send + 'static {
        let (client, endpoint, args, counts) =
            (self.client.clone(), self.endpoint, self.args.clone(), self.strict_count);
        async move {
            let terms = terms.switched(&args.switches(&CALL_SWITCHES)?);
            let json = client.perform(terms, endpoint, &args).await?;
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
