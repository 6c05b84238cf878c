//! A wide table: a row for each feature, a column for each sample.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    sync::Arc,
};

use arrow_array::{Array as _, ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use serde_json::Value;

use super::{
    Finished, Sink, Style, Writing,
    abundances::{Abundances, Features, Values},
    csv::{BOM, delimiter},
    failed, parquet, unread,
};
use crate::{
    extract::{
        options::Format,
        value::{Cell, Column},
    },
    failure::Failure,
    lang::say,
};

/// So many values are held at a time.
const BLOCK: usize = 1 << 22;
/// And so many of an earlier file.
const READ: usize = 1 << 18;

pub struct Matrix {
    sink: Sink,
    style: Style,
    abundances: Abundances,
    /// What a feature has in each sample that says nothing of it: nothing at all, if the sample has no rows.
    otherwise: Vec<Option<f64>>,
}

impl Matrix {
    pub fn new(sink: Sink, style: &Style, abundances: Abundances) -> Self {
        Matrix { sink, style: style.clone(), abundances, otherwise: Vec::new() }
    }

    /// The samples of an earlier file's columns, and the rows under them.
    fn add_rows(
        &mut self,
        samples: &[String],
        rows: impl Iterator<Item = Result<Row, Failure>>,
    ) -> Result<(), Failure> {
        let first = self.otherwise.len();
        let mut known = vec![false; samples.len()];
        for row in rows {
            let row = row?;
            let about = serde_json::to_vec(&row.about).map_err(failed)?;
            let feature = self.abundances.feature(&row.id, &about)?;
            for (sample, (value, known)) in row.values.iter().zip(&mut known).enumerate() {
                *known |= value.is_some();
                if *value != Some(0.0) {
                    self.abundances.value(feature, first + sample, value.unwrap_or(f64::NAN))?;
                }
            }
        }
        samples.iter().zip(known).try_for_each(|(id, known)| self.end(id, known.into()))
    }
}

/// The texts of the columns that describe a feature.
fn describe(said: &[(&str, Cell<'_>)]) -> Vec<u8> {
    let text = |cell: &Cell<'_>| match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => (*text).to_owned(),
        Cell::Other(text) => text.clone(),
    };
    let texts: Vec<String> = said.iter().map(|(_, cell)| text(cell)).collect();
    serde_json::to_vec(&texts).unwrap_or_default()
}

/// Rows of the wide table, one after the other.
struct Wide<'a> {
    features: Features,
    values: Values,
    next: Option<(u32, u32, f64)>,
    number: u32,
    otherwise: &'a [Option<f64>],
}

struct Row {
    id: String,
    about: Vec<String>,
    values: Vec<Option<f64>>,
}

impl Wide<'_> {
    fn next(&mut self) -> Result<Option<Row>, Failure> {
        let Some((id, about)) = self.features.next()? else { return Ok(None) };
        let mut values = self.otherwise.to_vec();
        loop {
            let next = match self.next.take() {
                Some(next) => Some(next),
                None => self.values.next()?,
            };
            match next {
                Some((feature, sample, value)) if feature == self.number => {
                    if let Some(place) = values.get_mut(sample as usize) {
                        *place = Some(value).filter(|value| !value.is_nan());
                    }
                }
                other => {
                    self.next = other;
                    break;
                }
            }
        }
        self.number += 1;
        Ok(Some(Row { id, about: serde_json::from_slice(&about).map_err(failed)?, values }))
    }
}

impl Writing for Matrix {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.abundances.add(batch, &self.style.columns, describe)
    }

    fn end(&mut self, id: &str, rows: u64) -> Result<(), Failure> {
        self.otherwise.push((rows > 0).then_some(0.0));
        self.abundances.end(id, rows);
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let about = self.style.columns.len();
        if self.style.format == Format::Parquet {
            let reader = parquet::read_wide(path, READ)?;
            let schema = arrow_array::RecordBatchReader::schema(&reader);
            let names = schema.fields().iter().skip(1 + about).map(|field| field.name().clone());
            let samples: Vec<String> = names.collect();
            let rows = reader.flat_map(|batch| match batch {
                Ok(batch) => rows_of(&batch, about).into_iter().map(Ok).collect(),
                Err(cause) => vec![Err(unread(path, cause))],
            });
            return self.add_rows(&samples, rows);
        }
        let mut text = BufReader::new(File::open(path).map_err(|cause| unread(path, cause))?);
        if text.fill_buf().map_err(|cause| unread(path, cause))?.starts_with(BOM.as_bytes()) {
            text.consume(BOM.len());
        }
        let mut reader =
            ::csv::ReaderBuilder::new().delimiter(delimiter(self.style.format)).from_reader(text);
        let head = reader.headers().map_err(|cause| unread(path, cause))?;
        let samples: Vec<String> = head.iter().skip(1 + about).map(str::to_owned).collect();
        let rows = reader.records().map(|record| {
            let record = record.map_err(|cause| unread(path, cause))?;
            let mut texts = record.iter().map(str::to_owned);
            let id = texts.next().unwrap_or_default();
            Ok(Row {
                id,
                about: texts.by_ref().take(about).collect(),
                // whatever stands for null, NaN among them
                values: texts.map(|text| text.parse().ok().filter(|value: &f64| !value.is_nan())).collect(),
            })
        });
        self.add_rows(&samples, rows)
    }

    fn finish(self: Box<Self>) -> Result<Finished, Failure> {
        let Matrix { sink, style, mut abundances, otherwise } = *self;
        let (features, values) =
            abundances.read(say("without any rows, and so with null only", "没有任何行，因此全为空值"))?;
        let wide = Wide { features, values, next: None, number: 0, otherwise: &otherwise };
        let texts = std::iter::once(abundances.kind.id).chain(style.columns.iter().map(String::as_str));
        if style.format == Format::Parquet {
            return write_parquet(sink, &style, texts, &abundances, wide);
        }
        write_text(sink, &style, texts, &abundances.samples, wide)
    }
}

fn rows_of(batch: &RecordBatch, about: usize) -> Vec<Row> {
    let columns: Vec<Column> = batch.columns().iter().map(Cell::column).collect();
    let text = |column: &Column, row: usize| match column.get(row) {
        Cell::Text(text) => text.to_owned(),
        _ => String::new(),
    };
    let number = |column: &Column, row: usize| match column {
        Column::Float64(column) if column.is_valid(row) => Some(column.value(row)),
        _ => None,
    };
    let row = |row: usize| Row {
        id: columns.first().map_or(String::new(), |column| text(column, row)),
        about: columns.iter().skip(1).take(about).map(|column| text(column, row)).collect(),
        values: columns.iter().skip(1 + about).map(|column| number(column, row)).collect(),
    };
    (0..batch.num_rows()).map(row).collect()
}

fn write_text<'a>(
    mut sink: Sink,
    style: &Style,
    texts: impl Iterator<Item = &'a str>,
    samples: &'a [String],
    mut wide: Wide<'_>,
) -> Result<Finished, Failure> {
    if style.csv_bom {
        sink.write_all(BOM.as_bytes()).map_err(failed)?;
    }
    let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter(style.format)).from_writer(sink);
    writer.write_record(texts.chain(samples.iter().map(String::as_str))).map_err(failed)?;
    while let Some(row) = wide.next()? {
        let number = |value: &Option<f64>| match value {
            Some(value) => Value::from(*value).to_string(),
            None => style.csv_null.clone(),
        };
        let fields = std::iter::once(row.id).chain(row.about).chain(row.values.iter().map(number));
        writer.write_record(fields).map_err(failed)?;
    }
    writer.into_inner().map(Finished::from).map_err(failed)
}

fn write_parquet<'a>(
    sink: Sink,
    style: &Style,
    texts: impl Iterator<Item = &'a str>,
    abundances: &Abundances,
    mut wide: Wide<'_>,
) -> Result<Finished, Failure> {
    let mut fields: Vec<Field> = texts.map(|name| Field::new(name, DataType::Utf8, false)).collect();
    let texts = fields.len();
    let about: HashMap<String, String> =
        abundances.unit.iter().map(|unit| ("bge.unit".to_owned(), unit.clone())).collect();
    let number = |id: &String| Field::new(id, DataType::Float64, true).with_metadata(about.clone());
    fields.extend(abundances.samples.iter().map(number));
    let said: HashMap<String, String> = style.about.clone().into_iter().collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, said));
    let mut parquet = parquet::Parquet::new(sink, &schema)?;
    let most = (BLOCK / schema.fields().len()).max(1);
    loop {
        let mut rows = Vec::new();
        while rows.len() < most
            && let Some(row) = wide.next()?
        {
            rows.push(row);
        }
        if rows.is_empty() {
            return Box::new(parquet).finish();
        }
        let text = |place: usize| -> ArrayRef {
            let text = |row: &Row| match place {
                0 => Some(row.id.clone()),
                place => row.about.get(place - 1).cloned(),
            };
            Arc::new(rows.iter().map(text).collect::<StringArray>())
        };
        let number = |place: usize| -> ArrayRef {
            let number = |row: &Row| row.values.get(place).copied().flatten();
            Arc::new(rows.iter().map(number).collect::<Float64Array>())
        };
        let columns = (0..texts).map(text).chain((0..abundances.samples.len()).map(number)).collect();
        let batch = RecordBatch::try_new(schema.clone(), columns).map_err(failed)?;
        parquet.write(&batch)?;
        parquet.end_group()?;
    }
}
