//! `bge upload`: files and folders into the object store.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    connection::Connection,
    failure::Failure,
    transfer::{Outcomes, carry_out},
};

/// Uploads files and folders
///
/// The names of the objects go to standard output. An upload that broke off, or was ended, goes on where it was when the
/// same command is run again.
#[derive(Debug, Args)]
pub struct Options {
    /// Files, and folders whose files are uploaded
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The name in the store, of one file
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,

    /// Sub-folders too; their names are joined to the file's
    #[arg(short, long)]
    recursive: bool,

    /// What joins the names of sub-folders and files; _ unless given
    #[arg(long, value_name = "TEXT")]
    separator: Option<String>,

    /// Take what symbolic links lead to
    #[arg(long)]
    follow_links: bool,

    /// Master key of the key service: objects are encrypted before they are sent
    #[arg(long, value_name = "ID")]
    cmk_id: Option<String>,

    /// The store's region
    #[arg(long, value_name = "ID")]
    region_id: Option<String>,

    /// Use the store's internal address
    #[arg(long)]
    internal: bool,

    /// Bytes of a part
    #[arg(long, value_name = "BYTES")]
    part_size: Option<u64>,

    /// Bytes from which files are sent in parts
    #[arg(long, value_name = "BYTES")]
    multipart_threshold: Option<u64>,

    /// Parts, or files, sent at once
    #[arg(short, long, value_name = "N")]
    jobs: Option<u32>,

    /// Keep nothing to go on from
    #[arg(long)]
    no_resume: bool,

    /// The results as JSON: names, sizes, checksums, and what failed
    #[arg(long)]
    json: bool,

    /// No progress bar
    #[arg(short, long)]
    quiet: bool,
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
        options.paths.iter().partition(|path| path.is_dir());
    if options.filename.is_some() && (files.len() != 1 || !folders.is_empty()) {
        return Err(Failure::input(told!("--filename is for one file", "--filename 只用于单个文件")));
    }
    let client = connection.open()?;
    let mut outcomes = Outcomes::default();
    let mut send = |call: &str, name: &str, more: Value| {
        let mut args = options.common();
        args.extend(more.as_object().cloned().unwrap_or_default());
        outcomes.add(name, carry_out(&client, call, &Value::Object(args), name, options.quiet));
    };
    if let [file] = files.as_slice() {
        let path = text(file)?;
        send("upload_file", path, json!({"path": path, "filename": options.filename}));
    } else if !files.is_empty() {
        let list =
            files.iter().map(|file| Ok(json!({"path": text(file)?}))).collect::<Result<Vec<_>, Failure>>()?;
        let name = told!("{} files", "{} 个文件", files.len());
        send("batch_upload", &name, json!({"files": list}));
    }
    for folder in folders {
        let path = text(folder)?;
        let recursive = options.recursive.then_some(true);
        let follow_links = options.follow_links.then_some(true);
        let more = json!({"path": path, "recursive": recursive, "separator": options.separator, "follow_links": follow_links});
        send("upload_dir", path, more);
    }
    outcomes.tell("object_name", options.json)
}

impl Options {
    /// What holds for every path.
    fn common(&self) -> Map<String, Value> {
        let checkpoints = (!self.no_resume).then(checkpoints).flatten();
        let common = json!({
            "cmk_id": self.cmk_id,
            "region_id": self.region_id,
            "internal": self.internal.then_some(true),
            "part_size": self.part_size,
            "multipart_threshold": self.multipart_threshold,
            "multipart_num_threads": self.jobs,
            "checkpoint_dir": checkpoints.as_deref().and_then(Path::to_str),
        });
        common.as_object().cloned().unwrap_or_default()
    }
}

fn text(path: &Path) -> Result<&str, Failure> {
    let shown = path.display();
    path.to_str().ok_or_else(|| Failure::input(told!("{shown} is not UTF-8", "{shown} 不是 UTF-8")))
}

/// Where unfinished uploads are noted; without such a folder nothing is.
fn checkpoints() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    let folder = state.join("bge/uploads");
    fs::create_dir_all(&folder).ok().map(|()| folder)
}
