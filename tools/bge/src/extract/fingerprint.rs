//! A sample's rows as one short text, whatever batches they come in.

use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{Float64Type, Int64Type, TimestampMicrosecondType},
};
use arrow_schema::DataType;
use sha2::{Digest, Sha256};

/// Grows with the rows of one sample.
#[derive(Default)]
pub struct Fingerprint {
    columns: Vec<crc32fast::Hasher>,
    rows: u64,
}

impl Fingerprint {
    pub fn add(&mut self, batch: &RecordBatch) {
        self.columns.resize_with(batch.num_columns().max(self.columns.len()), Default::default);
        for (column, hasher) in batch.columns().iter().zip(&mut self.columns) {
            (0..batch.num_rows()).for_each(|row| value(column, row, hasher));
        }
        self.rows += batch.num_rows() as u64;
    }

    /// The text of all that was added; begins anew.
    pub fn take(&mut self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.rows.to_le_bytes());
        for column in std::mem::take(&mut self.columns) {
            hash.update(column.finalize().to_le_bytes());
        }
        self.rows = 0;
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn value(column: &ArrayRef, row: usize, hasher: &mut crc32fast::Hasher) {
    if column.is_null(row) {
        return hasher.update(&[0]);
    }
    hasher.update(&[1]);
    match column.data_type() {
        DataType::Utf8 => {
            let text = column.as_string::<i32>().value(row);
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        DataType::Int64 => hasher.update(&column.as_primitive::<Int64Type>().value(row).to_le_bytes()),
        DataType::Float64 => {
            hasher.update(&column.as_primitive::<Float64Type>().value(row).to_bits().to_le_bytes());
        }
        DataType::Boolean => hasher.update(&[column.as_boolean().value(row).into()]),
        DataType::Timestamp(..) => {
            hasher.update(&column.as_primitive::<TimestampMicrosecondType>().value(row).to_le_bytes());
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            hasher.update(&(items.len() as u64).to_le_bytes());
            (0..items.len()).for_each(|item| value(&items, item, hasher));
        }
        // No table has another one.
        _ => {}
    }
}
