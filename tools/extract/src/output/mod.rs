//! Where the table goes: beside its name until it is whole.

mod csv;
mod ipc;
mod jsonl;
mod parquet;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::{cli::Format, failure::Failure};

/// A format that is being written.
trait Writing {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure>;

    /// Writes what is left, and gives the file back.
    fn finish(self: Box<Self>) -> Result<Sink, Failure>;
}

/// The file, or standard output.
pub struct Sink(Box<dyn Write + Send>, Option<File>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A table on its way to its file.
pub struct Output {
    writing: Option<Box<dyn Writing>>,
    /// The file's name, and its name until it is whole; `None` for standard output.
    paths: Option<(PathBuf, PathBuf)>,
}

impl Output {
    pub fn create(path: &Path, format: Format, schema: &SchemaRef) -> Result<Self, Failure> {
        let (sink, paths) = if path == Path::new("-") {
            (Sink(Box::new(BufWriter::new(io::stdout())), None), None)
        } else {
            let unfinished = unfinished(path)?;
            let file = File::create(&unfinished).map_err(|cause| unwritten(&unfinished, &cause))?;
            let same = file.try_clone().map_err(|cause| unwritten(&unfinished, &cause))?;
            (Sink(Box::new(BufWriter::new(file)), Some(same)), Some((path.to_owned(), unfinished)))
        };
        let mut output = Output { writing: None, paths };
        output.writing = Some(match format {
            Format::Parquet => Box::new(parquet::Parquet::new(sink, schema)?),
            Format::Csv => Box::new(csv::Csv::new(sink, schema)?),
            Format::Jsonl => Box::new(jsonl::Jsonl::new(sink, schema)),
            Format::Arrow => Box::new(ipc::Ipc::new(sink, schema)?),
        });
        Ok(output)
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match &mut self.writing {
            Some(writing) => writing.write(batch),
            None => Ok(()),
        }
    }

    /// The table is whole: gives the file its name.
    pub fn finish(mut self) -> Result<(), Failure> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let mut sink = writing.finish()?;
        let shown = self.paths.as_ref().map_or(Path::new("standard output"), |(path, _)| path.as_path());
        let failed = |cause: io::Error| unwritten(shown, &cause);
        sink.flush().map_err(failed)?;
        if let Some(file) = &sink.1 {
            file.sync_all().map_err(failed)?;
        }
        if let Some((path, unfinished)) = &self.paths {
            fs::rename(unfinished, path).map_err(failed)?;
        }
        self.paths = None;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((_, unfinished)) = &self.paths {
            // It was never anybody's file.
            let _ = fs::remove_file(unfinished);
        }
    }
}

fn unfinished(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::input("--output must be the name of a file"))?;
    Ok(path.with_file_name(format!(".{name}.{}.part", std::process::id())))
}

fn unwritten(path: &Path, cause: &io::Error) -> Failure {
    Failure::io(&format!("{} cannot be written", path.display()), cause)
}

fn failed(cause: impl std::fmt::Display) -> Failure {
    Failure::other(format!("the table cannot be written: {cause}"))
}
