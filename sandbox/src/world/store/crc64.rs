//! CRC-64/XZ as the store states it, and the arithmetic that joins the checksums of parts.

/// Reflected form of the polynomial 0x42F0E1EBA9EA3693.
const POLY: u64 = 0xC96C_5795_D787_0F42;

/// Checksum of bytes that are all at hand.
#[cfg(test)]
pub fn of(bytes: &[u8]) -> u64 {
    let mut digest = crc64fast::Digest::new();
    digest.write(bytes);
    digest.sum64()
}

/// Checksum of `a` followed by `b`, from the checksum of each and the length of `b` in bytes.
///
/// Initial value and final xor are the same, so they cancel out: the first checksum moves up by
/// the length of the second, as a product of polynomials over GF(2).
pub fn combine(a: u64, b: u64, len_b: u64) -> u64 {
    multiply(x_to_the_8n(len_b), a) ^ b
}

/// Product modulo the polynomial; the most significant bit is the coefficient of x^0.
fn multiply(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    for bit in (0..64).rev() {
        if a >> bit & 1 == 1 {
            product ^= b;
        }
        b = if b & 1 == 1 { b >> 1 ^ POLY } else { b >> 1 };
    }
    product
}

fn x_to_the_8n(mut n: u64) -> u64 {
    let mut power = 1 << 63;
    let mut square = 1 << (63 - 8);
    while n > 0 {
        if n & 1 == 1 {
            power = multiply(square, power);
        }
        square = multiply(square, square);
        n >>= 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_check_values() {
        assert_eq!(of(b"123456789"), 11051210869376104954);
        assert_eq!(of(b""), 0);
    }

    #[test]
    fn combining_two_halves_gives_the_whole() {
        assert_eq!(combine(6748440630437108969, 10278880121275185425, 4), 11051210869376104954);
        assert_eq!(combine(0, of(b"whole"), 5), of(b"whole"));
        assert_eq!(combine(of(b"whole"), of(b""), 0), of(b"whole"));
    }

    #[test]
    fn combining_holds_at_every_cut_of_a_long_text() {
        let text: Vec<u8> = (0..5000u32).map(|i| (i * 31 % 251) as u8).collect();
        for cut in [1, 7, 8, 9, 1000, 4096, 4999] {
            let (head, tail) = text.split_at(cut);
            assert_eq!(combine(of(head), of(tail), tail.len() as u64), of(&text));
        }
    }
}
