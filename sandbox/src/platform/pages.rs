//! The platform's three ways of walking pages.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::envelope::Refusal;

/// A page of a list of `total` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub start: usize,
    pub end: usize,
}

impl Page {
    pub fn at(start: usize, limit: usize, total: usize) -> Page {
        let start = start.min(total);
        Page { start, end: start.saturating_add(limit).min(total) }
    }

    /// Page `number`, from 1.
    pub fn numbered(number: usize, limit: usize, total: usize) -> Page {
        Page::at(number.saturating_sub(1).saturating_mul(limit), limit, total)
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// The list that an opaque page token walks. A token is good only for the list that it was made for.
pub struct Walk {
    prefix: &'static str,
    check: String,
}

impl Walk {
    /// `list` is everything that decides what the list holds.
    pub fn new(prefix: &'static str, seed: u64, list: &[&str]) -> Walk {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        for part in list {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        Walk { prefix, check: hex::encode(&hash.finalize()[..6]) }
    }

    pub fn token(&self, start: usize) -> String {
        BASE64_STANDARD.encode(format!("{}@{start}-{}", self.prefix, self.check))
    }

    /// Where the page that this token names starts; without one, at the beginning.
    pub fn start(&self, token: Option<&str>) -> Result<usize, Refusal> {
        let Some(token) = token else { return Ok(0) };
        self.decode(token).ok_or_else(|| Refusal::argument("next_page", "不是本接口返回的分页参数"))
    }

    fn decode(&self, token: &str) -> Option<usize> {
        let text = String::from_utf8(BASE64_STANDARD.decode(token).ok()?).ok()?;
        let (start, check) = text.strip_prefix(self.prefix)?.strip_prefix('@')?.split_once('-')?;
        if check == self.check { start.parse().ok() } else { None }
    }

    /// The token of the page after this one: `None` at the end. With `repeat` it names this page for ever.
    pub fn next(&self, page: Page, total: usize, repeat: bool) -> Option<String> {
        if repeat {
            return Some(self.token(page.start));
        }
        (page.end < total).then(|| self.token(page.end))
    }
}

/// The number of the page after page `number`: `None` at the end. With `repeat` it is the same number for ever.
pub fn next_number(number: usize, page: Page, total: usize, repeat: bool) -> Option<usize> {
    if repeat {
        return Some(number);
    }
    (page.end < total && page.start < page.end).then_some(number + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_visits_every_row_once() {
        let walk = Walk::new("WH", 1, &["E-F1", "go"]);
        let (mut token, mut seen) = (None, Vec::new());
        loop {
            let page = Page::at(walk.start(token.as_deref()).unwrap(), 3, 10);
            seen.extend(page.range());
            token = walk.next(page, 10, false);
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let token = Walk::new("WH", 1, &["E-F1", "go"]).token(3);
        assert_eq!(Walk::new("WH", 1, &["E-F1", "go"]).start(Some(&token)).unwrap(), 3);
        assert_eq!(Walk::new("WH", 1, &["E-F1", "ko"]).start(Some(&token)).unwrap_err().code, 41001);
        assert_eq!(Walk::new("WH", 1, &["E-F1", "go"]).start(Some("2")).unwrap_err().code, 41001);
    }

    #[test]
    fn numbers_end_with_the_rows() {
        assert_eq!(next_number(1, Page::numbered(1, 4, 9), 9, false), Some(2));
        assert_eq!(next_number(3, Page::numbered(3, 4, 9), 9, false), None);
        assert_eq!(next_number(9, Page::numbered(9, 4, 9), 9, false), None);
        assert_eq!(Page::numbered(3, 4, 9).range(), 8..9);
        assert_eq!(next_number(3, Page::numbered(3, 4, 9), 9, true), Some(3));
        assert!(Page::numbered(usize::MAX, 50, 9).range().is_empty());
    }
}
