//! What a download has already, stretch by stretch, each with its checksum.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{crc64::combine, crypt::Envelope};

/// What the server says of the object; a download goes on only while it says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub size: u64,
    pub validator: Validator,
    pub crc64: Option<u64>,
    /// How it is encrypted, where it is decrypted on the way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub envelope: Option<Envelope>,
    #[serde(default)]
    pub is_encrypted: bool,
    /// A digest of the whole address, where the caller gave it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
}

impl Facts {
    /// Whether what is known of an object at one address counts at this one, which differs from it in no more than query,
    /// user and password. An ETag is enough to know a version by; a time is only one of many files'.
    pub(super) fn is_known_at(&self, address: Option<&str>) -> bool {
        matches!(self.validator, Validator::Etag(_)) || self.address.as_deref() == address
    }
}

/// By what a version of an object is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Validator {
    Etag(String),
    LastModified(String),
}

impl std::fmt::Display for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Validator::Etag(etag) => write!(f, "ETag {etag}"),
            Validator::LastModified(date) => write!(f, "Last-Modified {date}"),
        }
    }
}

/// A stretch that is there, up to but without its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stretch {
    pub end: u64,
    /// Of the bytes as they came.
    pub crc64: u64,
    /// Of the bytes as they stand on the disk, where they were decrypted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plain: Option<u64>,
}

impl Stretch {
    /// The checksum of what is on the disk.
    pub(super) fn on_disk(&self) -> u64 {
        self.plain.unwrap_or(self.crc64)
    }

    /// With the one that follows it.
    fn joined(&self, next: &Stretch, length: u64) -> Stretch {
        let plain = match (self.plain, next.plain) {
            (Some(one), Some(other)) => Some(combine(one, other, length)),
            _ => None,
        };
        Stretch { end: next.end, crc64: combine(self.crc64, next.crc64, length), plain }
    }
}

/// A line of a download's journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Begun(Facts),
    Stretch(u64, Stretch),
}

/// The state of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DownloadState {
    pub facts: Facts,
    /// By where they begin; none overlap.
    done: BTreeMap<u64, Stretch>,
}

impl DownloadState {
    pub(super) fn new(facts: Facts) -> Self {
        DownloadState { facts, done: BTreeMap::new() }
    }

    /// The state that the lines of a journal record, not joined yet; `None` when they do not hold together.
    pub(super) fn replayed(lines: Vec<Line>) -> Option<Self> {
        let mut state: Option<Self> = None;
        for line in lines {
            match (line, &mut state) {
                (Line::Begun(facts), _) => state = Some(DownloadState::new(facts)),
                (Line::Stretch(start, stretch), Some(state)) => {
                    if start >= stretch.end || stretch.end > state.facts.size {
                        return None;
                    }
                    state.lay(start, stretch);
                }
                (Line::Stretch(..), None) => return None,
            }
        }
        state
    }

    /// Puts a stretch in its place; what it covers, even in part, came earlier and counts no more.
    fn lay(&mut self, start: u64, stretch: Stretch) {
        while let Some((before, covered)) = self.done.range(..stretch.end).next_back()
            && covered.end > start
        {
            let before = *before;
            self.done.remove(&before);
        }
        self.done.insert(start, stretch);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    pub(super) fn stretches(&self) -> Vec<(u64, Stretch)> {
        self.done.iter().map(|(start, stretch)| (*start, stretch.clone())).collect()
    }

    /// The same with its stretches joined where they touch.
    pub(super) fn joined(self) -> Self {
        let mut joined = DownloadState::new(self.facts);
        self.done.into_iter().for_each(|(start, stretch)| joined.note(start, stretch));
        joined
    }

    pub(super) fn forget(&mut self, start: u64) {
        self.done.remove(&start);
    }

    /// Notes a stretch, joined to its neighbours.
    pub(super) fn note(&mut self, mut start: u64, mut stretch: Stretch) {
        if start >= stretch.end {
            return;
        }
        let before = self.done.range(..start).next_back().map(|(start, before)| (*start, before.clone()));
        if let Some((at, before)) = before.filter(|(_, before)| before.end == start) {
            self.done.remove(&at);
            stretch = before.joined(&stretch, stretch.end - start);
            start = at;
        }
        if let Some(after) = self.done.remove(&stretch.end) {
            let length = after.end - stretch.end;
            stretch = stretch.joined(&after, length);
        }
        self.done.insert(start, stretch);
    }

    pub(super) fn done(&self) -> u64 {
        self.done.iter().map(|(start, stretch)| stretch.end - start).sum()
    }

    /// What is not there yet, in order.
    pub(super) fn gaps(&self) -> VecDeque<(u64, u64)> {
        let mut gaps = VecDeque::new();
        let mut at = 0;
        for (start, end) in self
            .done
            .iter()
            .map(|(start, stretch)| (*start, stretch.end))
            .chain([(self.facts.size, u64::MAX)])
        {
            if at < start {
                gaps.push_back((at, start));
            }
            at = end;
        }
        gaps
    }

    /// The checksum of it all, as it came, once all is there.
    pub(super) fn sum(&self) -> Option<u64> {
        match self.done.first_key_value() {
            None if self.facts.size == 0 => Some(0),
            Some((0, stretch)) if stretch.end == self.facts.size => Some(stretch.crc64),
            _ => None,
        }
    }
}

/// Gaps, cut into pieces as they are handed out: an object of any size costs no memory.
pub(super) struct Pieces {
    gaps: VecDeque<(u64, u64)>,
    longest: u64,
}

impl Pieces {
    pub(super) fn new(gaps: VecDeque<(u64, u64)>, longest: u64) -> Self {
        Pieces { gaps, longest: longest.max(1) }
    }

    /// How many there are, as far as `most`.
    pub(super) fn count_to(&self, most: usize) -> usize {
        let mut count = 0u64;
        for (start, end) in &self.gaps {
            count = count.saturating_add((end - start).div_ceil(self.longest));
            if count >= most as u64 {
                return most;
            }
        }
        count as usize
    }
}

impl Iterator for Pieces {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        let (start, end) = self.gaps.pop_front()?;
        let to = end.min(start.saturating_add(self.longest));
        if to < end {
            self.gaps.push_front((to, end));
        }
        Some((start, to))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::crc64::Running, *};

    fn facts(size: u64) -> Facts {
        Facts {
            size,
            validator: Validator::Etag("\"e\"".into()),
            crc64: None,
            envelope: None,
            is_encrypted: false,
            address: None,
        }
    }

    fn crc(bytes: &[u8]) -> u64 {
        let mut running = Running::new();
        running.write(bytes);
        running.sum()
    }

    fn stretch(end: u64, crc64: u64) -> Stretch {
        Stretch { end, crc64, plain: None }
    }

    #[test]
    fn stretches_join_in_any_order() {
        let (bytes, plain) = (b"0123456789", b"abcdefghij");
        let mut state = DownloadState::new(facts(10));
        for (start, end) in [(6, 8), (0, 3), (8, 10), (3, 6)] {
            assert_eq!(state.sum(), None);
            let of = |bytes: &[u8]| crc(&bytes[start as usize..end as usize]);
            state.note(start, Stretch { end, crc64: of(bytes), plain: Some(of(plain)) });
        }
        assert_eq!(state.sum(), Some(crc(bytes)));
        assert_eq!(state.stretches(), [(0, Stretch { end: 10, crc64: crc(bytes), plain: Some(crc(plain)) })]);
        assert!(state.gaps().is_empty());
    }

    #[test]
    fn what_is_missing_comes_in_pieces() {
        let mut state = DownloadState::new(facts(10));
        let pieces = |state: &DownloadState| Pieces::new(state.gaps(), 4).collect::<Vec<_>>();
        assert_eq!(pieces(&state), [(0, 4), (4, 8), (8, 10)]);
        state.note(2, stretch(5, 0));
        assert_eq!(pieces(&state), [(0, 2), (5, 9), (9, 10)]);
        assert_eq!(state.done(), 3);
        assert_eq!(Pieces::new(state.gaps(), 4).count_to(100), 3);
    }

    #[test]
    fn an_absurd_size_costs_nothing() {
        let state = DownloadState::new(facts(i64::MAX as u64));
        let mut pieces = Pieces::new(state.gaps(), 8 << 20);
        assert_eq!(pieces.count_to(1024), 1024);
        assert_eq!(pieces.next(), Some((0, 8 << 20)));
        assert_eq!(Pieces::new([(0, u64::MAX)].into(), 1).count_to(3), 3);
    }

    #[test]
    fn lines_that_do_not_hold_together_tell_nothing() {
        let read = |stretches: &[(u64, u64)]| {
            let mut lines = vec![Line::Begun(facts(10))];
            lines.extend(stretches.iter().map(|(start, end)| Line::Stretch(*start, stretch(*end, *start))));
            DownloadState::replayed(lines)
        };
        assert_eq!(read(&[(2, 5), (7, 9)]).expect("a state").done(), 5);
        let joined = read(&[(5, 10), (0, 5)]).expect("a state").joined();
        assert_eq!((joined.stretches().len(), joined.gaps().len()), (1, 0));
        for wrong in [(2, 11), (5, 5), (6, 5), (u64::MAX, u64::MAX)] {
            assert_eq!(read(&[wrong]), None, "{wrong:?}");
        }
        assert_eq!(DownloadState::replayed(vec![Line::Stretch(0, stretch(1, 0))]), None);
        assert_eq!(DownloadState::replayed(Vec::new()), None);
        // What came later counts.
        let state = read(&[(0, 4), (4, 8), (2, 6)]).expect("a state");
        assert_eq!(state.stretches(), [(2, stretch(6, 2))]);
    }
}
