//! Patterns of paths and queries.

use percent_encoding::percent_decode_str;

/// Whether `text` is what `pattern` says: `*` stands for any text, even none. A path is tried as sent and decoded.
pub fn matches(pattern: &str, text: &str) -> bool {
    glob(pattern.as_bytes(), text.as_bytes())
        || (text.contains('%')
            && glob(pattern.as_bytes(), percent_decode_str(text).decode_utf8_lossy().as_bytes()))
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == text.get(t) {
            p += 1;
            t += 1;
        } else if let Some((star_at, from)) = star {
            // Let the last star swallow one more byte and try again.
            star = Some((star_at, from + 1));
            p = star_at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern.iter().skip(p).all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("/samples", "/samples"));
        assert!(!matches("/samples", "/samples/register"));
        assert!(matches("/samples*", "/samples/register"));
        assert!(matches("*/register", "/samples/register"));
        assert!(matches("/bge/*/样*.txt", "/bge/d/%E6%A0%B7%E6%9C%AC.txt"));
        assert!(!matches("/a*b", "/ab/c"));
        assert!(matches("*partNumber=3&*", "partNumber=3&uploadId=1"));
        assert!(matches("*", ""));
    }
}
