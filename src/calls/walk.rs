//! The way from one page of a list to the next, which the cursor and the tables go alike.
//!
//! Without a `limit` of the caller's a walk asks for pages of 1,000 rows; where the platform refuses the first of them, it
//! goes on with the documented number, and so does every later walk of this client. Ids that do not fit into one request
//! line are walked in pieces. A token that leads back, and a page whose rows are those of the page before it, end the walk
//! with an error. `count` decides nothing before a walk of this client has shown that it is the total.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::value::{RawValue, to_raw_value};

use super::pieces;
use crate::{
    calls,
    context::Context,
    error::{Error, Result, Status},
    platform::{
        args::Args,
        endpoint::Endpoint,
        learned::{Fact, Learned},
        session::Session,
    },
};

/// Rows of a page that is worth a round trip.
pub(crate) const LARGE: u32 = 1000;
/// The platform's code for an argument that is missing, malformed or out of range.
const BAD_ARGUMENT: i64 = 41001;

pub(crate) struct Walk {
    endpoint: &'static Endpoint,
    learned: Learned,
    args: Args,
    /// Pieces of the arguments that follow when the pages of this one are through.
    later: VecDeque<Args>,
    size: PageSize,
    /// The `next_page` values that were asked for already, as hashes: a long walk has a million of them.
    asked: HashSet<u64>,
    /// The rows of the page before, as a hash.
    before: Option<u64>,
    tally: Tally,
    ended: bool,
}

/// How many rows a page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageSize {
    /// As many as the caller or the table of calls says.
    Given,
    /// Many. Whether the platform takes that is seen at the first page.
    Large { is_first: bool },
}

/// What the rows of a walk say about its `count`.
#[derive(Clone, Copy)]
enum Tally {
    /// No page yet.
    Begun,
    Of {
        /// Rows so far.
        rows: u64,
        /// Those of the first page.
        first: u64,
        count: u64,
    },
    /// They cannot be compared: the walk was taken up in the middle, or nobody counts.
    Nothing,
}

/// What a walk has to know of a page.
pub(crate) struct Step {
    /// The raw `next_page`; `None` at the end.
    pub next: Option<Box<RawValue>>,
    pub is_empty: bool,
    /// How many rows it has, where somebody has counted them.
    pub rows: Option<u64>,
    pub count: Option<u64>,
    /// Of its rows.
    pub hash: u64,
}

impl Walk {
    pub(crate) fn new(session: &Session, endpoint: &'static Endpoint, args: Args) -> Result<Self> {
        let learned = session.learned().clone();
        let is_open = endpoint.arg("limit").is_some() && args.get("limit").is_none();
        let is_large = is_open && !learned.knows(endpoint.name, Fact::RefusesLargePages);
        let asked: HashSet<u64> = args.get("next_page").map(hash).into_iter().collect();
        let mut later: VecDeque<Args> = pieces::split(session, endpoint, args)?.into();
        let is_resumed = !asked.is_empty();
        if later.len() > 1 && is_resumed {
            return Err(Error::argument("next_page", "cannot take up a walk whose ids are sent in pieces"));
        }
        let args = later.pop_front().unwrap_or_default();
        Ok(Walk {
            endpoint,
            learned,
            args,
            later,
            size: if is_large { PageSize::Large { is_first: true } } else { PageSize::Given },
            asked,
            before: None,
            tally: if is_resumed { Tally::Nothing } else { Tally::Begun },
            ended: false,
        })
    }

    /// Whether there is no page left.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Asks for the page that is next: its JSON, and the size that it was given in. Nothing of the walk changes.
    pub(crate) fn fetch(
        &self,
        session: &Session,
        context: Context,
    ) -> impl Future<Output = Result<(String, PageSize)>> + Send + 'static {
        let (session, endpoint, learned) = (session.clone(), self.endpoint, self.learned.clone());
        let (size, args) = (self.size, self.args.clone());
        async move {
            let PageSize::Large { is_first } = size else {
                return Ok((calls::carry_out(&session, context, endpoint, &args).await?, size));
            };
            let mut large = args.clone();
            let limit =
                to_raw_value(&LARGE).map_err(|_| Error::new(Status::Internal, "a number is no JSON"))?;
            large.set("limit", limit);
            let error = match calls::carry_out(&session, context.clone(), endpoint, &large).await {
                Ok(json) => {
                    learned.add(endpoint.name, Fact::TakesLargePages);
                    return Ok((json, size));
                }
                Err(error) => error,
            };
            let may_be_the_size = error.code() == BAD_ARGUMENT
                && is_first
                && !learned.knows(endpoint.name, Fact::TakesLargePages);
            if !may_be_the_size {
                return Err(error);
            }
            let json = calls::carry_out(&session, context, endpoint, &args).await?;
            learned.add(endpoint.name, Fact::RefusesLargePages);
            Ok((json, PageSize::Given))
        }
    }

    /// The rows of the page before, for `check`.
    pub(crate) fn before(&self) -> Option<u64> {
        self.before
    }

    /// A page was read: on to the next one.
    pub(crate) fn step(&mut self, size: PageSize, page: Step) -> Result<()> {
        self.size = match size {
            PageSize::Large { .. } => PageSize::Large { is_first: false },
            PageSize::Given => PageSize::Given,
        };
        let is_last = self.is_total(&page)? || page.is_empty;
        match page.next.filter(|_| !is_last) {
            Some(next) => {
                if !self.asked.insert(hash(next.get())) {
                    let what = "the page's next_page leads back to a page that was given already";
                    return Err(Error::new(Status::Protocol, what));
                }
                self.before = Some(page.hash);
                self.args.set("next_page", next);
            }
            None => match self.later.pop_front() {
                Some(args) => {
                    self.args = args;
                    self.asked.clear();
                    (self.before, self.tally) = (None, Tally::Begun);
                }
                None => self.ended = true,
            },
        }
        Ok(())
    }

    /// Counts the page's rows; whether they are the last ones.
    fn is_total(&mut self, page: &Step) -> Result<bool> {
        self.tally = match (self.tally, page.rows) {
            (Tally::Begun, Some(rows)) => match page.count {
                Some(count) => Tally::Of { rows, first: rows, count },
                None => Tally::Nothing,
            },
            (Tally::Of { rows, first, count }, Some(more)) => Tally::Of { rows: rows + more, first, count },
            _ => Tally::Nothing,
        };
        let Tally::Of { rows, first, count } = self.tally else { return Ok(false) };
        let is_proved = self.learned.knows(self.endpoint.name, Fact::CountIsTotal);
        if page.is_empty && rows == count && count > first {
            self.learned.add(self.endpoint.name, Fact::CountIsTotal);
        } else if page.is_empty && is_proved && rows < count {
            let what = format!("the pages ended after {rows} of {count} rows");
            return Err(Error::new(Status::Protocol, what));
        }
        Ok(is_proved && rows == count)
    }
}

/// Refuses a page that is the one before it once more. An empty one is none.
pub(crate) fn check(before: Option<u64>, hash: u64, is_empty: bool) -> Result<()> {
    if is_empty || before != Some(hash) {
        return Ok(());
    }
    Err(Error::new(Status::Protocol, "the page's rows are those of the page before it, byte for byte"))
}

/// A hash by which the rows of two pages, or two `next_page` values, are told apart.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
