//! Arrow's own file format.

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::SchemaRef;

use super::{Sink, Writing, failed};
use crate::failure::Failure;

pub struct Ipc(FileWriter<Sink>);

impl Ipc {
    pub fn new(sink: Sink, schema: &SchemaRef) -> Result<Self, Failure> {
        FileWriter::try_new(sink, schema).map(Ipc).map_err(failed)
    }
}

impl Writing for Ipc {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.0.write(batch).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<Sink, Failure> {
        self.0.finish().map_err(failed)?;
        self.0.into_inner().map_err(failed)
    }
}
