//! A model's folder as a zip: the same files give the same bytes, whenever and wherever they are packed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write},
    path::Path,
};

use sha2::{Digest, Sha256};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{failure::Failure, model::pattern};

const IGNORE_FILE: &str = ".bgeignore";
const MINIFY_FILE: &str = ".bgeminify";
/// What the official command writes into the file that is missing.
const IGNORED: &str = ".bge/*\nlib/*.pyc\n";
/// The platform takes no more.
pub const LARGEST: u64 = 500 << 20;

/// What was packed.
pub struct Packed {
    pub files: Vec<String>,
    pub bytes: u64,
    /// The hash of the zip.
    pub sha256: String,
}

/// Packs a folder into `target`.
pub fn pack(folder: &Path, target: &mut File) -> Result<Packed, Failure> {
    let failed = |what: &str, cause: &dyn std::fmt::Display| {
        Failure::other(told!("{what} cannot be packed: {cause}", "{what} 无法打包：{cause}"))
    };
    let files = chosen(folder)?;
    let mut zip = ZipWriter::new(BufWriter::new(target));
    for name in &files {
        let path = folder.join(name);
        let content = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = content.map_err(|cause| failed(name, &cause))?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o755)
            .large_file(length >= u32::MAX.into());
        zip.start_file(name, options).map_err(|cause| failed(name, &cause))?;
        io::copy(&mut BufReader::new(file), &mut zip).map_err(|cause| failed(name, &cause))?;
    }
    let whole = |cause: &dyn std::fmt::Display| failed(&folder.display().to_string(), cause);
    let mut written = zip.finish().map_err(|cause| whole(&cause))?;
    written.flush().map_err(|cause| whole(&cause))?;
    let target = written.into_inner().map_err(|cause| whole(&cause))?;
    let (bytes, sha256) = hashed(target).map_err(|cause| whole(&cause))?;
    Ok(Packed { files, bytes, sha256 })
}

fn hashed(file: &mut File) -> io::Result<(u64, String)> {
    io::Seek::rewind(file)?;
    let mut hash = Sha256::new();
    let bytes = io::copy(file, &mut HashWriter(&mut hash))?;
    Ok((bytes, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The files that belong to the model, in order.
fn chosen(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    walk(folder, "", &mut all)?;
    let ignored = match fs::read_to_string(folder.join(IGNORE_FILE)) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => IGNORED.to_owned(),
        Err(cause) => return Err(Failure::io(IGNORE_FILE, &cause)),
    };
    if fs::read_to_string(folder.join(MINIFY_FILE))
        .is_ok_and(|text| lines(&text).any(|line| !line.starts_with('!')))
    {
        eprintln!(
            "bge: {}",
            told!(
                "{MINIFY_FILE} is not heeded: Python files are packed as they are",
                "{MINIFY_FILE} 不起作用：Python 文件按原样打包"
            )
        );
    }
    let mut kept: BTreeSet<&String> = all.iter().collect();
    for line in lines(&ignored) {
        match line.strip_prefix('!') {
            Some(wanted) => kept.extend(all.iter().filter(|name| pattern::fits(wanted, name))),
            None => kept.retain(|name| !pattern::fits(line, name)),
        }
    }
    Ok(kept.into_iter().cloned().collect())
}

/// The patterns of a file.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| line.trim().trim_start_matches('/'))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// All files below a folder, by their paths from there. A link to a folder is not followed.
fn walk(folder: &Path, below: &str, all: &mut Vec<String>) -> Result<(), Failure> {
    let here = folder.join(below);
    let failed = |cause: io::Error| Failure::io(&here.display().to_string(), &cause);
    for entry in fs::read_dir(&here).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let shown = entry.path().display().to_string();
        let name = name
            .to_str()
            .ok_or_else(|| Failure::input(told!("{shown} is not UTF-8", "{shown} 不是 UTF-8")))?;
        let name = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            walk(folder, &name, all)?;
        } else if !(kind.is_symlink() && entry.path().is_dir()) {
            all.push(name);
        }
    }
    Ok(())
}
