//! The quota that a client shares with whoever uses the same file: processes of one machine, and no server.
//!
//! The file is one line of JSON, read and replaced as one block under a lock that is held for microseconds. A process that
//! is killed leaves it as it was before or after; what it was given and has not used is given to others. Where a file
//! system has no locks, the clients say in the same file that they are there, and each takes its share of the rate; a pause
//! that one of them was told to make stands there, too.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    context::Context,
    disk::{
        lock::{self, Held},
        private,
    },
    error::{Error, Result},
    log::{Level, Logger},
    pace::{LONGEST_PAUSE, Micros, Quota, SECOND, Turn},
};

/// How the file begins, by which it is known to be one.
const BEGINS: &str = "{\"bge_rate_budget\":";
/// A block of this size is written whole or not at all, whenever a process is killed.
const BLOCK: usize = 4096;
/// Behind it, for clients without locks: who is there, and when it last said so.
const SEATS: usize = 512;
const SEAT: usize = 16;
/// Behind those, for the same clients: until when the server wants to be left alone, and the HTTP status that said so.
const NOTED: u64 = (BLOCK + SEATS * SEAT) as u64;
/// Who has said nothing for so long is not there any more.
const GONE: Micros = 20 * SECOND;
/// So often a client without locks says that it is there, and looks for others.
const LOOK: Duration = Duration::from_secs(1);
/// The lock is held for microseconds: after so long, whoever has it is stopped.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_micros(300);

/// One client's part in the budget.
#[derive(Debug)]
pub(super) struct Budget {
    path: PathBuf,
    rate: Option<f64>,
    client: u32,
    /// This client's calls, one after the other: it waits for one moment at a time.
    line: tokio::sync::Mutex<()>,
    share: Mutex<Share>,
    is_logged: AtomicBool,
}

/// When a request may be sent.
pub(super) enum Outcome {
    Now,
    /// The server wants no requests for so long, and has said so with this HTTP status.
    Pause(Duration, u16),
    /// Nothing is shared: after so long, by the client's own reckoning.
    Alone(Duration),
}

/// Makes the file, or finds out that it is no budget.
pub(super) fn check(path: &Path) -> Result<()> {
    let checked = private::open_or_create(path).and_then(|file| read(&file));
    checked.map(drop).map_err(|cause| match cause.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::PermissionDenied => {
            Error::argument("rate_budget", format!("cannot be {}", path.display())).with_cause(cause)
        }
        _ => Error::io(format!("rate_budget cannot be used: {}", path.display()), &cause),
    })
}

fn now() -> Micros {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(now.as_micros()).unwrap_or_default()
}

impl Budget {
    pub(super) fn new(path: PathBuf, rate: Option<f64>) -> Self {
        Budget {
            path,
            rate,
            client: fastrand::u32(1..),
            line: tokio::sync::Mutex::new(()),
            share: Mutex::new(Share::new()),
            is_logged: AtomicBool::new(false),
        }
    }

    /// Waits for this client's next moment.
    pub(super) async fn turn(&self, context: &Context, log: &Logger) -> Result<Outcome> {
        let _line = self.line.lock().await;
        loop {
            let turn = self.with(context, log, |quota| quota.turn(now(), self.rate, self.client)).await?;
            match turn {
                Some(Turn::Now) => return Ok(Outcome::Now),
                Some(Turn::Pause(left, status)) => return Ok(Outcome::Pause(left, status)),
                Some(Turn::Later(wait)) => {
                    let moment = Moment(Some(self));
                    context.sleep(wait).await?;
                    let is_ours = self.with(context, log, |quota| quota.arrive(now(), self.client)).await?;
                    moment.used();
                    if is_ours.unwrap_or(true) {
                        return Ok(Outcome::Now);
                    }
                }
                None => {
                    return Ok(match self.pause_without_lock() {
                        Some((left, status)) => Outcome::Pause(left, status),
                        None => Outcome::Alone(self.own_turn()),
                    });
                }
            }
        }
    }

    /// The server had too many, or wants to be left alone for a while: all who share the budget will know.
    pub(super) async fn refused(
        &self,
        context: &Context,
        log: &Logger,
        status: u16,
        wait: Option<Duration>,
    ) -> Result<()> {
        let noted = self.with(context, log, |quota| {
            if status == 429 {
                quota.refused(now());
            }
            if let Some(wait) = wait {
                quota.close(now(), wait, status);
            }
        });
        if let (None, Some(wait)) = (noted.await?, wait) {
            // Who cannot write it is told by the server, as it would be without a budget.
            let _ = pause_all_without_lock(&self.path, wait, status);
        }
        Ok(())
    }

    /// How long the server wants no requests, as a client without a lock was told.
    pub(super) fn pause_without_lock(&self) -> Option<(Duration, u16)> {
        let file = private::open_or_create(&self.path).ok()?;
        let (until, status) = pause(&file, now())?;
        let left = Duration::from_micros((until - now()).max(0).unsigned_abs());
        // Nobody gives out moments: so not all come back at the same one.
        let spread = left.div_f64(10.0).min(Duration::from_secs(1));
        Some((left + spread.mul_f64(fastrand::f64()), status))
    }

    /// Changes what is in the file, waiting for the lock under the call's own bounds; `None` where it cannot be had.
    async fn with<T>(
        &self,
        context: &Context,
        log: &Logger,
        mut work: impl FnMut(&mut Quota) -> T,
    ) -> Result<Option<T>> {
        let begun = Instant::now();
        let why = loop {
            match self.try_with(&mut work) {
                Ok(Some(done)) => return Ok(Some(done)),
                Ok(None) if begun.elapsed() < PATIENCE => {
                    context.sleep(PAUSE.mul_f64(0.5 + fastrand::f64())).await?;
                }
                Ok(None) => break "it is locked by a process that does not go on".to_owned(),
                Err(cause) => break cause.to_string(),
            }
        };
        if !self.is_logged.swap(true, Ordering::Relaxed) {
            let path = self.path.display();
            log.write(Level::Info, || {
                format!("rate_budget cannot be shared, and this client keeps to its share of the rate: {path}: {why}")
            });
        }
        Ok(None)
    }

    /// The same at once; `None` while somebody else has the lock.
    fn try_with<T>(&self, work: &mut impl FnMut(&mut Quota) -> T) -> io::Result<Option<T>> {
        let lock = match lock::hold(&self.path)? {
            Some(Held::Locked(lock)) => lock,
            None => return Ok(None),
            Some(Held::Bare(_)) => return Err(io::Error::new(ErrorKind::Unsupported, "no locks here")),
        };
        let file = lock.file();
        let mut quota = read(file)?;
        let done = work(&mut quota);
        write(file, &quota)?;
        Ok(Some(done))
    }

    fn give_back(&self) {
        for _ in 0..16 {
            match self.try_with(&mut |quota| quota.leave(now(), self.client)) {
                // Left where it is, it is given to others a second later.
                Ok(None) => std::thread::yield_now(),
                _ => return,
            }
        }
    }

    /// How long to wait for a turn without a lock.
    fn own_turn(&self) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        share.turn(&self.path, rate)
    }
}

/// A moment that is waited for: given back unless it is used.
struct Moment<'a>(Option<&'a Budget>);

impl Moment<'_> {
    fn used(mut self) {
        self.0 = None;
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        if let Some(budget) = self.0 {
            budget.give_back();
        }
    }
}

/// What the file holds. A block that was cut off is none: then it begins anew.
fn read(file: &File) -> io::Result<Quota> {
    let mut block = [0; BLOCK];
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, filled as u64)? {
            0 => break,
            more => filled += more,
        }
    }
    let held = block.get(..filled).unwrap_or_default();
    // Without locks there may be nothing yet but the seats behind it.
    if held.iter().all(|byte| *byte == 0) {
        return Ok(Quota::default());
    }
    if !held.starts_with(BEGINS.as_bytes()) {
        return Err(io::Error::new(ErrorKind::InvalidData, "it holds something else, and is left as it is"));
    }
    let json = held.get(BEGINS.len()..).unwrap_or_default().trim_ascii_end();
    Ok(json.strip_suffix(b"}").and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default())
}

fn write(file: &File, quota: &Quota) -> io::Result<()> {
    let mut text = format!("{BEGINS}{}}}", serde_json::to_string(quota)?);
    while text.len() < BLOCK - 1 {
        text.push(' ');
    }
    text.push('\n');
    file.write_all_at(text.as_bytes(), 0)
}

/// The pause that is written down, if it is not over. What cannot be one is none.
fn pause(file: &File, now: Micros) -> Option<(Micros, u16)> {
    let mut bytes = [0; 16];
    file.read_exact_at(&mut bytes, NOTED).ok()?;
    let (until, status) = bytes.split_first_chunk::<8>()?;
    let (until, status) = (Micros::from_le_bytes(*until), u64::from_le_bytes(*status.first_chunk()?));
    let is_closed = (now + 1..=now + LONGEST_PAUSE).contains(&until);
    u16::try_from(status).ok().filter(|_| is_closed).map(|status| (until, status))
}

/// Writes down a pause that lasts longer than the one that is there. Of two that do so at the same moment, the first
/// one's may be lost: then the server says it again.
fn pause_all_without_lock(path: &Path, wait: Duration, status: u16) -> io::Result<()> {
    let (file, now) = (private::open_or_create(path)?, now());
    let until = now + Micros::try_from(wait.as_micros()).unwrap_or(Micros::MAX).min(LONGEST_PAUSE);
    if pause(&file, now).is_some_and(|(before, _)| before >= until) {
        return Ok(());
    }
    file.write_all_at(&[until.to_le_bytes(), u64::from(status).to_le_bytes()].concat(), NOTED)
}

/// A client's share of the rate, where there are no locks.
#[derive(Debug)]
struct Share {
    client: u64,
    seat: Option<usize>,
    /// How many share it, and when that was seen.
    seen: Option<(usize, Instant)>,
    next: Option<Instant>,
}

impl Share {
    fn new() -> Self {
        Share { client: fastrand::u64(1..), seat: None, seen: None, next: None }
    }

    fn turn(&mut self, path: &Path, rate: f64) -> Duration {
        let now = Instant::now();
        // The first look is too early to see those that begin at the same moment.
        if self.seen.is_none() {
            self.next = now.checked_add(LOOK);
        }
        if self.seen.is_none_or(|(_, at)| now.saturating_duration_since(at) >= LOOK) {
            self.seen = Some((self.look(path).unwrap_or(1), now));
        }
        let clients = self.seen.map_or(1, |(clients, _)| clients) as f64;
        let distance = Duration::from_secs_f64((clients / rate).min(86_400.0));
        let at = self.next.map_or(now, |next| next.max(now));
        self.next = at.checked_add(distance).or(Some(at));
        at.saturating_duration_since(now)
    }

    /// Says that this client is there; how many are.
    fn look(&mut self, path: &Path) -> io::Result<usize> {
        let file = private::open_or_create(path)?;
        let mut bytes = [0; SEATS * SEAT];
        let length = file.read_at(&mut bytes, BLOCK as u64)?;
        let now = self::now();
        let seats = bytes.get(..length).unwrap_or_default().chunks_exact(SEAT);
        let mut taken: Vec<Option<u64>> = seats.map(|seat| taken_by(seat, now)).collect();
        taken.resize(SEATS, None);
        let is_mine = |seat: &usize| taken.get(*seat).is_some_and(|by| by.is_none_or(|by| by == self.client));
        let kept = self.seat.filter(is_mine);
        let seat = kept.or_else(|| (0..64).map(|_| fastrand::usize(..SEATS)).find(is_mine));
        let others =
            taken.iter().enumerate().filter(|(place, by)| Some(*place) != seat && by.is_some()).count();
        self.seat = seat;
        if let Some(seat) = seat {
            let (client, now) = (self.client.to_le_bytes(), now.to_le_bytes());
            file.write_all_at(&[client, now].concat(), (BLOCK + seat * SEAT) as u64)?;
        }
        Ok(others + 1)
    }
}

/// Who sits there, and has lately said so.
fn taken_by(seat: &[u8], now: Micros) -> Option<u64> {
    let (client, at) = seat.split_first_chunk::<8>()?;
    let at = Micros::from_le_bytes(*at.first_chunk()?);
    (now - GONE..=now + GONE).contains(&at).then(|| u64::from_le_bytes(*client))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        context::{Cancel, Sender},
        disk::scratch::Scratch,
        error::Status,
        log::Format,
    };

    fn logger() -> Logger {
        Logger::new(Level::Off, Format::Text, None).expect("a log")
    }

    async fn send(budget: &Budget, context: &Context, count: usize) {
        for _ in 0..count {
            let outcome = budget.turn(context, &logger()).await.expect("a turn");
            assert!(matches!(outcome, Outcome::Now));
        }
    }

    #[tokio::test]
    async fn clients_that_know_only_the_file_share_the_rate() {
        let folder = Scratch::new();
        let path = folder.path("budget");
        check(&path).expect("made");
        let context = Context::for_tests();
        let begun = Instant::now();
        let clients: Vec<_> = (0..4).map(|_| Arc::new(Budget::new(path.clone(), Some(100.0)))).collect();
        let work = clients.iter().map(|budget| send(budget, &context, 25));
        futures_util::future::join_all(work).await;
        // Half a second's worth is there at once.
        assert!(begun.elapsed() >= Duration::from_millis(450), "{:?}", begun.elapsed());
        assert_eq!(std::fs::metadata(&path).expect("a file").len(), BLOCK as u64);
        check(&path).expect("a budget");
    }

    #[tokio::test]
    async fn a_door_that_one_was_shown_is_closed_to_all() {
        let folder = Scratch::new();
        let path = folder.path("budget");
        let context = Context::for_tests();
        let (one, other) = (Budget::new(path.clone(), None), Budget::new(path, Some(5.0)));
        one.refused(&context, &logger(), 429, Some(Duration::from_secs(30))).await.expect("told");
        let outcome = other.turn(&context, &logger()).await.expect("an outcome");
        let Outcome::Pause(left, 429) = outcome else { panic!("it is open") };
        assert!(left > Duration::from_secs(25));
    }

    #[tokio::test]
    async fn a_cancelled_call_gives_its_moment_to_the_next_one() {
        let folder = Scratch::new();
        let path = folder.path("budget");
        let cancel = Cancel::default();
        let hurried = Context::new(Sender::Streaming, Duration::from_secs(1), None, cancel.clone());
        let (one, other) = (Budget::new(path.clone(), Some(1.0)), Budget::new(path, Some(1.0)));
        let context = Context::for_tests();
        send(&one, &context, 1).await;
        let begun = Instant::now();
        let stop = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            cancel.set();
        };
        let log = logger();
        let (late, ()) = tokio::join!(one.turn(&hurried, &log), stop);
        assert!(late.is_err_and(|error| error.status() == Status::Cancelled));
        send(&other, &context, 1).await;
        assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn whoever_holds_the_lock_and_sleeps_holds_nobody_up() {
        let folder = Scratch::new();
        let path = folder.path("budget");
        let file = private::open_or_create(&path).expect("a file");
        let lock::Taken::Ours(_lock) = lock::take(file).expect("asked") else { panic!("it is free") };
        let budget = Budget::new(path, Some(1000.0));
        let outcome = budget.turn(&Context::for_tests(), &logger()).await.expect("an outcome");
        assert!(matches!(outcome, Outcome::Alone(_)));
    }

    #[test]
    fn without_locks_a_pause_that_one_was_given_is_for_all() {
        let folder = Scratch::new();
        let path = folder.path("budget");
        let seconds = Duration::from_secs;
        let other = Budget::new(path.clone(), None);
        assert_eq!(other.pause_without_lock(), None);
        pause_all_without_lock(&path, seconds(30), 429).expect("written");
        // A shorter wait opens nothing.
        pause_all_without_lock(&path, seconds(1), 503).expect("written");
        let (left, status) = other.pause_without_lock().expect("closed");
        assert!(status == 429 && left > seconds(25) && left <= seconds(31), "{left:?}");
        pause_all_without_lock(&path, Duration::MAX, 503).expect("written");
        let (left, status) = other.pause_without_lock().expect("closed");
        assert!(status == 503 && left > seconds(3590) && left <= seconds(3601), "{left:?}");
        assert_eq!(Share::new().look(&path).expect("a look"), 1, "a pause is nobody's seat");
        check(&path).expect("still a budget");
        // Moments that are over or cannot be are no pause.
        let file = File::options().write(true).open(&path).expect("a file");
        for until in [now() - 1, now() + 2 * LONGEST_PAUSE, Micros::MAX, Micros::MIN] {
            file.write_all_at(&until.to_le_bytes(), NOTED).expect("written");
            assert_eq!(other.pause_without_lock(), None);
        }
    }

    #[test]
    fn what_is_no_budget_is_left_as_it_is() {
        let folder = Scratch::new();
        let path = folder.path("ids.txt");
        std::fs::write(&path, "E-F1\n").expect("a file");
        let error = check(&path).expect_err("no budget");
        assert!(error.status() == Status::Argument && error.message().contains("rate_budget"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "E-F1\n");
        std::os::unix::fs::symlink("elsewhere", folder.path("link")).expect("a link");
        assert_eq!(check(&folder.path("link")).expect_err("a link").status(), Status::Argument);
        assert_eq!(check(&folder.path("no/such/folder")).expect_err("nowhere").status(), Status::Io);
        // Cut off, or from who knows where: it begins anew.
        for broken in ["{\"bge_rate_budget\":{\"at\":17", "{\"bge_rate_budget\":{}}", ""] {
            std::fs::write(&path, broken).expect("a file");
            check(&path).expect("usable");
        }
    }

    #[test]
    fn without_locks_each_has_a_share() {
        let folder = Scratch::new();
        let path = folder.path("budget");
        let mut clients: Vec<Share> = (0..5).map(|_| Share::new()).collect();
        let first: Vec<usize> = clients.iter_mut().map(|one| one.look(&path).expect("a look")).collect();
        assert_eq!(first, [1, 2, 3, 4, 5]);
        assert!(clients.iter_mut().all(|one| one.look(&path).expect("a look") == 5));
        // Another one in the same seat: who finds it taken takes another.
        clients[1].seat = clients[0].seat;
        assert_eq!(clients[1].look(&path).expect("a look"), 6, "its old seat is there a while longer");
        assert_ne!(clients[1].seat, clients[0].seat);
        let waits: Vec<f64> = (0..6).map(|_| clients[2].turn(&path, 10.0).as_secs_f64()).collect();
        // Six of them at ten a second.
        assert!((3.9..=4.1).contains(&waits[5]) && waits[0] > 0.9, "{waits:?}");
        check(&path).expect("still a budget");
    }
}
