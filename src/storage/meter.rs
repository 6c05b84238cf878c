//! Progress of a transfer: what is repeated does not count twice.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::transport::Progress;

/// Bytes of all stretches of a transfer.
pub(super) struct Meter {
    progress: Arc<Progress>,
    done: AtomicU64,
}

impl Meter {
    pub(super) fn new(progress: Arc<Progress>, total: u64) -> Arc<Self> {
        progress.expect(total);
        Arc::new(Meter { progress, done: AtomicU64::new(0) })
    }

    fn add(&self, more: u64) {
        let now = self.done.fetch_add(more, Ordering::Relaxed) + more;
        self.progress.reach(now);
    }

    /// The measure of one stretch.
    pub(super) fn gauge(self: &Arc<Self>) -> Arc<Gauge> {
        Arc::new(Gauge { meter: self.clone(), best: AtomicU64::new(0) })
    }
}

/// How far a stretch has ever come.
pub(super) struct Gauge {
    meter: Arc<Meter>,
    best: AtomicU64,
}

impl Gauge {
    pub(super) fn reach(&self, done: u64) {
        let before = self.best.fetch_max(done, Ordering::Relaxed);
        if done > before {
            self.meter.add(done - before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_do_not_count_twice() {
        let progress = Arc::new(Progress::default());
        let meter = Meter::new(progress.clone(), 100);
        let (one, other) = (meter.gauge(), meter.gauge());
        one.reach(30);
        other.reach(20);
        one.reach(10);
        one.reach(40);
        assert_eq!(progress.get(), (60, 100));
    }
}
