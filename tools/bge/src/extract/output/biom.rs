//! BIOM 1.0: a sparse table of features and samples, as JSON.

mod earlier;

use std::{collections::BTreeMap, io::Write, path::Path};

use arrow_array::RecordBatch;
use serde_json::{Map, Value, json};

use super::{Finished, Sink, Style, Writing, abundances::Abundances, failed, unread};
use crate::{clock::now, extract::value::Cell, failure::Failure, lang::say};

const LINEAGE: &str = "taxonomy_lineage";

pub struct Biom {
    sink: Sink,
    about: BTreeMap<String, String>,
    abundances: Abundances,
    columns: Vec<String>,
    samples: BTreeMap<String, Value>,
}

impl Biom {
    pub fn new(sink: Sink, style: &Style, abundances: Abundances) -> Self {
        let columns = abundances.kind.about.iter().map(|name| (*name).to_owned()).collect();
        Biom { sink, about: style.about.clone(), abundances, columns, samples: BTreeMap::new() }
    }
}

/// What is said of a feature: a lineage is parted at its ranks, and becomes what other programs call `taxonomy`.
fn describe(said: &[(&str, Cell<'_>)]) -> Vec<u8> {
    let mut about = Map::new();
    for (name, cell) in said {
        let value = match cell {
            Cell::Text(lineage) if *name == LINEAGE => lineage.split('|').collect(),
            Cell::Text(text) => Value::from(*text),
            Cell::Other(number) => serde_json::from_str(number).unwrap_or_default(),
            Cell::Null => Value::Null,
        };
        let name = if *name == LINEAGE { "taxonomy" } else { name.trim_start_matches("taxonomy_") };
        about.insert(name.to_owned(), value);
    }
    Value::Object(about).to_string().into_bytes()
}

impl Writing for Biom {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.abundances.add(batch, &self.columns, describe)
    }

    fn end(&mut self, id: &str, rows: u64) -> Result<(), Failure> {
        self.abundances.end(id, rows);
        Ok(())
    }

    fn described(&self) -> &[String] {
        &self.abundances.samples
    }

    fn describe(&mut self, samples: BTreeMap<String, Value>) {
        self.samples = samples;
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let earlier::About { columns, unit } = earlier::about(path)?;
        let abundances = &mut self.abundances;
        let (mut features, first) = (Vec::new(), abundances.samples.len());
        // Values may stand before the rows that they are of: so each list is read by itself.
        earlier::each(path, "rows", |row: earlier::Row| {
            features.push(abundances.feature(&row.id, row.metadata.to_string().as_bytes())?);
            Ok(())
        })?;
        earlier::each(path, "data", |(row, column, value): (usize, usize, f64)| {
            let feature = features.get(row).ok_or_else(|| unread(path, "it names no such row"))?;
            if column >= columns.len() {
                return Err(unread(path, "it names no such column"));
            }
            abundances.value(*feature, first + column, value)
        })?;
        for column in columns {
            abundances.end(&column.id, 1);
        }
        abundances.unit = unit;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Finished, Failure> {
        let Biom { mut sink, about, mut abundances, samples, .. } = *self;
        let without = say(
            "without any rows, and so not in the file (they are no samples of zeros)",
            "没有任何行，因此不在文件中（并非全为零）",
        );
        let (mut features, mut values) = abundances.read(without)?;
        let shape = [abundances.len(), abundances.samples.len()];
        let arguments: Value =
            about.get("bge.arguments").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let head = json!({
            "id": abundances.kind.call,
            "format": "Biological Observation Matrix 1.0.0",
            "format_url": "http://biom-format.org",
            "type": abundances.kind.table,
            "generated_by": concat!("bge ", env!("CARGO_PKG_VERSION")),
            "date": date(epoch().unwrap_or_else(now)),
            "matrix_type": "sparse",
            "matrix_element_type": "float",
            "shape": shape,
            "unit": abundances.unit,
            "source": {"call": abundances.kind.call, "arguments": arguments},
        });
        let mut unknown = 0_u64;
        let mut all = || -> Result<(), Failure> {
            let head = head.to_string();
            let open = head.strip_suffix('}').unwrap_or_default();
            write!(sink, "{open},\n\"rows\": [").map_err(failed)?;
            let mut between = "\n";
            while let Some((id, about)) = features.next()? {
                write!(sink, "{between}{{\"id\": {}, \"metadata\": ", Value::from(id)).map_err(failed)?;
                sink.write_all(&about).and_then(|()| sink.write_all(b"}")).map_err(failed)?;
                between = ",\n";
            }
            sink.write_all(b"],\n\"columns\": [").map_err(failed)?;
            between = "\n";
            for id in &abundances.samples {
                let column = json!({"id": id, "metadata": samples.get(id)});
                write!(sink, "{between}{column}").map_err(failed)?;
                between = ",\n";
            }
            sink.write_all(b"],\n\"data\": [").map_err(failed)?;
            between = "\n";
            while let Some((feature, sample, value)) = values.next()? {
                unknown += u64::from(value.is_nan());
                if value != 0.0 && !value.is_nan() {
                    let value = Value::from(value);
                    write!(sink, "{between}[{feature},{sample},{value}]").map_err(failed)?;
                    between = ",\n";
                }
            }
            sink.write_all(b"]}\n").map_err(failed)
        };
        all()?;
        if unknown > 0 {
            let told = told!(
                "{unknown} values are not known, and a BIOM file has no word for that: they are left out",
                "{unknown} 个值未知，BIOM 无法表示，已略去"
            );
            eprintln!("bge: {told}");
        }
        Ok(sink.into())
    }
}

/// The time that is to stand in files, where they are to be the same each time.
fn epoch() -> Option<u64> {
    std::env::var("SOURCE_DATE_EPOCH").ok()?.parse().ok()
}

/// Seconds since 1970 as ISO 8601, in UTC.
fn date(seconds: u64) -> String {
    // Days of the proleptic Gregorian calendar, with the year beginning in March.
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month, year) = (day - (153 * month + 2) / 5 + 1, month + 3, year + era * 400);
    let (month, year) = if month > 12 { (month - 12, year + 1) } else { (month, year) };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_what_the_calendar_says() {
        // Worked out with date -u.
        for (seconds, wanted) in [
            (0, "1970-01-01T00:00:00"),
            (951_868_799, "2000-02-29T23:59:59"),
            (1_498_867_200, "2017-07-01T00:00:00"),
            (4_107_542_399, "2100-02-28T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            assert_eq!(date(seconds), wanted);
        }
    }

    #[test]
    fn a_lineage_is_parted_at_its_ranks() {
        let said = [
            (LINEAGE, Cell::Text("k__Bacteria|p__Firmicutes")),
            ("taxonomy_rank", Cell::Text("phylum")),
            ("gene_length", Cell::Other("102".into())),
            ("taxonomy_taxon_name", Cell::Null),
        ];
        let told: Value = serde_json::from_slice(&describe(&said)).unwrap_or_default();
        let wanted = json!({
            "taxonomy": ["k__Bacteria", "p__Firmicutes"], "rank": "phylum", "gene_length": 102, "taxon_name": null,
        });
        assert_eq!(told, wanted);
    }
}
