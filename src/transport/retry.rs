//! The one loop of attempts, for both senders: what may be repeated, and after what wait.

use std::time::Duration;

use super::Context;
use crate::{
    error::{Error, Result},
    log::{Event, Level, Logger},
};

/// A server that asks for more than this is not waited for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

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
}

impl<'a> Retry<'a> {
    pub(crate) fn new(context: &'a Context, log: &'a Logger, rule: Repeat) -> Self {
        Retry { context, log, rule, repeats: 0 }
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
        if !worthwhile || !allowed || self.repeats >= self.context.max_retries.unwrap_or(3) {
            return Err(error);
        }
        let wait = backoff(self.repeats).max(asked.unwrap_or_default());
        if self.context.is_too_long(wait) || asked.is_some_and(|asked| asked > LONGEST_RETRY_AFTER) {
            return Err(error);
        }
        self.repeats += 1;
        self.log.tell(Level::Info, || {
            let (repeat, most, seconds) =
                (self.repeats, self.context.max_retries.unwrap_or(3), wait.as_secs_f64());
            let mut facts = vec![("repeat", repeat.into()), ("wait", seconds.into())];
            facts.push(("request_id", error.request_id().into()));
            if error.http_status() != 0 {
                facts.push(("http_status", error.http_status().into()));
            }
            let event = Event { name: "repeat", tag: self.context.tag.as_deref(), facts };
            (format!("{error}: repeat {repeat} of {most} in {seconds:.1} s"), event)
        });
        self.context.repeated_for(&error);
        self.context.sleep(wait).await
    }
}

/// Full jitter: anything up to a bound that doubles from 0.2 s to 8 s.
fn backoff(repeat: u32) -> Duration {
    let bound = Duration::from_millis(200).saturating_mul(1 << repeat.min(6)).min(Duration::from_secs(8));
    bound.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_their_bounds() {
        for (repeat, bound) in [(0, 200), (1, 400), (4, 3200), (5, 6400), (6, 8000), (60, 8000)] {
            let waits: Vec<_> = (0..200).map(|_| backoff(repeat).as_millis()).collect();
            assert!(waits.iter().all(|wait| *wait <= bound), "{repeat}");
            assert!(waits.iter().any(|wait| *wait > bound / 2), "{repeat}: no jitter");
        }
    }
}
