//! A call's row of the table as flags, and what was typed for them as the call's arguments.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::Path,
};

use bge::endpoint::{Arg, Endpoint, Pages, Type};
use clap::{ArgAction, ArgMatches, Args};
use serde_json::value::RawValue;

use crate::{
    call::{argument, json},
    connection::Connection,
    extract::arguments::Members,
    failure::Failure,
    lang, terminal,
};

/// The flags of a call begin with this where the program has a flag of that name itself.
const CLASH: &str = "arg-";

/// What was typed for a call.
#[derive(Debug, Default)]
pub struct Typed {
    /// Names and texts, in the order of the table.
    texts: Vec<(String, String)>,
    /// A file of JSON, or `-`.
    json: Option<String>,
}

/// The flags that every call takes beside its own.
#[derive(Debug, Args)]
struct Common {
    /// The arguments as one JSON object, from a file or standard input (-); flags may stand beside it
    #[arg(long, value_name = "FILE|-")]
    json: Option<String>,

    /// Another argument, passed on to the platform
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = argument)]
    args: Vec<(String, String)>,
}

/// The command of a call; `more` adds what is said about its answer.
pub fn command(endpoint: &'static Endpoint, more: &dyn Fn(clap::Command) -> clap::Command) -> clap::Command {
    let options = more(Common::augment_args(clap::Command::new(endpoint.name)));
    let taken: Vec<String> = Connection::augment_args(options.clone())
        .get_arguments()
        .filter_map(|arg| arg.get_long().map(str::to_owned))
        .chain(["help", "version", "lang"].map(str::to_owned))
        .collect();
    let flags = endpoint.args.iter().map(|arg| flag(arg, &taken));
    let options = options.get_arguments().cloned().map(|option| match option.get_id().as_str() {
        "all_pages" if endpoint.pages == Pages::None => option.hide(true),
        "format" if endpoint.columns.is_empty() => option.hide(true),
        _ => option,
    });
    clap::Command::new(endpoint.name).about(lang::of_call(endpoint)).args(flags.chain(options))
}

/// The id of an argument, which no flag of the program has.
pub fn id(arg: &Arg) -> String {
    format!("its:{}", arg.name)
}

fn flag(arg: &'static Arg, taken: &[String]) -> clap::Arg {
    let long = arg.name.replace('_', "-");
    let long = if taken.contains(&long) { format!("{CLASH}{long}") } else { long };
    let flag = clap::Arg::new(id(arg))
        .help(about(arg))
        .value_name(value_name(arg))
        .help_heading("Arguments of the call");
    let flag = if long.contains('-') { flag.alias(long.replace('-', "_")) } else { flag };
    let flag = flag.long(long);
    match arg.kind {
        Type::Bool => flag
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(["true", "false"])
            .action(ArgAction::Set),
        Type::Ids => flag.action(ArgAction::Append),
        _ if !arg.only.is_empty() => flag.value_parser(arg.only.to_vec()),
        Type::Integer | Type::Number => flag.allow_negative_numbers(true),
        _ => flag.allow_hyphen_values(true),
    }
}

/// What an argument means, in the language that was chosen: what is sent when it is not given, and what values mean.
pub fn about(arg: &Arg) -> String {
    let mut text = lang::of_arg(arg);
    if arg.required {
        text.push_str(lang::say(" (required)", "（必填）"));
    }
    if let Some(default) = arg.default {
        text.push_str(&told!(" [default: {default}]", "（缺省：{default}）"));
    }
    if !arg.labels.is_empty() {
        let labels =
            arg.labels.iter().map(|label| format!("{} {}", label.value, lang::say(label.en, label.zh)));
        text.push_str(&told!(" [{}]", "（{}）", labels.collect::<Vec<_>>().join(lang::say(", ", "，"))));
    }
    if arg.secret {
        text.push_str(lang::say(
            " (@FILE that holds it; asked for where it is not given)",
            "（以 @文件 给出；未给出时在终端询问）",
        ));
    }
    text
}

fn value_name(arg: &Arg) -> &'static str {
    match arg.kind {
        _ if arg.secret => "@FILE",
        Type::Integer => "N",
        Type::Number => "NUMBER",
        Type::Bool => "true|false",
        Type::Ids => "ID,ID…",
        Type::Array | Type::Object | Type::Any => "JSON|@FILE",
        Type::File => "FILE",
        Type::Text | Type::Token => "TEXT",
    }
}

/// What was typed for a call.
pub fn typed(endpoint: &Endpoint, matches: &ArgMatches) -> Typed {
    let mut texts: Vec<(String, String)> = Vec::new();
    for arg in endpoint.args {
        let given: Vec<String> =
            matches.get_many::<String>(&id(arg)).into_iter().flatten().cloned().collect();
        if !given.is_empty() {
            texts.push((arg.name.to_owned(), given.join(",")));
        }
    }
    texts.extend(matches.get_many::<(String, String)>("args").into_iter().flatten().cloned());
    Typed { texts, json: matches.get_one::<String>("json").cloned() }
}

impl Typed {
    /// The call's arguments.
    pub fn members(&self, endpoint: &Endpoint) -> Result<Members, Failure> {
        let mut texts = self.texts.clone();
        for (name, text) in &mut texts {
            let arg = endpoint.arg(name);
            let takes_file = arg.is_some_and(|arg| arg.secret || is_json(arg.kind));
            match text.strip_prefix('@') {
                Some(path) if takes_file => *text = read(path)?.trim_end_matches(['\n', '\r']).to_owned(),
                _ if arg.is_some_and(|arg| arg.secret) => {
                    return Err(Failure::input(told!(
                        "{name} is confidential, and others see what is typed here: give @FILE, --json, or leave it out to be asked",
                        "{name} 属保密信息，命令行参数会被他人看到：请用 @文件、--json 给出，或留空后在终端输入"
                    )));
                }
                _ => {}
            }
        }
        let mut members = json(&texts, endpoint)?;
        if let Some(from) = &self.json {
            let text = if from == "-" { standard_input()? } else { read(from)? };
            let object: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).map_err(|cause| {
                // Not what it says: it may be confidential.
                let (line, column) = (cause.line(), cause.column());
                Failure::input(told!(
                    "--json must be one JSON object: line {line}, column {column}",
                    "--json 须为一个 JSON 对象：第 {line} 行第 {column} 列"
                ))
            })?;
            for (name, value) in object {
                if members.contains(&name) {
                    return Err(Failure::input(told!("{name} is given twice", "{name} 给出了两次")));
                }
                members.set(&name, &value)?;
            }
        }
        for arg in endpoint.args.iter().filter(|arg| arg.required) {
            if members.contains(arg.name) {
                continue;
            }
            if !arg.secret {
                let (call, flag) = (endpoint.name, arg.name.replace('_', "-"));
                return Err(Failure::input(told!(
                    "{call} needs --{flag}: {}",
                    "{call} 需要参数 --{flag}：{}",
                    lang::of_arg(arg)
                )));
            }
            members.set(arg.name, &terminal::secret(&lang::of_arg(arg))?)?;
        }
        Ok(members)
    }

    pub fn push(&mut self, name: &str, text: String) {
        self.texts.push((name.to_owned(), text));
    }

    pub fn texts(&self) -> &[(String, String)] {
        &self.texts
    }
}

fn is_json(kind: Type) -> bool {
    matches!(kind, Type::Array | Type::Object | Type::Any)
}

fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(Path::new(path))
        .map_err(|cause| Failure::input(told!("{path} cannot be read: {cause}", "{path} 无法读取：{cause}")))
}

pub fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|cause| Failure::io("standard input", &cause))?;
    Ok(text)
}
