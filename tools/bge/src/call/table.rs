//! Rows for people: columns side by side.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use bge::PageRows;

use crate::{
    call::rows::Rows,
    extract::{
        place,
        value::{Cell, Column},
    },
    failure::Failure,
    out,
};

/// No column is wider.
const WIDEST: usize = 40;

/// All rows, kept until the widths of their columns are known.
#[derive(Default)]
pub struct Table {
    names: Vec<String>,
    to_the_right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// The rows of whole pages.
    pub fn of_pages(mut self, call: &str, pages: &[String]) -> Result<(), Failure> {
        for page in pages {
            let mut page = PageRows::read(call, page)?;
            self.begin(&page.schema(), Path::new("-"))?;
            while let Some(batch) = page.next_batch() {
                self.add(&batch)?;
            }
        }
        self.end(Path::new("-"))
    }
}

impl Rows for Table {
    fn begin(&mut self, schema: &SchemaRef, _: &Path) -> Result<(), Failure> {
        self.names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let is_number = |kind: &DataType| matches!(kind, DataType::Int64 | DataType::Float64);
        self.to_the_right = schema.fields().iter().map(|field| is_number(field.data_type())).collect();
        Ok(())
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let columns: Vec<Column> = batch.columns().iter().map(Cell::column).collect();
        for row in 0..batch.num_rows() {
            self.rows.push(columns.iter().map(|column| shown(&column.get(row))).collect());
        }
        Ok(())
    }

    fn end(mut self, target: &Path) -> Result<(), Failure> {
        // A column without a single value says nothing: the last ones are what a list left over.
        let filled =
            |place: usize| self.rows.iter().any(|row| row.get(place).is_some_and(|text| !text.is_empty()));
        let kept: Vec<usize> =
            (0..self.names.len()).filter(|place| self.rows.is_empty() || filled(*place)).collect();
        self.names.iter_mut().for_each(|name| *name = name.to_uppercase());
        let names = std::mem::take(&mut self.names);
        let width = |place: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(place));
            cells.chain(names.get(place)).map(|text| console::measure_text_width(text)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = kept.iter().map(|place| width(*place)).collect();
        let mut text = String::new();
        for row in std::iter::once(&names).chain(&self.rows) {
            let mut line = String::new();
            for (place, width) in kept.iter().zip(&widths) {
                let cell = row.get(*place).map(String::as_str).unwrap_or_default();
                let side = match self.to_the_right.get(*place) {
                    Some(true) => console::Alignment::Right,
                    _ => console::Alignment::Left,
                };
                line.push_str(&console::pad_str(cell, *width, side, None));
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        if target == Path::new("-") {
            out::bytes(text.as_bytes()).and_then(|()| out::flush())
        } else {
            place::write(target, &text)
        }
    }
}

fn shown(cell: &Cell<'_>) -> String {
    let text = match cell {
        Cell::Null => return String::new(),
        Cell::Text(text) => *text,
        Cell::Other(text) => text,
    };
    // What a terminal would take for an order, or for the end of a line, is shown as a space.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    console::truncate_str(&text, WIDEST, "…").into_owned()
}
