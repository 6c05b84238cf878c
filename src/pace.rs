//! When requests may be sent: so many a second and no more, and not while a server wants to be left alone.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

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
        // A turn that no clock can tell is none at all.
        *next = at.checked_add(self.distance).or(Some(at));
        at.saturating_duration_since(now)
    }
}

/// What a client learns of a limit that nobody told it: the first 429 slows it down, and it feels its way up again until
/// it is as fast as it likes.
#[derive(Debug, Default)]
pub(crate) struct Learned(Mutex<Lesson>);

#[derive(Debug, Default)]
struct Lesson {
    limit: Option<Limit>,
    /// The second that is counted, and the requests in it.
    second: Option<(Instant, u32)>,
    /// Requests in the one before.
    before: u32,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Requests in a second.
    rate: f64,
    /// Above this it is forgotten.
    enough: f64,
    cut: Instant,
    grown: Instant,
    next: Instant,
}

/// A 429 takes three tenths of the rate.
const CUT: f64 = 0.7;
/// The first one leaves so many a second at least, whoever sent few anyway; further ones may leave less.
const FIRST: f64 = 5.0;
const SLOWEST: f64 = 0.5;

impl Learned {
    fn lesson(&self) -> MutexGuard<'_, Lesson> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a turn: how long to wait for it.
    pub(crate) fn turn(&self, now: Instant) -> Duration {
        let mut lesson = self.lesson();
        match &mut lesson.second {
            Some((begun, count)) if now.saturating_duration_since(*begun) < Duration::from_secs(1) => {
                *count += 1
            }
            second => {
                let (begun, count) = second.unwrap_or((now, 0));
                let is_next = now.saturating_duration_since(begun) < Duration::from_secs(2);
                *second = Some((now, 1));
                lesson.before = if is_next { count } else { 0 };
            }
        }
        let Some(limit) = &mut lesson.limit else { return Duration::ZERO };
        let seconds = now.saturating_duration_since(limit.grown).as_secs_f64();
        limit.rate += (limit.rate * 0.1).max(1.0) * seconds;
        limit.grown = now;
        if limit.rate > limit.enough {
            lesson.limit = None;
            return Duration::ZERO;
        }
        let at = limit.next.max(now);
        limit.next = at + Duration::from_secs_f64(1.0 / limit.rate);
        at.saturating_duration_since(now)
    }

    /// The server had too many. Those of one second are one.
    pub(crate) fn refused(&self, now: Instant) {
        let mut lesson = self.lesson();
        let seen = f64::from(lesson.before.max(lesson.second.map_or(0, |(_, count)| count)));
        let (rate, enough) = match lesson.limit {
            Some(limit) if now.saturating_duration_since(limit.cut) < Duration::from_secs(1) => return,
            Some(limit) => ((limit.rate * CUT).max(SLOWEST), limit.enough),
            None => ((seen * CUT).max(FIRST), (seen * 4.0).max(20.0)),
        };
        lesson.limit = Some(Limit { rate, enough, cut: now, grown: now, next: now });
    }
}

/// A server may ask for as much as it likes; it is asked again after an hour.
const LONGEST_CLOSED: Duration = Duration::from_secs(3600);

/// The doors of servers that said "come back in …": whoever wants to go there meanwhile waits, or turns back.
#[derive(Debug, Default)]
pub(crate) struct Doors(Mutex<Vec<Closed>>);

/// A door that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    server: String,
    until: Instant,
    /// The HTTP status that closed it.
    pub status: u16,
}

impl Closed {
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Doors {
    fn closed(&self) -> MutexGuard<'_, Vec<Closed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A door stays closed for as long as the last one to come back was told, or longer.
    pub(crate) fn close(&self, server: &str, wait: Duration, status: u16) {
        let Some(until) = Instant::now().checked_add(wait.min(LONGEST_CLOSED)) else { return };
        let mut closed = self.closed();
        match closed.iter_mut().find(|door| door.server == server) {
            Some(door) if door.until >= until => {}
            Some(door) => (door.until, door.status) = (until, status),
            None => closed.push(Closed { server: server.to_owned(), until, status }),
        }
    }

    /// The door of a server, while it is closed.
    pub(crate) fn at(&self, server: &str) -> Option<Closed> {
        let mut closed = self.closed();
        if closed.is_empty() {
            return None;
        }
        let now = Instant::now();
        closed.retain(|door| door.until > now);
        closed.iter().find(|door| door.server == server).cloned()
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
    fn a_door_opens_by_itself_and_is_one_servers_own() {
        let doors = Doors::default();
        doors.close("a", Duration::from_millis(40), 429);
        doors.close("a", Duration::from_millis(10), 503);
        let left = doors.at("a").expect("closed");
        assert!(left.status == 429 && left.left() > Duration::from_millis(10), "{left:?}");
        assert_eq!(doors.at("b"), None);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(doors.at("a"), None);
    }

    #[test]
    fn no_wait_is_too_long_to_be_told() {
        let doors = Doors::default();
        doors.close("a", Duration::MAX, 429);
        assert!(doors.at("a").expect("closed").left() <= LONGEST_CLOSED);
        let slowest = Pace::new(f64::MIN_POSITIVE);
        assert_eq!(slowest.turn(), Duration::ZERO);
        assert!(slowest.turn() > Duration::from_secs(3600));
    }

    #[test]
    fn the_first_refusal_slows_down_and_time_heals_it() {
        let learned = Learned::default();
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        assert!((0..40).all(|n| learned.turn(at(n * 20)).is_zero()), "free until somebody minds");
        learned.refused(at(800));
        learned.refused(at(801));
        // 40 in a second were seen: 28 are left, so that 14 turns take half a second.
        let waits: Vec<Duration> = (0..15).map(|_| learned.turn(at(801))).collect();
        assert!((0.45..0.55).contains(&waits[14].as_secs_f64()), "{waits:?}");
        learned.refused(at(2000));
        let waits: Vec<Duration> = (0..15).map(|_| learned.turn(at(2001))).collect();
        assert!(waits[14].as_secs_f64() > 0.55, "{waits:?}");
        assert!(learned.turn(at(200_000)).is_zero() && learned.turn(at(200_000)).is_zero(), "forgotten");
    }

    #[test]
    fn one_request_in_a_while_is_hardly_slowed() {
        let (learned, now) = (Learned::default(), Instant::now());
        learned.turn(now);
        learned.refused(now);
        learned.turn(now);
        assert!(learned.turn(now) <= Duration::from_millis(200));
    }
}
