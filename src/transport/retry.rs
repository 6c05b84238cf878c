//! The one loop of attempts, for both senders: what may be repeated, and after what wait.

use std::time::{Duration, Instant};

use super::Context;
use crate::{
    error::{Error, Result},
    log::{Event, Level, Logger},
};

/// A server that asks for more than this is not waited for.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
/// So long after its first failure a call is still repeated, where nobody says how often.
const OUTAGE: Duration = Duration::from_secs(30);

/// So often it is looked whether there is a repeat again.
const BREATH: Duration = Duration::from_millis(200);

/// What may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Whatever may pass: broken connections, timeouts, 429, 5xx.
    Passing,
    /// Only what surely did nothing: no connection, or 429/503 that says when to come back.
    Harmless,
    /// Nothing.
    Never,
}

/// The attempts of one call: `again` waits before the next one, or says why there is none.
pub(crate) struct Retry<'a> {
    context: &'a Context,
    log: &'a Logger,
    rule: Repeat,
    repeats: u32,
    failing_since: Option<Instant>,
}

impl<'a> Retry<'a> {
    pub(crate) fn new(context: &'a Context, log: &'a Logger, rule: Repeat) -> Self {
        Retry { context, log, rule, repeats: 0, failing_since: None }
    }

    pub(crate) async fn again(&mut self, error: Error) -> Result<()> {
        if error.is_settled() {
            return Err(error);
        }
        let asked = error.retry_after();
        let harmless = error.is_unsent() || (matches!(error.http_status(), 429 | 503) && asked.is_some());
        let allowed = match self.rule {
            Repeat::Passing => true,
            Repeat::Harmless => harmless,
            Repeat::Never => false,
        };
        let worthwhile = error.is_passing() && (self.rule == Repeat::Passing || harmless);
        let error = error.redacted(&self.context.redactor).with_retryable(worthwhile).settled();
        let failing = self.failing_since.get_or_insert_with(Instant::now).elapsed();
        let Some(wait) = wait(self.repeats, self.context.max_retries, failing) else { return Err(error) };
        let wait = wait.max(asked.unwrap_or_default());
        let is_far = asked.is_some_and(|asked| asked > LONGEST_RETRY_AFTER);
        if !worthwhile || !allowed || is_far || self.context.is_too_long(wait) {
            return Err(error);
        }
        self.repeats += 1;
        self.log.record(Level::Info, || {
            let (repeat, seconds) = (self.repeats, wait.as_secs_f64());
            let most = self.context.max_retries.map_or(String::new(), |most| format!(" of {most}"));
            let mut facts = vec![("repeat", repeat.into()), ("wait", seconds.into())];
            facts.push(("request_id", error.request_id().into()));
            if error.http_status() != 0 {
                facts.push(("http_status", error.http_status().into()));
            }
            let event = Event { name: "repeat", tag: self.context.tag.as_deref(), facts };
            (format!("{error}: repeat {repeat}{most} in {seconds:.1} s"), event)
        });
        self.context.repeated_for(&error);
        self.context.sleep(wait).await?;
        // A server that says when to come back is not asked more often than it likes.
        if asked.is_some() { Ok(()) } else { self.draw(error).await }
    }

    /// Waits until the client may send another repeat: others of its calls may have sent all that it has. Not for longer
    /// than an ordinary outage takes.
    async fn draw(&self, error: Error) -> Result<()> {
        let mut is_logged = false;
        while !self.context.repeats.take(Instant::now()) {
            if self.failing_since.is_some_and(|since| since.elapsed() >= OUTAGE) {
                return Err(error);
            }
            if !std::mem::replace(&mut is_logged, true) {
                self.log.write(Level::Debug, || {
                    "too many calls are repeated: waiting for one to be answered".to_owned()
                });
            }
            self.context.sleep(BREATH.mul_f64(0.5 + fastrand::f64())).await?;
        }
        Ok(())
    }
}

/// The wait before repeat `n` (from 0), if there is one: at random between half of a bound and the bound, which doubles
/// from 0.4 s to 16 s. Where nobody says how often, the last one comes when an ordinary outage should be over.
fn wait(n: u32, most: Option<u32>, failing: Duration) -> Option<Duration> {
    let bound = Duration::from_millis(400).saturating_mul(1 << n.min(6)).min(Duration::from_secs(16));
    let half = bound / 2;
    let wait = half + half.mul_f64(fastrand::f64());
    match most {
        Some(most) => (n < most).then_some(wait),
        None => (failing < OUTAGE).then(|| wait.min(OUTAGE.saturating_sub(failing).max(half))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_their_bounds() {
        for (n, bound) in [(0, 400), (1, 800), (4, 6400), (5, 12_800), (6, 16_000), (60, 16_000)] {
            let waits: Vec<_> =
                (0..200).map(|_| wait(n, Some(100), OUTAGE).expect("a wait").as_millis()).collect();
            assert!(waits.iter().all(|wait| (bound / 2..=bound).contains(wait)), "{n}");
            assert!(waits.iter().any(|wait| *wait > bound * 3 / 4), "{n}: no jitter");
        }
        assert_eq!(wait(3, Some(3), Duration::ZERO), None);
    }

    #[test]
    fn an_outage_of_half_a_minute_is_outlived_and_not_much_more() {
        for _ in 0..500 {
            let mut failing = Duration::ZERO;
            let mut n = 0;
            while let Some(wait) = wait(n, None, failing) {
                failing += wait;
                n += 1;
            }
            assert!((30.0..=38.0).contains(&failing.as_secs_f64()), "{failing:?} after {n}");
            assert!((6..=9).contains(&n), "{n}");
        }
    }
}
