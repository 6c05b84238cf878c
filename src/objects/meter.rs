//! Progress of a transfer: what is repeated does not count twice.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::context::Progress;

/// Bytes of all stretches of something.
pub(super) struct Meter {
    whole: Whole,
    done: AtomicU64,
}

enum Whole {
    Call(Arc<Progress>),
    Stretch(Arc<Gauge>),
}

impl Meter {
    /// Of a call.
    pub(super) fn new(progress: Arc<Progress>, total: u64) -> Arc<Self> {
        progress.expect(total);
        Arc::new(Meter { whole: Whole::Call(progress), done: AtomicU64::new(0) })
    }

    /// Of the parts of a stretch, in one attempt at it.
    pub(super) fn within(gauge: &Arc<Gauge>) -> Arc<Self> {
        Arc::new(Meter { whole: Whole::Stretch(gauge.clone()), done: AtomicU64::new(0) })
    }

    fn add(&self, more: u64) {
        let now = self.done.fetch_add(more, Ordering::Relaxed) + more;
        match &self.whole {
            Whole::Call(progress) => progress.reach(now),
            Whole::Stretch(gauge) => gauge.reach(now),
        }
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

    #[test]
    fn a_second_go_counts_from_where_the_first_ended() {
        let progress = Arc::new(Progress::default());
        let file = Meter::new(progress.clone(), 100).gauge();
        for (go, parts, wanted) in [(1, vec![30, 20], 50), (2, vec![40], 50), (3, vec![40, 45], 85)] {
            let parts_of_it = Meter::within(&file);
            for part in parts {
                parts_of_it.gauge().reach(part);
            }
            assert_eq!(progress.get(), (wanted, 100), "{go}");
        }
    }
}
