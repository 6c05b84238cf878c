//! Keeps secrets and personal data out of every message, log line and dump.

use std::{fmt, sync::Arc};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";

/// Shorter texts would mask half of every message and protect nothing.
const SHORTEST: usize = 4;

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
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for spelling in [secret, quoted.trim_matches('"'), &ascii, &percent, &form] {
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
}
