//! A cohort's variants as one file: a line for each place, a column for each sample.
//!
//! Rows come sample by sample and lines are written place by place. In between the rows are on disk, but for one run of
//! them; in memory are the rsIDs with their places, and the rows of one place.

mod contigs;
mod file;
mod row;
mod site;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use noodles_vcf::{
    Header,
    header::record::value::Collection,
    variant::{
        RecordBuf,
        record_buf::samples::sample::{Value, value::Array},
    },
};

use self::{
    contigs::Contigs,
    file::{Read, Writer},
    row::{Genotype, Row, Rows, State},
};
use super::{
    Finished, Sink, Writing, failed,
    spill::{Sorter, Spool},
    tell_some, unread,
};
use crate::{extract::options::Format, failure::Failure, lang::say};

pub use self::row::COLUMNS;

/// An entry's key: contig, position, sample.
const KEY: usize = 10;
/// The header's lines that keep what is known of rsIDs without a place.
const WITHOUT_PLACE: &str = "bge_without_place";
const NOT_ASSAYED: &str = "not_assayed";
const NO_CALL: &str = "no_call";
const ALL: &str = "*";

type Place = (u16, u32);

pub struct Vcf {
    sink: Sink,
    target: PathBuf,
    format: Format,
    contigs: Contigs,
    names: Vec<String>,
    /// Rows with a place.
    sorter: Sorter,
    /// Those without: where they belong is known when all are there.
    unplaced: Spool,
    places: HashMap<String, BTreeSet<Place>>,
    without_rows: Vec<String>,
    /// Rows that no file of variants can hold.
    misfits: u64,
}

impl Vcf {
    pub fn new(sink: Sink, target: &Path, format: Format) -> Result<Self, Failure> {
        Ok(Vcf {
            sink,
            target: target.to_owned(),
            format,
            contigs: Contigs::new(),
            names: Vec::new(),
            sorter: Sorter::new(target, KEY),
            unplaced: Spool::new(target)?,
            places: HashMap::new(),
            without_rows: Vec::new(),
            misfits: 0,
        })
    }

    /// Puts a row aside.
    fn add(&mut self, sample: usize, place: Option<Place>, row: &Row) -> Result<(), Failure> {
        let sample = u32::try_from(sample).map_err(failed)?;
        let Some(place) = place else {
            let mut entry = sample.to_be_bytes().to_vec();
            row.write(&mut entry);
            return self.unplaced.push(&entry).map_err(failed);
        };
        for id in &row.ids {
            match self.places.get_mut(id) {
                Some(places) => drop(places.insert(place)),
                None => drop(self.places.insert(id.clone(), BTreeSet::from([place]))),
            }
        }
        self.sorter.push(&entry(place, sample, row))
    }

    /// Gives the rows without a place to all places of their rsIDs; what is known of rsIDs that have none is left over.
    fn place_the_rest(&mut self) -> Result<BTreeMap<String, Unplaced>, Failure> {
        let unplaced = std::mem::replace(&mut self.unplaced, Spool::new(&self.target)?);
        let mut unplaced = unplaced.read().map_err(failed)?;
        let (mut left, mut bytes) = (BTreeMap::<String, Unplaced>::new(), Vec::new());
        while unplaced.next(&mut bytes).map_err(failed)? {
            let Some((sample, row)) = bytes.split_first_chunk::<4>() else { continue };
            let (sample, Some(row)) = (u32::from_be_bytes(*sample), Row::read(row)) else { continue };
            let places: BTreeSet<Place> =
                row.ids.iter().filter_map(|id| self.places.get(id)).flatten().copied().collect();
            for place in &places {
                self.sorter.push(&entry(*place, sample, &row))?;
            }
            if places.is_empty() {
                for id in row.ids {
                    left.entry(id).or_default().add(sample, row.state);
                }
            }
        }
        Ok(left)
    }

    fn tell(&self, left: &BTreeMap<String, Unplaced>) {
        let (en, zh) = (
            "without a place in any sample, and so without a line in the file",
            "在所有样品中都没有位置，因此文件中没有对应的行",
        );
        tell_some(say(en, zh), left.keys());
        tell_some(
            say("without any rows, and so with NO_DATA only", "没有任何行，因此全为 NO_DATA"),
            self.without_rows.iter(),
        );

        if self.misfits > 0 {
            let told = told!(
                "{} rows have no rsID, no such place or no such alleles, and are left out",
                "{} 行没有 rsID，或位置、等位基因无效，已略去",
                self.misfits
            );
            eprintln!("bge: {told}");
        }
    }
}

fn entry((contig, position): Place, sample: u32, row: &Row) -> Vec<u8> {
    let mut entry = Vec::with_capacity(96);
    entry.extend_from_slice(&contig.to_be_bytes());
    entry.extend_from_slice(&position.to_be_bytes());
    entry.extend_from_slice(&sample.to_be_bytes());
    row.write(&mut entry);
    entry
}

fn read_entry(entry: &[u8]) -> Option<(Place, u32, Row)> {
    let (contig, rest) = entry.split_first_chunk::<2>()?;
    let (position, rest) = rest.split_first_chunk::<4>()?;
    let (sample, row) = rest.split_first_chunk::<4>()?;
    let place = (u16::from_be_bytes(*contig), u32::from_be_bytes(*position));
    Some((place, u32::from_be_bytes(*sample), Row::read(row)?))
}

/// What is known of the samples at an rsID without a place.
#[derive(Default)]
struct Unplaced {
    /// A bit for each sample.
    not_assayed: Vec<u64>,
    no_call: Vec<u64>,
}

impl Unplaced {
    fn add(&mut self, sample: u32, state: State) {
        let bits = if state == State::NotAssayed { &mut self.not_assayed } else { &mut self.no_call };
        let place = sample as usize / 64;
        bits.resize(bits.len().max(place + 1), 0);
        if let Some(word) = bits.get_mut(place) {
            *word |= 1 << (sample % 64);
        }
    }

    /// The header's line: who was not assayed, and who was not called.
    fn line(&self, id: &str, names: &[String]) -> String {
        let of = |bits: &[u64]| {
            let has = |place: usize| bits.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1);
            let chosen: Vec<&str> = names
                .iter()
                .enumerate()
                .filter(|(place, _)| has(*place))
                .map(|(_, name)| name.as_str())
                .collect();
            if chosen.len() == names.len() { ALL.to_owned() } else { chosen.join(",") }
        };
        let (not_assayed, no_call) = (of(&self.not_assayed), of(&self.no_call));
        format!("##{WITHOUT_PLACE}=<ID={id},{NOT_ASSAYED}=\"{not_assayed}\",{NO_CALL}=\"{no_call}\">")
    }
}

impl Writing for Vcf {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let rows = Rows::of(batch).ok_or_else(|| failed("a column of get_variants is missing"))?;
        let sample = self.names.len();
        for number in 0..rows.len() {
            if let Some(assembly) = rows.assembly(number).filter(|name| !["GRCh38", "hg38"].contains(name)) {
                let told = told!(
                    "there are positions on {assembly}, and a file of variants is on GRCh38",
                    "有的位置基于 {assembly}，而变异文件基于 GRCh38"
                );
                return Err(Failure::input(told));
            }
            let place = rows.place(number).map(|(name, position)| {
                let contig =
                    self.contigs.number(name).filter(|contig| self.contigs.has(*contig, position))?;
                Some((contig, u32::try_from(position).ok()?))
            });
            match (rows.get(number), place) {
                (Some(row), Some(Some(place))) => self.add(sample, Some(place), &row)?,
                (Some(row), None) if !row.ids.is_empty() => self.add(sample, None, &row)?,
                _ => self.misfits += 1,
            }
        }
        Ok(())
    }

    fn end(&mut self, id: &str, rows: u64) -> Result<(), Failure> {
        self.names.push(id.to_owned());
        if rows == 0 {
            self.without_rows.push(id.to_owned());
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let first = self.names.len();
        let format = self.format;
        file::read(path, format, |read| {
            match read {
                Read::Header(header) => {
                    self.names.extend(header.sample_names().iter().cloned());
                    for (sample, row) in without_place(header) {
                        self.add(first + sample, None, &row)?;
                    }
                }
                Read::Record(record) => {
                    let contig = self.contigs.number(record.reference_sequence_name());
                    let Some((contig, start)) = contig.zip(record.variant_start()) else { return Ok(()) };
                    let place = (contig, u32::try_from(start.get()).map_err(|cause| unread(path, cause))?);
                    for (sample, row) in rows_of(record) {
                        // What is only known not to have been looked at may belong to other places of the rsID, too.
                        let has_place = row.reference.is_some();
                        self.add(first + sample, has_place.then_some(place), &row)?;
                    }
                    // So that the line is there again, whatever is known of it.
                    for id in record.ids().as_ref() {
                        self.places.entry(id.clone()).or_default().insert(place);
                    }
                }
            }
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, Failure> {
        let left = self.place_the_rest()?;
        self.tell(&left);
        let more: Vec<String> = left.iter().map(|(id, unplaced)| unplaced.line(id, &self.names)).collect();
        let Vcf { sink, format, contigs, names, sorter, .. } = *self;
        let header = file::header(&contigs, &names, &more).map_err(failed)?;
        let mut writer = Writer::begin(sink, format, &header).map_err(failed)?;
        let mut sorted = sorter.read()?;
        let mut rows: Vec<(u32, Row)> = Vec::new();
        let mut here: Option<Place> = None;
        loop {
            let entry = sorted.next().map_err(failed)?;
            let next = entry.as_deref().and_then(read_entry);
            if let Some((contig, position)) = here
                && next.as_ref().is_none_or(|(place, ..)| *place != (contig, position))
            {
                for line in site::lines(std::mem::take(&mut rows)) {
                    writer.add(&header, contig, contigs.name(contig), position, &line).map_err(failed)?;
                }
            }
            let Some((place, sample, row)) = next else { break };
            here = Some(place);
            rows.push((sample, row));
        }
        let (sink, index) = writer.finish(&header).map_err(failed)?;
        Ok(Finished { sink, index })
    }
}

/// What the header of an earlier file knows of rsIDs without a place.
fn without_place(header: &Header) -> Vec<(usize, Row)> {
    let mut rows = Vec::new();
    let Some(Collection::Structured(lines)) = header.get(WITHOUT_PLACE) else { return rows };
    for (id, line) in lines {
        for (field, who) in line.other_fields() {
            let state = if field.as_ref() == NOT_ASSAYED { State::NotAssayed } else { State::NoCall };
            let is_one = |name: &str| who == ALL || who.split(',').any(|one| one == name);
            let these = header.sample_names().iter().enumerate().filter(|(_, name)| is_one(name));
            rows.extend(these.map(|(sample, _)| (sample, Row::bare(state, vec![id.clone()]))));
        }
    }
    rows
}

/// The rows of an earlier file's line, by their samples.
fn rows_of(record: &RecordBuf) -> Vec<(usize, Row)> {
    let ids: Vec<String> = record.ids().as_ref().iter().cloned().collect();
    let samples = record.samples().values().enumerate();
    let rows = samples.filter_map(|(sample, values)| {
        let value = |name: &str| values.get(name).flatten();
        let number = |name: &str| match value(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        let list = |name: &str| match value(name) {
            Some(Value::Array(Array::Integer(list))) => list.clone(),
            _ => Vec::new(),
        };
        let said = match value("FT") {
            Some(Value::String(said)) => said.as_str(),
            _ => "",
        };
        let genotype = match value("GT") {
            Some(Value::Genotype(genotype)) => Some(file::genotype(genotype)),
            Some(Value::String(text)) => Genotype::parse(text),
            _ => None,
        };
        let state = match (said, &genotype) {
            (file::NO_DATA, _) => return None,
            (file::NOT_ASSAYED, _) => State::NotAssayed,
            (_, Some(genotype)) if genotype.is_called() => State::Called,
            _ => State::NoCall,
        };
        let row = Row {
            state,
            ids: ids.clone(),
            reference: Some(record.reference_bases().to_owned()),
            alternates: record.alternate_bases().as_ref().to_vec(),
            genotype,
            depth: number("DP"),
            genotype_quality: number("GQ"),
            allele_depths: list("AD"),
            likelihoods: list("PL"),
            quality: record.quality_score(),
        };
        let knows = |values: &[Option<i32>]| values.iter().any(Option::is_some);
        let says_more = state == State::Called
            || knows(&row.allele_depths)
            || knows(&row.likelihoods)
            || knows(&[row.depth, row.genotype_quality]);
        Some((sample, if says_more { row } else { Row::bare(state, ids.clone()) }))
    });
    rows.collect()
}
