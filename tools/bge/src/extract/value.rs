//! A batch's values as text.

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, cast::downcast_array,
};
use arrow_schema::DataType;

/// One value.
pub enum Cell<'a> {
    Null,
    Text(&'a str),
    /// A number or a truth value, as JSON writes it.
    Other(String),
}

/// A column whose type is known.
pub enum Column {
    Text(StringArray),
    Int64(Int64Array),
    Float64(Float64Array),
    Bool(BooleanArray),
    /// No table has one.
    Unknown,
}

impl Cell<'_> {
    pub fn column(array: &ArrayRef) -> Column {
        match array.data_type() {
            DataType::Utf8 => Column::Text(downcast_array(array)),
            DataType::Int64 => Column::Int64(downcast_array(array)),
            DataType::Float64 => Column::Float64(downcast_array(array)),
            DataType::Boolean => Column::Bool(downcast_array(array)),
            _ => Column::Unknown,
        }
    }
}

impl Column {
    pub fn get(&self, row: usize) -> Cell<'_> {
        match self {
            Column::Text(column) if column.is_valid(row) => Cell::Text(column.value(row)),
            Column::Int64(column) if column.is_valid(row) => Cell::Other(column.value(row).to_string()),
            // The shortest text that reads back as the same double.
            Column::Float64(column) if column.is_valid(row) => {
                Cell::Other(serde_json::Value::from(column.value(row)).to_string())
            }
            Column::Bool(column) if column.is_valid(row) => Cell::Other(column.value(row).to_string()),
            _ => Cell::Null,
        }
    }
}
