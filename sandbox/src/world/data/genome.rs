//! The reference: the sequences of GRCh38, and made-up bases for them.

use rand::RngExt;

use super::seed::{generator, pick};
use super::variants::SITES;

/// Names and lengths, in the order of files that are sorted.
pub const CONTIGS: [(&str, usize); 25] = [
    ("chr1", 248_956_422),
    ("chr2", 242_193_529),
    ("chr3", 198_295_559),
    ("chr4", 190_214_555),
    ("chr5", 181_538_259),
    ("chr6", 170_805_979),
    ("chr7", 159_345_973),
    ("chr8", 145_138_636),
    ("chr9", 138_394_717),
    ("chr10", 133_797_422),
    ("chr11", 135_086_622),
    ("chr12", 133_275_309),
    ("chr13", 114_364_328),
    ("chr14", 107_043_718),
    ("chr15", 101_991_189),
    ("chr16", 90_338_345),
    ("chr17", 83_257_441),
    ("chr18", 80_373_285),
    ("chr19", 58_617_616),
    ("chr20", 64_444_167),
    ("chr21", 46_709_983),
    ("chr22", 50_818_468),
    ("chrX", 156_040_895),
    ("chrY", 57_227_415),
    ("chrM", 16_569),
];

/// Bases are made in pieces of this length.
const PIECE: usize = 1_000;

/// The number of a sequence in the order of the files.
pub fn contig(name: &str) -> Option<usize> {
    CONTIGS.iter().position(|(known, _)| *known == name)
}

/// The bases from a position (1-based) on. Where a studied site is, they are what it says.
pub fn bases(seed: u64, contig: usize, start: usize, length: usize) -> Vec<u8> {
    let name = CONTIGS[contig].0;
    let from = start - 1;
    let mut bases = Vec::with_capacity(length + 2 * PIECE);
    for piece in from / PIECE..=(from + length) / PIECE {
        let mut rng = generator(seed, &["reference", name, &piece.to_string()]);
        bases.extend((0..PIECE).map(|_| pick(&mut rng, b"ACGT")));
    }
    bases.drain(..from % PIECE);
    bases.truncate(length);
    for site in SITES.iter().filter(|site| site.chromosome == name) {
        let position = site.position as usize;
        for (at, base) in (position..).zip(site.reference.bytes()) {
            if let Some(place) = at.checked_sub(start).and_then(|at| bases.get_mut(at)) {
                *place = base;
            }
        }
    }
    bases
}

/// Another base than this one.
pub fn other_base(rng: &mut impl rand::Rng, base: u8) -> u8 {
    let others = b"ACGT".iter().copied().filter(|other| *other != base);
    others.clone().nth(rng.random_range(0..others.count())).unwrap_or(b'N')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_the_same_from_wherever_they_are_read() {
        let chr15 = contig("chr15").unwrap();
        let all = bases(1, chr15, 74_749_000, 3_000);
        assert_eq!(all.len(), 3_000);
        assert_eq!(bases(1, chr15, 74_749_500, 700), all[500..1_200]);
        // rs762551: C at 74,749,576.
        assert_eq!(bases(1, chr15, 74_749_576, 1), b"C");
        assert_eq!(all[576], b'C');
        assert_ne!(bases(2, chr15, 74_749_000, 3_000), all);
        for site in &SITES {
            let at = contig(site.chromosome).unwrap();
            let there = bases(1, at, site.position as usize, site.reference.len());
            assert_eq!(there, site.reference.as_bytes(), "{}", site.rsid);
        }
    }

    #[test]
    fn another_base_is_another_base() {
        let mut rng = generator(1, &["test"]);
        assert!((0..100).all(|_| other_base(&mut rng, b'G') != b'G'));
    }
}
