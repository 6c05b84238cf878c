//! The table as JSON, for bindings, tables and documentation.

use serde_json::{Map, Value, json};

use super::{Arg, Column, Encoding, Endpoint, Grants, Kind, Label, Method, Output, Pages, Rule, Type, all};

/// Every row: name, noun, summary, method, path, encoding, grants, repeatable, page style, result, arguments (name,
/// wire name, type, required, default, choices, labels in English and Chinese), rules, and a list's columns (name,
/// type, unit, JSON path, description).
pub fn describe() -> String {
    Value::Array(all().map(row).collect()).to_string()
}

fn row(endpoint: &'static Endpoint) -> Value {
    json!({
        "name": endpoint.name,
        "noun": endpoint.noun,
        "summary": endpoint.about,
        "method": match endpoint.method { Method::Get => "GET", Method::Post => "POST" },
        "path": endpoint.path,
        "encoding": encoding(endpoint),
        "kind": match endpoint.kind { Kind::Transfer => "transfer", _ => "call" },
        "grants": match endpoint.grants {
            Grants::None => json!([]),
            Grants::User => json!(["AC"]),
            Grants::Client => json!(["CC"]),
            Grants::Both => json!(["AC", "CC"]),
        },
        "repeatable": endpoint.repeatable,
        "page_style": match endpoint.pages {
            Pages::None => Value::Null,
            Pages::Number => "number".into(),
            Pages::Envelope => "number in envelope".into(),
            Pages::Token => "token".into(),
        },
        "result": match (endpoint.kind, endpoint.output) {
            (Kind::Alive, _) => "true",
            (_, Output::Nothing) => "null",
            _ => "data",
        },
        "arguments": endpoint.args.iter().map(|arg| argument(endpoint, arg)).collect::<Vec<_>>(),
        "rules": endpoint.rules.iter().map(rule).collect::<Vec<_>>(),
        "columns": endpoint.columns.iter().map(column).collect::<Vec<_>>(),
    })
}

fn encoding(endpoint: &Endpoint) -> &'static str {
    let file = endpoint.args.iter().any(|arg| arg.kind == Type::File);
    match (endpoint.method, endpoint.encoding) {
        (Method::Get, _) => "query",
        (_, Encoding::Json) => "json",
        _ if file && endpoint.rules.is_empty() => "multipart",
        _ if file => "form, or multipart with a file",
        _ => "form",
    }
}

fn argument(endpoint: &Endpoint, arg: &Arg) -> Value {
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    put("name", arg.name.into());
    put("in", if endpoint.in_path(arg) { "path" } else { "fields" }.into());
    put("wire", arg.wire.into());
    put("type", type_name(arg.kind).into());
    put("required", arg.required.into());
    put("default", arg.default.into());
    put("choices", if arg.only.is_empty() { Value::Null } else { arg.only.to_vec().into() });
    put("labels", if arg.labels.is_empty() { Value::Null } else { arg.labels.iter().map(label).collect() });
    put("upper", arg.upper.into());
    put("trim", arg.trim.into());
    put("secret", arg.secret.into());
    put("summary", arg.about.into());
    Value::Object(all)
}

fn label(label: &Label) -> Value {
    json!({ "value": label.value, "en": label.en, "zh": label.zh })
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Text => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Bool => "boolean",
        Type::Ids => "ids",
        Type::Token => "token",
        Type::Array => "array",
        Type::Object => "object",
        Type::Any => "json",
        Type::File => "file",
    }
}

fn rule(rule: &Rule) -> Value {
    match rule {
        Rule::OneOf(names) => json!({ "one_of": names }),
        Rule::Together(names) => json!({ "together": names }),
        Rule::Excludes(name, others) => json!({ "argument": name, "excludes": others }),
    }
}

fn column(column: &Column) -> Value {
    json!({
        "name": column.name,
        "type": column.kind.name(),
        "unit": column.unit,
        "path": column.path,
        "description": column.about,
    })
}
