//! A folder through which workers share samples, on any number of machines and without a server: `todo` holds chunks of
//! ids, `taken` those that somebody has in hand, `done` the others. A chunk is claimed by renaming it; whoever has it holds
//! a lock on it and touches it. One that nobody does is a dead worker's, and is claimed again.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use crate::{
    extract::{
        dataset::{self, ShardName},
        ending::Ending,
        job::Job,
        place, samples,
    },
    failure::{Failure, PARTIAL, RETRY},
};

/// So often a worker says that it lives.
const PULSE: Duration = Duration::from_secs(10);
/// Without locks, who has said nothing for so long is dead.
const DEAD: Duration = Duration::from_secs(180);
/// So often an idle worker looks whether another one has died.
const LOOK: Duration = Duration::from_secs(1);

pub fn run(job: &Job<'_>, queue: &Path, ids: &[String]) -> Result<Ending, Failure> {
    dataset::prepare(&job.options.output)?;
    fill(queue, ids, job.options.chunk as usize)?;
    for chunk in names(&queue.join("failed")) {
        // What could not be had once may be there now.
        let _ = fs::rename(&chunk.path, queue.join("todo").join(chunk.name()));
    }
    let mut exits: Vec<u8> = Vec::new();
    loop {
        if job.interrupt.came() {
            return Ok(Ending::Partial(RETRY));
        }
        let Some(chunk) = Claim::next(queue)? else {
            if !is_busy(queue, "taken") && !is_busy(queue, "todo") {
                break;
            }
            std::thread::sleep(LOOK);
            continue;
        };
        let ids = samples::of_file(&chunk.chunk.path.to_string_lossy())?;
        let name = ShardName { index: chunk.chunk.number, count: chunk.chunk.count };
        match dataset::run(job, &job.options.output, &name, Some(&ids)) {
            Ok(Ending::Complete) => chunk.finish(queue, "done")?,
            // Another run may have what this one could not.
            Ok(Ending::Partial(exit)) if job.interrupt.came() || exit == RETRY => {
                chunk.finish(queue, "todo")?;
                return Ok(Ending::Partial(RETRY));
            }
            Ok(Ending::Partial(exit)) => {
                exits.push(exit);
                chunk.finish(queue, "failed")?;
            }
            Err(failure) => {
                chunk.finish(queue, "todo")?;
                return Err(failure);
            }
        }
    }
    if is_busy(queue, "failed") {
        eprintln!("bge: chunks in {} have samples that cannot be had", queue.join("failed").display());
        return Ok(Ending::Partial(exits.into_iter().max().unwrap_or(PARTIAL)));
    }
    Ok(Ending::Complete)
}

fn unusable(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::io(&format!("the queue cannot be used: {}", path.display()), cause)
}

/// Puts the chunks into the queue, unless somebody has.
fn fill(queue: &Path, ids: &[String], chunk: usize) -> Result<(), Failure> {
    let failed = |cause: std::io::Error| unusable(queue, &cause);
    fs::create_dir_all(queue).map_err(failed)?;
    for folder in ["taken", "done", "failed"] {
        fs::create_dir_all(queue.join(folder)).map_err(failed)?;
    }
    let chunks: Vec<&[String]> = ids.chunks(chunk.max(1)).collect();
    let todo = queue.join("todo");
    if !todo.is_dir() {
        // Under a name of its own until all of it is there: the first one to rename it has filled the queue.
        let fresh = queue.join(format!(".new-{}-{:016x}", std::process::id(), place::random()));
        fs::create_dir(&fresh).map_err(failed)?;
        for (number, ids) in chunks.iter().enumerate() {
            let (number, count) = (number as u64, chunks.len() as u64);
            let chunk = Chunk { number, count, path: PathBuf::new() };
            fs::write(fresh.join(chunk.name()), ids.join("\n") + "\n").map_err(failed)?;
        }
        if fs::rename(&fresh, &todo).is_err() {
            let _ = fs::remove_dir_all(&fresh);
        }
    }
    Ok(())
}

fn is_busy(queue: &Path, folder: &str) -> bool {
    names(&queue.join(folder)).next().is_some()
}

/// A file of ids, one of so many.
struct Chunk {
    number: u64,
    count: u64,
    path: PathBuf,
}

impl Chunk {
    fn name(&self) -> String {
        format!("{:08}-of-{:08}.ids", self.number, self.count)
    }
}

fn names(folder: &Path) -> impl Iterator<Item = Chunk> {
    let mut found: Vec<Chunk> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (number, count) = name.strip_suffix(".ids")?.split('.').next()?.split_once("-of-")?;
            Some(Chunk { number: number.parse().ok()?, count: count.parse().ok()?, path: entry.path() })
        })
        .collect();
    found.sort_by_key(|chunk| chunk.number);
    found.into_iter()
}

/// A chunk in hand.
struct Claim {
    chunk: Chunk,
    pulse: Option<(Sender<()>, JoinHandle<()>)>,
    _lock: File,
}

impl Claim {
    /// The next chunk that is free, or whose worker is dead.
    fn next(queue: &Path) -> Result<Option<Self>, Failure> {
        for chunk in names(&queue.join("todo")).chain(names(&queue.join("taken"))) {
            if let Some(claim) = Self::take(queue, chunk) {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    fn take(queue: &Path, chunk: Chunk) -> Option<Self> {
        let from = &chunk.path;
        let is_taken = from.parent().is_some_and(|folder| folder.ends_with("taken"));
        let lock = File::options().read(true).append(true).open(from).ok()?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return None,
            // On a file system without locks only the pulse tells.
            Err(TryLockError::Error(_)) if is_taken && is_alive(from) => return None,
            Err(TryLockError::Error(_)) => {}
        }
        let name = chunk.name().replace(".ids", &format!(".{:016x}.ids", place::random()));
        let path = queue.join("taken").join(name);
        // Whoever renames it first has it.
        fs::rename(from, &path).ok()?;
        touch(&path);
        let (end, ended) = channel();
        let beating = path.clone();
        let pulse = std::thread::spawn(move || {
            while ended.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
                touch(&beating);
            }
        });
        let chunk = Chunk { path, ..chunk };
        Some(Claim { chunk, pulse: Some((end, pulse)), _lock: lock })
    }

    /// Puts it where it belongs now.
    fn finish(mut self, queue: &Path, folder: &str) -> Result<(), Failure> {
        self.stop();
        let to = queue.join(folder).join(self.chunk.name());
        fs::rename(&self.chunk.path, &to).map_err(|cause| unusable(&to, &cause))
    }

    fn stop(&mut self) {
        if let Some((end, pulse)) = self.pulse.take() {
            drop(end);
            let _ = pulse.join();
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.stop();
    }
}

fn touch(path: &Path) {
    let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

fn is_alive(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|about| about.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < DEAD))
}
