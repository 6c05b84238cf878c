//! When requests may be sent: so many a second and no more, and not while a server wants to be left alone.

mod lesson;
mod pauses;
mod quota;
mod repeats;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

pub(crate) use lesson::{Learned, Micros, SECOND};
pub(crate) use pauses::Pauses;
pub(crate) use quota::{LONGEST_PAUSE, Quota, Turn};
pub(crate) use repeats::Repeats;

/// Requests at even distances.
#[derive(Debug)]
pub(crate) struct Pace {
    distance: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(crate) fn new(per_second: f64) -> Self {
        let seconds = (1.0 / per_second).min(86_400.0);
        Pace { distance: Duration::from_secs_f64(seconds), next: Mutex::new(None) }
    }

    /// Takes a turn: how long to wait for it.
    pub(crate) fn turn(&self) -> Duration {
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(now, |next| next.max(now));
        // A moment beyond the range of the clock does not count.
        *next = at.checked_add(self.distance).or(Some(at));
        at.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_evenly_spaced() {
        let pace = Pace::new(4.0);
        let waits: Vec<f64> = (0..5).map(|_| pace.turn().as_secs_f64()).collect();
        for (turn, wait) in waits.iter().enumerate() {
            assert!((wait - 0.25 * turn as f64).abs() < 0.1, "{waits:?}");
        }
    }

    #[test]
    fn the_slowest_rate_has_a_second_turn() {
        let slowest = Pace::new(f64::MIN_POSITIVE);
        assert_eq!(slowest.turn(), Duration::ZERO);
        assert!(slowest.turn() > Duration::from_secs(3600));
    }
}
