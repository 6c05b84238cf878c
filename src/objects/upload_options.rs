//! The arguments of transfers, checked: nothing is passed through, and an unknown name is an error.

use std::path::PathBuf;

use crate::{
    endpoint::Endpoint,
    error::{Error, Result},
    options,
    platform::{
        args::{Args, check},
        switches::check_misplaced,
    },
};

pub(super) use crate::platform::switches::CALL_SWITCHES as SWITCHES;

/// The store takes no smaller parts, but for the last one.
pub(super) const SMALLEST_PART: u64 = 100 * 1024;
/// The store takes no larger part and no larger object in one request.
pub(super) const LARGEST_PART: u64 = 5 * 1024 * 1024 * 1024;
/// The store takes no more parts.
pub(super) const MOST_PARTS: u64 = 10_000;

const PART_SIZE: u64 = 50 * 1024 * 1024;
const THRESHOLD: u64 = 100 * 1024 * 1024;
const CONNECTIONS: usize = 4;

/// Checks `args` against the row of a transfer.
pub(super) fn check_all(endpoint: &Endpoint, args: &Args) -> Result<()> {
    for arg in endpoint.args {
        match args.get(arg.name) {
            Some(raw) => check(arg, raw)?,
            None if arg.required => {
                return Err(Error::argument(arg.name, format!("is required: {}", arg.about)));
            }
            None => {}
        }
    }
    check_names(args, endpoint.args.iter().map(|arg| arg.name).collect())
}

/// Checks `args` where only some arguments of a row may be given.
pub(super) fn check_some(endpoint: &Endpoint, args: &Args, names: &[&str]) -> Result<()> {
    for arg in endpoint.args.iter().filter(|arg| names.contains(&arg.name)) {
        if let Some(raw) = args.get(arg.name) {
            check(arg, raw)?;
        }
    }
    check_names(args, names.to_vec())
}

/// Only these names may be given.
pub(super) fn check_names(args: &Args, known: Vec<&str>) -> Result<()> {
    match args.names().find(|name| !known.contains(name)) {
        Some(name) => {
            check_misplaced(name)?;
            Err(options::unknown("argument", name, &known))
        }
        None => Ok(()),
    }
}

/// A whole number, at most what fits.
pub(super) fn whole(args: &Args, name: &str) -> Result<Option<u64>> {
    let wrong = || Error::argument(name, "must be a whole number in the range of 64 bits");
    args.get(name).map(|raw| raw.parse().map_err(|_| wrong())).transpose()
}

/// How an upload goes.
#[derive(Clone, Debug)]
pub(super) struct UploadOptions {
    pub part_size: Option<u64>,
    /// Bytes from which parts are used.
    pub threshold: u64,
    /// Connections at once.
    pub connections: usize,
    pub checkpoint_dir: Option<PathBuf>,
    pub region: Region,
    /// The master key that objects are encrypted under.
    pub cmk_id: Option<String>,
}

/// Which of the store's addresses is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Region {
    pub region_id: Option<String>,
    pub internal: bool,
}

impl UploadOptions {
    /// Reads what `check_all` found good.
    pub(super) fn read(args: &Args) -> Result<Self> {
        let cmk_id = args.text("cmk_id")?;
        if cmk_id.as_ref().is_some_and(|id| id.trim().is_empty()) {
            return Err(
                Error::argument("cmk_id", "must name a key of the key service").with_hint("nothing was sent")
            );
        }
        let connections = whole(args, "multipart_num_threads")?;
        Ok(UploadOptions {
            part_size: whole(args, "part_size")?.map(|size| size.clamp(SMALLEST_PART, LARGEST_PART)),
            threshold: whole(args, "multipart_threshold")?.unwrap_or(THRESHOLD).min(LARGEST_PART),
            connections: connections.map_or(CONNECTIONS, |count| count.clamp(1, 1024) as usize),
            checkpoint_dir: args.text("checkpoint_dir")?.map(PathBuf::from),
            region: Region {
                region_id: args.text("region_id")?,
                internal: args.get("internal") == Some("true"),
            },
            cmk_id,
        })
    }

    /// What a state is known by, beside its file: the same upload only goes on with the same of these.
    pub(super) fn of_state(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("internal", self.region.internal.to_string())];
        facts.extend(self.region.region_id.clone().map(|region| ("region_id", region)));
        facts.extend(self.cmk_id.clone().map(|id| ("cmk_id", id)));
        facts
    }

    /// Whether an object this large goes in parts.
    pub(super) fn in_parts(&self, size: u64) -> bool {
        size > 0 && size >= self.threshold
    }

    /// Bytes of a part of an object this large: more than asked for where 10,000 parts would not do.
    pub(super) fn part_size(&self, size: u64) -> u64 {
        let size = self.part_size.unwrap_or(PART_SIZE).max(size.div_ceil(MOST_PARTS));
        // Whole blocks of the cipher.
        if self.cmk_id.is_some() { size.next_multiple_of(16) } else { size }
    }
}

/// A name in the store, below the destination.
pub(super) fn check_filename(name: &str, filename: &str) -> Result<()> {
    if filename.is_empty() || filename == "." || filename == ".." || filename.contains('/') {
        return Err(Error::argument(name, "must be a name: not empty, \".\" or \"..\", and without \"/\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(json: &str) -> Result<UploadOptions> {
        UploadOptions::read(&Args::parse(json).expect(json))
    }

    #[test]
    fn parts_are_never_more_than_ten_thousand() {
        let given = options(r#"{"part_size": 1}"#).expect("options");
        assert_eq!(given.part_size(1 << 20), SMALLEST_PART);
        for size in [1, SMALLEST_PART * MOST_PARTS + 1, 3 << 40] {
            assert!(size.div_ceil(given.part_size(size)) <= MOST_PARTS, "{size}");
        }
        assert_eq!(options("{}").expect("options").part_size(1 << 30), 50 << 20);
    }

    #[test]
    fn encrypted_parts_are_whole_blocks() {
        let given = options(r#"{"cmk_id": "key-1", "part_size": 102401}"#).expect("options");
        assert_eq!(given.part_size(1 << 20), 102_416);
        let refused = options(r#"{"cmk_id": " "}"#).expect_err("no key");
        assert_eq!(refused.status(), crate::Status::Argument);
    }
}
