//! The layers of the sources: each file knows only files of its own room and of the layers below, and no circle ties any.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The rooms from the ground up; those of one layer do not know each other.
const LAYERS: [&[&str]; 6] =
    [&["world", "wire"], &["store", "keys"], &["platform"], &["server"], &["cli", "run"], &["main"]];

/// The text of every source, by its module's path: `world::store::blob`; `main` is the crate itself.
type Sources = BTreeMap<String, String>;
/// Who names what of whom.
type Arrows = BTreeSet<(String, String)>;

fn sources(folder: &Path, module: &str, all: &mut Sources) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let inner = |name: &str| if module.is_empty() { name.into() } else { format!("{module}::{name}") };
        if path.is_dir() {
            if name != "tests" {
                sources(&path, &inner(&name), all);
            }
        } else if name != "sign_vectors" {
            let module = if name == "mod" { module.to_owned() } else { inner(&name) };
            all.insert(module, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The source without its tests and comments.
fn code(text: &str) -> String {
    let (mut code, mut testing) = (String::new(), false);
    for line in text.lines() {
        testing |= line == "#[cfg(test)]";
        if testing {
            // The formatter puts the end of an item at the start of a line, or it is a line with a semicolon.
            let ends = line.starts_with('}') || (!line.starts_with(' ') && line.ends_with(';'));
            testing = !ends;
        } else if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// The paths that a `use` statement names, its braces taken apart.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap().to_owned()];
    };
    let inside = rest.strip_suffix('}').unwrap_or_else(|| panic!("{tree}"));
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, character) in inside.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members.push(&inside[start..]);
    let named = members.into_iter().filter(|member| !member.trim().is_empty());
    named.flat_map(expand).map(|member| format!("{prefix}{member}")).collect()
}

/// All paths that begin at the crate, at the parent or at a child of the module.
fn paths(module: &str, code: &str) -> Vec<String> {
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let children: Vec<_> = code
        .lines()
        .filter_map(|line| line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    let (mut uses, mut start) = (Vec::new(), 0);
    for line in code.split_inclusive('\n') {
        let from = start;
        start += line.len();
        let line = line.trim_start();
        if line.strip_prefix("pub ").unwrap_or(line).starts_with("use ") {
            let (_, statement) = code[from..].split_once("use ").unwrap();
            let tree =
                statement[..statement.find(';').unwrap()].split_whitespace().collect::<Vec<_>>().join(" ");
            uses.extend(expand(&tree));
        }
    }
    let mut found = Vec::new();
    for path in uses {
        let first = path.split("::").next().unwrap().to_owned();
        if children.contains(&first.as_str()) {
            let own = if module == "main" { String::new() } else { format!("{module}::") };
            found.push(format!("{own}{path}"));
        } else if let Some(rest) = path.strip_prefix("super::") {
            found.push(if parent.is_empty() { rest.to_owned() } else { format!("{parent}::{rest}") });
        }
    }
    // Whether in a `use` or in the middle of an expression.
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let names = rest[..end].trim_end_matches(':');
        match rest[end..].strip_prefix('{') {
            Some(list) if names.is_empty() || rest[..end].ends_with("::") => {
                let list = &list[..list.find(';').unwrap()];
                let tree = format!("{}{{{list}", &rest[..end]);
                found.extend(expand(&tree.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
            _ => found.push(names.to_owned()),
        }
    }
    found
}

fn arrows(sources: &Sources) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, text) in sources {
        for path in paths(module, &code(text)) {
            // The longest beginning of the path that is a file.
            let mut file = path.as_str();
            while !sources.contains_key(file) {
                file = file.rsplit_once("::").unwrap_or_else(|| panic!("{module} names {path}")).0;
            }
            if file != module {
                arrows.insert((module.clone(), file.to_owned()));
            }
        }
    }
    arrows
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap()
}

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|rooms| rooms.contains(&room(module)))
        .unwrap_or_else(|| panic!("{module} has no layer"))
}

/// The arrows that point up or across.
fn climbing(arrows: &Arrows) -> Vec<String> {
    let wrong = arrows.iter().filter(|(from, to)| room(from) != room(to) && layer(from) <= layer(to));
    wrong.map(|(from, to)| format!("{from} -> {to}")).collect()
}

/// The files that are tied in a circle: those that are left when all that know nobody left have been taken away.
fn tied(arrows: &Arrows) -> BTreeSet<String> {
    let mut left = arrows.clone();
    loop {
        let knowing: BTreeSet<_> = left.iter().map(|(from, _)| from.clone()).collect();
        let known: BTreeSet<_> = left.iter().map(|(_, to)| to.clone()).collect();
        let before = left.len();
        left.retain(|(from, to)| knowing.contains(to) && known.contains(from));
        if left.len() == before {
            return left.into_iter().flat_map(|(from, to)| [from, to]).collect();
        }
    }
}

#[test]
fn every_arrow_points_down_and_nothing_goes_in_circles() {
    let mut all = Sources::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut all);
    let arrows = arrows(&all);
    assert!(all.len() > 60 && arrows.len() > 200, "{} files and {} arrows", all.len(), arrows.len());
    assert_eq!(climbing(&arrows), [""; 0]);
    assert_eq!(tied(&arrows), BTreeSet::new());
    // What is made up follows from the seed alone.
    let beyond =
        |(from, to): &&(String, String)| from.starts_with("world::data::") && !to.starts_with("world::data");
    assert_eq!(arrows.iter().filter(beyond).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
}

#[test]
fn what_points_up_or_goes_in_circles_is_found() {
    let of = |texts: &[(&str, &str)]| {
        arrows(&texts.iter().map(|(module, text)| ((*module).into(), (*text).into())).collect())
    };
    let up = of(&[
        ("world", "pub mod tokens;"),
        ("world::tokens", "use std::fmt;\nuse crate::{\n    server::log::{Entry, self},\n    world,\n};\n"),
        ("server", "mod log;\nfn f() { crate::platform::answer() }"),
        ("server::log", "#[cfg(test)]\nmod tests {\n    use crate::main;\n}\n// use crate::main;\n"),
        ("platform", "fn f() {\n    use crate::store::Store;\n}\n"),
        ("store", "use crate::wire;\n"),
        ("wire", ""),
        ("main", "mod server;\nuse server::log as x;\n"),
    ]);
    assert_eq!(climbing(&up), ["world::tokens -> server::log"]);
    let told: Vec<_> = up.iter().map(|(from, to)| format!("{from} -> {to}")).collect();
    let expected = [
        "main -> server::log",
        "platform -> store",
        "server -> platform",
        "store -> wire",
        "world::tokens -> server::log",
        "world::tokens -> world",
    ];
    assert_eq!(told, expected);
    assert_eq!(tied(&up), BTreeSet::new());
    let across = of(&[("world", "use crate::wire;"), ("wire", "")]);
    assert_eq!(climbing(&across), ["world -> wire"]);
    let circle = of(&[
        ("world", "mod a;\nuse a::A;"),
        ("world::a", "use super::b::B;"),
        ("world::b", "use super::c;"),
        ("world::c", "use super::a::A;"),
    ]);
    assert_eq!(tied(&circle).into_iter().collect::<Vec<_>>(), ["world::a", "world::b", "world::c"]);
    let parent = of(&[("world", "mod a;\nuse a::A;"), ("world::a", "use super::World;")]);
    assert_eq!(tied(&parent).len(), 2);
}

#[test]
fn no_code_is_shared_with_the_library() {
    let manifest = include_str!("../Cargo.toml");
    assert!(!manifest.contains("path =") && !manifest.lines().any(|line| line.starts_with("bge =")));
}
