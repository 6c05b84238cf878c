//! The pages of one sample, one after the other: from the platform, or from a checkpoint.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use serde_json::value::RawValue;

use super::page_cache::{CachedPages, PageCacheWriter, place};
use crate::{
    calls::{self, pages::Page},
    context::Sender,
    error::{Error, Result, Status},
    pace::Pace,
    platform::{
        args::Args,
        endpoint::{Endpoint, Pages},
        session::Session,
    },
};

/// What all walks of a table have in common.
#[derive(Clone)]
pub(super) struct Fetcher {
    pub session: Session,
    pub endpoint: &'static Endpoint,
    pub pace: Option<Arc<Pace>>,
    pub checkpoint_dir: Option<PathBuf>,
}

/// A walk through the pages of one request.
pub(super) struct SamplePages {
    fetcher: Fetcher,
    args: Args,
    /// The raw `next_page` values that were asked for already.
    asked: HashSet<String>,
    source: PagesFrom,
    ended: bool,
}

enum PagesFrom {
    /// It was not looked for a checkpoint yet.
    Unknown(PathBuf),
    CachedPages(Option<Box<CachedPages>>),
    Platform(Option<Box<PageCacheWriter>>),
}

/// A page that was just fetched.
struct Fetched {
    json: String,
    next: Option<Box<RawValue>>,
    is_empty: bool,
}

impl SamplePages {
    pub(super) fn new(fetcher: &Fetcher, args: Args, sample: &str) -> Self {
        let address = fetcher.session.transport().options().endpoint.as_str();
        let source = match &fetcher.checkpoint_dir {
            Some(folder) => PagesFrom::Unknown(place(folder, address, fetcher.endpoint, &args, sample)),
            None => PagesFrom::Platform(None),
        };
        let asked = args.get("next_page").map(str::to_owned).into_iter().collect();
        SamplePages { fetcher: fetcher.clone(), args, asked, source, ended: false }
    }

    /// Whether the last page was given.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// The next page; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<String>> {
        if let PagesFrom::Unknown(path) = &self.source {
            let path = path.clone();
            self.source = apart(move || match CachedPages::open(&path) {
                Some(stored) => Ok(PagesFrom::CachedPages(Some(Box::new(stored)))),
                None => Ok(PagesFrom::Platform(Some(Box::new(PageCacheWriter::begin(path)?)))),
            })
            .await?;
        }
        let PagesFrom::CachedPages(stored) = &mut self.source else { return self.fetch().await };
        let Some(mut pages) = stored.take() else { return Ok(None) };
        let (pages, page) = apart(move || {
            let page = pages.page()?;
            Ok((pages, page))
        })
        .await?;
        self.ended = page.is_none();
        *stored = Some(pages);
        Ok(page)
    }

    async fn fetch(&mut self) -> Result<Option<String>> {
        let Fetcher { session, endpoint, pace, .. } = &self.fetcher;
        let mut context = session.transport().context(Sender::Streaming);
        context.pace = pace.clone();
        let json = calls::carry_out(session, context, endpoint, &self.args).await?;
        let style = endpoint.pages;
        let storing = match &mut self.source {
            PagesFrom::Platform(storing) => storing.take(),
            _ => None,
        };
        let page = if style == Pages::Envelope && storing.is_none() {
            read(json, style)?
        } else {
            // Reading and keeping a large page takes milliseconds: not on the thread that carries the connections.
            let (page, storing) = apart(move || {
                let page = read(json, style)?;
                let storing = keep(&page, storing)?;
                Ok((page, storing))
            })
            .await?;
            self.source = PagesFrom::Platform(storing);
            page
        };
        match page.next.filter(|_| !page.is_empty) {
            None => self.ended = true,
            Some(next) if self.asked.insert(next.get().to_owned()) => self.args.set("next_page", next),
            Some(_) => {
                let what = "the page's next_page leads back to a page that was given already";
                return Err(Error::new(Status::Protocol, what));
            }
        }
        Ok(Some(page.json).filter(|_| !page.is_empty))
    }
}

fn read(json: String, style: Pages) -> Result<Fetched> {
    match style {
        Pages::None => return Ok(Fetched { json, next: None, is_empty: false }),
        Pages::Envelope => {
            // Such a page was put together here, what matters first: the rows need not be passed over.
            if let Some((head, rows)) = json.split_once(",\"result\":[")
                && let Some((_, next)) = head.split_once(",\"next_page\":")
            {
                let next = Some(next).filter(|next| *next != "null").map(|next| next.to_owned());
                let next = next.and_then(|next| RawValue::from_string(next).ok());
                let is_empty = rows.trim_ascii_start().starts_with(']');
                return Ok(Fetched { next, is_empty, json });
            }
        }
        Pages::Number | Pages::Token => {}
    }
    let page = Page::read(json, false)?;
    if !page.is_list {
        return Err(Error::new(Status::Protocol, "the page's result is no list"));
    }
    Ok(Fetched { json: page.json, next: page.next, is_empty: page.is_empty })
}

fn keep(page: &Fetched, storing: Option<Box<PageCacheWriter>>) -> Result<Option<Box<PageCacheWriter>>> {
    let Some(mut storing) = storing else { return Ok(None) };
    if !page.is_empty {
        storing.add(&page.json)?;
    }
    if page.is_empty || page.next.is_none() {
        storing.finish()?;
    }
    Ok(Some(storing))
}

/// Work that takes a while, on a thread of its own.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| Error::new(Status::Internal, "a page could not be read").with_cause(cause))?
}
