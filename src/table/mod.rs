//! Tables: all pages of a list, of one sample or of a cohort, as one stream of Arrow record batches.
//!
//! `options` reads what is asked for, `cohort` fetches pages ahead of the reader, `page_cache` keeps those of finished
//! samples, `decode` makes batches of them beside the reader, with the columns that `schema` declares.
//! `page_rows` does the last of this for one page that the caller has.

mod cohort;
mod columns;
mod decode;
mod decoders;
mod options;
mod outage;
mod pack;
mod page_cache;
mod page_rows;
mod report;
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

use self::{
    cohort::{Cohort, Event},
    options::TableOptions,
};
pub use self::{page_rows::PageRows, report::TableProgress};
use crate::{
    error::{Error, Result},
    platform::session::Session,
    sys::process_id,
};

/// All pages of a list as one table. Nothing is sent before the first batch is asked for.
pub struct Table {
    cohort: Arc<Cohort>,
    name: &'static str,
    taken: AtomicBool,
}

impl Table {
    /// Opens the table of a list call (one with columns in [`crate::platform::endpoint`]). `biosample_id` may be an array, and
    /// `biosample_ids` may be `"all"`.
    pub(crate) fn open(session: &Session, name: &str, args_json: &str) -> Result<Self> {
        let settings = TableOptions::read(name, args_json).map_err(|error| error.with_call(name))?;
        let name = settings.endpoint.name;
        Ok(Table { cohort: Cohort::new(session, settings), name, taken: AtomicBool::new(false) })
    }

    /// The batches, once. They may outlive the table.
    pub fn stream(&self) -> Result<Batches> {
        self.check_process()?;
        if self.taken.swap(true, Ordering::AcqRel) {
            return Err(Error::closed("the table's stream was taken already").with_call(self.name));
        }
        Ok(Batches { cohort: self.cohort.clone(), ready: VecDeque::new() })
    }

    /// How far it is.
    pub fn progress(&self) -> TableProgress {
        self.cohort.progress()
    }

    /// The failure of the platform that is being waited out.
    pub fn waits_out(&self) -> Option<String> {
        (self.cohort.maker() == process_id()).then(|| self.cohort.waits_out()).flatten()
    }

    /// Ends the stream: a read that is blocked returns at once, with an error.
    pub fn cancel(&self) {
        if self.cohort.maker() == process_id() {
            self.cohort.stop(Error::cancelled());
        }
    }

    /// Fetches nothing more: what is whole is still given, and each sample that was begun and is not whole ends with an
    /// error. Those that were not begun are not spoken of.
    pub fn wind_up(&self) {
        if self.cohort.maker() == process_id() {
            self.cohort.wind_up();
        }
    }

    /// What went wrong on the way, as JSON: `{"failed": [{"biosample_id", "rows", "error"}], "misfits": n}`.
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

/// What a table gives, in order.
#[derive(Debug)]
pub enum Part {
    /// Rows of one page of the sample in this place.
    Rows(usize, RecordBatch),
    /// All rows of the sample in this place were given, or it is left out because of this error.
    End(usize, Option<Error>),
}

/// The batches of a table, in the order of its samples and their pages. Each has rows of one page of one sample.
/// Dropping it ends the requests that are under way.
pub struct Batches {
    cohort: Arc<Cohort>,
    ready: VecDeque<(usize, RecordBatch)>,
}

impl Batches {
    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.cohort.decoders().schema()
    }

    /// The next batch; `None` at the end. After an error every call gives the same one.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match self.next_part()? {
                Some(Part::Rows(_, batch)) => return Ok(Some(batch)),
                Some(Part::End(..)) => {}
                None => return Ok(None),
            }
        }
    }

    /// The same, with the end of each sample.
    pub fn next_part(&mut self) -> Result<Option<Part>> {
        if self.is_foreign() {
            return Err(Error::closed("the stream belongs to the process that opened it"));
        }
        loop {
            if let Some((sample, batch)) = self.ready.pop_front() {
                return Ok(Some(Part::Rows(sample, batch)));
            }
            match self.cohort.next()? {
                Some(Event::Rows { sample, rows }) => {
                    self.ready.extend(rows.batches.into_iter().map(|batch| (sample, batch)));
                }
                Some(Event::End { sample, error }) => return Ok(Some(Part::End(sample, error))),
                None => return Ok(None),
            }
        }
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
        self.cohort.decoders().schema()
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        if !self.is_foreign() {
            self.cohort.stop(Error::closed("the stream was released"));
            self.cohort.close();
        }
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").finish_non_exhaustive()
    }
}
