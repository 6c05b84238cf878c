//! Columns that grow row by row, and the JSON text of what they do not hold.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchOptions,
    builder::{ArrayBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder},
};
use arrow_schema::SchemaRef;

use super::schema::Shape;
use crate::{
    endpoint::ColumnType,
    error::{Error, Result, Status},
};

/// The rows of a batch so far.
pub(super) struct Columns {
    schema: SchemaRef,
    columns: Vec<Growing>,
    sample: Option<usize>,
    extra: StringBuilder,
    has_extra: bool,
    rows: usize,
    /// Bytes of JSON that the rows came from.
    bytes: usize,
}

enum Growing {
    Text(StringBuilder),
    Json(StringBuilder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Bool(BooleanBuilder),
}

impl Columns {
    pub(super) fn new(shape: &Shape) -> Self {
        let grow = |kind| match kind {
            ColumnType::Text => Growing::Text(StringBuilder::new()),
            ColumnType::Json => Growing::Json(StringBuilder::new()),
            ColumnType::Int64 => Growing::Int64(Int64Builder::new()),
            ColumnType::Float64 => Growing::Float64(Float64Builder::new()),
            ColumnType::Bool => Growing::Bool(BooleanBuilder::new()),
        };
        Columns {
            schema: shape.schema.clone(),
            columns: shape.columns.iter().map(|column| grow(column.kind)).collect(),
            sample: shape.sample,
            extra: StringBuilder::new(),
            has_extra: shape.has_extra,
            rows: 0,
            bytes: 0,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a JSON value into the row that is being read; false when the column cannot hold it, or holds one already.
    /// `null` leaves the column as it is.
    pub(super) fn put(&mut self, column: usize, raw: &str) -> bool {
        self.bytes += raw.len();
        let rows = self.rows;
        match self.columns.get_mut(column) {
            _ if raw == "null" => true,
            Some(growing) if growing.len() == rows => growing.put(raw),
            _ => false,
        }
    }

    /// Ends a row: what it did not say is null, or the sample asked for; `extra` holds the rest of it.
    pub(super) fn end_row(&mut self, sample: Option<&str>, extra: Option<&str>) {
        if let (Some(id), Some(Growing::Text(column))) =
            (sample, self.sample.and_then(|column| self.columns.get_mut(column)))
            && column.len() == self.rows
        {
            column.append_value(id);
        }
        for column in &mut self.columns {
            if column.len() == self.rows {
                column.put_null();
            }
        }
        self.bytes += extra.map_or(0, str::len);
        self.extra.append_option(extra);
        self.rows += 1;
    }

    /// The rows so far as a batch; begins anew.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().map(Growing::finish).collect();
        let extra = Arc::new(self.extra.finish());
        if self.has_extra {
            arrays.push(extra);
        }
        // Without any column there would still be rows.
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.clear_counts();
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|cause| Error::new(Status::Internal, "a batch could not be built").with_cause(cause))
    }

    /// Forgets the rows so far.
    pub(super) fn clear(&mut self) {
        for column in &mut self.columns {
            column.finish();
        }
        self.extra.finish();
        self.clear_counts();
    }

    fn clear_counts(&mut self) {
        self.rows = 0;
        self.bytes = 0;
    }
}

impl Growing {
    fn len(&self) -> usize {
        match self {
            Growing::Text(column) | Growing::Json(column) => column.len(),
            Growing::Int64(column) => column.len(),
            Growing::Float64(column) => column.len(),
            Growing::Bool(column) => column.len(),
        }
    }

    fn put(&mut self, raw: &str) -> bool {
        match self {
            Growing::Json(column) => column.append_value(raw),
            Growing::Text(column) => match plain_text(raw) {
                Some(text) => column.append_value(text),
                None => match serde_json::from_str::<String>(raw) {
                    Ok(text) => column.append_value(text),
                    Err(_) => return false,
                },
            },
            Growing::Int64(column) => match raw.parse() {
                Ok(number) => column.append_value(number),
                Err(_) => return false,
            },
            Growing::Float64(column) => match number(raw) {
                Some(number) => column.append_value(number),
                None => return false,
            },
            Growing::Bool(column) => match raw {
                "true" => column.append_value(true),
                "false" => column.append_value(false),
                _ => return false,
            },
        }
        true
    }

    fn put_null(&mut self) {
        match self {
            Growing::Text(column) | Growing::Json(column) => column.append_null(),
            Growing::Int64(column) => column.append_null(),
            Growing::Float64(column) => column.append_null(),
            Growing::Bool(column) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Growing::Text(column) | Growing::Json(column) => Arc::new(column.finish()),
            Growing::Int64(column) => Arc::new(column.finish()),
            Growing::Float64(column) => Arc::new(column.finish()),
            Growing::Bool(column) => Arc::new(column.finish()),
        }
    }
}

/// A JSON string without escapes, between its quotes.
fn plain_text(raw: &str) -> Option<&str> {
    let text = raw.strip_prefix('"')?.strip_suffix('"')?;
    (!text.as_bytes().contains(&b'\\')).then_some(text)
}

/// A JSON number as a double. A whole number that a double would round, such as an id of 64 bits, is none.
fn number(raw: &str) -> Option<f64> {
    if !raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    let number = raw.parse::<f64>().ok().filter(|number| number.is_finite())?;
    let is_long = raw.len() > 15 && raw.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    (!is_long || raw.parse() == Ok(number as i128)).then_some(number)
}

/// The members of a row that no column holds, as one JSON object in the row's own nesting.
#[derive(Default)]
pub(super) struct Extra {
    text: String,
    /// Whether `text` begins with the brace of the row itself.
    is_object: bool,
    /// The names of the objects that the reader is in.
    inside: Vec<&'static str>,
    /// How many of them are open in `text`.
    open: usize,
}

impl Extra {
    pub(super) fn enter(&mut self, key: &'static str) {
        self.inside.push(key);
    }

    pub(super) fn leave(&mut self) {
        self.inside.pop();
        if self.open > self.inside.len() {
            self.open -= 1;
            self.text.push('}');
        }
    }

    pub(super) fn add(&mut self, key: &str, raw: &str) {
        if self.text.is_empty() {
            self.text.push('{');
            self.is_object = true;
        }
        while let Some(outer) = self.inside.get(self.open) {
            self.name(outer);
            self.text.push('{');
            self.open += 1;
        }
        self.name(key);
        self.text.push_str(raw);
    }

    fn name(&mut self, key: &str) {
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        // A value's own last character is never "{": an object in it is closed.
        self.text.push_str(&serde_json::Value::from(key).to_string());
        self.text.push(':');
    }

    /// A row that is no object at all.
    pub(super) fn whole(&mut self, raw: &str) {
        self.text = raw.to_owned();
    }

    /// The text of the row that ends.
    pub(super) fn close(&mut self) -> Option<&str> {
        if self.is_object {
            self.text.push('}');
            self.is_object = false;
        }
        Some(self.text.as_str()).filter(|text| !text.is_empty())
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.is_object = false;
        self.inside.clear();
        self.open = 0;
    }
}
