//! CRC-64/XZ, the object store's checksum: of bytes, and of two stretches put together.

use crc64fast::Digest;

/// The polynomial 0x42F0E1EBA9EA3693, reflected.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// The checksum of a stretch of bytes, as it grows.
#[derive(Clone)]
pub(super) struct Running {
    /// Of what was there before `digest` began.
    before: u64,
    digest: Digest,
    length: u64,
}

impl Running {
    pub(super) fn new() -> Self {
        Running::after(0)
    }

    /// Goes on after a stretch whose checksum is known.
    pub(super) fn after(crc: u64) -> Self {
        Running { before: crc, digest: Digest::new(), length: 0 }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.digest.write(bytes);
        self.length += bytes.len() as u64;
    }

    pub(super) fn sum(&self) -> u64 {
        match self.before {
            0 => self.digest.sum64(),
            before => combine(before, self.digest.sum64(), self.length),
        }
    }
}

type Matrix = [u64; 64];

fn times(matrix: &Matrix, vector: u64) -> u64 {
    matrix.iter().enumerate().filter(|(bit, _)| vector >> bit & 1 == 1).fold(0, |sum, (_, row)| sum ^ row)
}

fn squared(matrix: &Matrix) -> Matrix {
    matrix.map(|row| times(matrix, row))
}

/// The checksum of two stretches one after the other, from the checksum of each and the length of the second.
pub(super) fn combine(first: u64, second: u64, second_length: u64) -> u64 {
    if first == 0 {
        // Zeros in front of the polynomial's register change nothing: 0 is the checksum of nothing.
        return second;
    }
    // The matrix that moves a register past one zero bit; squared three times, past one zero byte.
    let mut past = std::array::from_fn(|bit| if bit == 0 { POLYNOMIAL } else { 1 << (bit - 1) });
    for _ in 0..3 {
        past = squared(&past);
    }
    let mut moved = first;
    let mut left = second_length;
    while left > 0 {
        if left & 1 == 1 {
            moved = times(&past, moved);
        }
        left >>= 1;
        if left > 0 {
            past = squared(&past);
        }
    }
    moved ^ second
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(bytes: &[u8]) -> u64 {
        let mut running = Running::new();
        running.write(bytes);
        running.sum()
    }

    #[test]
    fn the_check_values() {
        assert_eq!(crc(b""), 0);
        assert_eq!(crc(b"123456789"), 11051210869376104954);
        assert_eq!(crc(b"123456789"), 0x995d_c9bb_df19_39fa);
    }

    #[test]
    fn parts_combine() {
        assert_eq!((crc(b"12345"), crc(b"6789")), (6748440630437108969, 10278880121275185425));
        assert_eq!(combine(6748440630437108969, 10278880121275185425, 4), 11051210869376104954);
        let bytes: Vec<u8> = (0..100_003u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        for cut in [0, 1, 7, 4096, 65_537, bytes.len()] {
            let (one, other) = bytes.split_at(cut);
            assert_eq!(combine(crc(one), crc(other), other.len() as u64), crc(&bytes), "{cut}");
            let mut running = Running::after(crc(one));
            running.write(other);
            assert_eq!(running.sum(), crc(&bytes), "{cut}");
        }
    }
}
