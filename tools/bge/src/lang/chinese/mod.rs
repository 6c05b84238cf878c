//! The program's help in Chinese: each paragraph has its words in a table, and clap's own words are put in their place.

mod arguments;
mod commands;
mod extract;

use clap::{Arg, ArgAction, Command, builder::StyledStr, error::ContextKind, error::ErrorKind};

/// A text of the table of calls.
pub fn of_arg(about: &str) -> Option<&'static str> {
    find(arguments::WORDS, about)
}

fn find(words: &'static [(&'static str, &'static str)], text: &str) -> Option<&'static str> {
    words.iter().find(|(english, _)| *english == text).map(|(_, chinese)| *chinese)
}

/// A paragraph of help.
fn paragraph(text: &str) -> Option<&'static str> {
    find(commands::WORDS, text).or_else(|| find(extract::WORDS, text))
}

/// A text of several paragraphs; what has no words yet stays.
fn translation(text: &StyledStr) -> String {
    let text = text.to_string();
    let parts = text.split("\n\n").map(|part| paragraph(part).unwrap_or(part));
    parts.collect::<Vec<_>>().join("\n\n")
}

const TEMPLATE: &str = "{before-help}{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

pub fn translated(command: Command) -> Command {
    let help = Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::Help)
        .help("显示帮助")
        .help_heading("选项");
    let command = said(command).disable_help_flag(true).arg(help.global(true));
    let version = Arg::new("version")
        .short('V')
        .long("version")
        .action(ArgAction::Version)
        .help("显示版本")
        .help_heading("选项");
    command.disable_version_flag(true).arg(version)
}

fn said(mut command: Command) -> Command {
    if let Some(about) = command.get_about().map(translation) {
        command = command.about(about);
    }
    if let Some(about) = command.get_long_about().map(translation) {
        command = command.long_about(about);
    }
    let names: Vec<_> = command.get_arguments().map(|arg| arg.get_id().clone()).collect();
    for name in names {
        command = command.mut_arg(name, argument);
    }
    let commands: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in commands {
        command = command.mut_subcommand(name, said);
    }
    let heading = command.get_subcommand_help_heading().map_or("命令", |heading| heading_of(heading));
    command.subcommand_help_heading(heading).disable_help_subcommand(true).help_template(TEMPLATE)
}

fn heading_of(heading: &str) -> &'static str {
    match heading {
        "Connection" => "连接",
        "Answer" => "返回",
        "Application" => "应用",
        "Calls" => "接口",
        "Arguments of the call" => "接口参数",
        _ => "选项",
    }
}

fn argument(mut arg: Arg) -> Arg {
    let heading = arg.get_help_heading().map(heading_of);
    let otherwise = if arg.is_positional() { "参数" } else { "选项" };
    let (mut short, mut long) = (arg.get_help().map(translation), arg.get_long_help().map(translation));
    let takes_values = arg.get_action().takes_values();
    let mut notes = String::new();
    if takes_values && !arg.is_hide_default_value_set() && !arg.get_default_values().is_empty() {
        let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        notes.push_str(&format!("（缺省：{}）", values.join(" ")));
    }
    let values: Vec<String> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if takes_values && !values.is_empty() {
        notes.push_str(&format!("（可选：{}）", values.join("、")));
    }
    for text in [&mut short, &mut long].into_iter().flatten() {
        text.push_str(&notes);
    }
    arg = arg.help_heading(heading.unwrap_or(otherwise)).hide_default_value(true).hide_possible_values(true);
    if let Some(short) = short {
        arg = arg.help(short);
    }
    match long {
        Some(long) => arg.long_help(long),
        None => arg,
    }
}

/// What is wrong with what was typed.
pub fn told(error: &clap::Error) -> Option<String> {
    let of = |kind| error.get(kind).map(|value| value.to_string());
    let arg = || of(ContextKind::InvalidArg).unwrap_or_default();
    let told = match error.kind() {
        ErrorKind::UnknownArgument => format!("未知参数 {}", arg()),
        ErrorKind::InvalidSubcommand => {
            format!("未知命令 {}", of(ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::MissingRequiredArgument => format!("缺少参数 {}", arg()),
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::ArgumentConflict => {
            let other = of(ContextKind::PriorArg).unwrap_or_default();
            format!("参数 {} 与 {other} 不能同时使用", arg())
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = of(ContextKind::InvalidValue).unwrap_or_default();
            if value.is_empty() {
                format!("参数 {} 缺少值", arg())
            } else {
                format!("参数 {} 的值 {value} 无效", arg())
            }
        }
        _ => return None,
    };
    let near = of(ContextKind::SuggestedArg).or_else(|| of(ContextKind::SuggestedSubcommand));
    let near = near.map_or(String::new(), |near| format!("；您是否想用 {near}？"));
    Some(format!("bge: {told}{near}\n用 --help 查看帮助"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bge::endpoint;
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn texts(command: &Command, found: &mut BTreeSet<String>) {
        let mut add = |text: Option<&StyledStr>| {
            let text = text.map(StyledStr::to_string).unwrap_or_default();
            found.extend(text.split("\n\n").filter(|part| !part.is_empty()).map(str::to_owned));
        };
        add(command.get_about());
        add(command.get_long_about());
        for arg in command.get_arguments().filter(|arg| !arg.get_id().as_str().starts_with("its:")) {
            add(arg.get_help());
            add(arg.get_long_help());
        }
        for command in command.get_subcommands() {
            texts(command, found);
        }
    }

    #[test]
    fn every_paragraph_of_help_has_its_chinese() {
        let mut found = BTreeSet::new();
        texts(&Cli::command(), &mut found);
        for call in endpoint::all() {
            found.remove(call.about);
        }
        let missing: Vec<&String> = found.iter().filter(|text| paragraph(text).is_none()).collect();
        assert!(missing.is_empty(), "{} have none: {missing:#?}", missing.len());
        let stale: Vec<&str> = commands::WORDS
            .iter()
            .chain(extract::WORDS)
            .map(|(english, _)| *english)
            .filter(|english| !found.contains(*english))
            .collect();
        assert!(stale.is_empty(), "nobody says {stale:#?}");
    }

    #[test]
    fn every_argument_of_a_call_has_its_chinese() {
        let abouts: BTreeSet<&str> =
            endpoint::all().flat_map(|call| call.args).map(|arg| arg.about).collect();
        let missing: Vec<&&str> = abouts.iter().filter(|about| of_arg(about).is_none()).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn the_commands_stay_the_same() {
        translated(Cli::command()).debug_assert();
    }
}
