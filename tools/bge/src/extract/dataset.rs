//! A folder of Parquet files that are read as one table, and beside them what is in each: `part-<shard>-<n>.parquet` and
//! `_manifest-<shard>.jsonl`.
//!
//! The manifest only grows. Its first line says what was asked for, each further one which samples a finished file holds
//! and what their rows are; the last one that nothing is missing. A run that was ended goes on behind the last whole line.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File, OpenOptions, TryLockError},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use serde::{Deserialize, Serialize};

use crate::{
    clock::now,
    extract::{
        ending::{Ending, line, tell},
        fingerprint::Fingerprint,
        job::{Job, Take},
        options::Format,
        output::{Output, Style},
        place::{self, Place},
        shard::Shard,
    },
    failure::{Failure, PARTIAL, RETRY},
};

/// A file is closed behind the sample that brings it to so many rows: eight row groups.
const PART_ROWS: u64 = 1 << 20;

/// A line of a manifest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// What was asked for.
    Begin {
        call: String,
        arguments: BTreeMap<String, String>,
        columns: Vec<String>,
        text: bool,
        library: String,
        shard: u64,
        shards: u64,
        started: u64,
    },
    /// A finished file; `None` where its samples have no rows.
    Part { file: Option<String>, rows: u64, samples: Vec<Sample> },
    /// Nothing is missing, but for those that cannot be had.
    End { ended: u64, without: Vec<String> },
}

/// A sample's rows.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Sample {
    pub id: String,
    pub rows: u64,
    pub hash: String,
}

/// What the files of one shard are called.
pub struct ShardName {
    pub index: u64,
    pub count: u64,
}

impl ShardName {
    pub fn of(shard: Shard) -> Self {
        let (index, count) = shard.numbers();
        ShardName { index, count }
    }

    fn manifest(&self) -> String {
        format!("_manifest-{:05}.jsonl", self.index)
    }

    fn part(&self, number: usize) -> String {
        format!("part-{:05}-{number:05}.parquet", self.index)
    }
}

/// Makes the folder.
pub fn prepare(folder: &Path) -> Result<(), Failure> {
    let is_other = folder.exists() && !folder.is_dir();
    if is_other {
        return Err(Failure::input(format!("{} is a file, and --output ends in /", folder.display())));
    }
    fs::create_dir_all(folder).map_err(|cause| place::unwritten(folder, &cause))
}

/// Fetches what a shard has not yet.
pub fn run(
    job: &Job<'_>,
    folder: &Path,
    name: &ShardName,
    ids: Option<&[String]>,
) -> Result<Ending, Failure> {
    let Some(ids) = ids else {
        return Err(Failure::input("a folder holds samples: --samples names them; else name a file"));
    };
    let mut manifest = Manifest::open(job, folder, name)?;
    let left: Vec<String> = ids.iter().filter(|id| !manifest.done.contains(*id)).cloned().collect();
    if left.is_empty() && manifest.is_ended {
        return Ok(Ending::Complete);
    }
    let run = job.begin(Some(&left))?;
    let style = Style::of(job.options, job.call, job.about(), Format::Parquet);
    let mut parts = Parts {
        folder,
        name,
        ids: &left,
        schema: run.schema(),
        style: &style,
        output: None,
        rows: 0,
        samples: Vec::new(),
        fingerprint: Fingerprint::default(),
        manifest: &mut manifest,
    };
    let outcome = run.pour(job, &mut parts)?;
    parts.close()?;
    let mut missing = outcome.missing(&left);
    tell(&missing);
    let mut without = Vec::new();
    if job.options.allow_missing {
        without.extend(missing.iter().filter(|one| !one.is_passing).map(line));
        missing.retain(|one| one.is_passing);
    }
    let failed = folder.join(format!("_failed-{:05}.txt", name.index));
    if missing.is_empty() {
        let _ = fs::remove_file(&failed);
        manifest.add(&Line::End { ended: now(), without })?;
        return Ok(Ending::Complete);
    }
    let lines: String = missing.iter().map(|one| line(one) + "\n").collect();
    place::write(&failed, &lines)?;
    eprintln!("bge: {} of {} samples are missing", missing.len(), ids.len());
    if outcome.written.is_empty()
        && let Some(stopped) = outcome.stopped
    {
        return Err(stopped);
    }
    let is_passing = missing.iter().all(|one| one.is_passing);
    Ok(Ending::Partial(match outcome.stopped {
        Some(stopped) if stopped.exit != RETRY => stopped.exit,
        _ if is_passing => RETRY,
        _ => PARTIAL,
    }))
}

/// What a shard has, and what is added to it.
struct Manifest {
    path: PathBuf,
    file: File,
    done: HashSet<String>,
    parts: usize,
    is_ended: bool,
}

impl Manifest {
    fn open(job: &Job<'_>, folder: &Path, name: &ShardName) -> Result<Self, Failure> {
        let path = folder.join(name.manifest());
        let failed = |cause: std::io::Error| place::unwritten(&path, &cause);
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
        let file = options.read(true).append(true).create(true).open(&path).map_err(failed)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Failure::retry(format!("{}: another process writes this part", path.display())));
        }
        let begin = Line::Begin {
            call: job.call.name.to_owned(),
            arguments: job.args.texts(),
            columns: job.options.columns.clone(),
            text: job.options.text,
            library: env!("CARGO_PKG_VERSION").to_owned(),
            shard: name.index,
            shards: name.count,
            started: now(),
        };
        let (lines, good) = read(&file).map_err(failed)?;
        file.set_len(good).map_err(failed)?;
        let mut manifest = Manifest { path, file, done: HashSet::new(), parts: 0, is_ended: false };
        if lines.is_empty() {
            manifest.add(&begin)?;
        } else if !lines.first().is_some_and(|first| is_same(first, &begin)) {
            let told = format!("{} holds another call, or other arguments or shards", folder.display());
            return Err(Failure::input(told));
        }
        for line in lines {
            match line {
                Line::Part { file, samples, .. } => {
                    manifest.parts += usize::from(file.is_some());
                    manifest.done.extend(samples.into_iter().map(|sample| sample.id));
                }
                Line::End { without, .. } => {
                    manifest.is_ended = true;
                    let id = |line: String| line.split_whitespace().next().map(str::to_owned);
                    manifest.done.extend(without.into_iter().filter_map(id));
                }
                Line::Begin { .. } => {}
            }
        }
        // A file that was finished, but not entered, is written again.
        let _ = fs::remove_file(folder.join(name.part(manifest.parts)));
        Ok(manifest)
    }

    fn add(&mut self, line: &Line) -> Result<(), Failure> {
        let mut text = serde_json::to_string(line).map_err(|cause| Failure::other(cause.to_string()))?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|cause| place::unwritten(&self.path, &cause))
    }
}

/// The whole lines of a manifest, and how many bytes hold them.
pub fn read(mut file: &File) -> std::io::Result<(Vec<Line>, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let (mut lines, mut good, mut line) = (Vec::new(), 0, Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        match serde_json::from_slice(&line) {
            Ok(read) if line.ends_with(b"\n") => lines.push(read),
            _ => break,
        }
        good += line.len() as u64;
        line.clear();
    }
    Ok((lines, good))
}

/// Whether two first lines ask for the same.
pub fn is_same(one: &Line, other: &Line) -> bool {
    match (one, other) {
        (
            Line::Begin { call, arguments, columns, text, shards, .. },
            Line::Begin { call: c, arguments: a, columns: k, text: t, shards: s, .. },
        ) => call == c && arguments == a && columns == k && text == t && shards == s,
        _ => false,
    }
}

/// The files of a shard, one after the other.
struct Parts<'a> {
    folder: &'a Path,
    name: &'a ShardName,
    ids: &'a [String],
    schema: SchemaRef,
    style: &'a Style,
    output: Option<Output>,
    rows: u64,
    samples: Vec<Sample>,
    fingerprint: Fingerprint,
    manifest: &'a mut Manifest,
}

impl Parts<'_> {
    fn path(&self) -> PathBuf {
        self.folder.join(self.name.part(self.manifest.parts))
    }

    fn close(&mut self) -> Result<(), Failure> {
        let file = match self.output.take() {
            Some(output) => {
                let path = self.path();
                output.finish(&path)?;
                self.manifest.parts += 1;
                path.file_name().map(|name| name.to_string_lossy().into_owned())
            }
            None => None,
        };
        if self.samples.is_empty() {
            return Ok(());
        }
        let (rows, samples) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.samples));
        self.manifest.add(&Line::Part { file, rows, samples })
    }
}

impl Take for Parts<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        if self.output.is_none() {
            let path = self.path();
            self.output = Some(Output::create(Place::begin(&path)?, &path, self.style, &self.schema)?);
        }
        if let Some(output) = &mut self.output {
            self.fingerprint.add(output.write(batch)?.as_ref());
        }
        Ok(())
    }

    fn end(&mut self, place: usize, rows: u64) -> Result<(), Failure> {
        let id = self.ids.get(place).cloned().unwrap_or_default();
        self.samples.push(Sample { id, rows, hash: self.fingerprint.take() });
        self.rows += rows;
        if self.rows >= PART_ROWS { self.close() } else { Ok(()) }
    }
}
