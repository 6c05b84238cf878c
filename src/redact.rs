//! Keeps secrets and personal data out of every message, log line and dump.

use std::{fmt, sync::Arc};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";

/// Shorter texts would mask half of every message and protect nothing.
const SHORTEST: usize = 4;

/// What most programs leave as it is when they percent-encode.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names under which a call, a model or an answer may hold what must not be shown.
const TELLING: [&str; 14] = [
    "password",
    "passwd",
    "secret",
    "token",
    "phone",
    "mobile",
    "idcard",
    "id_card",
    "realname",
    "signature",
    "credential",
    "access_key",
    "accesskey",
    "authorization",
];

/// Whether what has this name must not be shown.
pub(crate) fn is_telling(name: &str) -> bool {
    let lower = name.to_lowercase();
    TELLING.iter().any(|telling| lower.contains(telling))
}

/// The text with phone numbers (11 digits from 13… to 19…) and id-card numbers (15 or 18 characters) masked. Digits
/// that letters or other digits stand beside are parts of something else, such as a sample's id.
pub(crate) fn without_personal_numbers(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        clean.push_str(before);
        clean.push_str(if is_personal_number(word) { MASK } else { word });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

fn is_personal_number(word: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let of_phone = |text: &str| {
        text.len() == 11
            && text.starts_with('1')
            && !matches!(text.as_bytes()[1], b'0'..=b'2')
            && digits(text)
    };
    match word.len() {
        11 => of_phone(word),
        13 => word.strip_prefix("86").is_some_and(of_phone),
        15 => digits(word),
        18 => digits(word.trim_end_matches(['x', 'X'])) && digits(&word[..17]),
        _ => false,
    }
}

/// A text that shows itself to nobody by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Arc<str>);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Secret(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// The texts that one call must not let out, in each spelling a server might echo them in.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    spellings: Vec<String>,
}

impl Redactor {
    pub(crate) fn hide(&mut self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let quoted = serde_json::Value::from(secret).to_string();
        let ascii: String = secret
            .encode_utf16()
            .map(|unit| if unit < 128 { (unit as u8 as char).to_string() } else { format!("\\u{unit:04x}") })
            .collect();
        // A quote of the secret's own is escaped there: the two at the ends are the string's.
        let quoted = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let usual = utf8_percent_encode(secret, UNRESERVED).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_json = [quoted, &ascii].map(|text| text.replace('/', "\\/"));
        let in_url = [&percent, &usual, &form].map(|text| with_lower_codes(text));
        let all = [secret, quoted, &ascii, &percent, &usual, &form];
        for spelling in all.into_iter().chain(in_json.iter().chain(&in_url).map(String::as_str)) {
            if !self.spellings.iter().any(|known| known == spelling) {
                self.spellings.push(spelling.to_owned());
            }
        }
        // The longest first: a secret may be a part of another one.
        self.spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    }

    pub(crate) fn cleaned(&self, text: &str) -> Option<String> {
        let mut clean: Option<String> = None;
        for spelling in &self.spellings {
            let now = clean.as_deref().unwrap_or(text);
            if now.contains(spelling.as_str()) {
                clean = Some(now.replace(spelling.as_str(), MASK));
            }
        }
        clean
    }

    pub(crate) fn clean(&self, text: &mut String) {
        if let Some(clean) = self.cleaned(text) {
            *text = clean;
        }
    }
}

/// The same with the hexadecimal digits of its percent codes in lower case.
fn with_lower_codes(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let mut lower = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at(piece.len().min(2));
        lower.push_str(&format!("%{}{rest}", code.to_ascii_lowercase()));
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_secret_is_masked() {
        let mut redactor = Redactor::default();
        redactor.hide("p\"ä+/ ==x");
        for echo in ["p\"ä+/ ==x", "p\\\"ä+/ ==x", "p%22%C3%A4%2B%2F+%3D%3Dx", "p%22%C3%A4%2B%2F%20%3D%3Dx"]
        {
            assert_eq!(redactor.cleaned(&format!("<{echo}>")).as_deref(), Some("<***>"), "{echo}");
        }
        assert_eq!(redactor.cleaned("nothing of it"), None);
    }

    #[test]
    fn a_secret_shows_itself_to_no_debug_print() {
        assert_eq!(format!("{:?}", Secret::new("canary")), "***");
    }

    #[test]
    fn spellings_of_web_pages_and_other_json_writers_are_masked_too() {
        let mut redactor = Redactor::default();
        redactor.hide("my pass-word/~1");
        for echo in ["my%20pass-word%2F~1", r"my pass-word\/~1", "my%20pass-word%2f~1"] {
            assert_eq!(redactor.cleaned(&format!("<{echo}>")).as_deref(), Some("<***>"), "{echo}");
        }
    }
}
