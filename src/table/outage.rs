//! What a failure says: that a sample cannot be had, or that the platform cannot be reached for a while.
//!
//! The platform's failures pause everybody, and cost no sample. A failure is a sample's own only when it comes again and
//! again while others are answered.

use std::time::{Duration, Instant};

use crate::error::Error;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);
/// So often a sample fails while others are answered until it is its own fault.
const OWN: u32 = 3;

/// How the platform has been lately.
pub(super) struct Outage {
    /// How long failures are waited out; zero: not at all.
    limit: Duration,
    since: Option<Instant>,
    /// What it is that is waited out.
    why: Option<String>,
    paused_until: Option<Instant>,
    wait: Duration,
    last_answer: Option<Instant>,
}

/// How a sample has been lately.
#[derive(Default)]
pub(super) struct Trouble {
    last: Option<Instant>,
    own: u32,
    pub not_before: Option<Instant>,
}

pub(super) enum Verdict {
    /// The same page is asked for again.
    Again,
    /// The sample fails.
    OfSample,
    /// It has lasted too long for everybody.
    OfAll,
}

impl Trouble {
    /// Whether its last request failed.
    pub(super) fn is_on(&self) -> bool {
        self.last.is_some()
    }
}

impl Outage {
    pub(super) fn new(limit: Duration) -> Self {
        Outage { limit, since: None, why: None, paused_until: None, wait: FIRST, last_answer: None }
    }

    /// Whether nothing may be sent now.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// Whether it is not known if the platform answers anybody at all.
    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// What is waited out at the moment.
    pub(super) fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    pub(super) fn answered(&mut self, now: Instant) {
        self.since = None;
        self.why = None;
        self.wait = FIRST;
        self.last_answer = Some(now);
    }

    pub(super) fn failed(&mut self, now: Instant, error: &Error, sample: &mut Trouble) -> Verdict {
        if self.limit.is_zero() || !error.retryable() {
            return Verdict::OfSample;
        }
        let before = sample.last.replace(now);
        let pause = error.retry_after();
        let is_own = pause.is_none() && before.is_some_and(|before| self.last_answer > Some(before));
        if is_own {
            sample.own += 1;
            if sample.own >= OWN {
                return Verdict::OfSample;
            }
            sample.not_before = now.checked_add(FIRST * 2_u32.pow(sample.own));
            return Verdict::Again;
        }
        let since = *self.since.get_or_insert(now);
        let wait = pause.unwrap_or(Duration::ZERO).max(self.wait);
        let until = now.checked_add(wait);
        if until.is_none_or(|until| until.saturating_duration_since(since) > self.limit) {
            return Verdict::OfAll;
        }
        // Those that failed together wait together: only the first of them lengthens the next wait.
        if !self.is_paused(now) {
            self.wait = (self.wait * 2).min(LONGEST);
        }
        self.paused_until = self.paused_until.max(until);
        self.why.get_or_insert_with(|| error.message().to_owned());
        Verdict::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    fn refused() -> Error {
        Error::new(Status::Transport, "refused").with_retryable(true)
    }

    #[test]
    fn an_outage_pauses_everybody_and_costs_nobody() {
        let start = Instant::now();
        let mut outage = Outage::new(Duration::from_secs(60));
        let mut samples: Vec<Trouble> = (0..8).map(|_| Trouble::default()).collect();
        let mut now = start;
        while now < start + Duration::from_secs(40) {
            for sample in &mut samples {
                assert!(matches!(outage.failed(now, &refused(), sample), Verdict::Again));
            }
            assert!(outage.is_paused(now));
            while outage.is_paused(now) {
                now += Duration::from_millis(100);
            }
        }
        outage.answered(now);
        assert!(!outage.is_paused(now));
        // It begins anew, and has an end.
        for step in 0..200 {
            if let Verdict::OfAll =
                outage.failed(now + Duration::from_secs(step), &refused(), &mut samples[0])
            {
                assert!((45..=61).contains(&step), "{step}");
                return;
            }
        }
        panic!("it never ends");
    }

    #[test]
    fn a_platform_that_was_never_heard_of_is_waited_for_as_long_as_any() {
        let start = Instant::now();
        let mut outage = Outage::new(Duration::from_secs(600));
        let mut sample = Trouble::default();
        let mut now = start;
        while let Verdict::Again = outage.failed(now, &refused(), &mut sample) {
            assert_eq!(outage.why(), Some("refused"));
            while outage.is_paused(now) {
                now += Duration::from_millis(100);
            }
        }
        assert!((580..=600).contains(&(now - start).as_secs()), "{:?}", now - start);
        outage.answered(now);
        assert_eq!(outage.why(), None);
    }

    #[test]
    fn a_sample_that_fails_while_others_are_answered_is_the_one_that_is_bad() {
        let start = Instant::now();
        let mut outage = Outage::new(Duration::from_secs(600));
        let (mut bad, mut failures) = (Trouble::default(), 0);
        for second in 0..100 {
            let now = start + Duration::from_secs(second);
            outage.answered(now);
            failures += 1;
            let at = now + Duration::from_millis(10);
            if let Verdict::OfSample = outage.failed(at, &refused(), &mut bad) {
                assert_eq!(failures, 4);
                return;
            }
        }
        panic!("it is never found");
    }

    #[test]
    fn a_closed_door_is_nobodys_fault_and_may_be_too_far_away() {
        let now = Instant::now();
        let mut outage = Outage::new(Duration::from_secs(600));
        let mut sample = Trouble::default();
        let busy = |seconds| refused().with_retry_after(Some(Duration::from_secs(seconds)));
        for round in 0..5 {
            let at = now + Duration::from_secs(80 * round);
            assert!(matches!(outage.failed(at, &busy(75), &mut sample), Verdict::Again));
            assert!(
                outage.is_paused(at + Duration::from_secs(74))
                    && !outage.is_paused(at + Duration::from_secs(76))
            );
            outage.answered(at + Duration::from_secs(77));
        }
        assert!(matches!(
            outage.failed(now + Duration::from_secs(500), &busy(601), &mut sample),
            Verdict::OfAll
        ));
        let refusal = Error::new(Status::Api, "no");
        assert!(matches!(outage.failed(now, &refusal, &mut sample), Verdict::OfSample));
    }
}
