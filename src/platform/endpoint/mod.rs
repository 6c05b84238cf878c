//! The table: what every call is named, where it goes, what it takes and how it pages, said once.
//!
//! A new call is one row here, one function in `ffi/`, one method in each binding. `describe` gives the table as JSON.

mod account;
mod describe;
mod files;
mod labels;
mod microbiome;
mod models;
mod reports;
mod samples;
mod services;
mod streams;
mod variants;

pub use describe::describe;
pub use labels::Label;

/// HTTP methods that the platform uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Parameters go in the query.
    Get,
    /// Parameters go in the body.
    Post,
}

/// How a POST's parameters are written. With a file among the arguments it is always multipart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Query for GET, `application/x-www-form-urlencoded` for POST.
    Fields,
    /// One JSON object as `application/json`.
    Json,
}

/// Which tokens a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grants {
    /// No token is sent.
    None,
    /// Authorization-code tokens.
    User,
    /// Client-credentials tokens.
    Client,
    /// Both.
    Both,
}

/// How a list comes in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// It does not.
    None,
    /// `page` counts from 1; the answer has `next_page`.
    Number,
    /// `page` counts from 1; `pagination` stands beside the data in the envelope.
    Envelope,
    /// `next_page` is what the last answer said.
    Token,
}

/// What the caller gets of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The envelope's `data` as it is.
    Data,
    /// `null` whatever the platform says beside code 0.
    Nothing,
}

/// What carries the call out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One request to the platform.
    Call,
    /// `alive`: any answer below 400 will do.
    Alive,
    /// `get_variants`: long lists are split.
    Variants,
    /// Calls that move a file to or from the object store.
    Transfer,
}

/// What the argument's JSON value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A string.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`; `True` or `False` on the wire.
    Bool,
    /// A string, a number or an array of them; one comma-separated string on the wire.
    Ids,
    /// A string or a number, as an answer gave it.
    Token,
    /// A JSON array, as text in one field.
    Array,
    /// A JSON object, as text in one field.
    Object,
    /// Any JSON value.
    Any,
    /// The path of a file, which is sent as a part of a multipart body.
    File,
}

/// One argument of a call.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// The documented name.
    pub name: &'static str,
    /// The name on the wire.
    pub wire: &'static str,
    /// What it may be.
    pub kind: Type,
    /// Whether the call needs it.
    pub required: bool,
    /// What is sent when it is not given.
    pub default: Option<&'static str>,
    /// Letters are upper-cased before sending.
    pub upper: bool,
    /// White space around it is removed before sending.
    pub trim: bool,
    /// The value must not appear in any message.
    pub secret: bool,
    /// The values that there are; anything else is refused before sending.
    pub only: &'static [&'static str],
    /// The smallest number, checked before sending.
    pub least: Option<i64>,
    /// What values mean, as far as the platform's documents say.
    pub labels: &'static [Label],
    /// Meaning, unit, choices.
    pub about: &'static str,
}

impl Arg {
    const fn new(name: &'static str, kind: Type, about: &'static str) -> Self {
        Arg {
            name,
            wire: name,
            kind,
            required: false,
            default: None,
            upper: false,
            trim: false,
            secret: false,
            only: &[],
            least: None,
            labels: &[],
            about,
        }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn wire(mut self, wire: &'static str) -> Self {
        self.wire = wire;
        self
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    const fn upper(mut self) -> Self {
        self.upper = true;
        self
    }

    const fn trim(mut self) -> Self {
        self.trim = true;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn only(mut self, values: &'static [&'static str]) -> Self {
        self.only = values;
        self
    }

    const fn least(mut self, least: i64) -> Self {
        self.least = Some(least);
        self
    }

    const fn labels(mut self, labels: &'static [Label]) -> Self {
        self.labels = labels;
        self
    }
}

/// A rule over several arguments, checked before sending.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Exactly one of these is given.
    OneOf(&'static [&'static str]),
    /// All of these or none.
    Together(&'static [&'static str]),
    /// The first excludes each of the others.
    Excludes(&'static str, &'static [&'static str]),
}

/// What a column of a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// Whole numbers of 64 bits.
    Int64,
    /// Numbers of double precision.
    Float64,
    /// `true` or `false`.
    Bool,
    /// Whatever is nested deeper, as JSON text.
    Json,
}

impl ColumnType {
    /// The name in `bge_endpoints` and in a table's field metadata.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Text => "string",
            ColumnType::Int64 => "int64",
            ColumnType::Float64 => "float64",
            ColumnType::Bool => "boolean",
            ColumnType::Json => "json",
        }
    }
}

/// One column of a list's rows.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Flat and in snake case.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// Where it stands in a row, as a JSON pointer.
    pub path: &'static str,
    /// The unit, where the API document says one.
    pub unit: Option<&'static str>,
    /// What it is, in a few words.
    pub about: &'static str,
}

impl Column {
    const fn new(name: &'static str, kind: ColumnType, path: &'static str) -> Self {
        Column { name, kind, path, unit: None, about: "" }
    }

    const fn text(name: &'static str, path: &'static str) -> Self {
        Self::new(name, ColumnType::Text, path)
    }

    const fn int(name: &'static str, path: &'static str) -> Self {
        Self::new(name, ColumnType::Int64, path)
    }

    const fn float(name: &'static str, path: &'static str) -> Self {
        Self::new(name, ColumnType::Float64, path)
    }

    const fn bool(name: &'static str, path: &'static str) -> Self {
        Self::new(name, ColumnType::Bool, path)
    }

    const fn json(name: &'static str, path: &'static str) -> Self {
        Self::new(name, ColumnType::Json, path)
    }

    const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    const fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Its name in every language.
    pub name: &'static str,
    /// The group that it belongs to, and the file in every language.
    pub noun: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What carries it out.
    pub kind: Kind,
    /// HTTP method.
    pub method: Method,
    /// Path below the endpoint, with `{argument}` for an id.
    pub path: &'static str,
    /// How a POST's parameters are written.
    pub encoding: Encoding,
    /// Which tokens it is for.
    pub grants: Grants,
    /// Its arguments, the required ones first and in the order of the C function's parameters.
    pub args: &'static [Arg],
    /// Rules over several arguments.
    pub rules: &'static [Rule],
    /// Whether a failed attempt may be repeated although it may have reached the platform.
    pub repeatable: bool,
    /// How it pages.
    pub pages: Pages,
    /// What the caller gets.
    pub output: Output,
    /// With nothing but its required arguments, nothing is sent and the answer is `null`.
    pub idle_without_fields: bool,
    /// It has parameters that only the caller knows, of any name.
    pub has_free_args: bool,
    /// The columns of a list's rows.
    pub columns: &'static [Column],
}

impl Endpoint {
    const fn new(
        method: Method,
        name: &'static str,
        noun: &'static str,
        path: &'static str,
        about: &'static str,
    ) -> Self {
        Endpoint {
            name,
            noun,
            about,
            kind: Kind::Call,
            method,
            path,
            encoding: Encoding::Fields,
            grants: Grants::Both,
            args: &[],
            rules: &[],
            repeatable: matches!(method, Method::Get),
            pages: Pages::None,
            output: Output::Data,
            idle_without_fields: false,
            has_free_args: false,
            columns: &[],
        }
    }

    const fn get(name: &'static str, noun: &'static str, path: &'static str, about: &'static str) -> Self {
        Self::new(Method::Get, name, noun, path, about)
    }

    const fn post(name: &'static str, noun: &'static str, path: &'static str, about: &'static str) -> Self {
        Self::new(Method::Post, name, noun, path, about)
    }

    const fn args(mut self, args: &'static [Arg]) -> Self {
        self.args = args;
        self
    }

    const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    const fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    const fn pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    const fn columns(mut self, columns: &'static [Column]) -> Self {
        self.columns = columns;
        self
    }

    const fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    const fn answers_nothing(mut self) -> Self {
        self.output = Output::Nothing;
        self
    }

    const fn free_args(mut self) -> Self {
        self.has_free_args = true;
        self
    }

    const fn idle_without_fields(mut self) -> Self {
        self.idle_without_fields = true;
        self
    }

    /// The argument of this name.
    pub fn arg(&self, name: &str) -> Option<&'static Arg> {
        self.args.iter().find(|arg| arg.name == name)
    }

    /// Whether the argument goes into the path.
    pub fn in_path(&self, arg: &Arg) -> bool {
        self.path.split('/').any(|segment| {
            segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) == Some(arg.name)
        })
    }
}

/// Every call, by noun.
pub static ENDPOINTS: &[&[Endpoint]] = &[
    account::ENDPOINTS,
    samples::ENDPOINTS,
    variants::ENDPOINTS,
    microbiome::ENDPOINTS,
    files::ENDPOINTS,
    streams::ENDPOINTS,
    models::ENDPOINTS,
    services::ENDPOINTS,
    reports::ENDPOINTS,
];

/// Every call.
pub fn all() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().flat_map(|noun| noun.iter())
}

/// The call of this name.
pub fn find(name: &str) -> Option<&'static Endpoint> {
    all().find(|endpoint| endpoint.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rows_agree_with_themselves() {
        for endpoint in all() {
            let mut optional = false;
            for column in endpoint.columns {
                assert!(!column.about.is_empty(), "{}: what is {}?", endpoint.name, column.name);
            }
            for arg in endpoint.args {
                assert!(!(arg.required && optional), "{}: required arguments come first", endpoint.name);
                optional |= !arg.required;
                for label in arg.labels {
                    let known = arg.only.is_empty() || arg.only.contains(&label.value);
                    assert!(known, "{}: {} is no {}", endpoint.name, label.value, arg.name);
                    assert!(!label.en.is_empty() && !label.zh.is_empty(), "{}", label.value);
                }
                let values: HashSet<&str> = arg.labels.iter().map(|label| label.value).collect();
                assert_eq!(values.len(), arg.labels.len(), "{}: {}", endpoint.name, arg.name);
                let complete = arg.only.iter().all(|value| values.contains(value));
                assert!(complete, "{}: a value of {} has no label", endpoint.name, arg.name);
            }
            for segment in endpoint.path.split('/').filter(|segment| segment.starts_with('{')) {
                let name = segment.trim_matches(['{', '}']);
                assert!(endpoint.arg(name).is_some_and(|arg| arg.required), "{}: {segment}", endpoint.name);
            }
            let paged = endpoint.arg("next_page").is_some();
            assert_eq!(paged, endpoint.pages != Pages::None, "{}: next_page", endpoint.name);
            assert_eq!(all().filter(|other| other.name == endpoint.name).count(), 1, "{}", endpoint.name);
        }
    }
}
