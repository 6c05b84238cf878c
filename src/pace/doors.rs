//! The doors of servers that want to be left alone for a while.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

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
    }
}
