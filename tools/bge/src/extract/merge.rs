//! One Parquet file of a folder of them: the samples in the order of a list, a few thousand rows in memory for each shard.

use std::{collections::VecDeque, path::Path};

use arrow_array::RecordBatch;

use crate::{
    extract::{
        ending::Ending,
        options::{Format, Options},
        output::{Output, Style, parquet},
        place::Place,
        progress::Interrupt,
        samples,
        verify::{Manifests, ids},
    },
    failure::Failure,
};

/// The rows of one shard, sample by sample: they stand there in the order of the list.
struct Shard {
    files: VecDeque<std::path::PathBuf>,
    rows: Option<Box<dyn Iterator<Item = Result<RecordBatch, Failure>>>>,
    rest: Option<RecordBatch>,
    samples: VecDeque<(String, u64)>,
}

impl Shard {
    /// The next rows of this sample; `None` when there are no more.
    fn next(&mut self, sample: &str) -> Result<Option<RecordBatch>, Failure> {
        loop {
            if let Some(rest) = self.rest.take().filter(|rest| rest.num_rows() > 0) {
                let ids =
                    ids(&rest).ok_or_else(|| Failure::input("the files have no column biosample_id"))?;
                let end =
                    (0..rest.num_rows()).find(|row| ids.value(*row) != sample).unwrap_or(rest.num_rows());
                self.rest = Some(rest.slice(end, rest.num_rows() - end));
                return Ok((end > 0).then(|| rest.slice(0, end)));
            }
            match self.rows.as_mut().and_then(|rows| rows.next()) {
                Some(batch) => self.rest = Some(batch?),
                None => match self.files.pop_front() {
                    Some(path) => {
                        let reader = parquet::read(&path)?;
                        let told = move |cause| Failure::other(format!("{}: {cause}", path.display()));
                        self.rows = Some(Box::new(reader.map(move |batch| batch.map_err(&told))));
                    }
                    None => return Ok(None),
                },
            }
        }
    }
}

pub fn run(options: &Options, folder: &Path) -> Result<Ending, Failure> {
    if options.format().map_err(Failure::input)? != Format::Parquet || options.is_dataset() {
        return Err(Failure::input("--merge makes one Parquet file: --output names it"));
    }
    // A part of it is of no use to anybody.
    let _interrupt = Interrupt::watch()?;
    let place = Place::begin(&options.output)?;
    let wanted = samples::of_file(options.samples.as_deref().unwrap_or_default())?;
    let manifests = Manifests::read(folder)?;
    let mut shards: Vec<Shard> = Vec::new();
    let mut schema = None;
    for parts in manifests.parts.values() {
        let files: VecDeque<_> =
            parts.iter().filter_map(|part| part.file.as_ref()).map(|file| folder.join(file)).collect();
        if let (None, Some(first)) = (&schema, files.front()) {
            schema = Some(arrow_array::RecordBatchReader::schema(&parquet::read(first)?));
        }
        let samples =
            parts.iter().flat_map(|part| &part.samples).map(|sample| (sample.id.clone(), sample.rows));
        shards.push(Shard { files, rows: None, rest: None, samples: samples.collect() });
    }
    let schema = schema.ok_or_else(|| Failure::input(format!("{} has no rows", folder.display())))?;
    // The rows have their types already.
    let mut output = Output::create(place, &options.output, &Style::plain(Format::Parquet), &schema)?;
    let mut done = std::collections::HashSet::new();
    for id in &wanted {
        if !done.insert(id) {
            continue;
        }
        let Some(shard) =
            shards.iter_mut().find(|shard| shard.samples.front().is_some_and(|next| next.0 == *id))
        else {
            let is_gone = manifests.without.iter().any(|line| line.split_whitespace().next() == Some(id));
            if is_gone {
                continue;
            }
            return Err(Failure::input(format!("{id} is in no part, or not in the order of the list")));
        };
        let mut left = shard.samples.pop_front().map_or(0, |next| next.1);
        while left > 0 {
            let rows = shard.next(id)?.ok_or_else(|| Failure::other(format!("rows of {id} are missing")))?;
            left = left.saturating_sub(rows.num_rows() as u64);
            output.write(&rows)?;
        }
    }
    if let Some((id, _)) = shards.iter().find_map(|shard| shard.samples.front()) {
        return Err(Failure::input(format!("{id} is in a part, and not in the list")));
    }
    output.finish(&options.output)?;
    Ok(Ending::Complete)
}
