//! The platform's three ways of walking pages.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::envelope::Refusal;
use crate::world::options::{Count, Options};

/// A page of a list of `total` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub start: usize,
    pub end: usize,
}

impl Page {
    fn at(start: usize, limit: usize, total: usize) -> Page {
        let start = start.min(total);
        Page { start, end: start.saturating_add(limit).min(total) }
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.start..self.end
    }

    pub fn rows(self) -> usize {
        self.end - self.start
    }
}

/// One page, what the next one is asked for with (`None` at the end), and what the answer says as `count`.
#[derive(Debug, PartialEq)]
pub struct Listed<N> {
    pub page: Page,
    pub next: Option<N>,
    pub count: usize,
}

/// How lists are walked while the options stand as they do.
#[derive(Debug, Clone, Copy)]
pub struct Walking {
    /// `next` names the page just given, for ever.
    repeat_token: bool,
    /// There is always a next page, and past the end it is the last one again.
    repeat_last: bool,
    /// A walk by tokens ends with an empty one.
    empty_last: bool,
    count: Count,
}

impl Walking {
    pub fn new(options: &Options) -> Walking {
        Walking {
            repeat_token: options.repeat_page_token,
            repeat_last: options.repeat_last_page,
            empty_last: options.empty_last_token,
            count: options.count,
        }
    }

    fn listed<N>(self, page: Page, next: Option<N>, total: usize) -> Listed<N> {
        let count = match self.count {
            Count::Total => total,
            Count::Page => page.rows(),
        };
        Listed { page, next, count }
    }

    /// Page `number`, from 1.
    pub fn by_number(self, number: usize, limit: usize, total: usize) -> Listed<usize> {
        let mut page = Page::at(number.saturating_sub(1).saturating_mul(limit), limit, total);
        if self.repeat_last && page.rows() == 0 {
            page = last(limit, total);
        }
        let next = match self {
            Walking { repeat_token: true, .. } => Some(number),
            Walking { repeat_last: true, .. } => Some(number.saturating_add(1)),
            _ => (page.end < total && page.rows() > 0).then(|| number + 1),
        };
        self.listed(page, next, total)
    }

    /// The page that a token names; the first one without a token.
    pub fn by_token(
        self,
        walk: &Walk,
        token: Option<&str>,
        limit: usize,
        total: usize,
    ) -> Result<Listed<String>, Refusal> {
        let place = walk.place(token)?;
        let page = Page::at(place.start, limit, total);
        let next = match self {
            Walking { repeat_token: true, .. } => Some(walk.token(Place { start: page.start, round: 0 })),
            _ if page.end < total => Some(walk.token(Place { start: page.end, round: 0 })),
            Walking { repeat_last: true, .. } => {
                Some(walk.token(Place { start: last(limit, total).start, round: place.round + 1 }))
            }
            Walking { empty_last: true, .. } => Some(String::new()),
            _ => None,
        };
        Ok(self.listed(page, next, total))
    }
}

/// The last page that has rows.
fn last(limit: usize, total: usize) -> Page {
    Page::at(total.saturating_sub(1) / limit.max(1) * limit, limit, total)
}

/// Where a token leads: a row, and how often the last page has been given before, so that every token is new.
struct Place {
    start: usize,
    round: u64,
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

    fn token(&self, place: Place) -> String {
        let round = if place.round > 0 { format!("~{}", place.round) } else { String::new() };
        BASE64_STANDARD.encode(format!("{}@{}-{}{round}", self.prefix, place.start, self.check))
    }

    fn place(&self, token: Option<&str>) -> Result<Place, Refusal> {
        let Some(token) = token else { return Ok(Place { start: 0, round: 0 }) };
        self.decode(token).ok_or_else(|| Refusal::argument("next_page", "不是本接口返回的分页参数"))
    }

    fn decode(&self, token: &str) -> Option<Place> {
        let text = String::from_utf8(BASE64_STANDARD.decode(token).ok()?).ok()?;
        let (start, check) = text.strip_prefix(self.prefix)?.strip_prefix('@')?.split_once('-')?;
        let (check, round) = check.split_once('~').unwrap_or((check, "0"));
        if check != self.check {
            return None;
        }
        Some(Place { start: start.parse().ok()?, round: round.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Walking {
        Walking::new(&Options::default())
    }

    #[test]
    fn a_walk_visits_every_row_once() {
        let walk = Walk::new("WH", 1, &["E-F1", "go"]);
        let (mut token, mut seen) = (None, Vec::new());
        loop {
            let part = plain().by_token(&walk, token.as_deref(), 3, 10).unwrap();
            seen.extend(part.page.range());
            assert_eq!(part.count, 10);
            token = part.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let next = |walk: &Walk, token: Option<&str>| plain().by_token(walk, token, 3, 10);
        let token = next(&Walk::new("WH", 1, &["E-F1", "go"]), None).unwrap().next.unwrap();
        let again = next(&Walk::new("WH", 1, &["E-F1", "go"]), Some(&token)).unwrap();
        assert_eq!(again.page.range(), 3..6);
        assert_eq!(next(&Walk::new("WH", 1, &["E-F1", "ko"]), Some(&token)).unwrap_err().code, 41001);
        assert_eq!(next(&Walk::new("WH", 1, &["E-F1", "go"]), Some("2")).unwrap_err().code, 41001);
    }

    #[test]
    fn numbers_end_with_the_rows() {
        let part = |number| plain().by_number(number, 4, 9);
        assert_eq!((part(1).page.range(), part(1).next), (0..4, Some(2)));
        assert_eq!((part(3).page.range(), part(3).next), (8..9, None));
        assert_eq!((part(9).page.rows(), part(9).next), (0, None));
        assert_eq!(part(usize::MAX).page.rows(), 0);
        let repeating = Walking { repeat_token: true, ..plain() };
        assert_eq!(repeating.by_number(3, 4, 9).next, Some(3));
    }

    #[test]
    fn the_last_page_can_come_again_and_again_under_a_new_name() {
        let walking = Walking { repeat_last: true, count: Count::Page, ..plain() };
        for number in [3, 4, 100] {
            let part = walking.by_number(number, 4, 9);
            assert_eq!((part.page.range(), part.next, part.count), (8..9, Some(number + 1), 1));
        }
        assert_eq!(walking.by_number(2, 4, 8).page.range(), 4..8);
        assert_eq!(walking.by_number(3, 4, 8).page.range(), 4..8);
        assert_eq!(walking.by_number(1, 4, 0).page.rows(), 0);
        let walk = Walk::new("WH", 1, &["E-F1"]);
        let (mut token, mut tokens, mut pages) = (None, Vec::new(), Vec::new());
        for _ in 0..5 {
            let part = walking.by_token(&walk, token.as_deref(), 4, 8).unwrap();
            pages.push(part.page.range());
            token = part.next;
            tokens.push(token.clone().unwrap());
        }
        assert_eq!(pages, [0..4, 4..8, 4..8, 4..8, 4..8]);
        tokens.sort_unstable();
        tokens.dedup();
        assert_eq!(tokens.len(), 5);
    }
}
