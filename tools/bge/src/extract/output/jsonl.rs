//! JSON lines: an object for each row, with every column; columns of JSON stand in it as the JSON that they are.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Finished, Sink, Writing, failed, unread};
use crate::{extract::value::Cell, failure::Failure};

pub struct Jsonl {
    sink: Sink,
    /// Each column's name as JSON with its colon, and whether it holds JSON.
    names: Vec<(String, bool)>,
}

impl Jsonl {
    pub fn new(sink: Sink, schema: &SchemaRef) -> Self {
        let names = schema.fields().iter().map(|field| {
            let is_json = field.metadata().get("bge.type").is_some_and(|kind| kind == "json");
            (format!("{}:", serde_json::Value::from(field.name().as_str())), is_json)
        });
        Jsonl { sink, names: names.collect() }
    }
}

impl Writing for Jsonl {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let columns: Vec<_> = batch.columns().iter().map(Cell::column).collect();
        let mut line = Vec::new();
        for row in 0..batch.num_rows() {
            line.clear();
            for (column, (name, is_json)) in columns.iter().zip(&self.names) {
                line.push(if line.is_empty() { b'{' } else { b',' });
                line.extend_from_slice(name.as_bytes());
                match column.get(row) {
                    Cell::Null => line.extend_from_slice(b"null"),
                    // A line must stay one line: white space of the platform's may have line ends in it.
                    Cell::Text(json) if *is_json && !json.contains(['\n', '\r']) => {
                        line.extend_from_slice(json.as_bytes());
                    }
                    Cell::Text(json) if *is_json => {
                        line.extend_from_slice(json.replace(['\n', '\r'], " ").as_bytes());
                    }
                    Cell::Text(text) => serde_json::to_writer(&mut line, text).map_err(failed)?,
                    Cell::Other(text) => line.extend_from_slice(text.as_bytes()),
                }
            }
            line.extend_from_slice(b"}\n");
            self.sink.write_all(&line).map_err(failed)?;
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let mut file = File::open(path).map_err(|cause| unread(path, cause))?;
        io::copy(&mut file, &mut self.sink).map_err(failed)?;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Finished, Failure> {
        Ok(self.sink.into())
    }
}
