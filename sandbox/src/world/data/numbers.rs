//! Numbers as the platform writes them: the shortest text that names the double, with exponents of two digits or more.

use std::fmt::Write;

/// Adds `value` to JSON text. A value that JSON cannot say becomes `null`.
pub fn push_number(out: &mut String, value: f64) {
    if !value.is_finite() {
        out.push_str("null");
        return;
    }
    let start = out.len();
    // Writing to a string cannot fail.
    let _ = write!(out, "{value:?}");
    let Some(exponent) = out[start..].find('e').map(|at| start + at + 1) else { return };
    let negative = out[exponent..].starts_with('-');
    let digits = exponent + usize::from(negative);
    if out.len() - digits < 2 {
        out.insert(digits, '0');
    }
    if !negative {
        out.insert(exponent, '+');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_have_two_digits() {
        let text = |value| {
            let mut out = String::new();
            push_number(&mut out, value);
            out
        };
        assert_eq!(text(4.38145e-6), "4.38145e-06");
        assert_eq!(text(2.18932050758568e-10), "2.18932050758568e-10");
        assert_eq!(text(1e-4), "0.0001");
        assert_eq!(text(1e16), "1e+16");
        assert_eq!(text(1.31182), "1.31182");
        assert_eq!(text(0.0), "0.0");
        assert_eq!(text(f64::NAN), "null");
    }
}
