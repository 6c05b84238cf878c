//! The committed header is the generated one, and every item in it is documented.

const COMMITTED: &str = include_str!("../../include/bge.h");
const GOLDEN: &str = include_str!("../symbols.txt");

/// Every function that the header declares, with its whole declaration.
pub fn functions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let code = without_comments();
    for statement in code.split(';') {
        let Some(open) = statement.find('(') else { continue };
        let before = statement[..open].trim_end();
        let name: String = before
            .chars()
            .rev()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<Vec<_>>()
            .iter()
            .rev()
            .collect();
        let is_function =
            name.starts_with("bge_") && !statement.contains("typedef") && !statement.contains("(*bge_");
        if is_function {
            all.push((name, statement.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }
    all
}

fn without_comments() -> String {
    let mut code = String::new();
    let mut rest = COMMITTED;
    while let Some(start) = rest.find("/*") {
        code.push_str(&rest[..start]);
        let end = rest[start..].find("*/").expect("comments end");
        rest = &rest[start + end + 2..];
    }
    code.push_str(rest);
    let code = code.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    code.replace("BGE_NODISCARD BGE_API\n", "").replace("BGE_API\n", "")
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = std::fs::read_to_string(env!("BGE_GENERATED_HEADER")).expect("the generated header");
    assert!(generated == COMMITTED, "include/bge.h is stale: `make header` renews it");
}

#[test]
fn the_symbol_list_names_every_function() {
    let mut declared: Vec<String> = functions().into_iter().map(|(name, _)| name).collect();
    declared.sort();
    let golden: Vec<&str> = GOLDEN.lines().collect();
    assert!(declared.len() > 70, "{declared:?}");
    assert_eq!(declared, golden);
}

#[test]
fn every_item_is_documented() {
    let mut documented = false;
    for line in COMMITTED.lines().filter(|line| !line.ends_with("BGE_API")) {
        let text = line.trim();
        if text == "*/" {
            documented = true;
        } else if text.starts_with("bge_")
            || text.starts_with("const ")
            || text.starts_with("typedef ")
            || text.starts_with("void ")
            || text.starts_with("#define BGE_ERR")
            || text.starts_with("int")
            || text.starts_with("uint")
            || text.starts_with("bool ")
            || text.starts_with("struct bge")
        {
            assert!(documented || !line.starts_with(|c: char| !c.is_whitespace()), "undocumented: {line}");
            documented = false;
        } else if !text.is_empty() {
            documented = false;
        }
    }
}

#[test]
fn the_header_tells_its_version() {
    for (part, number) in [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        assert!(COMMITTED.contains(&format!("#define BGE_VERSION_{part} {number}\n")), "{part}");
    }
}

#[test]
fn every_function_says_where_it_comes_from_and_whether_it_can_fail() {
    let mut seen = 0;
    let mut before = "";
    for line in COMMITTED.lines() {
        if before.ends_with("BGE_API") && !before.starts_with('#') {
            let can_fail = line.starts_with("bge_status_t ");
            assert_eq!(before, if can_fail { "BGE_NODISCARD BGE_API" } else { "BGE_API" }, "{line}");
            seen += 1;
        }
        before = line;
    }
    assert_eq!(seen, functions().len());
}

#[test]
fn every_call_has_its_function_and_every_function_its_call() {
    let names: Vec<String> = functions().into_iter().map(|(name, _)| name).collect();
    for endpoint in bge::endpoint::all() {
        assert!(names.contains(&format!("bge_api_{}", endpoint.name)), "{}", endpoint.name);
    }
    for (name, declaration) in functions() {
        let Some(endpoint) = name.strip_prefix("bge_api_").and_then(bge::endpoint::find) else { continue };
        if endpoint.kind != bge::endpoint::Kind::Call {
            continue;
        }
        let parameters = declaration.split_once('(').expect("parameters").1;
        let names: Vec<&str> = parameters
            .trim_end_matches(')')
            .split(',')
            .map(|parameter| parameter.rsplit([' ', '*']).next().expect("a name").trim_end_matches('_'))
            .collect();
        let required = endpoint.args.iter().filter(|arg| arg.required).map(|arg| arg.name);
        let mut wanted = vec!["api"];
        wanted.extend(required);
        wanted.extend(["args_json", "out_json", "err"]);
        assert_eq!(names, wanted, "{name}");
    }
}
