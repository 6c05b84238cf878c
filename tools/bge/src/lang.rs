//! English or Chinese: for help, and for what the program says itself.

mod chinese;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bge::endpoint::{Arg, Endpoint};
use clap::ValueEnum;
use serde::Deserialize;

static IS_CHINESE: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    En,
    Zh,
}

/// A text in the language that was chosen, with values in it.
macro_rules! told {
    ($en:literal, $zh:literal $(, $value:expr)* $(,)?) => {
        if $crate::lang::is_chinese() { format!($zh $(, $value)*) } else { format!($en $(, $value)*) }
    };
}

/// Chooses by `--lang`, else by the environment. Before anything else is read: help is in that language, too.
pub fn choose(words: &[OsString]) {
    let given = words.iter().enumerate().find_map(|(place, word)| match word.to_str()? {
        "--lang" => words.get(place + 1)?.to_str(),
        word => word.strip_prefix("--lang="),
    });
    let variable = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let is_chinese = match given {
        Some(given) => given == "zh",
        None => ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(variable)
            .is_some_and(|value| value.starts_with("zh")),
    };
    IS_CHINESE.store(is_chinese, Ordering::Relaxed);
}

pub fn is_chinese() -> bool {
    IS_CHINESE.load(Ordering::Relaxed)
}

pub fn say<'a>(en: &'a str, zh: &'a str) -> &'a str {
    if is_chinese() { zh } else { en }
}

/// The README's words for nouns and calls.
#[derive(Deserialize)]
struct Words {
    nouns: BTreeMap<String, String>,
    calls: BTreeMap<String, String>,
}

fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let read = serde_json::from_str(include_str!("../../../scripts/readme-calls.zh.json"));
        read.unwrap_or_else(|_| Words { nouns: BTreeMap::new(), calls: BTreeMap::new() })
    })
}

/// What a call does.
pub fn of_call(call: &Endpoint) -> String {
    let chinese = is_chinese().then(|| words().calls.get(call.name)).flatten();
    chinese.map_or_else(|| call.about.to_owned(), String::clone)
}

/// The heading of a group of calls.
pub fn of_noun(noun: &str) -> String {
    if is_chinese()
        && let Some(chinese) = words().nouns.get(noun)
    {
        return chinese.clone();
    }
    let mut letters = noun.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// What an argument is.
pub fn of_arg(arg: &Arg) -> String {
    if is_chinese() {
        chinese::of_arg(arg.about).unwrap_or(arg.about).to_owned()
    } else {
        arg.about.to_owned()
    }
}

/// What is wrong with what was typed, where that is not told in English.
pub fn told(error: &clap::Error) -> Option<String> {
    if is_chinese() { chinese::told(error) } else { None }
}

/// The commands with their help in the language that was chosen.
pub fn translated(command: clap::Command) -> clap::Command {
    if is_chinese() { chinese::translated(command) } else { command }
}
