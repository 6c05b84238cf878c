//! One page that somebody has already, as columns: no client, and no network.

use std::{collections::VecDeque, fmt};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{decode::Decoder, options::list, schema::Shape};
use crate::{
    error::{Error, Result},
    json,
};

/// The rows of one page of a list call, in the columns of its table.
pub struct PageRows {
    schema: SchemaRef,
    batches: VecDeque<RecordBatch>,
}

impl PageRows {
    /// Reads `page`, the answer of the list call `name`: a page with its `result`, or the bare list of a call without
    /// pages.
    pub fn read(name: &str, page: &str) -> Result<Self> {
        if let Some(misfit) = json::twice(page) {
            return Err(Error::argument("page_json", "gives a member twice").with_cause(misfit));
        }
        let is_paged = !page.trim_ascii_start().starts_with('[');
        let mut decoder = Decoder::new(Shape::of(list(name)?, None), is_paged, false);
        let batches = decoder.decode(page, None).map_err(|error| {
            let what =
                format!("must be a page of {name}: a list of rows, or an object that has them as result");
            Error::argument("page_json", what).with_cause(error.message())
        })?;
        Ok(PageRows { schema: decoder.schema(), batches: batches.into() })
    }

    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next batch; `None` at the end.
    pub fn next_batch(&mut self) -> Option<RecordBatch> {
        self.batches.pop_front()
    }
}

impl fmt::Debug for PageRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRows").field("batches", &self.batches.len()).finish_non_exhaustive()
    }
}
