//! Randomness that can be repeated: each thing has a generator of its own, named by what it is for.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime, macros::datetime};

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The generator for `what` (a word and the names it concerns) under a seed.
pub fn generator(seed: u64, what: &[&str]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for word in what {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// Letters and digits.
pub fn word(rng: &mut impl Rng, length: usize) -> String {
    (0..length).map(|_| char::from(pick(rng, LETTERS))).collect()
}

/// Decimal digits, the first of which is not 0.
pub fn digits(rng: &mut impl Rng, length: usize) -> String {
    (0..length).map(|at| char::from(b'0' + rng.random_range(u8::from(at == 0)..10))).collect()
}

/// A random UUID with hyphens.
pub fn uuid(rng: &mut impl Rng) -> String {
    let bytes = uuid::Builder::from_random_bytes(rng.random());
    bytes.into_uuid().to_string()
}

/// One of them.
pub fn pick<T: Copy>(rng: &mut impl Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

/// A number rounded to so many significant digits, as instruments report it.
pub fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

/// A moment between the starts of 2018 and 2023.
pub fn moment(rng: &mut impl Rng) -> OffsetDateTime {
    datetime!(2018-01-01 0:00 UTC) + Duration::seconds(rng.random_range(0..5 * 365 * 86_400))
}

/// `2020-08-31T04:03:09+0000`, as the platform writes most of its times.
pub fn timestamp(at: OffsetDateTime) -> String {
    let (date, clock) = (at.date(), at.time());
    let offset = at.offset();
    format!(
        "{date}T{:02}:{:02}:{:02}{}{:02}{:02}",
        clock.hour(),
        clock.minute(),
        clock.second(),
        if offset.is_negative() { '-' } else { '+' },
        offset.whole_hours().unsigned_abs(),
        offset.minutes_past_hour().unsigned_abs(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_sequence() {
        let of = |seed, what: &[&str]| word(&mut generator(seed, what), 12);
        assert_eq!(of(1, &["a", "b"]), of(1, &["a", "b"]));
        assert_ne!(of(1, &["a", "b"]), of(2, &["a", "b"]));
        assert_ne!(of(1, &["a", "b"]), of(1, &["ab", ""]));
    }

    #[test]
    fn significant_digits() {
        assert_eq!(significant(0.000_123_456, 3), 0.000_123);
        assert_eq!(significant(2.189_320_507_585_68e-10, 15), 2.18932050758568e-10);
        assert_eq!(significant(0.0, 5), 0.0);
    }

    #[test]
    fn times_are_written_as_the_platform_does() {
        assert_eq!(timestamp(datetime!(2020-08-31 4:03:09 UTC)), "2020-08-31T04:03:09+0000");
        assert_eq!(timestamp(datetime!(2021-03-04 15:17:23 +8)), "2021-03-04T15:17:23+0800");
    }
}
