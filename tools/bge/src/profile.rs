//! `bge profile`: the profiles of `~/.bge`.

use bge::Profiles;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::{
    application::{self, APPLICATION, TOKEN},
    connection::Connection,
    failure::Failure,
    out, terminal,
};

/// The profiles of ~/.bge, which the official Python command shares
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the profiles; the active one is marked
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows a profile, its secrets covered
    Show {
        /// The active one unless given
        name: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Makes a profile the active one
    Use { name: String },
    /// Adds a profile for an application
    Add {
        name: String,
        #[command(flatten)]
        application: application::Options,
    },
    /// Removes a profile, which must not be the active one
    Remove {
        name: String,
        /// Without asking
        #[arg(short, long)]
        yes: bool,
    },
}

/// `bge workon`, as the official command calls it.
pub fn work_on(name: Option<&str>) -> Result<(), Failure> {
    let profiles = Profiles::of_user()?;
    match name {
        Some(name) => activate(&profiles, name),
        None => list(&profiles, false),
    }
}

pub fn run(command: &Command, connection: &Connection) -> Result<(), Failure> {
    let profiles = Profiles::of_user()?;
    match command {
        Command::List { json } => list(&profiles, *json),
        Command::Show { name, json } => {
            let name = match name {
                Some(name) => profiles.name(name)?,
                None => connection.profile_name(&profiles)?,
            };
            show(&profiles, &name, *json)
        }
        Command::Use { name } => activate(&profiles, name),
        Command::Add { name, application } => {
            let name = profiles.name(name)?;
            if profiles.read(&name)?.is_some() {
                return Err(Failure::input(told!("the profile {name} exists already", "配置 {name} 已存在")));
            }
            let path = application.find_for(connection, profiles, name.clone())?.store(None)?;
            let path = path.display();
            eprintln!("{}", told!("The profile {name} is in {path}", "配置 {name} 已保存至 {path}"));
            Ok(())
        }
        Command::Remove { name, yes } => remove(&profiles, &profiles.name(name)?, *yes),
    }
}

pub fn missing(name: &str) -> Failure {
    Failure::input(told!(
        "there is no profile {name}: `bge login` makes one",
        "没有配置 {name}：请先运行 bge login"
    ))
}

fn list(profiles: &Profiles, as_json: bool) -> Result<(), Failure> {
    let (names, active) = (profiles.names()?, profiles.active()?);
    if as_json {
        let all: Vec<Value> =
            names.iter().map(|name| json!({"name": name, "active": *name == active})).collect();
        return out::line(&Value::Array(all).to_string());
    }
    for name in names {
        out::line(&format!("{} {name}", if name == active { '*' } else { ' ' }))?;
    }
    Ok(())
}

fn activate(profiles: &Profiles, name: &str) -> Result<(), Failure> {
    let name = profiles.name(name)?;
    profiles.read(&name)?.ok_or_else(|| missing(&name))?;
    Ok(profiles.activate(&name)?)
}

fn remove(profiles: &Profiles, name: &str, yes: bool) -> Result<(), Failure> {
    profiles.read(name)?.ok_or_else(|| missing(name))?;
    if profiles.active()? == name {
        return Err(Failure::input(told!(
            "{name} is the active profile: `bge profile use` another one first",
            "{name} 正在使用中：请先用 bge profile use 切换到其他配置"
        )));
    }
    if yes || terminal::agrees(&told!("Remove the profile {name}?", "确认删除配置 {name}？"))? {
        profiles.remove(name)?;
    }
    Ok(())
}

fn show(profiles: &Profiles, name: &str, as_json: bool) -> Result<(), Failure> {
    let stored = profiles.read(name)?.ok_or_else(|| missing(name))?;
    let mut sections = Map::new();
    for section in [APPLICATION, TOKEN] {
        let values = stored.names(section).into_iter().filter_map(|name| {
            let value = stored.text(section, name)?;
            let is_public = matches!(
                name,
                "client_id" | "endpoint" | "token_type" | "expires_in" | "scope" | "grant_type"
            );
            Some((name.to_owned(), Value::from(if is_public { value } else { covered(&value) })))
        });
        let values: Map<String, Value> = values.collect();
        if !values.is_empty() {
            sections.insert(section.to_owned(), values.into());
        }
    }
    if as_json {
        return out::line(&Value::Object(sections).to_string());
    }
    out::line(&profiles.path(name).display().to_string())?;
    for (section, values) in &sections {
        out::line(&format!("[{section}]"))?;
        for (name, value) in values.as_object().into_iter().flatten() {
            out::line(&format!("{name} = {}", value.as_str().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// Enough to tell two apart.
fn covered(secret: &str) -> String {
    let shown: String =
        if secret.chars().count() > 12 { secret.chars().take(3).collect() } else { String::new() };
    format!("{shown}******")
}
