//! Whether a folder holds what its manifests say: every sample once, with the rows that were fetched.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
};

use arrow_array::{Array, RecordBatch, StringArray, cast::downcast_array};
use serde_json::json;

use crate::{
    extract::{
        dataset::{self, Line, Sample},
        ending::Ending,
        fingerprint::Fingerprint,
        options::Options,
        output::parquet,
        place, samples,
    },
    failure::{Failure, PARTIAL, RETRY},
};

/// A file, if its samples have rows, and what it holds.
pub struct PartOf {
    pub file: Option<String>,
    rows: u64,
    pub samples: Vec<Sample>,
}

/// What the manifests of a folder say.
pub struct Manifests {
    /// The samples of each shard's files, in order.
    pub parts: BTreeMap<u64, Vec<PartOf>>,
    pub shards: u64,
    /// Samples that cannot be had.
    pub without: Vec<String>,
    call: String,
    arguments: BTreeMap<String, String>,
    unfinished: Vec<String>,
}

impl Manifests {
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let unread = |path: &Path, cause: &std::io::Error| {
            Failure::input(format!("{} cannot be read: {cause}", path.display()))
        };
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .map_err(|cause| unread(folder, &cause))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                name.is_some_and(|name| name.starts_with("_manifest-") && name.ends_with(".jsonl"))
            })
            .collect();
        paths.sort();
        let mut all: Option<(Self, Line)> = None;
        for path in paths {
            let file = File::open(&path).map_err(|cause| unread(&path, &cause))?;
            let lines = dataset::read(&file).map_err(|cause| unread(&path, &cause))?.0;
            let mut lines = lines.into_iter();
            let Some(first) = lines.next() else { continue };
            let Line::Begin { call, arguments, shard, shards, .. } = &first else {
                return Err(Failure::other(format!("{} is no manifest", path.display())));
            };
            let shard = *shard;
            let (manifests, begin) = all.get_or_insert_with(|| {
                let manifests = Manifests {
                    parts: BTreeMap::new(),
                    shards: *shards,
                    without: Vec::new(),
                    call: call.clone(),
                    arguments: arguments.clone(),
                    unfinished: Vec::new(),
                };
                (manifests, Line::End { ended: 0, without: Vec::new() })
            });
            if let Line::End { .. } = begin {
                *begin = first;
            } else if !dataset::is_same(begin, &first) {
                return Err(Failure::other(format!("{} holds another call than the others", path.display())));
            }
            let mut is_ended = false;
            for line in lines {
                match line {
                    Line::Part { file, rows, samples } => {
                        manifests.parts.entry(shard).or_default().push(PartOf { file, rows, samples });
                        is_ended = false;
                    }
                    Line::End { without, .. } => {
                        manifests.without.extend(without);
                        is_ended = true;
                    }
                    Line::Begin { .. } => {}
                }
            }
            manifests.parts.entry(shard).or_default();
            if !is_ended {
                manifests.unfinished.push(format!("part {shard} is not finished"));
            }
        }
        let (mut manifests, _) =
            all.ok_or_else(|| Failure::input(format!("{} has no manifest", folder.display())))?;
        for shard in (0..manifests.shards).filter(|shard| !manifests.parts.contains_key(shard)) {
            manifests.unfinished.push(format!("part {shard} of {} is not there", manifests.shards));
        }
        Ok(manifests)
    }
}

pub fn run(options: &Options) -> Result<Ending, Failure> {
    let folder = &options.output;
    let manifests = Manifests::read(folder)?;
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<&str, &Sample> = BTreeMap::new();
    let mut files = BTreeSet::new();
    for PartOf { file, rows, samples } in manifests.parts.values().flatten() {
        for sample in samples {
            if seen.insert(&sample.id, sample).is_some() {
                wrong.push(format!("{} is there more than once", sample.id));
            }
        }
        match file {
            Some(file) => {
                files.insert(file.clone());
                wrong.extend(
                    check(&folder.join(file), *rows, samples).err().map(|told| format!("{file}: {told}")),
                );
            }
            None if *rows > 0 => wrong.push("rows without a file".to_owned()),
            None => {}
        }
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".parquet") && !files.contains(&name) {
            wrong.push(format!("{name} is in no manifest"));
        }
    }
    let mut missing = manifests.unfinished.clone();
    if let Some(from) = &options.samples {
        let wanted: BTreeSet<String> = samples::of_file(from)?.into_iter().collect();
        let without: BTreeSet<&str> =
            manifests.without.iter().filter_map(|line| line.split_whitespace().next()).collect();
        let there = |id: &String| seen.contains_key(id.as_str()) || without.contains(id.as_str());
        missing.extend(wanted.iter().filter(|id| !there(id)).map(|id| format!("{id} is missing")));
        let foreign = seen.keys().filter(|id| !wanted.contains(**id));
        wrong.extend(foreign.map(|id| format!("{id} is there, and not in {from}")));
    }
    for told in wrong.iter().chain(&missing).take(50) {
        eprintln!("bge: {told}");
    }
    let rows: u64 = seen.values().map(|sample| sample.rows).sum();
    println!(
        "{}",
        json!({"samples": seen.len(), "rows": rows, "files": files.len(), "wrong": wrong.len(),
        "missing": missing.len(), "without": manifests.without.len()})
    );
    if !wrong.is_empty() {
        return Err(Failure::other(format!("{} is not what its manifests say", folder.display())));
    }
    if !missing.is_empty() {
        return Ok(Ending::Partial(if manifests.unfinished.is_empty() { PARTIAL } else { RETRY }));
    }
    // The same for every way that led here, whatever was killed on it.
    let all: Vec<&&Sample> = seen.values().collect();
    let text = json!({"call": manifests.call, "arguments": manifests.arguments, "rows": rows, "samples": all,
        "without": manifests.without});
    place::write(&folder.join("_dataset.json"), format!("{text}\n"))?;
    Ok(Ending::Complete)
}

/// Whether a file's rows are those of these samples, in this order.
fn check(path: &Path, rows: u64, samples: &[Sample]) -> Result<(), String> {
    let mut left = samples.iter().filter(|sample| sample.rows > 0);
    let mut now: Option<(String, u64)> = None;
    let mut fingerprint = Fingerprint::default();
    let mut total = 0;
    let mut end = |now: Option<(String, u64)>, fingerprint: &mut Fingerprint| match (now, left.next()) {
        (Some((id, rows)), Some(sample)) => {
            let is_same = id == sample.id && rows == sample.rows && fingerprint.take() == sample.hash;
            if is_same {
                Ok(())
            } else {
                Err(format!("the rows of {} are not those that were fetched", sample.id))
            }
        }
        (None, None) => Ok(()),
        (None, Some(sample)) => Err(format!("{} has no rows", sample.id)),
        (Some((id, _)), None) => Err(format!("{id} is in no manifest")),
    };
    for batch in parquet::read(path).map_err(|failure| failure.to_string())? {
        let batch = batch.map_err(|cause| cause.to_string())?;
        total += batch.num_rows() as u64;
        let Some(ids) = ids(&batch) else { continue };
        let mut from = 0;
        while from < batch.num_rows() {
            let id = ids.value(from).to_owned();
            let to = (from..batch.num_rows()).find(|row| ids.value(*row) != id).unwrap_or(batch.num_rows());
            if now.as_ref().is_some_and(|(before, _)| *before != id) {
                end(now.take(), &mut fingerprint)?;
            }
            fingerprint.add(&batch.slice(from, to - from));
            now = Some((id, now.map_or(0, |(_, rows)| rows) + (to - from) as u64));
            from = to;
        }
    }
    if total != rows {
        return Err(format!("{total} rows instead of {rows}"));
    }
    // Without the column of samples only their number can be looked at.
    if now.is_none() {
        return Ok(());
    }
    end(now, &mut fingerprint)?;
    end(None, &mut fingerprint)
}

/// The sample of each row.
pub fn ids(batch: &RecordBatch) -> Option<StringArray> {
    let column = batch.column_by_name("biosample_id")?;
    (column.null_count() == 0).then(|| downcast_array(column))
}
