//! Arrow's own file format.

use std::{fs::File, path::Path};

use arrow_array::RecordBatch;
use arrow_ipc::{reader::FileReader, writer::FileWriter};
use arrow_schema::SchemaRef;

use super::{Finished, Sink, Writing, failed, unread};
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

    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let file = File::open(path).map_err(|cause| unread(path, cause))?;
        for batch in FileReader::try_new(file, None).map_err(|cause| unread(path, cause))? {
            self.write(&batch.map_err(|cause| unread(path, cause))?)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, Failure> {
        self.0.finish().map_err(failed)?;
        self.0.into_inner().map(Finished::from).map_err(failed)
    }
}
