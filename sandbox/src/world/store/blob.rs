//! Where bodies live: small ones in memory, larger ones in slots of one nameless file.
//!
//! The file has no name, so nothing is left behind however the process ends, and a store with
//! ten thousand parts still holds one descriptor. Freed slots are used again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::world::lock::lock;

/// Bytes in one slot of the file.
const SLOT: u64 = 1 << 20;

pub struct Arena {
    file: File,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    free: Vec<u64>,
    next: u64,
}

impl Arena {
    /// The file takes space in `folder`, or in the system's temporary folder.
    pub fn new(folder: Option<&Path>) -> io::Result<Arc<Self>> {
        let file = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                tempfile::tempfile_in(folder)?
            }
            None => tempfile::tempfile()?,
        };
        Ok(Arc::new(Arena { file, slots: Mutex::default() }))
    }

    fn take_slot(&self) -> u64 {
        let mut slots = lock(&self.slots);
        slots.free.pop().unwrap_or_else(|| {
            slots.next += 1;
            slots.next - 1
        })
    }
}

/// One body, unchanging once written.
pub enum Blob {
    Memory(Bytes),
    Stored(Stored),
}

pub struct Stored {
    arena: Arc<Arena>,
    slots: Vec<u64>,
    size: u64,
}

impl Blob {
    pub fn size(&self) -> u64 {
        match self {
            Blob::Memory(bytes) => bytes.len() as u64,
            Blob::Stored(stored) => stored.size,
        }
    }
}

impl Blob {
    /// The first bytes, of which there are at least so many.
    pub fn first(&self, bytes: u64) -> io::Result<Vec<u8>> {
        match self {
            Blob::Memory(all) => Ok(all.slice(..bytes as usize).to_vec()),
            Blob::Stored(stored) => {
                let mut first = vec![0; bytes as usize];
                stored.read_exact_at(&mut first, 0)?;
                Ok(first)
            }
        }
    }
}

impl Stored {
    pub fn new(arena: Arc<Arena>) -> Self {
        Stored { arena, slots: Vec::new(), size: 0 }
    }

    pub fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let within = self.size % SLOT;
            if within == 0 {
                self.slots.push(self.arena.take_slot());
            }
            let slot = self.slots.last().copied().unwrap_or_default();
            let (now, later) = bytes.split_at(bytes.len().min((SLOT - within) as usize));
            self.arena.file.write_all_at(now, slot * SLOT + within)?;
            self.size += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    /// Fills `buffer` from `offset`; the caller keeps within the size.
    pub fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let within = offset % SLOT;
            let slot = self.slots.get((offset / SLOT) as usize).ok_or(io::ErrorKind::UnexpectedEof)?;
            let step = buffer.len().min((SLOT - within) as usize);
            let (now, later) = buffer.split_at_mut(step);
            self.arena.file.read_exact_at(now, slot * SLOT + within)?;
            offset += step as u64;
            buffer = later;
        }
        Ok(())
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        lock(&self.arena.slots).free.append(&mut self.slots);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(seed: u64, length: usize) -> Vec<u8> {
        (0..length as u64).map(|i| ((i * 31 + seed) % 251) as u8).collect()
    }

    #[test]
    fn interleaved_bodies_do_not_touch_each_other() {
        let arena = Arena::new(None).unwrap();
        let (one, two) = (pattern(1, 3_500_000), pattern(2, 2_100_000));
        let mut a = Stored::new(Arc::clone(&arena));
        let mut b = Stored::new(Arc::clone(&arena));
        for i in 0..8 {
            let cut = |all: &[u8]| all[all.len() * i / 8..all.len() * (i + 1) / 8].to_vec();
            a.append(&cut(&one)).unwrap();
            b.append(&cut(&two)).unwrap();
        }
        assert_eq!((a.size, b.size), (3_500_000, 2_100_000));
        let mut read = vec![0; 2_000_001];
        a.read_exact_at(&mut read, 1_048_570).unwrap();
        assert_eq!(read, one[1_048_570..1_048_570 + 2_000_001]);
        let mut read = vec![0; 2_100_000];
        b.read_exact_at(&mut read, 0).unwrap();
        assert_eq!(read, two);
    }

    #[test]
    fn freed_space_is_used_again() {
        let arena = Arena::new(None).unwrap();
        for round in 0..5 {
            let mut body = Stored::new(Arc::clone(&arena));
            body.append(&pattern(round, 4 << 20)).unwrap();
        }
        assert_eq!(lock(&arena.slots).next, 4);
    }

    #[test]
    fn a_data_folder_stays_free_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("new/data");
        let arena = Arena::new(Some(&below)).unwrap();
        let mut body = Stored::new(arena);
        body.append(&pattern(3, 2 << 20)).unwrap();
        assert_eq!(std::fs::read_dir(&below).unwrap().count(), 0);
    }
}
