//! `bge model`: models deployed, published, rolled back, listed, run.

mod deploy;
mod package;
mod pattern;
mod run;
mod settings;
mod task;

use std::path::PathBuf;

use bge::Client;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::{call::table::Table, connection::Connection, failure::Failure, model::settings::Settings, out};

/// Models: deploys, publishes, rolls back, lists and runs them
///
/// A model is a folder with its code and a model.json, as the official Python command makes them; `--model-id` names one
/// from anywhere.
#[derive(Debug, Subcommand)]
pub enum Command {
    Deploy(deploy::Options),
    Package(deploy::PackageOptions),
    Publish(PublishOptions),
    Rollback(RollbackOptions),
    #[command(visible_alias = "ls")]
    Versions(VersionsOptions),
    Run(run::Options),
    Wait(WaitOptions),
}

/// Which model it is.
#[derive(Debug, Args)]
pub struct Which {
    /// The model; that of model.json in this folder unless given
    #[arg(short, long, alias = "model_id", value_name = "ID")]
    model_id: Option<String>,
}

impl Which {
    fn id(&self) -> Result<String, Failure> {
        match &self.model_id {
            Some(id) => Ok(id.clone()),
            None => Settings::read(&PathBuf::from("."))?.model_id(),
        }
    }
}

/// Publishes a model's draft
#[derive(Debug, Args)]
pub struct PublishOptions {
    /// What is new
    #[arg(short, long, value_name = "TEXT")]
    message: String,

    /// The models that model.json calls mirrors, too
    #[arg(long, conflicts_with = "model_id")]
    with_mirrors: bool,

    /// The model; that of model.json in this folder unless given
    #[arg(long, alias = "model_id", value_name = "ID")]
    model_id: Option<String>,
}

/// Goes back to a version of a model
#[derive(Debug, Args)]
pub struct RollbackOptions {
    /// The version, as `bge model versions` lists it
    #[arg(short = 'v', long, value_name = "N")]
    version: i64,

    /// Do not wait for the task
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    which: Which,
}

/// Lists a model's versions, the newest first
#[derive(Debug, Args)]
pub struct VersionsOptions {
    /// Versions of a page
    #[arg(short, long, value_name = "N", default_value_t = 10)]
    limit: u32,

    /// The page, as the last answer's next_page names it
    #[arg(short = 'p', long, alias = "next_page", value_name = "TOKEN")]
    next_page: Option<String>,

    /// All of them
    #[arg(long, conflicts_with = "next_page")]
    all: bool,

    /// A table for people, or the platform's JSON
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,

    #[command(flatten)]
    which: Which,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
}

/// Waits for a task, and gives its result
#[derive(Debug, Args)]
pub struct WaitOptions {
    task_id: String,
}

pub fn run(command: &Command, connection: &Connection) -> Result<(), Failure> {
    match command {
        Command::Deploy(options) => deploy::run(options, connection),
        Command::Package(options) => deploy::package(options),
        Command::Publish(options) => publish(options, connection),
        Command::Rollback(options) => {
            let args = json!({"model_id": options.which.id()?, "version": options.version});
            let client = connection.open()?;
            let answer = client.call("rollback_model", &args.to_string())?;
            task::tell(&client, answer, !options.no_wait)
        }
        Command::Versions(options) => versions(options, &connection.open()?),
        Command::Run(options) => run::run(options, connection),
        Command::Wait(options) => out::line(&task::wait(&connection.open()?, &options.task_id)?),
    }
}

fn publish(options: &PublishOptions, connection: &Connection) -> Result<(), Failure> {
    let mut models = vec![Which { model_id: options.model_id.clone() }.id()?];
    if options.with_mirrors {
        models.extend(Settings::read(&PathBuf::from("."))?.mirrors());
    }
    let client = connection.open()?;
    for model in models {
        let args = json!({"model_id": model, "message": options.message});
        out::line(&client.call("publish_model", &args.to_string())?)?;
    }
    Ok(())
}

fn versions(options: &VersionsOptions, client: &Client) -> Result<(), Failure> {
    let args = json!({"model_id": options.which.id()?, "limit": options.limit, "next_page": page(options)})
        .to_string();
    let mut pages = Vec::new();
    if options.all {
        let walk = client.pages("model_versions", &args)?;
        while let Some(page) = walk.next_page()? {
            pages.push(page);
        }
    } else {
        pages.push(client.call("model_versions", &args)?);
    }
    if options.format == Form::Json {
        return pages.iter().try_for_each(|page| out::line(page));
    }
    Table::default().of_pages("model_versions", &pages)
}

/// A page's name is a number, or a text.
fn page(options: &VersionsOptions) -> Option<Value> {
    let text = options.next_page.as_ref()?;
    Some(text.parse::<u64>().map_or_else(|_| text.as_str().into(), Value::from))
}
