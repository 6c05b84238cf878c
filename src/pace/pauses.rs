//! Pauses that servers ask for (`Retry-After`): until they are over, nothing is sent there.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A server may ask for as much as it likes; it is asked again after an hour.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The pauses of servers, each by its name: whoever wants to send something there meanwhile waits, or gives up.
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<Vec<Pause>>);

/// The pause of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pause {
    server: String,
    until: Instant,
    /// The HTTP status that it came with.
    pub status: u16,
}

impl Pause {
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Pauses {
    fn all(&self) -> MutexGuard<'_, Vec<Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of two pauses of a server the one that ends later counts.
    pub(crate) fn begin(&self, server: &str, wait: Duration, status: u16) {
        let Some(until) = Instant::now().checked_add(wait.min(LONGEST_PAUSE)) else { return };
        let mut pauses = self.all();
        match pauses.iter_mut().find(|pause| pause.server == server) {
            Some(pause) if pause.until >= until => {}
            Some(pause) => (pause.until, pause.status) = (until, status),
            None => pauses.push(Pause { server: server.to_owned(), until, status }),
        }
    }

    /// The pause of a server, while it lasts.
    pub(crate) fn of(&self, server: &str) -> Option<Pause> {
        let mut pauses = self.all();
        if pauses.is_empty() {
            return None;
        }
        let now = Instant::now();
        pauses.retain(|pause| pause.until > now);
        pauses.iter().find(|pause| pause.server == server).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_opens_by_itself_and_is_one_servers_own() {
        let pauses = Pauses::default();
        pauses.begin("a", Duration::from_millis(40), 429);
        pauses.begin("a", Duration::from_millis(10), 503);
        let left = pauses.of("a").expect("a pause");
        assert!(left.status == 429 && left.left() > Duration::from_millis(10), "{left:?}");
        assert_eq!(pauses.of("b"), None);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(pauses.of("a"), None);
    }

    #[test]
    fn no_wait_is_too_long_to_be_told() {
        let pauses = Pauses::default();
        pauses.begin("a", Duration::MAX, 429);
        assert!(pauses.of("a").expect("a pause").left() <= LONGEST_PAUSE);
    }
}
