//! The pages of one request, one after the other: from the platform, or from those that are kept.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{
    pack::Key,
    page_cache::{CachedPages, PageCache, StoredPage, key},
};
use crate::{
    calls::{
        pages::Page,
        walk::{self, Step, Walk},
    },
    context::{Sender, blocking},
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
    pub cache: Arc<PageCache>,
}

/// A walk through the pages of one request.
pub(super) struct SamplePages {
    fetcher: Fetcher,
    key: Key,
    walk: Walk,
    source: PagesFrom,
    /// The pages so far that are on disk, unless one could not be put there.
    stored: Option<Vec<StoredPage>>,
    /// Whether a page was given.
    began: bool,
    ended: bool,
}

enum PagesFrom {
    /// It was not looked for kept pages yet.
    Unknown,
    Kept(Box<CachedPages>),
    Platform,
}

/// What was made of a page: its rows, how many they are, and where the page is if it is on disk.
pub(super) struct Given<T> {
    pub value: T,
    pub rows: u64,
    pub stored: Option<StoredPage>,
}

/// A page, as far as the walk has to know it.
struct Shape {
    json: String,
    is_empty: bool,
    next: Option<Box<RawValue>>,
    count: Option<u64>,
    hash: u64,
}

impl SamplePages {
    pub(super) fn new(fetcher: &Fetcher, args: Args) -> Result<Self> {
        Ok(SamplePages {
            fetcher: fetcher.clone(),
            key: key(fetcher.endpoint, &args),
            walk: Walk::new(&fetcher.session, fetcher.endpoint, args)?,
            source: PagesFrom::Unknown,
            stored: Some(Vec::new()),
            began: false,
            ended: false,
        })
    }

    /// Whether the last page was given.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether its pages come from those that are kept: they say nothing of the platform.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.source, PagesFrom::Kept(_))
    }

    /// What `read` makes of the next page, with the number of its rows; `None` for a page without rows. What it refuses is
    /// not kept. With `stores` the page is put on disk, if it can be. After a failure the same page is asked for again.
    pub(super) async fn next<T: Send + 'static>(
        &mut self,
        stores: bool,
        read: impl Fn(&str) -> Result<(T, u64)> + Clone + Send + 'static,
    ) -> Result<Option<Given<T>>> {
        if let PagesFrom::Unknown = self.source {
            let (cache, key) = (self.fetcher.cache.clone(), self.key);
            let kept = if cache.keeps() { blocking(move || Ok(cache.find(key))).await? } else { None };
            self.source = kept.map_or(PagesFrom::Platform, |kept| PagesFrom::Kept(Box::new(kept)));
        }
        match std::mem::replace(&mut self.source, PagesFrom::Platform) {
            PagesFrom::Kept(kept) => self.take_kept(kept, stores, read).await,
            _ => self.fetch(stores, read).await,
        }
    }

    async fn take_kept<T: Send + 'static>(
        &mut self,
        mut kept: Box<CachedPages>,
        stores: bool,
        read: impl Fn(&str) -> Result<(T, u64)> + Clone + Send + 'static,
    ) -> Result<Option<Given<T>>> {
        let is_first = !self.began;
        let again = read.clone();
        let outcome = blocking(move || {
            let given = match kept.next()? {
                Some((json, stored)) => {
                    let (value, rows) = read(&json)?;
                    Some(Given { value, rows, stored: Some(stored) })
                }
                None => None,
            };
            Ok((kept, given))
        })
        .await;
        let (kept, given) = match outcome {
            Ok(done) => done,
            // As if it had not been kept.
            Err(_) if is_first => return self.fetch(stores, again).await,
            Err(error) => return Err(error),
        };
        self.began = true;
        self.ended = kept.is_ended();
        self.source = PagesFrom::Kept(kept);
        Ok(given)
    }

    async fn fetch<T: Send + 'static>(
        &mut self,
        stores: bool,
        read: impl Fn(&str) -> Result<(T, u64)> + Clone + Send + 'static,
    ) -> Result<Option<Given<T>>> {
        let Fetcher { session, endpoint, pace, cache } = &self.fetcher;
        let mut context = session.transport().context(Sender::Streaming);
        context.pace = pace.clone();
        let (json, size) = self.walk.fetch(session, context).await?;
        let (style, cache, key) = (endpoint.pages, cache.clone(), self.key);
        let (stores, before) = (stores || cache.keeps(), self.walk.before());
        // Reading and keeping a large page takes milliseconds: not on the thread that carries the connections.
        let (shape, given) = blocking(move || {
            let shape = shape(json, style)?;
            walk::check(before, shape.hash, shape.is_empty)?;
            if shape.is_empty {
                return Ok((shape, None));
            }
            let (value, rows) = read(&shape.json)?;
            let stored = if stores { cache.add(&key, &shape.json) } else { None };
            Ok((shape, Some(Given { value, rows, stored })))
        })
        .await?;
        let Shape { is_empty, next, count, hash, .. } = shape;
        let rows = Some(given.as_ref().map_or(0, |given| given.rows));
        self.walk.step(size, Step { next, is_empty, rows, count, hash })?;
        self.ended = self.walk.is_ended();
        if let Some(given) = &given {
            match (&mut self.stored, &given.stored) {
                (Some(all), Some(stored)) => all.push(stored.clone()),
                _ => self.stored = None,
            }
        }
        self.keep().await?;
        Ok(given)
    }

    /// All pages are there: from now on they count.
    async fn keep(&mut self) -> Result<()> {
        if !self.ended || !self.fetcher.cache.keeps() {
            return Ok(());
        }
        let (cache, key) = (self.fetcher.cache.clone(), self.key);
        match self.stored.take() {
            Some(pages) => {
                blocking(move || {
                    cache.end(&key, &pages);
                    Ok(())
                })
                .await
            }
            None => Ok(()),
        }
    }
}

fn shape(json: String, style: Pages) -> Result<Shape> {
    match style {
        Pages::None => return Ok(Shape { json, is_empty: false, next: None, count: None, hash: 0 }),
        Pages::Envelope => {
            // Such a page was put together here, what matters first: the rows need not be passed over.
            if let Some((head, rows)) = json.split_once(",\"result\":[")
                && let Some((count, next)) = head.split_once(",\"next_page\":")
            {
                let next = Some(next).filter(|next| *next != "null").map(|next| next.to_owned());
                let next = next.and_then(|next| RawValue::from_string(next).ok());
                let count = count.strip_prefix("{\"count\":").and_then(|count| count.parse().ok());
                let is_empty = rows.trim_ascii_start().starts_with(']');
                return Ok(Shape { next, is_empty, count, hash: walk::hash(rows), json });
            }
        }
        Pages::Number | Pages::Token => {}
    }
    let page = Page::read(json, false)?;
    if !page.is_list {
        return Err(Error::new(Status::Protocol, "the page's result is no list"));
    }
    let Page { json, next, is_empty, count, hash, .. } = page;
    Ok(Shape { json, is_empty, next, count, hash })
}
