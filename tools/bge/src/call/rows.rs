//! Where the rows of an answer go.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::failure::Failure;

/// Where rows go.
pub trait Rows {
    fn begin(&mut self, schema: &SchemaRef, target: &Path) -> Result<(), Failure>;
    fn add(&mut self, batch: &RecordBatch) -> Result<(), Failure>;
    fn end(self, target: &Path) -> Result<(), Failure>;
}
