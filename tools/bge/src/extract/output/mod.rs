//! The formats that a table is written in.

mod csv;
mod ipc;
mod jsonl;
pub mod parquet;
mod typed;

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use self::typed::Typed;

use crate::{
    extract::{
        options::Format,
        place::{self, Place},
    },
    failure::Failure,
};

/// A format that is being written.
trait Writing {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure>;

    /// Adds the rows of an earlier file of the same kind.
    fn add_file(&mut self, path: &Path) -> Result<(), Failure>;

    /// Writes what is left, and gives the file back.
    fn finish(self: Box<Self>) -> Result<Sink, Failure>;
}

/// Where the bytes go.
pub struct Sink(BufWriter<File>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// How a table is written.
#[derive(Clone)]
pub struct Style {
    pub format: Format,
    pub csv_bom: bool,
    pub csv_null: String,
    /// Times and lists stay the text that they come as.
    pub text: bool,
}

impl Style {
    pub fn parquet(text: bool) -> Self {
        Style { format: Format::Parquet, csv_bom: false, csv_null: String::new(), text }
    }
}

/// A table on its way to its file.
pub struct Output {
    writing: Box<dyn Writing>,
    typed: Option<Typed>,
    place: Place,
}

impl Output {
    /// Begins the table in its file; `target` is what messages call it.
    pub fn create(place: Place, target: &Path, style: &Style, schema: &SchemaRef) -> Result<Self, Failure> {
        let file = place.file.try_clone().map_err(|cause| place::unwritten(target, &cause))?;
        let sink = Sink(BufWriter::with_capacity(1 << 16, file));
        let has_types = matches!(style.format, Format::Parquet | Format::Arrow);
        let typed = (has_types && !style.text).then(|| Typed::new(schema));
        let schema = typed.as_ref().map_or(schema, Typed::schema);
        let writing: Box<dyn Writing> = match style.format {
            Format::Parquet => Box::new(parquet::Parquet::new(sink, schema)?),
            Format::Csv => Box::new(csv::Csv::new(sink, schema, style)?),
            Format::Jsonl => Box::new(jsonl::Jsonl::new(sink, schema)),
            Format::Arrow => Box::new(ipc::Ipc::new(sink, schema)?),
        };
        Ok(Output { writing, typed, place })
    }

    /// Adds rows; gives them as they were written.
    pub fn write<'a>(&mut self, batch: &'a RecordBatch) -> Result<Cow<'a, RecordBatch>, Failure> {
        let batch = match &self.typed {
            Some(typed) => Cow::Owned(typed.convert(batch).map_err(failed)?),
            None => Cow::Borrowed(batch),
        };
        self.writing.write(&batch)?;
        Ok(batch)
    }

    /// Adds the rows of an earlier file of the same kind.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        self.writing.add_file(path)
    }

    /// The table is whole: gives the file its name.
    pub fn finish(self, target: &Path) -> Result<(), Failure> {
        let mut sink = self.writing.finish()?;
        sink.flush().map_err(|cause| place::unwritten(target, &cause))?;
        self.place.finish(target)
    }
}

fn unread(path: &Path, cause: impl std::fmt::Display) -> Failure {
    Failure::other(format!("{} cannot be read: {cause}", path.display()))
}

fn failed(cause: impl std::fmt::Display) -> Failure {
    Failure::other(format!("the table cannot be written: {cause}"))
}
