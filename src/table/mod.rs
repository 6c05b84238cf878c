//! Tables: all pages of a list, of one sample or of a cohort, as one stream of Arrow record batches.
//!
//! `options` reads what is asked for, `cohort` fetches pages ahead of the reader, `page_cache` keeps those of finished
//! samples, `decode` makes batches of them on the reader's own thread, with the columns that `schema` declares.
//! `page_rows` does the last of this for one page that the caller has.

mod cohort;
mod columns;
mod decode;
mod options;
mod page_cache;
mod page_rows;
mod sample_pages;
mod schema;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};

pub use self::page_rows::PageRows;
use self::{cohort::Cohort, decode::Decoder, options::TableOptions};
use crate::{
    error::{Error, Result},
    platform::session::Session,
    sys::process_id,
};

/// All pages of a list as one table. Nothing is sent before the first batch is asked for.
pub struct Table {
    cohort: Arc<Cohort>,
    name: &'static str,
    strict: bool,
    taken: AtomicBool,
}

/// How far a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableProgress {
    /// Rows given so far.
    pub rows: u64,
    /// Samples whose rows have all been given, or that were skipped.
    pub samples_done: u64,
    /// Samples in all; with `"all"`, those listed so far.
    pub samples: u64,
}

impl Table {
    /// Opens the table of a list call (one with columns in [`crate::platform::endpoint`]). `biosample_id` may be an array, and
    /// `biosample_ids` may be `"all"`.
    pub(crate) fn open(session: &Session, name: &str, args_json: &str) -> Result<Self> {
        let settings = TableOptions::read(name, args_json).map_err(|error| error.with_call(name))?;
        let (name, strict) = (settings.endpoint.name, settings.strict);
        Ok(Table { cohort: Cohort::new(session, settings), name, strict, taken: AtomicBool::new(false) })
    }

    /// The batches, once. They may outlive the table.
    pub fn stream(&self) -> Result<Batches> {
        self.check_process()?;
        if self.taken.swap(true, Ordering::AcqRel) {
            return Err(Error::closed("the table's stream was taken already").with_call(self.name));
        }
        Ok(Batches {
            decoder: Decoder::new(self.cohort.endpoint(), self.strict),
            cohort: self.cohort.clone(),
            ready: VecDeque::new(),
            sample: 0,
        })
    }

    /// How far it is.
    pub fn progress(&self) -> TableProgress {
        self.cohort.progress()
    }

    /// Ends the stream: a read that is blocked returns at once, with an error.
    pub fn cancel(&self) {
        if self.cohort.maker() == process_id() {
            self.cohort.stop(Error::cancelled());
        }
    }

    /// What went wrong on the fetcher, as JSON: `{"failed": [{"biosample_id", "rows", "error"}], "misfits": n}`.
    pub fn report(&self) -> Result<String> {
        self.check_process()?;
        Ok(self.cohort.report())
    }

    fn check_process(&self) -> Result<()> {
        if self.cohort.maker() == process_id() {
            return Ok(());
        }
        Err(Error::closed("the table belongs to the process that opened it").with_call(self.name))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The batches of a table, in the order of its samples and their pages. Each has rows of one page of one sample.
/// Dropping it ends the requests that are under fetcher.
pub struct Batches {
    cohort: Arc<Cohort>,
    decoder: Decoder,
    ready: VecDeque<RecordBatch>,
    sample: usize,
}

impl Batches {
    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.decoder.schema()
    }

    /// The next batch; `None` at the end. After an error every call gives the same one.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if self.is_foreign() {
            return Err(Error::closed("the stream belongs to the process that opened it"));
        }
        while self.ready.is_empty() {
            let Some(page) = self.cohort.next_page()? else { return Ok(None) };
            self.sample = page.sample;
            match self.decoder.decode(&page.json, page.biosample_id.as_deref()) {
                Ok(batches) => self.ready.extend(batches),
                Err(error) => return Err(self.cohort.refuse(error, page.biosample_id.as_deref())),
            }
            let rows = self.ready.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
            self.cohort.decoded(rows, self.decoder.misfits());
        }
        Ok(self.ready.pop_front())
    }

    /// The place, in the order of the samples, of the sample that the last batch belongs to.
    pub fn sample(&self) -> usize {
        self.sample
    }

    /// The places of the samples that failed so far.
    pub fn failed(&self) -> Vec<usize> {
        self.cohort.failed()
    }

    /// Whether this is a forked child of the process that opened the stream.
    pub(crate) fn is_foreign(&self) -> bool {
        self.cohort.maker() != process_id()
    }
}

impl Iterator for Batches {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().map_err(|error| ArrowError::ExternalError(Box::new(error))).transpose()
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        self.decoder.schema()
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        if !self.is_foreign() {
            self.cohort.stop(Error::closed("the stream was released"));
        }
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").finish_non_exhaustive()
    }
}
