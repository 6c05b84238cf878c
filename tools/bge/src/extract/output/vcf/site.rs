//! The rows of all samples at one place, as the lines of a file of variants.
//!
//! Each sample's row numbers its own alleles. A line has one reference and the alternates that anybody carries; what was
//! said of a sample is said again with the line's numbers, and what cannot be is not known.

use std::collections::BTreeMap;

use super::row::{Genotype, Row, State};

/// A line without its place.
#[derive(Debug, PartialEq)]
pub struct Line {
    pub ids: Vec<String>,
    pub reference: String,
    pub alternates: Vec<String>,
    /// The highest of any sample, as `bcftools merge` has it.
    pub quality: Option<f32>,
    /// By the samples' places; what the platform has no row of is not there.
    pub cells: BTreeMap<u32, Cell>,
}

/// A sample at a site, with the numbers of the line's alleles. What is empty is not known.
#[derive(Debug, PartialEq)]
pub struct Cell {
    pub state: State,
    pub genotype: Genotype,
    pub depth: Option<i32>,
    pub genotype_quality: Option<i32>,
    pub allele_depths: Vec<Option<i32>>,
    pub likelihoods: Vec<Option<i32>>,
}

impl Line {
    /// How often the samples carry each allele, the reference first.
    pub fn counts(&self) -> Vec<i32> {
        let mut counts = vec![0; self.alternates.len() + 1];
        for number in self.cells.values().flat_map(|cell| &cell.genotype.alleles).flatten() {
            if let Some(count) = counts.get_mut(usize::from(*number)) {
                *count += 1;
            }
        }
        counts
    }
}

/// The lines of one place: one, unless its rows contradict each other.
pub fn lines(rows: Vec<(u32, Row)>) -> Vec<Line> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut placed, bare): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, row)| row.reference.is_some());
    // The longest reference first: shorter ones are its beginnings, or another line's. The order is kept otherwise.
    let mut references: Vec<String> = placed.iter().filter_map(|(_, row)| row.reference.clone()).collect();
    references.sort_by_key(|reference| std::cmp::Reverse(reference.len()));
    for reference in references {
        if !groups.iter().any(|group| group.reference.starts_with(&reference)) {
            groups.push(Group { reference, rows: Vec::new() });
        }
    }
    for row in placed.drain(..) {
        let reference = row.1.reference.as_deref().unwrap_or_default();
        if let Some(group) = groups.iter_mut().find(|group| group.reference.starts_with(reference)) {
            group.rows.push(row);
        }
    }
    let mut groups: Vec<Group> = groups.into_iter().flat_map(Group::parts).collect();
    if groups.is_empty() && !bare.is_empty() {
        groups.push(Group { reference: "N".into(), rows: Vec::new() });
    }
    let is_alone = groups.len() == 1;
    for row in bare {
        for group in &mut groups {
            if is_alone || group.ids().any(|id| row.1.ids.contains(id)) {
                group.rows.push(row.clone());
            }
        }
    }
    groups.into_iter().map(Group::line).collect()
}

/// Rows that go into one line.
struct Group {
    reference: String,
    rows: Vec<(u32, Row)>,
}

impl Group {
    fn ids(&self) -> impl Iterator<Item = &String> {
        self.rows.iter().flat_map(|(_, row)| &row.ids)
    }

    /// Where a sample has two genotypes here, each rsID has a line of its own.
    fn parts(self) -> Vec<Group> {
        let mut seen: BTreeMap<u32, Vec<Option<String>>> = BTreeMap::new();
        let contradict = self.rows.iter().any(|(sample, row)| {
            let own = row.genotype.as_ref().filter(|genotype| genotype.has_alternate());
            let Some(own) = own.filter(|_| row.state == State::Called) else { return false };
            let mut alleles: Vec<_> =
                own.alleles.iter().map(|number| allele(row, &self.reference, *number)).collect();
            alleles.sort();
            seen.insert(*sample, alleles.clone()).is_some_and(|before| before != alleles)
        });
        if !contradict {
            return vec![self];
        }
        let mut parts: Vec<(Vec<String>, Group)> = Vec::new();
        for (sample, row) in self.rows {
            match parts.iter_mut().find(|(ids, _)| *ids == row.ids) {
                Some((_, part)) => part.rows.push((sample, row)),
                None => {
                    let reference = self.reference.clone();
                    parts.push((row.ids.clone(), Group { reference, rows: vec![(sample, row)] }));
                }
            }
        }
        parts.into_iter().map(|(_, part)| part.shortened()).collect()
    }

    /// No longer than its own rows need.
    fn shortened(mut self) -> Self {
        let longest =
            self.rows.iter().filter_map(|(_, row)| row.reference.as_ref()).max_by_key(|text| text.len());
        if let Some(longest) = longest {
            self.reference = longest.clone();
        }
        self
    }

    fn line(self) -> Line {
        let Group { reference, rows } = self;
        let mut ids: Vec<String> = Vec::new();
        let mut alternates: Vec<String> = Vec::new();
        // Of a sample's rows the one that says most.
        let mut best: BTreeMap<u32, &Row> = BTreeMap::new();
        for (sample, row) in &rows {
            for id in row.ids.iter().filter(|id| *id != ".") {
                if !ids.contains(id) {
                    ids.push(id.clone());
                }
            }
            let is_better = best.get(sample).is_none_or(|before| worth(row) > worth(before));
            if is_better {
                best.insert(*sample, row);
            }
        }
        for (sample, row) in &rows {
            let is_chosen = best.get(sample).is_some_and(|chosen| std::ptr::eq(*chosen, row));
            let numbers = row.genotype.iter().flat_map(|genotype| &genotype.alleles);
            for number in numbers.flatten().filter(|number| is_chosen && **number > 0) {
                if let Some(bases) = allele(row, &reference, Some(*number))
                    && !alternates.contains(&bases)
                {
                    alternates.push(bases);
                }
            }
        }
        let quality = rows.iter().filter_map(|(_, row)| row.quality).max_by(f32::total_cmp);
        let cells =
            best.into_iter().map(|(sample, row)| (sample, cell(row, &reference, &alternates))).collect();
        Line { ids, reference, alternates, quality, cells }
    }
}

fn worth(row: &Row) -> (State, bool) {
    (row.state, row.genotype.as_ref().is_some_and(Genotype::has_alternate))
}

/// A row's own allele as the line has it: a shorter reference is extended, and what stands for it with it.
fn allele(row: &Row, reference: &str, number: Option<u16>) -> Option<String> {
    let number = usize::from(number?);
    if number == 0 {
        return Some(reference.to_owned());
    }
    let bases = row.alternates.get(number - 1)?;
    let rest = row.reference.as_ref().and_then(|own| reference.get(own.len()..)).unwrap_or_default();
    let is_bases = bases.bytes().all(|base| base.is_ascii_alphabetic());
    Some(if is_bases { format!("{bases}{rest}") } else { bases.clone() })
}

fn cell(row: &Row, reference: &str, alternates: &[String]) -> Cell {
    // The line's number of each of the row's own alleles.
    let numbers: Vec<Option<u16>> = (0..=row.alternates.len())
        .map(|own| {
            let bases = allele(row, reference, u16::try_from(own).ok())?;
            let place = alternates.iter().position(|other| *other == bases).map(|place| place + 1);
            u16::try_from(if own == 0 { 0 } else { place? }).ok()
        })
        .collect();
    let number = |own: Option<u16>| own.and_then(|own| numbers.get(usize::from(own)).copied().flatten());
    let own = row.genotype.clone().filter(|_| row.state != State::NotAssayed);
    let unknown = Genotype { alleles: vec![None, None], is_phased: false };
    let genotype = match (own, row.state) {
        (Some(own), State::Called) => {
            Genotype { alleles: own.alleles.into_iter().map(number).collect(), is_phased: own.is_phased }
        }
        // A no-call keeps how many alleles there would be.
        (Some(own), _) if !own.is_called() => own,
        _ => unknown,
    };
    let ploidy = genotype.alleles.len();
    Cell {
        state: row.state,
        depth: row.depth,
        genotype_quality: row.genotype_quality,
        allele_depths: depths(row, &numbers, alternates.len() + 1),
        likelihoods: likelihoods(row, &numbers, alternates.len() + 1, ploidy),
        genotype,
    }
}

/// The values of the row's own alleles, as far as it is known which is whose. A row without alternates has a value for
/// the reference, and others of alleles that it does not name.
fn own_values<'a>(row: &Row, values: &'a [Option<i32>], wanted: usize) -> &'a [Option<i32>] {
    match values.len() {
        count if count == wanted => values,
        _ if row.alternates.is_empty() => values.get(..1).unwrap_or_default(),
        _ => &[],
    }
}

fn depths(row: &Row, numbers: &[Option<u16>], alleles: usize) -> Vec<Option<i32>> {
    let mut depths = vec![None; alleles];
    for (value, number) in own_values(row, &row.allele_depths, numbers.len()).iter().zip(numbers) {
        if let Some(place) = number.and_then(|number| depths.get_mut(usize::from(number))) {
            *place = *value;
        }
    }
    known(depths)
}

fn likelihoods(row: &Row, numbers: &[Option<u16>], alleles: usize, ploidy: usize) -> Vec<Option<i32>> {
    // Genotypes in the order that the format prescribes: 0/0, 0/1, 1/1, 0/2, …
    let pairs = |count: usize| (0..count).flat_map(|second| (0..=second).map(move |first| (first, second)));
    let at = |one: usize, other: usize| {
        let (low, high) = (one.min(other), one.max(other));
        high * (high + 1) / 2 + low
    };
    let number = |own: usize| numbers.get(own).copied().flatten().map(usize::from);
    let own = numbers.len();
    let (wanted, count) = match ploidy {
        1 => (own, alleles),
        2 => (own * (own + 1) / 2, alleles * (alleles + 1) / 2),
        _ => return Vec::new(),
    };
    let mut values = vec![None; count];
    let given = own_values(row, &row.likelihoods, wanted).iter();
    if ploidy == 1 {
        for (value, own) in given.zip(0..own) {
            if let Some(place) = number(own).and_then(|number| values.get_mut(number)) {
                *place = *value;
            }
        }
    } else {
        for (value, (one, other)) in given.zip(pairs(own)) {
            let place = number(one).zip(number(other)).map(|(one, other)| at(one, other));
            if let Some(place) = place.and_then(|place| values.get_mut(place)) {
                *place = *value;
            }
        }
    }
    known(values)
}

/// Nothing at all, if nothing is known.
fn known(values: Vec<Option<i32>>) -> Vec<Option<i32>> {
    if values.iter().any(Option::is_some) { values } else { Vec::new() }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test ends at what is not as it should be")]
mod tests {
    use super::*;

    fn called(ids: &str, reference: &str, alternates: &str, gt: &str, ad: &[i32], pl: &[i32]) -> Row {
        let some = |values: &[i32]| values.iter().copied().map(Some).collect();
        Row {
            reference: Some(reference.into()),
            alternates: alternates.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect(),
            genotype: Genotype::parse(gt),
            allele_depths: some(ad),
            likelihoods: some(pl),
            ..Row::bare(State::Called, ids.split(';').map(str::to_owned).collect())
        }
    }

    /// The samples' `GT AD PL` in a line.
    fn cells(line: &Line) -> Vec<String> {
        let text = |value: &Option<i32>| value.map_or(".".to_owned(), |value| value.to_string());
        let all = |values: &[Option<i32>]| values.iter().map(text).collect::<Vec<_>>().join(",");
        let told = |cell: &Cell| {
            format!("{} {} {}", cell.genotype.text(), all(&cell.allele_depths), all(&cell.likelihoods))
        };
        line.cells.values().map(told).collect()
    }

    fn shown(line: &Line) -> String {
        format!("{} {} {}", line.ids.join(";"), line.reference, line.alternates.join(","))
    }

    /// The only line of these rows, each of a sample of its own.
    fn merged(rows: Vec<Row>) -> Line {
        let mut lines = lines((0..).zip(rows).collect());
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    #[test]
    fn alternates_of_different_samples_are_numbered_anew() {
        let line = merged(vec![
            called("rs1", "C", "A", "0/1", &[44, 47], &[1384, 0, 1364]),
            called("rs1", "C", "T", "1|1", &[0, 30], &[900, 90, 0]),
            called("rs1", "C", "", "0/0", &[35, 0], &[0, 105, 1085]),
            called("rs1", "C", "T,A", "1/2", &[1, 20, 21], &[500, 400, 300, 200, 0, 100]),
        ]);
        assert_eq!(shown(&line), "rs1 C A,T");
        // Genotypes in their order: CC CA AA CT AT TT.
        assert_eq!(
            cells(&line),
            [
                "0/1 44,47,. 1384,0,1364,.,.,.",
                "2|2 0,.,30 900,.,.,90,.,0",
                "0/0 35,.,. 0,.,.,.,.,.",
                // Its own are CC CT TT CA TA AA.
                "2/1 1,21,20 500,200,100,400,0,300",
            ]
        );
        assert_eq!(line.counts(), [3, 2, 3]);
    }

    #[test]
    fn a_shorter_reference_is_extended_and_its_alternates_with_it() {
        // rs333: 32 bases are missing; another sample has another base in the first place.
        let line = merged(vec![
            called("rs1", "TACAG", "T", "0/1", &[10, 12], &[300, 0, 200]),
            called("rs2", "T", "G", "0/1", &[20, 22], &[310, 0, 210]),
            called("rs1", "TAC", "T,<DEL>", "1/2", &[0, 5, 6], &[9, 8, 7, 6, 0, 4]),
        ]);
        assert_eq!(shown(&line), "rs1;rs2 TACAG T,GACAG,TAG,<DEL>");
        assert_eq!(cells(&line)[1], "0/2 20,.,22,.,. 310,.,.,0,.,210,.,.,.,.,.,.,.,.,.");
        assert!(cells(&line)[2].starts_with("3/4 0,.,.,5,6 "));
    }

    #[test]
    fn alternates_that_nobody_carries_are_not_there() {
        let line = merged(vec![
            called("rs1", "C", "", "0/0", &[35, 0], &[0, 105, 1085]),
            called("rs1", "C", "A", "0/0", &[31, 1], &[0, 90, 900]),
            called("rs1", "C", "A", "./.", &[3, 1], &[]),
        ]);
        assert_eq!(shown(&line), "rs1 C ");
        assert_eq!(cells(&line), ["0/0 35 0", "0/0 31 0", "./. 3 "]);
        assert_eq!(line.counts(), [4]);
    }

    #[test]
    fn haploid_calls_and_what_does_not_fit() {
        let line = merged(vec![
            called("rs1", "G", "A", "1", &[0, 17], &[400, 0]),
            called("rs1", "G", "T", "0", &[12, 0], &[0, 300]),
            // Numbers of alleles that it does not name, and too many values.
            called("rs1", "G", "A", "1/2", &[1, 2, 3], &[1, 2, 3, 4]),
            called("rs1", "G", "A", "0/1/1", &[1, 2], &[1, 2, 3]),
        ]);
        assert_eq!(shown(&line), "rs1 G A");
        assert_eq!(cells(&line), ["1 0,17 400,0", "0 12,. 0,.", "1/.  ", "0/1/1 1,2 "]);
        assert_eq!(line.counts(), [2, 4]);
    }

    #[test]
    fn the_states_of_a_sample_are_kept_apart() {
        let line = merged(vec![
            called("rs1", "C", "A", "0/1", &[], &[]),
            called("rs1", "C", "", "0/0", &[], &[]),
            Row::bare(State::NoCall, vec!["rs1".into()]),
            Row::bare(State::NotAssayed, vec!["rs1".into()]),
        ]);
        let states: Vec<State> = line.cells.values().map(|cell| cell.state).collect();
        assert_eq!(states, [State::Called, State::Called, State::NoCall, State::NotAssayed]);
        assert_eq!(cells(&line), ["0/1  ", "0/0  ", "./.  ", "./.  "]);
        assert_eq!(line.counts(), [3, 1]);
        // Of several rows of one sample the one that says most.
        let lines = lines(vec![
            (0, Row::bare(State::NotAssayed, vec!["rs2".into()])),
            (0, called("rs1", "C", "A", "0/1", &[], &[])),
            (0, called("rs2", "C", "", "0/0", &[], &[])),
        ]);
        assert_eq!(lines.len(), 1);
        assert_eq!((shown(&lines[0]), cells(&lines[0])), ("rs1;rs2 C A".into(), vec!["0/1  ".to_owned()]));
    }

    #[test]
    fn rows_that_contradict_each_other_are_lines_of_their_own() {
        let lines = lines(vec![
            (0, called("rs1", "C", "A", "0/1", &[], &[])),
            (0, called("rs2", "C", "T", "0/1", &[], &[])),
            (1, called("rs3", "G", "T", "1/1", &[], &[])),
            (2, Row::bare(State::NotAssayed, vec!["rs2".into()])),
        ]);
        let told: Vec<_> = lines.iter().map(|line| (shown(line), line.cells.len())).collect();
        assert_eq!(told, [("rs1 C A".into(), 1), ("rs2 C T".into(), 2), ("rs3 G T".into(), 1)]);
        // Nothing is known but that nobody was looked at.
        let only = super::lines(vec![(0, Row::bare(State::NotAssayed, vec!["rs1".into()]))]);
        assert_eq!(only.iter().map(shown).collect::<Vec<_>>(), ["rs1 N "]);
    }
}
