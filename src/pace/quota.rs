//! A quota that processes share: a moment for each request, given to one client after the other.
//!
//! Moments lie as far apart as the rate says. A client that has to wait holds one moment, and no second one before it has
//! used that: so all that wait take turns, however many calls each has. A moment that nobody used, because whoever had it
//! was killed or cancelled, is the next one that is given.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lesson::{Lesson, Micros, SECOND, distance};

/// Moments that have passed are still given for so long: a machine that is late loses nothing. Half of what a server whose
/// quota is counted by the second has in store.
const SLACK: Micros = SECOND / 2;
/// Who has not come for its moment by then does not come any more.
const LATE: Micros = SECOND;
/// A moment that was not used can be used so much later.
const STALE: Micros = 3 * SECOND;
/// A clock that is set back by more has been set.
const UNEVEN: Micros = SECOND / 2;
/// So many moments are remembered of each kind.
const MOST: usize = 64;
/// A pause lasts for so long at most.
pub(crate) const LONGEST_PAUSE: Micros = 3600 * SECOND;
const DAY: Micros = 86_400 * SECOND;

/// What all clients know. Moments are microseconds of a clock that all of them read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Quota {
    /// When this was written.
    at: Micros,
    /// The first moment that nobody was given.
    next: Micros,
    /// Moments that are waited for, and by whom.
    waiting: Vec<(Micros, u32)>,
    /// Moments that were given and not used.
    unused: Vec<Micros>,
    /// Until when the server wants to be left alone, and the HTTP status that said so.
    #[serde(rename = "door")]
    pause: Option<(Micros, u16)>,
    lesson: Lesson,
}

/// When a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Now,
    /// After this time, if `Quota::arrive` agrees then.
    Later(Duration),
    /// Not before this time, and then it is asked again.
    Pause(Duration, u16),
}

impl Quota {
    /// Gives a moment to a client that has none.
    pub(crate) fn turn(&mut self, now: Micros, rate: Option<f64>, client: u32) -> Turn {
        self.settle(now);
        if let Some((until, status)) = self.pause {
            return Turn::Pause(between(now, until), status);
        }
        let learned = self.lesson.sent(now);
        let Some(rate) = rate.into_iter().chain(learned).reduce(f64::min) else { return Turn::Now };
        let first = self.unused.iter().copied().enumerate().min_by_key(|(_, at)| *at);
        let at = match first {
            Some((place, _)) => self.unused.swap_remove(place),
            None => {
                let at = self.next.max(now - SLACK);
                self.next = at.saturating_add(distance(rate));
                at
            }
        };
        if at <= now {
            return Turn::Now;
        }
        self.waiting.retain(|(_, other)| *other != client);
        if self.waiting.len() < MOST {
            self.waiting.push((at, client));
        }
        Turn::Later(between(now, at))
    }

    /// The client's moment has come: whether it is still its own.
    pub(crate) fn arrive(&mut self, now: Micros, client: u32) -> bool {
        let is_full = self.waiting.len() >= MOST;
        self.settle(now);
        // Where there is no room to remember all of them, nobody is called late.
        (self.take(client).is_some() || is_full) && self.pause.is_none()
    }

    /// The client does not want its moment any more.
    pub(crate) fn leave(&mut self, now: Micros, client: u32) {
        self.settle(now);
        let taken = self.take(client);
        self.unused.extend(taken);
    }

    /// The server wants to be left alone for a while.
    pub(crate) fn close(&mut self, now: Micros, wait: Duration, status: u16) {
        self.settle(now);
        let wait = Micros::try_from(wait.as_micros()).unwrap_or(Micros::MAX).min(LONGEST_PAUSE);
        let until = now.saturating_add(wait);
        if self.pause.is_none_or(|(before, _)| before < until) {
            self.pause = Some((until, status));
            // Nothing is in store behind it.
            self.next = self.next.max(until);
            self.unused.clear();
        }
    }

    /// The server had too many.
    pub(crate) fn refused(&mut self, now: Micros) {
        self.settle(now);
        self.lesson.refused(now);
    }

    fn take(&mut self, client: u32) -> Option<Micros> {
        let place = self.waiting.iter().position(|(_, other)| *other == client)?;
        Some(self.waiting.swap_remove(place).0)
    }

    /// Forgets what is over.
    fn settle(&mut self, now: Micros) {
        if now < self.at.saturating_sub(UNEVEN) {
            self.shift(now.saturating_sub(self.at));
        }
        self.at = now;
        let (waiting, unused) = (&mut self.waiting, &mut self.unused);
        waiting.retain(|(at, _)| {
            let is_late = at.saturating_add(LATE) < now;
            if is_late {
                unused.push(*at);
            }
            !is_late && *at < now + DAY
        });
        unused.retain(|at| at.saturating_add(STALE) > now && *at < now + DAY);
        unused.truncate(MOST);
        waiting.truncate(MOST);
        self.next = self.next.min(now + DAY);
        self.pause = self.pause.filter(|(until, _)| *until > now && *until - now <= LONGEST_PAUSE);
        if !self.lesson.is_sound() {
            self.lesson = Lesson::default();
        }
    }

    /// The clock was set: all moments with it.
    fn shift(&mut self, by: Micros) {
        let moments = self.waiting.iter_mut().map(|(at, _)| at).chain(&mut self.unused);
        let moments = moments.chain(self.pause.as_mut().map(|(until, _)| until)).chain([&mut self.next]);
        moments.for_each(|at| *at = at.saturating_add(by));
        self.lesson.shift(by);
    }
}

fn between(from: Micros, to: Micros) -> Duration {
    Duration::from_micros(to.saturating_sub(from).max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Micros = 1_700_000_000 * SECOND;
    const RATE: Option<f64> = Some(50.0);

    /// Clients that always want to send, on a clock of its own.
    struct Clients {
        quota: Quota,
        now: Micros,
        /// When each comes back, and what for.
        due: Vec<Option<(Micros, bool)>>,
        sent: Vec<Vec<Micros>>,
    }

    impl Clients {
        fn new(count: usize) -> Self {
            let due = vec![Some((START, false)); count];
            Clients { quota: Quota::default(), now: START, due, sent: vec![Vec::new(); count] }
        }

        fn run(&mut self, seconds: f64) {
            let end = self.now + (seconds * SECOND as f64) as Micros;
            while let Some((at, place, has_moment)) = self
                .due
                .iter()
                .enumerate()
                .filter_map(|(place, due)| due.map(|(at, has)| (at, place, has)))
                .min()
                .filter(|(at, ..)| *at < end)
            {
                self.now = self.now.max(at);
                let client = place as u32 + 1;
                let is_sent = has_moment && self.quota.arrive(self.now, client);
                let turn = match is_sent {
                    true => Turn::Now,
                    false => self.quota.turn(self.now, RATE, client),
                };
                self.due[place] = Some(match turn {
                    Turn::Now => {
                        self.sent[place].push(self.now);
                        (self.now + 100, false)
                    }
                    Turn::Later(wait) => (self.now + wait.as_micros() as Micros, true),
                    Turn::Pause(left, _) => (self.now + left.as_micros() as Micros, false),
                });
            }
            self.now = end;
        }

        fn all(&self) -> usize {
            self.sent.iter().map(Vec::len).sum()
        }
    }

    #[test]
    fn all_of_the_rate_is_used_and_everybody_has_the_same_share() {
        let mut clients = Clients::new(7);
        clients.run(20.0);
        assert!((1000..=1027).contains(&clients.all()), "{}", clients.all());
        for sent in &clients.sent {
            assert!((140..=148).contains(&sent.len()), "{}", sent.len());
            // Nobody waits longer than one round.
            assert!(sent.windows(2).all(|two| two[1] - two[0] <= 8 * SECOND / 50), "{sent:?}");
        }
    }

    #[test]
    fn who_dies_takes_nothing_with_it() {
        let mut clients = Clients::new(4);
        for eldest in 0..100 {
            clients.run(0.2);
            // Killed while it waits; another one is started in its place.
            clients.due[eldest] = None;
            clients.due.push(Some((clients.now, false)));
            clients.sent.push(Vec::new());
        }
        let all = clients.all();
        assert!((990..=1029).contains(&all), "{all}");
    }

    #[test]
    fn a_moment_that_is_given_back_is_the_next_one_given() {
        let mut quota = Quota { next: START + SECOND, at: START, ..Quota::default() };
        assert_eq!(quota.turn(START, Some(1.0), 1), Turn::Later(Duration::from_secs(1)));
        assert_eq!(quota.turn(START, Some(1.0), 2), Turn::Later(Duration::from_secs(2)));
        quota.leave(START, 1);
        assert_eq!(quota.turn(START, Some(1.0), 3), Turn::Later(Duration::from_secs(1)));
        assert!(quota.arrive(START + 2 * SECOND, 2));
        assert!(!quota.arrive(START + 2 * SECOND + 1, 2), "used once");
        // Late by more than a second: somebody else has it.
        assert!(!quota.arrive(START + 2 * SECOND + 2, 3));
        assert_eq!(quota.turn(START + 2 * SECOND + 3, Some(1.0), 4), Turn::Now);
    }

    #[test]
    fn a_pause_is_everybodys_and_nobody_storms_the_server_after_it() {
        let mut clients = Clients::new(6);
        clients.run(1.0);
        clients.quota.close(clients.now, Duration::from_secs(3), 429);
        let before = clients.all();
        clients.run(2.9);
        assert_eq!(clients.all(), before);
        clients.run(1.1);
        let after = clients.all() - before;
        assert!((40..=62).contains(&after), "{after}");
        clients.quota.close(clients.now, Duration::MAX, 503);
        let Turn::Pause(left, 503) = clients.quota.turn(clients.now, None, 99) else { panic!("a pause") };
        assert_eq!(left, Duration::from_secs(3600));
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up() {
        let mut clients = Clients::new(3);
        clients.run(1.0);
        let before = clients.all();
        clients.quota.close(clients.now, Duration::from_millis(100), 429);
        for due in clients.due.iter_mut().flatten() {
            due.0 -= 1000 * SECOND;
        }
        clients.now -= 1000 * SECOND;
        clients.run(2.0);
        let after = clients.all() - before;
        assert!((85..=127).contains(&after), "{after}");
        // And one that was set forward is only a pause.
        clients.now += 1000 * SECOND;
        clients.run(1.0);
        assert!((before + after + 45..before + after + 80).contains(&clients.all()), "{}", clients.all());
    }

    #[test]
    fn more_clients_than_are_remembered_have_their_moments_all_the_same() {
        let mut clients = Clients::new(200);
        clients.run(20.0);
        assert!((1000..=1027).contains(&clients.all()), "{}", clients.all());
        assert!(clients.sent.iter().all(|sent| (3..=8).contains(&sent.len())));
        assert!(serde_json::to_string(&clients.quota).expect("JSON").len() < 4000);
    }

    #[test]
    fn without_a_rate_it_is_the_server_that_tells_one() {
        let mut quota = Quota::default();
        assert!((0..100).all(|n| quota.turn(START + n, None, n as u32) == Turn::Now));
        quota.refused(START + 100);
        let sent = (0..500).filter(|n| {
            let (at, client) = (START + 200 + n * 1000, *n as u32);
            quota.turn(at, None, client) == Turn::Now
        });
        assert!(sent.count() < 80, "70 a second, half a second's worth at once");
        // What stands in a file may be anybody's.
        quota.next = Micros::MAX;
        quota.waiting = vec![(Micros::MIN, 1), (Micros::MAX, 2)];
        quota.unused = vec![Micros::MAX; 1000];
        quota.turn(START, Some(f64::MIN_POSITIVE), 3);
        assert!(quota.unused.is_empty() && quota.waiting.len() < 2);
    }

    #[test]
    fn a_second_that_never_began_is_none() {
        for begun in [Micros::MIN, Micros::MAX] {
            let text = format!(r#"{{"limit": null, "second": [{begun}, 4000000000], "before": 0}}"#);
            let lesson: Lesson = serde_json::from_str(&text).expect("a lesson");
            let mut quota = Quota { at: START, lesson, ..Quota::default() };
            assert!((0..10).all(|n| quota.turn(START + n, None, 1) == Turn::Now));
            quota.refused(START + 20);
            let sent = (0..100).filter(|n| quota.turn(START + 30 + n, None, 1) == Turn::Now).count();
            assert!(sent < 20, "{begun}: {sent}");
        }
    }
}
