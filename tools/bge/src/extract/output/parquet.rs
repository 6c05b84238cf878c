//! Apache Parquet.

use std::{fs::File, path::Path};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    basic::Compression,
    file::{metadata::KeyValue, properties::WriterProperties},
};

use super::{Finished, Sink, Writing, failed, unread};
use crate::failure::Failure;

/// A row group is held in memory until it is full.
const ROW_GROUP: usize = 1 << 17;

pub struct Parquet(ArrowWriter<Sink>);

impl Parquet {
    pub fn new(sink: Sink, schema: &SchemaRef) -> Result<Self, Failure> {
        // For readers that know nothing of Arrow. In order, so that the same table has the same bytes.
        let mut about: Vec<_> = schema.metadata().iter().collect();
        about.sort();
        let about =
            about.into_iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_key_value_metadata(Some(about))
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .set_created_by(format!("bge {}", env!("CARGO_PKG_VERSION")))
            .build();
        ArrowWriter::try_new(sink, schema.clone(), Some(properties)).map(Parquet).map_err(failed)
    }

    /// Ends a row group before it is full.
    pub fn end_group(&mut self) -> Result<(), Failure> {
        self.0.flush().map_err(failed)
    }
}

impl Writing for Parquet {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.0.write(batch).map_err(failed)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        for batch in read(path)? {
            self.write(&batch.map_err(|cause| unread(path, cause))?)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Finished, Failure> {
        self.0.into_inner().map(Finished::from).map_err(failed)
    }
}

/// The rows of a file, a thousand at a time.
pub fn read(path: &Path) -> Result<ParquetRecordBatchReader, Failure> {
    read_wide(path, usize::MAX)
}

/// The same, or fewer at a time where a thousand rows have more than so many values.
pub fn read_wide(path: &Path, values: usize) -> Result<ParquetRecordBatchReader, Failure> {
    let file = File::open(path).map_err(|cause| unread(path, cause))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|reader| {
        let rows = values / reader.schema().fields().len().max(1);
        reader.with_batch_size(rows.clamp(1, 1024)).build()
    });
    reader.map_err(|cause| unread(path, cause))
}
