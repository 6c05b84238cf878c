//! What is learned of a limit that is not known: the first 429 slows down, and then the rate grows again.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// Microseconds since some moment that does not change.
pub(crate) type Micros = i64;

pub(crate) const SECOND: Micros = 1_000_000;

/// A 429 takes three tenths of the rate.
const CUT: f64 = 0.7;
/// The first one leaves so many a second at least, whoever sent few anyway; further ones may leave less.
const FIRST: f64 = 5.0;
const SLOWEST: f64 = 0.5;

/// How much was sent lately, and what a server thought of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Lesson {
    limit: Option<Limit>,
    /// The second that is counted, and the requests in it.
    second: Option<(Micros, u32)>,
    /// Requests in the one before.
    before: u32,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Limit {
    /// Requests in a second.
    rate: f64,
    /// Above this it is forgotten.
    enough: f64,
    cut: Micros,
    grown: Micros,
}

impl Lesson {
    /// A request is sent: how many there may be in a second, where there is a limit.
    pub(crate) fn sent(&mut self, now: Micros) -> Option<f64> {
        match &mut self.second {
            Some((begun, count)) if is_within(SECOND, *begun, now) => *count = count.saturating_add(1),
            second => {
                let (begun, count) = second.unwrap_or((now, 0));
                *second = Some((now, 1));
                self.before = if is_within(2 * SECOND, begun, now) { count } else { 0 };
            }
        }
        let limit = self.limit.as_mut()?;
        let seconds = now.saturating_sub(limit.grown).max(0) as f64 / SECOND as f64;
        limit.rate += (limit.rate * 0.1).max(1.0) * seconds;
        limit.grown = now;
        if limit.rate > limit.enough {
            self.limit = None;
            return None;
        }
        Some(limit.rate)
    }

    /// The server had too many. Those of one second are one: whether it is the first of them.
    pub(crate) fn refused(&mut self, now: Micros) -> bool {
        let seen = f64::from(self.before.max(self.second.map_or(0, |(_, count)| count)));
        let (rate, enough) = match self.limit {
            Some(limit) if is_within(SECOND, limit.cut, now) => return false,
            Some(limit) => ((limit.rate * CUT).max(SLOWEST), limit.enough),
            None => ((seen * CUT).max(FIRST), (seen * 4.0).max(20.0)),
        };
        self.limit = Some(Limit { rate, enough, cut: now, grown: now });
        true
    }

    /// All moments are so much later.
    pub(super) fn shift(&mut self, by: Micros) {
        if let Some(limit) = &mut self.limit {
            limit.cut = limit.cut.saturating_add(by);
            limit.grown = limit.grown.saturating_add(by);
        }
        if let Some((begun, _)) = &mut self.second {
            *begun = begun.saturating_add(by);
        }
    }

    /// Whether all numbers are such as this one writes.
    pub(super) fn is_sound(&self) -> bool {
        self.limit.is_none_or(|limit| limit.rate >= SLOWEST && limit.enough.is_finite())
    }
}

/// Whether a moment is less than `time` ago. Clocks that are read in turn may differ a little; what lies further ahead was
/// written by nobody who reads this one.
fn is_within(time: Micros, moment: Micros, now: Micros) -> bool {
    (-SECOND..time).contains(&now.saturating_sub(moment))
}

/// So many microseconds lie between two requests.
pub(crate) fn distance(per_second: f64) -> Micros {
    ((SECOND as f64 / per_second).min(86_400.0 * SECOND as f64)) as Micros
}

/// The lesson of one client.
#[derive(Debug)]
pub(crate) struct Learned {
    born: Instant,
    state: Mutex<(Lesson, Micros)>,
}

impl Default for Learned {
    fn default() -> Self {
        Learned { born: Instant::now(), state: Mutex::default() }
    }
}

impl Learned {
    fn with<T>(&self, now: Instant, work: impl FnOnce(&mut Lesson, &mut Micros, Micros) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (lesson, next) = &mut *state;
        let now = now.saturating_duration_since(self.born).as_micros();
        work(lesson, next, Micros::try_from(now).unwrap_or(Micros::MAX / 2))
    }

    /// Takes a turn: how long to wait for it.
    pub(crate) fn turn(&self, now: Instant) -> Duration {
        self.with(now, |lesson, next, now| {
            let Some(rate) = lesson.sent(now) else { return Duration::ZERO };
            let at = (*next).max(now);
            *next = at + distance(rate);
            Duration::from_micros((at - now).unsigned_abs())
        })
    }

    /// The server had too many.
    pub(crate) fn refused(&self, now: Instant) {
        self.with(now, |lesson, next, now| {
            if lesson.refused(now) {
                *next = now;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_slows_down_and_time_heals_it() {
        let learned = Learned::default();
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        assert!((0..40).all(|n| learned.turn(at(n * 20)).is_zero()), "free until somebody minds");
        learned.refused(at(800));
        learned.refused(at(801));
        // 40 in a second were seen: 28 are left, so that 14 turns take half a second.
        let waits: Vec<Duration> = (0..15).map(|_| learned.turn(at(801))).collect();
        assert!((0.45..0.55).contains(&waits[14].as_secs_f64()), "{waits:?}");
        learned.refused(at(2000));
        let waits: Vec<Duration> = (0..15).map(|_| learned.turn(at(2001))).collect();
        assert!(waits[14].as_secs_f64() > 0.55, "{waits:?}");
        assert!(learned.turn(at(200_000)).is_zero() && learned.turn(at(200_000)).is_zero(), "forgotten");
    }

    #[test]
    fn one_request_in_a_while_is_hardly_slowed() {
        let (learned, now) = (Learned::default(), Instant::now());
        learned.turn(now);
        learned.refused(now);
        learned.turn(now);
        assert!(learned.turn(now) <= Duration::from_millis(200));
    }
}
