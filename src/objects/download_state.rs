//! What a download has already, stretch by stretch, each with its checksum.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::crc64::combine;

/// What the server says of the object; a download goes on only while it says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub size: u64,
    pub validator: Validator,
    pub crc64: Option<u64>,
}

/// By what a version of an object is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Validator {
    Etag(String),
    LastModified(String),
}

/// The state of a download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DownloadState {
    version: u32,
    /// The object's name, or the URL without its query.
    pub object: String,
    pub facts: Facts,
    /// Start → end and checksum.
    done: BTreeMap<u64, (u64, u64)>,
}

const VERSION: u32 = 1;

impl DownloadState {
    pub(super) fn new(object: &str, facts: Facts) -> Self {
        DownloadState { version: VERSION, object: object.to_owned(), facts, done: BTreeMap::new() }
    }

    /// Reads a state; `None` when it is of something else, or does not hold together.
    pub(super) fn read(json: &str, object: &str) -> Option<Self> {
        let ledger: DownloadState = serde_json::from_str(json).ok()?;
        let mut at = 0;
        for (start, (end, _)) in &ledger.done {
            if *start < at || end <= start || *end > ledger.facts.size {
                return None;
            }
            at = *end;
        }
        (ledger.version == VERSION && ledger.object == object).then_some(ledger)
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    pub(super) fn stretches(&self) -> Vec<(u64, u64, u64)> {
        self.done.iter().map(|(start, (end, crc))| (*start, *end, *crc)).collect()
    }

    pub(super) fn forget(&mut self, start: u64) {
        self.done.remove(&start);
    }

    /// Notes a stretch, joined to its neighbours.
    pub(super) fn note(&mut self, mut start: u64, mut end: u64, mut crc: u64) {
        if start == end {
            return;
        }
        if let Some((before, (before_end, before_crc))) =
            self.done.range(..start).next_back().map(|(start, rest)| (*start, *rest))
            && before_end == start
        {
            self.done.remove(&before);
            crc = combine(before_crc, crc, end - start);
            start = before;
        }
        if let Some((after_end, after_crc)) = self.done.remove(&end) {
            crc = combine(crc, after_crc, after_end - end);
            end = after_end;
        }
        self.done.insert(start, (end, crc));
    }

    pub(super) fn done(&self) -> u64 {
        self.done.iter().map(|(start, (end, _))| end - start).sum()
    }

    /// What is not there yet, in pieces no longer than `longest`.
    pub(super) fn missing(&self, longest: u64) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        let mut at = 0;
        let ends = std::iter::once((self.facts.size, self.facts.size));
        for (start, end) in self.done.iter().map(|(start, (end, _))| (*start, *end)).chain(ends) {
            while at < start {
                let to = start.min(at.saturating_add(longest.max(1)));
                missing.push((at, to));
                at = to;
            }
            at = end;
        }
        missing
    }

    /// The checksum of it all, once all is there.
    pub(super) fn sum(&self) -> Option<u64> {
        match self.done.first_key_value() {
            None if self.facts.size == 0 => Some(0),
            Some((0, (end, crc))) if *end == self.facts.size => Some(*crc),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::crc64::Running, *};

    fn ledger(size: u64) -> DownloadState {
        let facts = Facts { size, validator: Validator::Etag("\"e\"".into()), crc64: None };
        DownloadState::new("d/o", facts)
    }

    fn crc(bytes: &[u8]) -> u64 {
        let mut running = Running::new();
        running.write(bytes);
        running.sum()
    }

    #[test]
    fn stretches_join_in_any_order() {
        let bytes = b"0123456789";
        let mut ledger = ledger(10);
        for (start, end) in [(6, 8), (0, 3), (8, 10), (3, 6)] {
            assert_eq!(ledger.sum(), None);
            ledger.note(start, end, crc(&bytes[start as usize..end as usize]));
        }
        assert_eq!(ledger.sum(), Some(crc(bytes)));
        assert_eq!(ledger.stretches().len(), 1);
        assert_eq!(ledger.missing(4), []);
    }

    #[test]
    fn what_is_missing_comes_in_pieces() {
        let mut ledger = ledger(10);
        assert_eq!(ledger.missing(4), [(0, 4), (4, 8), (8, 10)]);
        ledger.note(2, 5, 0);
        assert_eq!(ledger.missing(4), [(0, 2), (5, 9), (9, 10)]);
        assert_eq!(ledger.done(), 3);
    }

    #[test]
    fn only_a_sound_state_of_the_same_object_is_read() {
        let mut ledger = ledger(10);
        ledger.note(2, 5, 7);
        let json = ledger.to_json();
        assert_eq!(DownloadState::read(&json, "d/o"), Some(ledger));
        assert_eq!(DownloadState::read(&json, "d/other"), None);
        assert_eq!(DownloadState::read(&json.replace("5,7", "11,7"), "d/o"), None);
        assert_eq!(DownloadState::read("{}", "d/o"), None);
    }
}
