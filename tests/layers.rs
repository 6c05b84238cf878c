//! The layers of `src/`: each room knows only those below it, and no two files know each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The rooms from the top down: an arrow goes from a room to one that stands further down in this list.
const ROOMS: [&str; 22] = [
    "lib",
    "ffi",
    "oauth2",
    "client",
    "doctor",
    "table",
    "objects",
    "calls",
    "platform",
    "auth",
    "transport",
    "envelope",
    "disk",
    "context",
    "pace",
    "json",
    "options",
    "log",
    "error",
    "redact",
    "sys",
    "",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

/// The text without comments and without its tests.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    own.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// The first names behind each `prefix::`, in `use prefix::{a::…, b}` as well as in `prefix::a::b`.
fn names_behind(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let word =
        |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    for (at, _) in code.match_indices(&format!("{prefix}::")) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len() + 2..];
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (index, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    start = false;
                    found.insert(word(&list[index..]));
                }
                _ => {}
            }
        }
    }
    found.remove("");
    found
}

fn all() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source");
        (path.strip_prefix(&root).expect("below src").to_owned(), code(&text))
    };
    paths.into_iter().map(read).collect()
}

fn room(path: &Path) -> String {
    let first = path.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn every_room_knows_only_those_below_it() {
    let place = |name: &str| ROOMS.iter().position(|room| *room == name);
    let mut arrows = 0;
    for (path, code) in all().iter().filter(|(path, _)| path != Path::new("lib.rs")) {
        let from = room(path);
        let height = place(&from).unwrap_or_else(|| panic!("the room {from} has no place in the list"));
        for name in names_behind(code, "crate") {
            // Names that lib.rs gives on from a room (types, `endpoint`) may be used where that room may.
            let Some(to) = place(&name) else { continue };
            assert!(to >= height, "{}: an arrow up to {name}", path.display());
            arrows += usize::from(to > height);
        }
    }
    assert!(arrows > 100, "only {arrows} arrows were seen: is the source read rightly?");
}

#[test]
fn no_two_files_of_a_room_know_each_other() {
    let mut arrows: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    let files = all();
    for (path, code) in &files {
        let folder = path.parent().expect("a folder");
        for name in names_behind(code, "super") {
            let beside = folder.join(&name).with_extension("rs");
            if !path.ends_with("mod.rs") && files.iter().any(|(other, _)| *other == beside) {
                arrows.entry(path.clone()).or_default().insert(beside);
            }
        }
    }
    assert!(arrows.len() > 20, "{}", arrows.len());
    // Whatever only points to what has been taken away is taken away: what stays goes in circles.
    let mut left: BTreeSet<PathBuf> = arrows.keys().cloned().collect();
    loop {
        let free: Vec<PathBuf> =
            left.iter().filter(|file| arrows[*file].iter().all(|to| !left.contains(to))).cloned().collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|file| assert!(left.remove(file)));
    }
    assert!(left.is_empty(), "these files go in circles: {left:?}");
}

#[test]
fn the_check_sees_arrows() {
    let code = code(
        "use crate::{\n    a::{b, c},\n    d,\n};\nuse super::x::Y; // crate::comment\nfn f() { crate::e::g() }",
    );
    assert_eq!(Vec::from_iter(names_behind(&code, "crate")), ["a", "d", "e"]);
    assert_eq!(Vec::from_iter(names_behind(&code, "super")), ["x"]);
}
