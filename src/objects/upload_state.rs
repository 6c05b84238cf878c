//! What a later call needs to go on with an upload: a journal that grows with it, without a secret in it. What cannot be
//! written harms no upload.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    content::OpenFile,
    crypt::Envelope,
    multipart::{Part, Parts},
    upload_options::{LARGEST_PART, MOST_PARTS, SMALLEST_PART},
};
use crate::{
    context::blocking,
    disk::{
        journal::{Journal, peek},
        owner::Owner,
        private,
    },
    error::{Error, Result},
    transport::Transport,
};

/// The end of a state's name, behind its owner's digest.
const SUFFIX: &str = ".bge-upload";

/// How an upload began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadRecord {
    /// Bytes of the file.
    pub size: u64,
    pub bucket: String,
    pub endpoint: String,
    pub key: String,
    pub upload_id: String,
    pub part_size: u64,
    /// How it is encrypted; the data key is wrapped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub envelope: Option<Envelope>,
    /// The parts that the store has confirmed.
    #[serde(skip)]
    pub parts: Parts,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begun(UploadRecord),
    Part(u64, Part),
}

/// The last upload that the lines record, with its parts; `None` when it cannot have been one of ours.
fn replayed(lines: Vec<Line>) -> Option<UploadRecord> {
    let mut record: Option<UploadRecord> = None;
    for line in lines {
        match (line, &mut record) {
            (Line::Begun(begun), _) => record = Some(begun),
            (Line::Part(number, part), Some(record)) => {
                record.parts.insert(number, part);
            }
            (Line::Part(..), None) => return None,
        }
    }
    record.filter(|record| {
        (SMALLEST_PART..=LARGEST_PART).contains(&record.part_size)
            && record.size.div_ceil(record.part_size) <= MOST_PARTS
            && record.parts.keys().all(|number| (1..=MOST_PARTS).contains(number))
    })
}

/// Where the state of one upload is kept.
#[derive(Clone)]
pub(super) struct UploadState(Arc<Shared>);

struct Shared {
    place: PathBuf,
    owner: Owner,
    transport: Transport,
    kept: Mutex<Kept>,
    earlier: Mutex<Option<UploadRecord>>,
}

/// The journal, which keeps others out for as long as it is open.
struct Kept {
    journal: Option<Journal>,
    is_writable: bool,
}

impl UploadState {
    /// The state of a file that this owner uploads; what an earlier call left is read. `None`, and a line in the log,
    /// where nothing can be written.
    pub(super) fn open(folder: &Path, owner: Owner, transport: &Transport) -> Result<Option<Self>> {
        let place = folder.join(format!("{}{SUFFIX}", owner.digest()));
        let opened = private::folder(folder).and_then(|()| open_when_free(&place, &owner));
        match opened {
            Ok((journal, lines)) => Ok(Some(UploadState(Arc::new(Shared {
                place,
                owner,
                transport: transport.clone(),
                kept: Mutex::new(Kept { journal: Some(journal), is_writable: true }),
                earlier: Mutex::new(replayed(lines)),
            })))),
            Err(cause) if is_no_folder(folder) => {
                Err(Error::io(format!("checkpoint_dir: {} cannot be used", folder.display()), &cause))
            }
            Err(cause) => {
                unwritable(transport, &place, &cause);
                Ok(None)
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What an earlier call left.
    pub(super) fn earlier(&self) -> Option<UploadRecord> {
        self.0.earlier.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn forget(&self) {
        *self.0.earlier.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = None;
    }

    /// Begins the record of a new upload; whether it is on the disk.
    pub(super) async fn begin(&self, record: UploadRecord) -> bool {
        self.forget();
        self.write(move |journal, owner| {
            journal.clear(owner)?;
            journal.append(&Line::Begun(record))
        })
        .await
    }

    /// Records a part that the store has confirmed.
    pub(super) async fn note(&self, number: u64, part: &Part) {
        let part = part.clone();
        self.write(move |journal, _| journal.append(&Line::Part(number, part))).await;
    }

    /// After a failure nothing more is written: what stands there still counts, and the store knows the rest.
    async fn write(
        &self,
        work: impl FnOnce(&mut Journal, &Owner) -> io::Result<()> + Send + 'static,
    ) -> bool {
        let this = self.clone();
        let done = blocking(move || {
            let mut kept = this.kept();
            let Kept { journal: Some(journal), is_writable: true } = &mut *kept else { return Ok(false) };
            if let Err(cause) = work(journal, &this.0.owner) {
                kept.is_writable = false;
                unwritable(&this.0.transport, &this.0.place, &cause);
                return Ok(false);
            }
            Ok(true)
        });
        done.await.unwrap_or(false)
    }

    /// The upload is over.
    pub(super) async fn remove(&self) {
        let this = self.clone();
        let _ = blocking(move || {
            this.forget();
            // Without the journal the file may be another process's.
            if let Some(journal) = this.kept().journal.take() {
                let _ = fs::remove_file(&this.0.place);
                drop(journal);
            }
            Ok(())
        })
        .await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Opened, and nothing begun: nothing is left.
        let is_bare = |place: &Path| matches!(peek::<Line>(place), Ok(Some((_, lines))) if lines.is_empty());
        if self.kept.get_mut().is_ok_and(|kept| kept.journal.is_some()) && is_bare(&self.place) {
            let _ = fs::remove_file(&self.place);
        }
    }
}

/// One that was just given up may be in use for a moment more.
fn open_when_free(place: &Path, owner: &Owner) -> io::Result<(Journal, Vec<Line>)> {
    for _ in 0..100 {
        match Journal::open(place, owner) {
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(5));
            }
            outcome => return outcome,
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another upload of this file is under way"))
}

fn is_no_folder(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|metadata| !metadata.is_dir())
        || folder.ancestors().any(|above| fs::metadata(above).is_ok_and(|metadata| metadata.is_file()))
}

fn unwritable(transport: &Transport, place: &Path, cause: &io::Error) {
    transport.log().warn(format!(
        "checkpoint_dir: {} cannot be written ({cause}): the upload goes on, and cannot be resumed from there",
        place.display()
    ));
}

/// A state in a folder, as it is shown to people.
pub(super) struct Left {
    pub place: PathBuf,
    pub owner: Owner,
    /// `None`: nothing had begun.
    pub record: Option<UploadRecord>,
}

/// All states in a folder, in the order of their names.
pub(super) fn left_in(folder: &Path) -> io::Result<Vec<Left>> {
    let mut places = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let digest = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        if digest.is_some_and(|digest| digest.len() == 40 && digest.bytes().all(|b| b.is_ascii_hexdigit())) {
            places.push(entry.path());
        }
    }
    places.sort();
    Ok(places.iter().filter_map(|place| left_at(place)).collect())
}

/// The state of this name, as it stands there now.
pub(super) fn left_at(place: &Path) -> Option<Left> {
    let (owner, lines) = peek::<Line>(place).ok().flatten()?;
    Some(Left { place: place.to_owned(), owner, record: replayed(lines) })
}

/// By what the state of an upload is known: of which file, and what it becomes.
pub(super) fn known_by(file: &OpenFile, filename: &str, options: &[(&str, String)]) -> Vec<(String, String)> {
    const ESCAPED: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b'%');
    // A path need not be text.
    let path = match file.path.to_str() {
        Some(path) => path.to_owned(),
        None => {
            let bytes = file.path.as_os_str().as_encoded_bytes();
            format!("bytes:{}", percent_encoding::percent_encode(bytes, ESCAPED))
        }
    };
    let mut arguments = vec![("path".to_owned(), path), ("filename".to_owned(), filename.to_owned())];
    arguments.extend(options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Format, Level, Logger};

    fn begun(size: u64, part_size: u64) -> Line {
        Line::Begun(UploadRecord {
            size,
            bucket: "b".into(),
            endpoint: "http://s/".into(),
            key: "d/reads.fq".into(),
            upload_id: "U".into(),
            part_size,
            envelope: None,
            parts: Parts::new(),
        })
    }

    fn part() -> Part {
        Part { size: 102_400, crc64: u64::MAX, etag: "\"E\"".into() }
    }

    #[test]
    fn the_last_upload_counts() {
        let lines = vec![begun(300_000, 102_400), Line::Part(1, part()), begun(200_000, 102_400)];
        assert_eq!(replayed(lines).map(|record| (record.size, record.parts.len())), Some((200_000, 0)));
        let lines = vec![begun(300_000, 102_400), Line::Part(2, part())];
        assert_eq!(replayed(lines).and_then(|record| record.parts.get(&2).cloned()), Some(part()));
    }

    fn new_folder() -> PathBuf {
        std::env::temp_dir().join(format!("bge-state-{:016x}", fastrand::u64(..)))
    }

    /// The state of an upload of this folder, unless somebody has it.
    fn state_in(folder: &Path) -> Option<UploadState> {
        let transport = Transport::new(
            crate::options::client("{}").expect("options"),
            Arc::new(Logger::new(Level::Off, Format::default(), None).expect("a log")),
        )
        .expect("a transport");
        let owner = Owner {
            address: String::new(),
            account: String::new(),
            call: "upload".into(),
            arguments: vec![],
        };
        UploadState::open(folder, owner, &transport).expect("a folder")
    }

    #[tokio::test]
    async fn after_a_failed_write_nobody_else_has_the_state_until_the_upload_is_over() {
        let folder = new_folder();
        let state = state_in(&folder).expect("a state");
        let Line::Begun(mut record) = begun(300_000, 102_400) else { panic!("a record") };
        record.key = "k".repeat(100_000);
        assert!(!state.begin(record).await, "no line is so long");
        assert!(state_in(&folder).is_none(), "it is under way");
        state.remove().await;
        let other = state_in(&folder).expect("a state of its own");
        let Line::Begun(record) = begun(300_000, 102_400) else { panic!("a record") };
        assert!(other.begin(record.clone()).await);
        state.remove().await;
        drop((state, other));
        assert_eq!(state_in(&folder).expect("a state").earlier(), Some(record));
        fs::remove_dir_all(&folder).expect("the folder");
    }

    #[tokio::test]
    async fn what_is_written_grows_with_the_parts_and_not_with_their_square() {
        let folder = new_folder();
        let state = state_in(&folder).expect("a state");
        let Line::Begun(record) = begun(102_400 * 10_000, 102_400) else { panic!("a record") };
        assert!(state.begin(record).await);
        // Bytes that this process has handed to the system.
        let written = || {
            let counters = fs::read_to_string("/proc/self/io").expect("counters");
            let line = counters.lines().find_map(|line| line.strip_prefix("wchar: ")).expect("one of them");
            line.parse::<u64>().expect("a number")
        };
        let before = written();
        for number in 1..=10_000 {
            state.note(number, &part()).await;
        }
        // Rewriting it each time would take gigabytes.
        assert!(written() - before < 50_000_000, "{}", written() - before);
        drop(state);
        assert_eq!(state_in(&folder).expect("a state").earlier().expect("a record").parts.len(), 10_000);
        fs::remove_dir_all(&folder).expect("the folder");
    }

    #[test]
    fn no_crafted_record_makes_anybody_allocate() {
        assert!(replayed(vec![begun(u64::MAX, 102_400)]).is_none());
        assert!(replayed(vec![begun(1 << 40, 1)]).is_none());
        assert!(replayed(vec![begun(1 << 40, u64::MAX)]).is_none());
        assert!(replayed(vec![begun(1 << 20, 102_400), Line::Part(0, part())]).is_none());
        assert!(replayed(vec![begun(1 << 20, 102_400), Line::Part(10_001, part())]).is_none());
        assert!(replayed(vec![Line::Part(1, part())]).is_none());
    }
}
