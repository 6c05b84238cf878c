//! `bge model deploy` and `package`: a folder becomes a draft of its model.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use bge::Client;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    connection::Connection,
    extract::{
        place::{self, Place},
        progress::Interrupt,
    },
    failure::Failure,
    model::{
        package::{self, LARGEST, Packed},
        settings::Settings,
        task,
    },
    out, transfer,
};

/// Deploys a model's folder as its draft
///
/// The files are packed as the official command packs them: .bgeignore names what is left out, the zip may have 500 MiB. The
/// task's result goes to standard output.
#[derive(Debug, Args)]
pub struct Options {
    /// The model's folder
    #[arg(default_value = ".", hide_default_value = true)]
    folder: PathBuf,

    /// The model; that of model.json unless given
    #[arg(short, long, alias = "model_id", value_name = "ID")]
    model_id: Option<String>,

    /// Only the settings, not the code
    #[arg(short, long)]
    ignore_source: bool,

    /// The models that model.json calls mirrors, too
    #[arg(long, conflicts_with = "model_id")]
    with_mirrors: bool,

    /// The runtime, such as python3.12
    #[arg(long, value_name = "NAME")]
    runtime: Option<String>,

    /// Cores
    #[arg(long, value_name = "N")]
    cpu: Option<f64>,

    /// Memory, in MB
    #[arg(long, value_name = "MB")]
    memory_size: Option<u32>,

    /// Disk, in MB
    #[arg(long, value_name = "MB")]
    disk_size: Option<u32>,

    /// How long the model may run
    #[arg(long, value_name = "SECONDS")]
    model_timeout: Option<u32>,

    /// Say what would be done
    #[arg(long)]
    dry_run: bool,

    /// Do not wait for the task
    #[arg(long)]
    no_wait: bool,

    /// No progress bar
    #[arg(short, long)]
    quiet: bool,
}

/// Packs a model's folder into a zip: the same files give the same bytes
#[derive(Debug, Args)]
pub struct PackageOptions {
    /// The model's folder
    #[arg(default_value = ".", hide_default_value = true)]
    folder: PathBuf,

    /// Where the zip goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub fn package(options: &PackageOptions) -> Result<(), Failure> {
    let packed = aside(&options.folder, |_, file, packed| {
        check(&packed)?;
        let _interrupt = Interrupt::watch()?;
        let mut place = Place::begin(&options.output)?;
        std::io::Seek::rewind(file)
            .and_then(|()| std::io::copy(file, &mut place.file))
            .map_err(|cause| place::unwritten(&options.output, &cause))?;
        place.finish(&options.output)?;
        Ok(packed)
    })?;
    packed.files.iter().try_for_each(|name| out::line(name))
}

pub fn run(options: &Options, connection: &Connection) -> Result<(), Failure> {
    let settings = match (&options.model_id, Settings::read(&options.folder)) {
        (Some(_), Err(_)) if !options.folder.join(super::settings::FILE).exists() => Settings::none(),
        (_, settings) => settings?,
    };
    let mut models = vec![options.model_id.clone().map_or_else(|| settings.model_id(), Ok)?];
    if options.with_mirrors {
        models.extend(settings.mirrors());
    }
    let args = options.over(settings.deployment()?);
    if options.ignore_source {
        if options.dry_run {
            return tell_plan(&models, &args, None);
        }
        return deploy(&connection.open()?, &models, &args, None, !options.no_wait);
    }
    let object = |client: &Client, path: &Path, packed: &Packed| {
        // The same content has the same name.
        let name = format!(
            "{}-{}.zip",
            models.first().map_or("", String::as_str),
            packed.sha256.get(..16).unwrap_or_default()
        );
        let upload = json!({"path": path.to_str(), "filename": name});
        let shown = told!("the model's code", "模型代码");
        let told = transfer::carry_out(client, "upload_file", &upload, &shown, options.quiet)?;
        bge::json_get(&told, "/object_name")?
            .ok_or_else(|| Failure::other(told!("the upload has no name", "上传结果缺少对象名")))
    };
    aside(&options.folder, |path, _, packed| {
        check(&packed)?;
        if options.dry_run {
            return tell_plan(&models, &args, Some(&packed));
        }
        let client = connection.open()?;
        let object = object(&client, path, &packed)?;
        deploy(&client, &models, &args, Some(&object), !options.no_wait)
    })
}

impl Options {
    /// The settings, with what was given in their place.
    fn over(&self, mut args: Map<String, Value>) -> Map<String, Value> {
        let given = [
            ("runtime", self.runtime.clone().map(Value::from)),
            ("cpu", self.cpu.map(Value::from)),
            ("memory_size", self.memory_size.map(Value::from)),
            ("disk_size", self.disk_size.map(Value::from)),
            ("timeout", self.model_timeout.map(Value::from)),
        ];
        for (name, value) in given {
            args.extend(value.map(|value| (name.to_owned(), value)));
        }
        args
    }
}

fn deploy(
    client: &Client,
    models: &[String],
    args: &Map<String, Value>,
    object: Option<&str>,
    waits: bool,
) -> Result<(), Failure> {
    for model in models {
        let mut args = args.clone();
        args.insert("model_id".to_owned(), model.as_str().into());
        args.extend(object.map(|object| ("object_name".to_owned(), object.into())));
        let answer = client.call("deploy_model", &Value::Object(args).to_string())?;
        task::tell(client, answer, waits)?;
    }
    Ok(())
}

fn tell_plan(models: &[String], args: &Map<String, Value>, packed: Option<&Packed>) -> Result<(), Failure> {
    let files =
        packed.map(|packed| json!({"files": packed.files, "bytes": packed.bytes, "sha256": packed.sha256}));
    out::line(&json!({"models": models, "settings": args, "package": files}).to_string())
}

fn check(packed: &Packed) -> Result<(), Failure> {
    if packed.files.is_empty() {
        return Err(Failure::input(told!("there is nothing to pack", "没有可打包的文件")));
    }
    if packed.bytes <= LARGEST {
        return Ok(());
    }
    let bytes = packed.bytes;
    Err(Failure::input(told!(
        "the zip has {bytes} bytes, and the platform takes {LARGEST}: .bgeignore leaves files out",
        "打包后大小为 {bytes} 字节，最大限制 {LARGEST}：可用 .bgeignore 排除文件"
    )))
}

/// Packs into a file that goes away afterwards.
fn aside<T>(
    folder: &Path,
    then: impl FnOnce(&Path, &mut File, Packed) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let path = std::env::temp_dir().join(format!("bge-model-{:016x}.zip", place::random()));
    let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
    let mut file = opened.map_err(|cause| place::unwritten(&path, &cause))?;
    let done = package::pack(folder, &mut file).and_then(|packed| then(&path, &mut file, packed));
    let _ = std::fs::remove_file(&path);
    done
}
