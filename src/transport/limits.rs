//! How much of an answer is taken, and how long it may be silent.

use std::time::Duration;

use super::failure;
use crate::{context::Context, error::Result};

/// A body up to this length gets its memory in one piece, where its length is known.
const MOST_AT_ONCE: u64 = 4 << 20;
/// What a server, or a proxy before it, should take in a second of what it was sent.
const TAKEN: f64 = 65_536.0;

/// The silence allowed after so many bytes were sent: whoever took them may be busy with them.
pub(super) fn silence(timeout: Duration, sent: u64) -> Duration {
    timeout.saturating_add(Duration::from_secs_f64(sent as f64 / TAKEN))
}

/// How much of one answer is taken.
#[derive(Clone, Copy)]
pub(super) struct Most {
    status: u16,
    bytes: u64,
}

impl Most {
    /// An error's body is only read to understand it.
    pub(super) fn of(context: &Context, status: u16) -> Self {
        let limits = &context.limits;
        let good = (200..300).contains(&status);
        Most { status, bytes: if good { limits.answer } else { limits.error_body.min(limits.answer) } }
    }

    fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the server says beforehand.
    pub(super) fn check_promise(&self, length: Option<u64>) -> Result<()> {
        match length {
            Some(length) if self.is_good() && length > self.bytes => {
                Err(failure::too_long(self.bytes, self.status))
            }
            _ => Ok(()),
        }
    }

    /// What is set aside at once; a server may promise anything.
    pub(super) fn at_once(&self, promised: Option<u64>) -> usize {
        promised.unwrap_or(0).min(MOST_AT_ONCE).min(self.bytes) as usize
    }

    /// Whether no more is read: a good answer that is too long is an error, one of another kind is cut.
    pub(super) fn is_enough(&self, body: &mut impl Body, took: Duration, context: &Context) -> Result<bool> {
        let has = body.length();
        if self.is_good() {
            return if has > self.bytes {
                Err(failure::too_long(self.bytes, self.status))
            } else {
                Ok(false)
            };
        }
        body.cut(self.bytes as usize);
        Ok(has >= self.bytes || took >= context.timeout)
    }
}

/// Bytes that were read so far.
pub(super) trait Body {
    fn length(&self) -> u64;
    fn cut(&mut self, length: usize);
}

impl Body for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn cut(&mut self, length: usize) {
        self.truncate(length);
    }
}

impl Body for bytes::BytesMut {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn cut(&mut self, length: usize) {
        self.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_grows_with_what_was_sent() {
        let timeout = Duration::from_secs(18);
        assert_eq!(silence(timeout, 0), timeout);
        assert_eq!(silence(timeout, 50 << 20), Duration::from_secs(18 + 800));
        assert!(silence(Duration::MAX, u64::MAX) == Duration::MAX);
    }

    #[test]
    fn errors_are_cut_and_good_answers_refused() {
        let mut context = Context::for_tests();
        context.limits.answer = 100_000;
        let (good, bad) = (Most::of(&context, 200), Most::of(&context, 500));
        let mut body = vec![0; 100_000];
        assert!(!good.is_enough(&mut body, Duration::ZERO, &context).expect("as much as allowed"));
        assert!(bad.is_enough(&mut body, Duration::ZERO, &context).expect("no error"));
        assert_eq!(body.len(), 65_536);
        assert!(good.is_enough(&mut vec![0; 100_001], Duration::ZERO, &context).is_err());
        for promised in [100_001, u64::MAX] {
            assert!(good.at_once(Some(promised)) <= 100_000 && bad.at_once(Some(promised)) <= 65_536);
        }
        assert!(good.check_promise(Some(100_001)).is_err() && bad.check_promise(Some(100_001)).is_ok());
        assert!(
            bad.is_enough(&mut vec![0], context.timeout, &context).expect("no error"),
            "it takes too long"
        );
    }
}
