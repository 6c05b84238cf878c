//! Where operations that have ended line up: one place to wait for any number of them.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read, Write},
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    sys::process_id,
};

/// A queue of keys. Cheap to clone; belongs to the process that made it.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    line: Mutex<Line>,
    arrived: Condvar,
    maker: u32,
}

#[derive(Default)]
struct Line {
    keys: VecDeque<u64>,
    waiting: usize,
    /// Holds one byte while there are keys. Nobody waits at it here, not even if the host takes the byte.
    pipe: Option<(UnixStream, UnixStream)>,
}

impl Line {
    fn signal(&self) -> io::Result<()> {
        self.pipe.as_ref().map_or(Ok(()), |(_, writer)| (&*writer).write_all(b"."))
    }

    fn take(&mut self, most: usize) -> Vec<u64> {
        let taken: Vec<u64> = self.keys.drain(..most.min(self.keys.len())).collect();
        if self.keys.is_empty()
            && !taken.is_empty()
            && let Some((reader, _)) = &self.pipe
        {
            let _ = (&*reader).read_exact(&mut [0]);
        }
        taken
    }
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Self {
        let (line, arrived) = (Mutex::new(Line::default()), Condvar::new());
        Queue(Arc::new(Shared { line, arrived, maker: process_id() }))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn check_process(&self) -> Result<()> {
        if self.0.maker == process_id() {
            return Ok(());
        }
        Err(Error::closed("the queue belongs to the process that made it"))
    }

    /// Adds a key; elsewhere than in its own process it is lost.
    pub fn push(&self, key: u64) {
        if self.check_process().is_err() {
            return;
        }
        let mut line = self.line();
        line.keys.push_back(key);
        if line.keys.len() == 1 {
            let _ = line.signal();
        }
        if line.waiting > 0 {
            self.0.arrived.notify_one();
        }
    }

    /// Waits until there is a key, for at most `limit`; takes as many as there are, up to `most`.
    pub fn wait(&self, limit: Option<Duration>, most: usize) -> Result<Vec<u64>> {
        self.check_process()?;
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut line = self.line();
        while line.keys.is_empty() {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Vec::new());
            }
            line.waiting += 1;
            line = match left {
                None => self.0.arrived.wait(line).unwrap_or_else(|poisoned| poisoned.into_inner()),
                Some(left) => {
                    let waited = self.0.arrived.wait_timeout(line, left);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
            };
            line.waiting -= 1;
        }
        let taken = line.take(most);
        if !line.keys.is_empty() && line.waiting > 0 {
            self.0.arrived.notify_one();
        }
        Ok(taken)
    }

    /// A file descriptor that is readable while there are keys; it belongs to the queue.
    pub fn fd(&self) -> Option<RawFd> {
        self.check_process().ok()?;
        let mut line = self.line();
        if line.pipe.is_none() {
            let (reader, writer) = UnixStream::pair().ok()?;
            reader.set_nonblocking(true).and_then(|()| writer.set_nonblocking(true)).ok()?;
            line.pipe = Some((reader, writer));
            if !line.keys.is_empty() {
                line.signal().ok()?;
            }
        }
        line.pipe.as_ref().map(|(reader, _)| reader.as_raw_fd())
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_their_order_and_once() {
        let queue = Queue::new();
        assert_eq!(queue.wait(Some(Duration::ZERO), 8).expect("a wait"), [] as [u64; 0]);
        (1..=5).for_each(|key| queue.push(key));
        assert_eq!(queue.wait(None, 2).expect("a wait"), [1, 2]);
        assert_eq!(queue.wait(None, 8).expect("a wait"), [3, 4, 5]);
        assert_eq!(queue.wait(Some(Duration::from_millis(5)), 8).expect("a wait"), [] as [u64; 0]);
    }

    #[test]
    fn every_key_reaches_exactly_one_of_many_waiters() {
        let queue = Queue::new();
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                let queue = queue.clone();
                std::thread::spawn(move || {
                    let mut taken = Vec::new();
                    loop {
                        let keys = queue.wait(None, 3).expect("a wait");
                        if keys.contains(&0) {
                            taken.extend(keys.into_iter().filter(|key| *key != 0));
                            return taken;
                        }
                        taken.extend(keys);
                    }
                })
            })
            .collect();
        (1..=1000).for_each(|key| queue.push(key));
        let mut all = Vec::new();
        for waiter in waiters {
            // One at a time: a waiter that takes two of these would leave another one waiting.
            while !waiter.is_finished() {
                queue.push(0);
                std::thread::sleep(Duration::from_millis(1));
            }
            all.extend(waiter.join().expect("a waiter"));
        }
        all.sort_unstable();
        assert_eq!(all, (1..=1000).collect::<Vec<_>>());
    }
}
