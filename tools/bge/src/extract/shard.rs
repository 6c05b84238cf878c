//! Parts of a cohort that any number of machines agree on.

use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Part `index` of `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// Whether a sample is in this part: the first 8 bytes of the SHA-256 of its upper-case id, as a big-endian number,
    /// modulo the number of parts.
    pub fn has(self, biosample_id: &str) -> bool {
        let hash = Sha256::digest(biosample_id.to_uppercase());
        let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % self.count == self.index
    }

    /// Which it is, and of how many.
    pub fn numbers(self) -> (u64, u64) {
        (self.index, self.count)
    }

    /// Whether it is all there is.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((index, count)) if index < count => Ok(Shard { index, count }),
            _ => Err("must be I/N with I from 0 to N-1".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_one_part_and_always_in_the_same() {
        let parts: Vec<Shard> = (0..7).map(|index| Shard { index, count: 7 }).collect();
        let mut sizes = [0; 7];
        for number in 0..7_000 {
            let id = format!("E-F{number:011}");
            let in_these: Vec<usize> = (0..7).filter(|part| parts[*part].has(&id)).collect();
            assert_eq!(in_these.len(), 1, "{id}");
            sizes[in_these[0]] += 1;
        }
        assert!(sizes.iter().all(|size| (850..1_150).contains(size)), "{sizes:?}");
        // Worked out with sha256sum.
        for (id, index) in [("E-F1", 2), ("e-f2", 0), ("E-F2", 0), ("E-B12345678901", 4)] {
            assert!(Shard { index, count: 5 }.has(id), "{id}");
        }
        assert_eq!("3/4".parse(), Ok(Shard { index: 3, count: 4 }));
        for wrong in ["4/4", "1", "-1/2", "a/b", "0/0", "1/2/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
