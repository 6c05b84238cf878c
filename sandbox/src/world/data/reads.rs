//! Reads of a sequencer around the studied sites, in pairs.

use rand::RngExt;

use super::genome::{bases, contig, other_base};
use super::seed::{generator, pick};
use super::variants::{SITES, Site};

pub const LENGTH: usize = 150;
/// Pairs around each site, and how far from it they are at most.
const PAIRS: usize = 500;
const REACH: usize = 5_000;
/// Pairs that are found nowhere.
const UNMAPPED: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Match,
    Deletion,
    Clip,
}

#[derive(Debug, Clone)]
pub struct Place {
    pub contig: usize,
    /// 1-based.
    pub start: usize,
    pub mate_start: usize,
    /// From the first base of one read of the pair to the last one of the other; negative for the second.
    pub template: i32,
    pub steps: Vec<(Step, usize)>,
    /// Bases that are not the reference's.
    pub mismatches: usize,
}

#[derive(Debug, Clone)]
pub struct Read {
    pub name: String,
    pub flags: u16,
    pub place: Option<Place>,
    pub bases: Vec<u8>,
    pub qualities: Vec<u8>,
}

impl Read {
    /// The last position that it covers.
    pub fn end(&self) -> Option<usize> {
        let place = self.place.as_ref()?;
        let covered = place.steps.iter().filter(|(step, _)| *step != Step::Clip).map(|(_, length)| length);
        Some(place.start + covered.sum::<usize>() - 1)
    }
}

/// All reads, sorted by their places; those without one are at the end.
pub fn all(seed: u64) -> Vec<Read> {
    let mut reads = Vec::with_capacity(2 * (SITES.len() * PAIRS + UNMAPPED));
    for site in &SITES {
        let Some(contig) = contig(site.chromosome) else { continue };
        let mut rng = generator(seed, &["reads", site.rsid]);
        let from = (site.position as usize).saturating_sub(REACH).max(1);
        let window = bases(seed, contig, from, 2 * REACH + 2 * LENGTH);
        for number in 0..PAIRS {
            let name = format!("V3000{}L1C{:03}R{number:07}", site.position, contig + 1);
            let first = rng.random_range(0..2 * REACH - 400);
            let insert = rng.random_range(280..420);
            let second = first + insert - LENGTH;
            for (at, mate, flags, sign) in [(first, second, 99, 1), (second, first, 147, -1)] {
                let place = Place {
                    contig,
                    start: from + at,
                    mate_start: from + mate,
                    template: sign * insert as i32,
                    steps: Vec::new(),
                    mismatches: 0,
                };
                reads.push(sequence(&mut rng, name.clone(), flags, place, &window[at..], site));
            }
        }
    }
    // Where a clip moved a read, its mate must know.
    reads.sort_by(|one, other| one.name.cmp(&other.name).then(one.flags.cmp(&other.flags)));
    for pair in reads.chunks_exact_mut(2) {
        let [one, other] = pair else { continue };
        if let (Some(one), Some(other)) = (&mut one.place, &mut other.place) {
            (one.mate_start, other.mate_start) = (other.start, one.start);
        }
    }
    reads.sort_by_key(|read| read.place.as_ref().map(|place| (place.contig, place.start)));
    let mut rng = generator(seed, &["reads", "unmapped"]);
    for number in 0..UNMAPPED {
        for flags in [77, 141] {
            let bases = (0..LENGTH).map(|_| pick(&mut rng, b"ACGT")).collect();
            let name = format!("V3000L1C000R{number:07}");
            reads.push(Read { name, flags, place: None, bases, qualities: qualities(&mut rng) });
        }
    }
    reads
}

/// What the sequencer makes of the reference at a place.
fn sequence(
    rng: &mut impl rand::Rng,
    name: String,
    flags: u16,
    mut place: Place,
    reference: &[u8],
    site: &Site,
) -> Read {
    let start = place.start;
    let (mut bases, clip) = match rng.random_range(0..100) {
        0..3 => {
            place.steps = vec![(Step::Match, LENGTH / 2), (Step::Deletion, 2), (Step::Match, LENGTH / 2)];
            let after = &reference[LENGTH / 2 + 2..LENGTH + 2];
            ([&reference[..LENGTH / 2], after].concat(), 0)
        }
        3..6 => {
            place.steps = vec![(Step::Clip, 10), (Step::Match, LENGTH - 10)];
            place.start += 10;
            (reference[..LENGTH].to_vec(), 10)
        }
        _ => {
            place.steps = vec![(Step::Match, LENGTH)];
            (reference[..LENGTH].to_vec(), 0)
        }
    };
    let original = bases.clone();
    for base in &mut bases[..clip] {
        *base = other_base(rng, *base);
    }
    // Half of the reads have the other allele, where it is a single base; a deletion lies behind none of them.
    let at = (site.position as usize).checked_sub(start).filter(|at| *at < LENGTH / 2);
    if let (Some(at), [alternate], true) = (at, site.alternate.as_bytes(), site.reference.len() == 1)
        && rng.random_bool(0.5)
    {
        bases[at] = *alternate;
    }
    let errors = if rng.random_bool(0.3) { rng.random_range(1..4) } else { 0 };
    for _ in 0..errors {
        let at = rng.random_range(clip..LENGTH);
        bases[at] = other_base(rng, bases[at]);
    }
    place.mismatches =
        bases[clip..].iter().zip(&original[clip..]).filter(|(read, reference)| read != reference).count();
    Read { name, flags, place: Some(place), bases, qualities: qualities(rng) }
}

/// In the few steps that today's sequencers report.
fn qualities(rng: &mut impl rand::Rng) -> Vec<u8> {
    let mut qualities = vec![37; LENGTH];
    for _ in 0..rng.random_range(4..16) {
        qualities[rng.random_range(0..LENGTH)] = pick(rng, &[25, 25, 25, 11, 2]);
    }
    qualities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_sorted_and_pairs_know_each_other() {
        let reads = all(1);
        assert_eq!(reads.len(), 48_100);
        let places: Vec<_> = reads.iter().map_while(|read| read.place.as_ref()).collect();
        assert_eq!(places.len(), 48_000);
        assert!(places.windows(2).all(|two| (two[0].contig, two[0].start) <= (two[1].contig, two[1].start)));
        for read in &reads {
            assert_eq!((read.bases.len(), read.qualities.len()), (LENGTH, LENGTH));
            let Some(place) = &read.place else { continue };
            let read_bases = place.steps.iter().filter(|(step, _)| *step != Step::Deletion);
            assert_eq!(read_bases.map(|(_, length)| length).sum::<usize>(), LENGTH);
            assert!(read.end().unwrap() < place.start + LENGTH + 2);
        }
        let mut pair: Vec<_> = reads.iter().filter(|read| read.name == reads[0].name).collect();
        pair.sort_by_key(|read| read.flags);
        let [one, other] = pair[..] else { panic!() };
        let (one, other) = (one.place.as_ref().unwrap(), other.place.as_ref().unwrap());
        assert_eq!((one.mate_start, other.mate_start), (other.start, one.start));
        assert_eq!(one.template, -other.template);
    }
}
