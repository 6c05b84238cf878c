//! What the platform says of one sample at one rsID.

use arrow_array::{
    Array, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, cast::downcast_array,
};

/// The columns of `get_variants` that a file of variants is made of.
pub const COLUMNS: [&str; 15] = [
    "biosample_id",
    "alternate_id",
    "is_assayed",
    "is_no_call",
    "variant_chromosome",
    "variant_position",
    "variant_reference_base",
    "variant_alternate_base",
    "variant_call_gt",
    "variant_call_dp",
    "variant_call_gq",
    "variant_call_ad",
    "variant_call_pl",
    "variant_information_site_quality",
    "source_tag_assembly_synonym",
];

/// What is known of a sample at a site. That there is no row at all is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    NotAssayed,
    /// Assayed, and not called.
    NoCall,
    /// With an alternate, or as the reference: the genotype says which.
    Called,
}

/// Numbers of alleles, the reference's being 0; `None` is one that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Genotype {
    pub alleles: Vec<Option<u16>>,
    pub is_phased: bool,
}

impl Genotype {
    pub fn parse(text: &str) -> Option<Self> {
        let alleles = text.split(['/', '|']).map(|number| match number {
            "." => Some(None),
            number => number.parse().ok().map(Some),
        });
        let alleles: Vec<Option<u16>> = alleles.collect::<Option<_>>()?;
        Some(Genotype { alleles, is_phased: text.contains('|') })
    }

    pub fn is_called(&self) -> bool {
        self.alleles.iter().any(Option::is_some)
    }

    pub fn has_alternate(&self) -> bool {
        self.alleles.iter().flatten().any(|number| *number > 0)
    }

    pub fn text(&self) -> String {
        let number = |allele: &Option<u16>| allele.map_or(".".to_owned(), |number| number.to_string());
        let numbers: Vec<String> = self.alleles.iter().map(number).collect();
        numbers.join(if self.is_phased { "|" } else { "/" })
    }
}

/// A row without its place. Numbers are those of its own alleles.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub state: State,
    pub ids: Vec<String>,
    pub reference: Option<String>,
    pub alternates: Vec<String>,
    pub genotype: Option<Genotype>,
    pub depth: Option<i32>,
    pub genotype_quality: Option<i32>,
    pub allele_depths: Vec<Option<i32>>,
    pub likelihoods: Vec<Option<i32>>,
    pub quality: Option<f32>,
}

impl Row {
    /// One that says nothing but what became of the sample.
    pub fn bare(state: State, ids: Vec<String>) -> Self {
        Row {
            state,
            ids,
            reference: None,
            alternates: Vec::new(),
            genotype: None,
            depth: None,
            genotype_quality: None,
            allele_depths: Vec::new(),
            likelihoods: Vec::new(),
            quality: None,
        }
    }

    /// The row as text, to be put aside.
    pub fn write(&self, out: &mut Vec<u8>) {
        let number = |number: Option<i32>| number.map_or(String::new(), |number| number.to_string());
        let numbers = |all: &[Option<i32>]| all.iter().map(|one| number(*one)).collect::<Vec<_>>().join(",");
        let state = match self.state {
            State::NotAssayed => "-",
            State::NoCall => ".",
            State::Called => "+",
        };
        let fields = [
            state.to_owned(),
            self.ids.join(";"),
            self.reference.clone().unwrap_or_default(),
            self.alternates.join(","),
            self.genotype.as_ref().map_or(String::new(), Genotype::text),
            number(self.depth),
            number(self.genotype_quality),
            numbers(&self.allele_depths),
            numbers(&self.likelihoods),
            self.quality.map_or(String::new(), |quality| quality.to_string()),
        ];
        out.extend_from_slice(fields.join("\t").as_bytes());
    }

    /// The row that `write` wrote.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = std::str::from_utf8(bytes).ok()?.split('\t');
        let mut next = || fields.next();
        let parts = |text: &str, at: char| -> Vec<String> {
            text.split(at).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let state = match next()? {
            "-" => State::NotAssayed,
            "." => State::NoCall,
            _ => State::Called,
        };
        Some(Row {
            state,
            ids: parts(next()?, ';'),
            reference: next().filter(|text| !text.is_empty()).map(str::to_owned),
            alternates: parts(next()?, ','),
            genotype: Genotype::parse(next()?),
            depth: next()?.parse().ok(),
            genotype_quality: next()?.parse().ok(),
            allele_depths: numbers(next()?),
            likelihoods: numbers(next()?),
            quality: next()?.parse().ok(),
        })
    }
}

/// Numbers that commas part; what is none is not known.
pub fn numbers(text: &str) -> Vec<Option<i32>> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|number| number.trim().parse().ok().filter(|number| *number >= 0)).collect()
}

/// Upper-case bases, if it is nothing else.
pub fn bases(text: &str) -> Option<String> {
    let text = text.to_ascii_uppercase();
    let is_bases = !text.is_empty() && text.bytes().all(|base| b"ACGTN".contains(&base));
    is_bases.then_some(text)
}

/// The rows of a batch.
pub struct Rows {
    ids: StringArray,
    is_assayed: BooleanArray,
    is_no_call: BooleanArray,
    chromosome: StringArray,
    position: Int64Array,
    reference: StringArray,
    alternates: StringArray,
    genotype: StringArray,
    depth: Int64Array,
    genotype_quality: Int64Array,
    allele_depths: StringArray,
    likelihoods: StringArray,
    quality: Float64Array,
    assembly: StringArray,
}

impl Rows {
    /// `None` where a column is missing.
    pub fn of(batch: &RecordBatch) -> Option<Self> {
        let column = |name: &str| batch.column_by_name(name);
        Some(Rows {
            ids: downcast_array(column("alternate_id")?),
            is_assayed: downcast_array(column("is_assayed")?),
            is_no_call: downcast_array(column("is_no_call")?),
            chromosome: downcast_array(column("variant_chromosome")?),
            position: downcast_array(column("variant_position")?),
            reference: downcast_array(column("variant_reference_base")?),
            alternates: downcast_array(column("variant_alternate_base")?),
            genotype: downcast_array(column("variant_call_gt")?),
            depth: downcast_array(column("variant_call_dp")?),
            genotype_quality: downcast_array(column("variant_call_gq")?),
            allele_depths: downcast_array(column("variant_call_ad")?),
            likelihoods: downcast_array(column("variant_call_pl")?),
            quality: downcast_array(column("variant_information_site_quality")?),
            assembly: downcast_array(column("source_tag_assembly_synonym")?),
        })
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// What the positions are counted on, as far as the platform says.
    pub fn assembly(&self, row: usize) -> Option<&str> {
        text(&self.assembly, row)
    }

    /// Chromosome and position, counted from 1.
    pub fn place(&self, row: usize) -> Option<(&str, i64)> {
        let position = self.position.is_valid(row).then(|| self.position.value(row))?;
        Some((text(&self.chromosome, row)?, position))
    }

    /// A row; `None` if its alleles or its rsIDs are such as no file of variants can hold.
    pub fn get(&self, row: usize) -> Option<Row> {
        let flag = |column: &BooleanArray| column.is_valid(row).then(|| column.value(row));
        let number = |column: &Int64Array| {
            let number = column.is_valid(row).then(|| column.value(row));
            number.and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 0)
        };
        let genotype = text(&self.genotype, row).and_then(Genotype::parse);
        let state = match (flag(&self.is_assayed), flag(&self.is_no_call), &genotype) {
            (Some(false), _, _) => State::NotAssayed,
            (_, Some(true), _) => State::NoCall,
            (_, _, Some(genotype)) if genotype.is_called() => State::Called,
            _ => State::NoCall,
        };
        let list = |column: &StringArray| -> Option<Vec<String>> {
            let Some(json) = text(column, row) else { return Some(Vec::new()) };
            let all: Vec<Option<String>> = serde_json::from_str(json).ok()?;
            Some(all.into_iter().flatten().filter(|one| !one.is_empty() && one != ".").collect())
        };
        let plain = |text: &String| {
            !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',' || c == ';')
        };
        let ids = list(&self.ids)?;
        let alternates = list(&self.alternates)?;
        if !ids.iter().chain(&alternates).all(plain) {
            return None;
        }
        let depths = text(&self.allele_depths, row)
            .and_then(|json| serde_json::from_str::<Vec<Option<i64>>>(json).ok());
        let depth = |one: Option<i64>| one.and_then(|one| i32::try_from(one).ok()).filter(|one| *one >= 0);
        Some(Row {
            state,
            ids,
            reference: text(&self.reference, row).and_then(bases),
            alternates: alternates.into_iter().map(|one| bases(&one).unwrap_or(one)).collect(),
            genotype,
            depth: number(&self.depth),
            genotype_quality: number(&self.genotype_quality),
            allele_depths: depths.unwrap_or_default().into_iter().map(depth).collect(),
            likelihoods: text(&self.likelihoods, row).map(numbers).unwrap_or_default(),
            quality: self
                .quality
                .is_valid(row)
                .then(|| self.quality.value(row) as f32)
                .filter(|quality| *quality >= 0.0),
        })
    }
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row)).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test ends at what is not as it should be")]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_put_aside_is_the_same() {
        let row = Row {
            state: State::Called,
            ids: vec!["rs1".into(), "rs2".into()],
            reference: Some("TA".into()),
            alternates: vec!["T".into(), "<DEL>".into()],
            genotype: Genotype::parse("1|.").map(|genotype| Genotype { is_phased: true, ..genotype }),
            depth: Some(91),
            genotype_quality: None,
            allele_depths: vec![Some(44), None, Some(0)],
            likelihoods: vec![Some(1384), Some(0), None],
            quality: Some(1355.77),
        };
        for row in
            [row, Row::bare(State::NotAssayed, vec!["rs9".into()]), Row::bare(State::NoCall, Vec::new())]
        {
            let mut bytes = Vec::new();
            row.write(&mut bytes);
            assert_eq!(Row::read(&bytes), Some(row));
        }
    }

    #[test]
    fn genotypes() {
        let told =
            |text: &str| Genotype::parse(text).map(|genotype| (genotype.text(), genotype.has_alternate()));
        for text in ["0/1", "1|0", "1", "./1", "1/2"] {
            assert_eq!(told(text), Some((text.to_owned(), true)), "{text}");
        }
        for text in ["0/0", "./.", "0", "."] {
            assert_eq!(told(text), Some((text.to_owned(), false)), "{text}");
        }
        for text in ["", "C/A", "0/-1", "0//1"] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
