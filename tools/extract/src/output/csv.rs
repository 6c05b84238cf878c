//! Comma-separated values: a line of names, then the rows; null is empty.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Sink, Writing, failed};
use crate::{failure::Failure, value::Cell};

pub struct Csv(csv::Writer<Sink>);

impl Csv {
    pub fn new(sink: Sink, schema: &SchemaRef) -> Result<Self, Failure> {
        let mut writer = csv::Writer::from_writer(sink);
        writer.write_record(schema.fields().iter().map(|field| field.name())).map_err(failed)?;
        Ok(Csv(writer))
    }
}

impl Writing for Csv {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let columns: Vec<_> = batch.columns().iter().map(Cell::column).collect();
        for row in 0..batch.num_rows() {
            for column in &columns {
                match column.get(row) {
                    Cell::Null => self.0.write_field(""),
                    Cell::Text(text) => self.0.write_field(text),
                    Cell::Other(text) => self.0.write_field(text),
                }
                .map_err(failed)?;
            }
            self.0.write_record(None::<&[u8]>).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Sink, Failure> {
        self.0.into_inner().map_err(failed)
    }
}
