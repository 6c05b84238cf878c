//! Values that commas or tabs part: a line of names, then the rows; null is empty.

use std::{io::Write, path::Path};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Finished, Sink, Style, Writing, failed, unread};
use crate::{
    extract::{options::Format, value::Cell},
    failure::Failure,
};

/// What Excel takes for UTF-8.
pub const BOM: &str = "\u{feff}";

pub struct Csv {
    writer: csv::Writer<Sink>,
    null: String,
    delimiter: u8,
}

/// What stands between the values.
pub fn delimiter(format: Format) -> u8 {
    if format == Format::Tsv { b'\t' } else { b',' }
}

impl Csv {
    pub fn new(mut sink: Sink, schema: &SchemaRef, style: &Style) -> Result<Self, Failure> {
        if style.csv_bom {
            sink.write_all(BOM.as_bytes()).map_err(failed)?;
        }
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter(style.format)).from_writer(sink);
        writer.write_record(schema.fields().iter().map(|field| field.name())).map_err(failed)?;
        Ok(Csv { writer, null: style.csv_null.clone(), delimiter: delimiter(style.format) })
    }
}

impl Writing for Csv {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let columns: Vec<_> = batch.columns().iter().map(Cell::column).collect();
        for row in 0..batch.num_rows() {
            for column in &columns {
                match column.get(row) {
                    Cell::Null => self.writer.write_field(&self.null),
                    Cell::Text(text) => self.writer.write_field(text),
                    Cell::Other(text) => self.writer.write_field(text),
                }
                .map_err(failed)?;
            }
            self.writer.write_record(None::<&[u8]>).map_err(failed)?;
        }
        Ok(())
    }

    /// Line by line as they stand there, but for the line of names.
    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let reader = csv::ReaderBuilder::new().delimiter(self.delimiter).from_path(path);
        let mut reader = reader.map_err(|cause| unread(path, cause))?;
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|cause| unread(path, cause))? {
            self.writer.write_byte_record(&record).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Finished, Failure> {
        self.writer.into_inner().map(Finished::from).map_err(failed)
    }
}
