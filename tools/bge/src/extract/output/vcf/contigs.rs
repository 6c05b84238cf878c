//! The sequences of GRCh38, and how long they are.

const GRCH38: [(&str, usize); 25] = [
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

/// The longest sequence that a .tbi index reaches.
const LONGEST: i64 = 1 << 29;

/// The chromosomes, and whatever other sequences the platform names.
pub struct Contigs(Vec<(String, Option<usize>)>);

impl Contigs {
    pub fn new() -> Self {
        Contigs(GRCH38.iter().map(|(name, length)| ((*name).to_owned(), Some(*length))).collect())
    }

    /// Which one it is; `15` and `MT` are `chr15` and `chrM`.
    pub fn number(&mut self, name: &str) -> Option<u16> {
        let bare = name.strip_prefix("chr").unwrap_or(name);
        let bare = if bare == "MT" { "M" } else { bare };
        let is_same = |known: &str| known == name || known.strip_prefix("chr") == Some(bare);
        let known = self.0.iter().position(|(known, _)| is_same(known));
        let number = known.or_else(|| {
            let is_name = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            is_name.then(|| self.0.push((name.to_owned(), None)))?;
            Some(self.0.len() - 1)
        });
        number.and_then(|number| u16::try_from(number).ok())
    }

    pub fn name(&self, number: u16) -> &str {
        self.0.get(usize::from(number)).map_or("", |(name, _)| name)
    }

    /// Whether there is such a place, counted from 1.
    pub fn has(&self, number: u16, position: i64) -> bool {
        let known = self.0.get(usize::from(number)).and_then(|(_, length)| *length);
        let last = known.and_then(|length| i64::try_from(length).ok()).unwrap_or(LONGEST);
        (1..=last).contains(&position)
    }

    pub fn all(&self) -> impl Iterator<Item = (&str, Option<usize>)> {
        self.0.iter().map(|(name, length)| (name.as_str(), *length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_sequence() {
        let mut contigs = Contigs::new();
        assert_eq!(contigs.number("chr15"), Some(14));
        assert_eq!(contigs.number("15"), Some(14));
        assert_eq!(contigs.number("MT"), contigs.number("chrM"));
        assert_eq!(contigs.number("chrUn_KI270742v1"), Some(25));
        assert_eq!(contigs.number("chrUn_KI270742v1"), Some(25));
        for none in ["", "chr 1", "<x>"] {
            assert_eq!(contigs.number(none), None, "{none}");
        }
        assert!(contigs.has(14, 101_991_189) && !contigs.has(14, 101_991_190) && !contigs.has(14, 0));
        // As in the header of dbSNP's and gnomAD's files.
        assert_eq!(GRCH38.iter().map(|(_, length)| length).sum::<usize>(), 3_088_286_401);
    }
}
