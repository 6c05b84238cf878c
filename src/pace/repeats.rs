//! How many repeats a client may still send: an outage is not made worse by all of its calls at once.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// A hundred repeats without any answer; then there is one a second, until somebody is answered.
const MOST: f64 = 500.0;
const REPEAT: f64 = 5.0;
const A_SECOND: f64 = 5.0;
/// An answer pays for a fifth of a repeat; where few are left, for two of them, so that all who wait are soon served.
const ANSWER: f64 = 1.0;
const FIRST_ANSWERS: f64 = 10.0;

/// What repeats draw on.
#[derive(Debug)]
pub(crate) struct Repeats(Mutex<(f64, Instant)>);

impl Default for Repeats {
    fn default() -> Self {
        Repeats(Mutex::new((MOST, Instant::now())))
    }
}

impl Repeats {
    fn with<T>(&self, now: Instant, work: impl FnOnce(&mut f64) -> T) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (level, since) = &mut *state;
        let seconds = now.saturating_duration_since(*since).as_secs_f64();
        *since = now.max(*since);
        // By itself it only fills up to what a lone call needs at once.
        if *level < REPEAT {
            *level = (*level + A_SECOND * seconds).min(REPEAT);
        }
        work(level)
    }

    /// Takes one repeat, if there is one.
    pub(crate) fn take(&self, now: Instant) -> bool {
        self.with(now, |level| {
            let is_there = *level >= REPEAT;
            *level -= if is_there { REPEAT } else { 0.0 };
            is_there
        })
    }

    /// A server has answered.
    pub(crate) fn answered(&self, now: Instant) {
        self.with(now, |level| {
            let more = if *level < MOST / 2.0 { FIRST_ANSWERS } else { ANSWER };
            *level = (*level + more).min(MOST);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_outage_is_not_multiplied_and_its_end_is_soon_known_to_all() {
        let (repeats, begun) = (Repeats::default(), Instant::now());
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let taken = (0..3000).filter(|n| repeats.take(at(n * 10))).count();
        assert!((125..=130).contains(&taken), "{taken}: a hundred, and one a second");
        // One in a second is answered, and pays for two, which pay for four.
        let (mut now, mut rounds, mut served) = (30_000, 0, 0);
        while served < 200 {
            let round = (0..200 - served).filter(|_| repeats.take(at(now))).count();
            (0..round).for_each(|_| repeats.answered(at(now + 50)));
            (now, rounds, served) = (now + 100, rounds + 1, served + round);
        }
        assert!(rounds < 25, "{rounds}");
    }

    #[test]
    fn a_lone_call_has_all_the_repeats_that_it_wants() {
        let (repeats, begun) = (Repeats::default(), Instant::now());
        for outage in 0..12 {
            for second in [0, 1, 2, 4, 8, 16, 30] {
                assert!(
                    repeats.take(begun + Duration::from_secs(100 * outage + second)),
                    "{outage} {second}"
                );
            }
        }
    }

    #[test]
    fn where_every_other_request_fails_all_are_repeated() {
        let (repeats, begun) = (Repeats::default(), Instant::now());
        for n in 0..10_000 {
            let now = begun + Duration::from_millis(n);
            assert!(repeats.take(now), "{n}");
            repeats.answered(now);
        }
    }
}
