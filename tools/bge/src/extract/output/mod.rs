//! The formats that a table is written in: row by row as they come, or, where samples stand side by side, when all are
//! there.

mod abundances;
mod biom;
mod csv;
mod ipc;
mod jsonl;
mod matrix;
pub mod parquet;
mod spill;
mod typed;
mod vcf;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use bge::endpoint::Endpoint;
use serde_json::Value;

use self::{abundances::Abundances, typed::Typed};

use crate::{
    extract::{
        options::{Format, Options},
        place::{self, Place},
    },
    failure::Failure,
    lang::say,
};

/// A format that is being written.
trait Writing {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure>;

    /// All rows of this sample were written.
    fn end(&mut self, _id: &str, _rows: u64) -> Result<(), Failure> {
        Ok(())
    }

    /// The samples that a file says more of than their ids.
    fn described(&self) -> &[String] {
        &[]
    }

    /// What there is to say of them.
    fn describe(&mut self, _samples: BTreeMap<String, Value>) {}

    /// Adds the rows of an earlier file of the same kind.
    fn add_file(&mut self, path: &Path) -> Result<(), Failure>;

    /// Writes what is left, and gives the file back.
    fn finish(self: Box<Self>) -> Result<Finished, Failure>;
}

/// A file that is written, and what belongs beside it.
struct Finished {
    sink: Sink,
    index: Option<Index>,
}

/// What finds places in a file.
struct Index {
    ending: &'static str,
    bytes: Vec<u8>,
}

impl From<Sink> for Finished {
    fn from(sink: Sink) -> Self {
        Finished { sink, index: None }
    }
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
    /// Features in rows, samples in columns.
    matrix: bool,
    rank: Option<String>,
    /// The columns that describe a matrix's rows.
    columns: Vec<String>,
    call: Option<&'static Endpoint>,
    about: BTreeMap<String, String>,
}

impl Style {
    /// `about` is what the file says of itself.
    pub fn of(
        options: &Options,
        call: &'static Endpoint,
        about: BTreeMap<String, String>,
        format: Format,
    ) -> Self {
        let Options { csv_bom, csv_null, text, matrix, rank, columns, .. } = options;
        Style {
            format,
            csv_bom: *csv_bom,
            csv_null: csv_null.clone(),
            text: *text,
            matrix: *matrix,
            rank: rank.clone(),
            columns: columns.clone(),
            call: Some(call),
            about,
        }
    }

    /// Rows as they come, with nothing said of them.
    pub fn plain(format: Format) -> Self {
        Style {
            format,
            csv_bom: false,
            csv_null: String::new(),
            text: true,
            matrix: false,
            rank: None,
            columns: Vec::new(),
            call: None,
            about: BTreeMap::new(),
        }
    }
}

/// The columns that an output needs, if it is not for the caller to choose them. What the format cannot hold is said.
pub fn columns(options: &Options, format: Format, call: &Endpoint) -> Result<Option<Vec<String>>, String> {
    let of_variants = matches!(format, Format::Vcf | Format::VcfGz | Format::Bcf);
    let is_wide = options.matrix || format == Format::Biom;
    if options.rank.is_some() && (!is_wide || call.name != abundances::TAXA) {
        return Err(told!(
            "--rank is for {} as .biom or with --matrix",
            "--rank 用于 {} 的 .biom 或 --matrix",
            abundances::TAXA
        ));
    }
    if !is_wide && !of_variants {
        return Ok(None);
    }
    if options.samples.is_none() {
        let (en, zh) =
            ("--samples is needed: they stand side by side in the file", "需要 --samples：样品在文件中并列");
        return Err(say(en, zh).into());
    }
    let no_matrix =
        say("--matrix is written as .tsv, .csv or .parquet", "--matrix 只能写成 .tsv、.csv 或 .parquet");
    if of_variants {
        return match call.name {
            _ if options.matrix => Err(no_matrix.into()),
            "get_variants" if options.columns.is_empty() => {
                Ok(Some(vcf::COLUMNS.iter().map(|name| (*name).to_owned()).collect()))
            }
            "get_variants" => {
                Err(say("--columns: a file of variants has its own", "--columns：变异文件的列是固定的")
                    .into())
            }
            name => Err(told!(
                "{name} has no variants: .vcf and .bcf are for get_variants",
                "{name} 没有变异位点：.vcf 与 .bcf 用于 get_variants"
            )),
        };
    }
    if options.matrix && !matches!(format, Format::Tsv | Format::Csv | Format::Parquet) {
        return Err(no_matrix.into());
    }
    if format == Format::Biom && !options.columns.is_empty() {
        return Err(say("--columns: a BIOM file has its own", "--columns：BIOM 文件的列是固定的").into());
    }
    abundances::columns(call, &options.columns).map(Some)
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
        let is_typed = matches!(style.format, Format::Parquet | Format::Arrow) && !style.matrix;
        let schema = &with_metadata(schema, &style.about);
        let typed = (is_typed && !style.text).then(|| Typed::new(schema));
        let schema = typed.as_ref().map_or(schema, Typed::schema);
        let abundances = || {
            let call = style.call.ok_or_else(|| failed("it is of no call"))?;
            Abundances::new(target, call, style.rank.as_deref(), style.matrix)
        };
        let writing: Box<dyn Writing> = match style.format {
            _ if style.matrix => Box::new(matrix::Matrix::new(sink, style, abundances()?)),
            Format::Parquet => Box::new(parquet::Parquet::new(sink, schema)?),
            Format::Csv | Format::Tsv => Box::new(csv::Csv::new(sink, schema, style)?),
            Format::Jsonl => Box::new(jsonl::Jsonl::new(sink, schema)),
            Format::Arrow => Box::new(ipc::Ipc::new(sink, schema)?),
            Format::Biom => Box::new(biom::Biom::new(sink, style, abundances()?)),
            Format::Vcf | Format::VcfGz | Format::Bcf => Box::new(vcf::Vcf::new(sink, target, style.format)?),
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

    /// All rows of this sample were written.
    pub fn end(&mut self, id: &str, rows: u64) -> Result<(), Failure> {
        self.writing.end(id, rows)
    }

    /// The samples that the file says more of than their ids.
    pub fn described(&self) -> &[String] {
        self.writing.described()
    }

    /// What there is to say of them.
    pub fn describe(&mut self, samples: BTreeMap<String, Value>) {
        self.writing.describe(samples);
    }

    /// Adds the rows of an earlier file of the same kind.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        self.writing.add_file(path)
    }

    /// The table is whole: gives the file its name. An index is never there without its file, or with another one.
    pub fn finish(self, target: &Path) -> Result<(), Failure> {
        let Finished { mut sink, index } = self.writing.finish()?;
        sink.flush().map_err(|cause| place::unwritten(target, &cause))?;
        let index = index.filter(|_| self.place.is_named());
        if index.is_some() {
            for ending in INDEXES {
                place::remove(&place::index(target, ending))?;
            }
        }
        self.place.finish(target)?;
        index.map_or(Ok(()), |Index { ending, bytes }| place::write(&place::index(target, ending), bytes))
    }
}

/// What indexes are called.
pub const INDEXES: [&str; 2] = [".tbi", ".csi"];

/// The schema with more that is said of the table.
fn with_metadata(schema: &SchemaRef, about: &BTreeMap<String, String>) -> SchemaRef {
    let mut metadata = schema.metadata().clone();
    metadata.extend(about.iter().map(|(name, value)| (name.clone(), value.clone())));
    Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata))
}

/// Tells of several things, the first of them by name.
fn tell_some<'a>(what: &str, names: impl ExactSizeIterator<Item = &'a String>) {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<&str> = names.take(SHOWN).map(String::as_str).collect();
    if !shown.is_empty() {
        let more =
            if more > 0 { told!(" and {more} more", " 等，另有 {more} 个") } else { String::new() };
        eprintln!("bge: {what}: {}{more}", shown.join(", "));
    }
}

fn unread(path: &Path, cause: impl std::fmt::Display) -> Failure {
    Failure::other(format!("{} cannot be read: {cause}", path.display()))
}

fn failed(cause: impl std::fmt::Display) -> Failure {
    Failure::other(format!("the table cannot be written: {cause}"))
}
