//! Which of the two addresses of the platform is used.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So long the first address is left alone after it could not be reached.
const REST: Duration = Duration::from_secs(30);

/// Remembers that the first address could not be reached, and since when.
#[derive(Default)]
pub(super) struct Failover(Mutex<Option<Instant>>);

impl Failover {
    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request begins with the second address. After a rest one of them looks whether the first is back; the
    /// others stay where they are meanwhile.
    pub(super) fn begins_with_second(&self, now: Instant) -> bool {
        let mut since = self.since();
        match *since {
            None => false,
            Some(then) if now.saturating_duration_since(then) < REST => true,
            Some(_) => {
                *since = Some(now);
                false
            }
        }
    }

    /// An address answered. Any number of requests may say so at once: it is said which one it was, not that it changed.
    pub(super) fn answered(&self, is_second: bool, now: Instant) {
        let mut since = self.since();
        *since = is_second.then(|| since.unwrap_or(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_go_over_at_once_stay_over() {
        let (failover, now) = (Failover::default(), Instant::now());
        assert!(!failover.begins_with_second(now) && !failover.begins_with_second(now));
        failover.answered(true, now);
        failover.answered(true, now);
        assert!(failover.begins_with_second(now));
    }

    #[test]
    fn after_a_rest_one_looks_back_and_all_return() {
        let (failover, now) = (Failover::default(), Instant::now());
        failover.answered(true, now);
        let later = now + REST;
        assert!(!failover.begins_with_second(later), "one looks");
        assert!(failover.begins_with_second(later), "the others do not");
        failover.answered(true, later);
        assert!(failover.begins_with_second(later), "the first is still away");
        failover.answered(false, later);
        assert!(!failover.begins_with_second(later));
    }
}
