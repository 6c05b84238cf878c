//! The abundances of a cohort, by features: what tables are made of that have features in rows and samples in columns.
//!
//! Values are on disk but for one run of them, and so is what describes the features; in memory are the features' ids.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use bge::endpoint::Endpoint;

use super::{
    failed,
    spill::{Sorted, Sorter, Spool, Spooled},
    tell_some,
};
use crate::{
    extract::value::{Cell, Column},
    failure::Failure,
};

pub const TAXA: &str = "get_taxon_abundance";
const SAMPLE: &str = "biosample_id";
const RANK: &str = "taxonomy_rank";
const VALUE: &str = "observation_value";
const UNIT: &str = "observation_unit";
/// An entry's key: feature, sample.
const KEY: usize = 8;

/// A list of abundances.
pub struct Kind {
    pub call: &'static str,
    /// What BIOM calls such a table.
    pub table: &'static str,
    /// The column that names a feature.
    pub id: &'static str,
    /// Those that describe it.
    pub about: &'static [&'static str],
}

static KINDS: [Kind; 3] = [
    Kind {
        call: TAXA,
        table: "Taxon table",
        id: "taxonomy_taxon_id",
        about: &["taxonomy_lineage", "taxonomy_taxon_name", RANK],
    },
    Kind {
        call: "get_func_abundance",
        table: "Function table",
        id: "coding_id",
        about: &["coding_system", "data_element_id"],
    },
    Kind {
        call: "get_gene_abundance",
        table: "Gene table",
        id: "igc_gene_igc_gene_id",
        about: &[
            "igc_gene_igc_gene_name",
            "igc_gene_coding_system",
            "igc_gene_annotation_kegg_annotation",
            "igc_gene_annotation_eggnog_annotation",
            "igc_gene_annotation_phylum",
            "igc_gene_annotation_genus",
            "igc_gene_annotation_gene_completeness",
            "igc_gene_annotation_gene_length",
        ],
    },
];

fn kind(call: &Endpoint) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.call == call.name)
}

/// The columns to ask for: `wanted` describe the features, or else those that always do.
pub fn columns(call: &Endpoint, wanted: &[String]) -> Result<Vec<String>, String> {
    let kind = kind(call).ok_or_else(|| told!("{} lists no abundances", "{} 不是丰度列表", call.name))?;
    let mut columns: Vec<String> = [SAMPLE, kind.id, VALUE, UNIT].map(str::to_owned).to_vec();
    let about = kind.about.iter().map(|name| (*name).to_owned());
    for name in about.chain(wanted.iter().cloned()) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    Ok(columns)
}

/// The abundances so far.
pub struct Abundances {
    pub kind: &'static Kind,
    /// The samples in their order; those that have no rows are among them only if they are to have a place.
    pub samples: Vec<String>,
    keeps_all: bool,
    without_rows: Vec<String>,
    pub unit: Option<String>,
    target: PathBuf,
    rank: Option<String>,
    ranks: BTreeSet<String>,
    features: HashMap<String, u32>,
    about: Spool,
    values: Sorter,
    /// Rows without a feature's id.
    lost: u64,
}

impl Abundances {
    pub fn new(target: &Path, call: &Endpoint, rank: Option<&str>, keeps_all: bool) -> Result<Self, Failure> {
        Ok(Abundances {
            kind: kind(call).ok_or_else(|| failed("it lists no abundances"))?,
            samples: Vec::new(),
            keeps_all,
            without_rows: Vec::new(),
            unit: None,
            target: target.to_owned(),
            rank: rank.map(str::to_owned),
            ranks: BTreeSet::new(),
            features: HashMap::new(),
            about: Spool::new(target)?,
            values: Sorter::new(target, KEY),
            lost: 0,
        })
    }

    /// Adds rows of the sample that ends next. `describe` says of a new feature what is kept of it, from the columns of
    /// these names.
    pub fn add(
        &mut self,
        batch: &RecordBatch,
        about: &[String],
        describe: impl Fn(&[(&str, Cell<'_>)]) -> Vec<u8>,
    ) -> Result<(), Failure> {
        let column = |name: &str| batch.column_by_name(name).map_or(Column::Unknown, Cell::column);
        let (ids, ranks, values, units) = (column(self.kind.id), column(RANK), column(VALUE), column(UNIT));
        let about: Vec<(&str, Column)> = about.iter().map(|name| (name.as_str(), column(name))).collect();
        for row in 0..batch.num_rows() {
            if let (Some(wanted), Cell::Text(rank)) = (&self.rank, ranks.get(row)) {
                if !self.ranks.contains(rank) {
                    self.ranks.insert(rank.to_owned());
                }
                if !rank.eq_ignore_ascii_case(wanted) {
                    continue;
                }
            } else if self.rank.is_some() {
                continue;
            }
            let Cell::Text(id) = ids.get(row) else {
                self.lost += 1;
                continue;
            };
            let feature = match self.features.get(id) {
                Some(feature) => *feature,
                None => {
                    let said: Vec<_> = about.iter().map(|(name, column)| (*name, column.get(row))).collect();
                    self.feature(id, &describe(&said))?
                }
            };
            if let (None, Cell::Text(unit)) = (&self.unit, units.get(row)) {
                self.unit = Some(unit.to_owned());
            }
            let value = match &values {
                Column::Float64(values) if arrow_array::Array::is_valid(values, row) => values.value(row),
                _ => f64::NAN,
            };
            self.value(feature, self.samples.len(), value)?;
        }
        Ok(())
    }

    /// The number of a feature, which is described if it is new.
    pub fn feature(&mut self, id: &str, about: &[u8]) -> Result<u32, Failure> {
        if let Some(feature) = self.features.get(id) {
            return Ok(*feature);
        }
        let number = u32::try_from(self.features.len()).map_err(failed)?;
        self.about.push(id.as_bytes()).and_then(|()| self.about.push(about)).map_err(failed)?;
        self.features.insert(id.to_owned(), number);
        Ok(number)
    }

    /// Adds a value; NaN is one that is not known.
    pub fn value(&mut self, feature: u32, sample: usize, value: f64) -> Result<(), Failure> {
        let sample = u32::try_from(sample).map_err(failed)?;
        let mut entry = feature.to_be_bytes().to_vec();
        entry.extend_from_slice(&sample.to_be_bytes());
        entry.extend_from_slice(&value.to_le_bytes());
        self.values.push(&entry)
    }

    /// The rows of this sample are all there.
    pub fn end(&mut self, id: &str, rows: u64) {
        if rows == 0 {
            self.without_rows.push(id.to_owned());
        }
        if rows > 0 || self.keeps_all {
            self.samples.push(id.to_owned());
        }
    }

    /// How many features there are.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Says what is missing, and gives the features in their order and the values by them.
    pub fn read(&mut self, without: &str) -> Result<(Features, Values), Failure> {
        tell_some(without, self.without_rows.iter());
        if self.lost > 0 {
            let lost = self.lost;
            eprintln!(
                "bge: {}",
                told!("{lost} rows name no feature, and are left out", "{lost} 行没有特征编号，已略去")
            );
        }
        if let (Some(rank), true) = (&self.rank, self.features.is_empty() && !self.ranks.is_empty()) {
            let known: Vec<&str> = self.ranks.iter().map(String::as_str).collect();
            let known = known.join(", ");
            return Err(Failure::input(told!(
                "no taxon is of the rank {rank}; there are {known}",
                "没有级别为 {rank} 的物种；有 {known}"
            )));
        }
        let about = std::mem::replace(&mut self.about, Spool::new(&self.target)?);
        let values = std::mem::replace(&mut self.values, Sorter::new(&self.target, KEY));
        Ok((Features(about.read().map_err(failed)?), Values { sorted: values.read()?, next: None }))
    }
}

/// The features: their ids, and what was kept of each.
pub struct Features(Spooled);

impl Features {
    pub fn next(&mut self) -> Result<Option<(String, Vec<u8>)>, Failure> {
        let (mut id, mut about) = (Vec::new(), Vec::new());
        if !self.0.next(&mut id).map_err(failed)? || !self.0.next(&mut about).map_err(failed)? {
            return Ok(None);
        }
        Ok(Some((String::from_utf8_lossy(&id).into_owned(), about)))
    }
}

/// The values, by features and samples. Several of one feature in one sample are added up.
pub struct Values {
    sorted: Sorted,
    next: Option<(u32, u32, f64)>,
}

impl Values {
    pub fn next(&mut self) -> Result<Option<(u32, u32, f64)>, Failure> {
        let Some((feature, sample, mut value)) =
            self.next.take().map_or_else(|| self.entry(), |next| Ok(Some(next)))?
        else {
            return Ok(None);
        };
        loop {
            match self.entry()? {
                Some((f, s, more)) if (f, s) == (feature, sample) => value += more,
                next => {
                    self.next = next;
                    return Ok(Some((feature, sample, value)));
                }
            }
        }
    }

    fn entry(&mut self) -> Result<Option<(u32, u32, f64)>, Failure> {
        let Some(entry) = self.sorted.next().map_err(failed)? else { return Ok(None) };
        let parts = || {
            let (feature, rest) = entry.split_first_chunk::<4>()?;
            let (sample, rest) = rest.split_first_chunk::<4>()?;
            let value = rest.first_chunk::<8>()?;
            Some((u32::from_be_bytes(*feature), u32::from_be_bytes(*sample), f64::from_le_bytes(*value)))
        };
        parts().map(Some).ok_or_else(|| failed("what was put aside is damaged"))
    }
}
