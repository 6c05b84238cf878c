//! Decoders for whoever has a page: as many as there are pages read at once.

use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{decode::Decoder, schema::Shape};
use crate::error::Result;

/// The rows of a page.
pub(super) struct Rows {
    pub batches: Vec<RecordBatch>,
    /// Values of an unexpected type; they are in `extra`.
    pub misfits: u64,
}

impl Rows {
    pub(super) fn len(&self) -> u64 {
        self.batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64
    }
}

pub(super) struct Decoders {
    make: Box<dyn Fn() -> Decoder + Send + Sync>,
    idle: Mutex<Vec<Decoder>>,
    schema: SchemaRef,
}

impl Decoders {
    pub(super) fn new(
        make: impl Fn() -> Shape + Send + Sync + 'static,
        is_paged: bool,
        strict: bool,
    ) -> Self {
        let make = move || Decoder::new(make(), is_paged, strict);
        let first = make();
        let schema = first.schema();
        Decoders { make: Box::new(make), idle: Mutex::new(vec![first]), schema }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The rows of one page; `sample` is the sample asked for.
    pub(super) fn read(&self, page: &str, sample: Option<&str>) -> Result<Rows> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut decoder = waiting.unwrap_or_else(|| (self.make)());
        let before = decoder.misfits();
        let batches = decoder.decode(page, sample);
        let misfits = decoder.misfits() - before;
        idle().push(decoder);
        Ok(Rows { batches: batches?, misfits })
    }
}
