//! How many requests are let in.

use std::sync::Mutex;
use std::time::Instant;

use crate::world::lock::lock;

/// A bucket of one second's worth of requests that fills evenly.
#[derive(Debug, Default)]
pub struct RateLimit {
    bucket: Mutex<Option<(f64, Instant)>>,
}

impl RateLimit {
    /// Takes one request out of the bucket, or says in how many seconds there will be one.
    pub fn take(&self, rps: u32) -> Result<(), u64> {
        if rps == 0 {
            return Ok(());
        }
        let rate = f64::from(rps);
        let now = Instant::now();
        let mut bucket = lock(&self.bucket);
        let (level, since) = bucket.unwrap_or((rate, now));
        let level = (level + now.duration_since(since).as_secs_f64() * rate).min(rate);
        if level >= 1.0 {
            *bucket = Some((level - 1.0, now));
            Ok(())
        } else {
            *bucket = Some((level, now));
            Err((((1.0 - level) / rate).ceil() as u64).max(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_holds_one_second() {
        let limit = RateLimit::default();
        let allowed = (0..20).filter(|_| limit.take(5).is_ok()).count();
        assert_eq!(allowed, 5);
        assert_eq!(limit.take(5), Err(1));
        assert_eq!(limit.take(0), Ok(()));
    }
}
