//! A call's JSON arguments, checked against its row of the table, become a request.

use std::{fs::File, path::Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use serde::{
    Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use url::form_urlencoded;

use super::{
    endpoint::{Arg, Encoding, Endpoint, Method, Rule, Type},
    switches,
};
use crate::{
    context::Switches,
    error::{Error, Result, Status},
    options,
    redact::{self, Redactor},
    transport::{Body, FilePart, Request, Target},
};

/// What a path segment may hold as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The reserved member for the library's own switches.
const SWITCHES: &str = "$";

/// The members of an `args_json`, in their order, each with the text it was given in.
#[derive(Clone, Default)]
pub struct Args {
    members: Vec<(String, Box<RawValue>)>,
    switches: Map<String, Value>,
}

impl Args {
    /// Reads one JSON object; `null` members count as not given.
    pub fn parse(json: &str) -> Result<Self> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let members =
            reader.deserialize_map(Members).and_then(|members| reader.end().map(|()| members)).map_err(
                |cause| Error::argument("args_json", "must be one JSON object").with_cause(described(&cause)),
            )?;
        let mut args = Args::default();
        let mut has_switches = false;
        for (name, raw) in members {
            if name == SWITCHES {
                if std::mem::replace(&mut has_switches, true) {
                    return Err(Error::argument("\"$\"", "is given twice"));
                }
                args.switches = serde_json::from_str(raw.get())
                    .map_err(|_| Error::argument("\"$\"", "must be an object of switches"))?;
            } else if args.members.iter().any(|(known, _)| *known == name) {
                return Err(Error::argument(&shown(&name), "is given twice"));
            } else if raw.get() != "null" {
                args.members.push((name, raw));
            }
        }
        Ok(args)
    }

    /// Adds a parameter that the caller gave beside `args_json`.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Result<Self> {
        let raw = serde_json::value::to_raw_value(&value.into())
            .map_err(|_| Error::argument(name, "cannot be written as JSON"))?;
        self.add(name, raw)?;
        Ok(self)
    }

    /// Adds a parameter that the caller gave as JSON text beside `args_json`.
    pub fn with_json(mut self, name: &str, json: &str) -> Result<Self> {
        let raw = RawValue::from_string(json.trim().to_owned())
            .map_err(|cause| Error::argument(name, "must be JSON text").with_cause(options::place(&cause)))?;
        self.add(name, raw)?;
        Ok(self)
    }

    fn add(&mut self, name: &str, raw: Box<RawValue>) -> Result<()> {
        if self.get(name).is_some() {
            return Err(Error::argument(name, "is given both as a parameter and in args_json"));
        }
        self.members.push((name.to_owned(), raw));
        Ok(())
    }

    /// Puts another value in the place of a member's.
    pub(crate) fn set(&mut self, name: &str, raw: Box<RawValue>) {
        match self.members.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = raw,
            None => self.members.push((name.to_owned(), raw)),
        }
    }

    /// Takes a member out that is not the platform's.
    pub(crate) fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.remove(at).1)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, raw)| raw.get())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// A member that must be a string.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        self.get(name).map(|raw| string(name, raw)).transpose()
    }

    /// The switches, of which only `allowed` may stand there.
    pub(crate) fn switches(&self, allowed: &[&str]) -> Result<Switches> {
        switches::read(&self.switches, allowed)
    }

    /// Takes a switch out that only the caller of the call knows.
    pub(crate) fn drop_switch(&mut self, name: &str) {
        self.switches.remove(name);
    }

    /// The caller's name for the call, for the log.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.switch("tag").and_then(Value::as_str)
    }

    /// A switch that only some calls know.
    pub(crate) fn switch(&self, name: &str) -> Option<&Value> {
        self.switches.get(name).filter(|value| !value.is_null())
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Box<RawValue>)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// What was wrong with a JSON text, without repeating any of it.
fn described(cause: &serde_json::Error) -> String {
    let what = if cause.is_data() { "it is JSON of another kind" } else { "it is not JSON" };
    format!("{what} (line {}, column {})", cause.line(), cause.column())
}

/// A caller's name for something, fit to stand in a message.
fn shown(name: &str) -> String {
    let short: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    if short.is_empty() { "an empty name".to_owned() } else { short }
}

/// A request ready to be sent, and the texts that no message about it may show.
pub(crate) struct Prepared {
    pub request: Request,
    pub redactor: Redactor,
    /// There is nothing to do: no field to set was given.
    pub idle: bool,
}

/// Checks `args` against the row and writes them as the platform wants them.
pub(crate) fn prepare(endpoint: &Endpoint, args: &Args) -> Result<Prepared> {
    check_rules(endpoint, args)?;
    let mut path = String::new();
    for segment in endpoint.path.split('/').skip(1) {
        path.push('/');
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => path.push_str(&id_segment(endpoint, args, name)?),
            None => path.push_str(segment),
        }
    }
    let mut fields = Fields::default();
    for arg in endpoint.args {
        let given = args.get(arg.name);
        if arg.required && given.is_none() {
            return Err(missing(arg));
        }
        if let Some(raw) = given {
            check(arg, raw)?;
            hide(arg, raw, &mut fields.redactor);
        }
        if endpoint.in_path(arg) {
            continue;
        }
        let default = arg.default.filter(|_| args.get(arg.wire).is_none());
        match (given, default) {
            (Some(raw), _) => fields.known(arg, raw, endpoint.encoding)?,
            (None, Some(value)) => fields.pairs.push((arg.wire.to_owned(), value.to_owned())),
            (None, None) => {}
        }
    }
    let mut extra = false;
    for (name, raw) in &args.members {
        if endpoint.arg(name).is_some() {
            continue;
        }
        if endpoint.args.iter().any(|arg| arg.wire == name && args.get(arg.name).is_some()) {
            return Err(Error::argument(&shown(name), "is given twice, under two names"));
        }
        if !endpoint.has_free_args {
            switches::check_misplaced(name)?;
        }
        extra = true;
        fields.unknown(name, raw, endpoint.encoding)?;
    }
    let optional = endpoint.args.iter().any(|arg| !arg.required && args.get(arg.name).is_some());
    let idle = endpoint.idle_without_fields && !extra && !optional;
    let redactor = std::mem::take(&mut fields.redactor);
    Ok(Prepared { request: fields.into_request(endpoint, path)?, redactor, idle })
}

/// The request of `bge_api_request`: everything that is given goes to the query or the form.
pub(crate) fn free_request(method: Method, path: &str, args: &Args) -> Result<Prepared> {
    let mut fields = Fields::default();
    for (name, raw) in &args.members {
        fields.unknown(name, raw, Encoding::Fields)?;
    }
    let redactor = std::mem::take(&mut fields.redactor);
    let request = fields.into_fields_request(method, path.to_owned());
    Ok(Prepared { request, redactor, idle: false })
}

fn missing(arg: &Arg) -> Error {
    Error::argument(arg.name, format!("is required: {}", arg.about))
}

fn check_rules(endpoint: &Endpoint, args: &Args) -> Result<()> {
    let given = |name: &&&str| args.get(name).is_some();
    for rule in endpoint.rules {
        match rule {
            Rule::OneOf(names) => {
                if names.iter().filter(given).count() != 1 {
                    return Err(Error::argument(&names.join(" or "), "must be given, exactly one of them"));
                }
            }
            Rule::Together(names) => {
                let count = names.iter().filter(given).count();
                if count != 0 && count != names.len() {
                    return Err(Error::argument(&names.join(" and "), "must be given together"));
                }
            }
            Rule::Excludes(first, others) => {
                if args.get(first).is_some()
                    && let Some(other) = others.iter().find(given)
                {
                    return Err(Error::argument(first, format!("cannot be given together with {other}")));
                }
            }
        }
    }
    Ok(())
}

pub(crate) fn check(arg: &Arg, raw: &str) -> Result<()> {
    let first = raw.as_bytes().first().copied().unwrap_or(b' ');
    let number = first == b'-' || first.is_ascii_digit();
    let whole = number && raw.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    let (good, wanted) = match arg.kind {
        Type::Text | Type::File => (first == b'"', "must be a string"),
        Type::Integer => (whole, "must be a whole number"),
        Type::Number => (number, "must be a number"),
        Type::Bool => (raw == "true" || raw == "false", "must be true or false"),
        Type::Ids => {
            (number || first == b'"' || first == b'[', "must be a string, a number or an array of them")
        }
        Type::Token => (number || first == b'"', "must be a string or a number"),
        Type::Array => (first == b'[', "must be an array"),
        Type::Object => (first == b'{', "must be an object"),
        Type::Any => (true, ""),
    };
    if !good {
        return Err(Error::argument(arg.name, wanted));
    }
    if let Some(least) = arg.least
        && raw.parse::<i64>().map_or(raw.starts_with('-'), |number| number < least)
    {
        return Err(Error::argument(arg.name, format!("must be {least} or more")));
    }
    if !arg.only.is_empty() && !arg.only.contains(&string(arg.name, raw)?.as_str()) {
        return Err(Error::argument(arg.name, format!("must be one of {}", arg.only.join(", "))));
    }
    Ok(())
}

/// An id as one segment of the path: whatever is in it, it cannot reach another endpoint.
fn id_segment(endpoint: &Endpoint, args: &Args, name: &str) -> Result<String> {
    let arg = endpoint.arg(name).ok_or_else(|| Error::argument(name, "is not in the table"))?;
    let raw = args.get(name).ok_or_else(|| missing(arg))?;
    check(arg, raw)?;
    let id = cased(arg, string(name, raw)?);
    if id.is_empty() || id == "." || id == ".." {
        return Err(Error::argument(name, "must be an id: not empty, \".\" or \"..\""));
    }
    Ok(utf8_percent_encode(&id, UNRESERVED).to_string())
}

pub(crate) fn cased(arg: &Arg, text: String) -> String {
    let text = if arg.trim { text.trim().to_owned() } else { text };
    if arg.upper { text.to_uppercase() } else { text }
}

fn hide(arg: &Arg, raw: &str, redactor: &mut Redactor) {
    if arg.secret {
        hide_all(raw, redactor);
    }
}

/// Each text and number in it, and the pieces of a text that may be a list.
fn hide_all(raw: &str, redactor: &mut Redactor) {
    fn hide(value: &Value, redactor: &mut Redactor) {
        match value {
            Value::String(text) => {
                redactor.hide(text);
                text.split(',').for_each(|piece| redactor.hide(piece.trim()));
            }
            Value::Number(number) => redactor.hide(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| hide(item, redactor)),
            Value::Object(members) => members.values().for_each(|value| hide(value, redactor)),
            Value::Null | Value::Bool(_) => {}
        }
    }
    match serde_json::from_str(raw) {
        // As it is written: there are more spellings of a number than one.
        Ok(Value::Number(_)) | Err(_) => redactor.hide(raw),
        Ok(value) => hide(&value, redactor),
    }
}

pub(crate) fn string(name: &str, raw: &str) -> Result<String> {
    serde_json::from_str(raw)
        .map_err(|_| Error::argument(&shown(name), "must be a string of Unicode characters"))
}

/// A single value as the wire spells it.
fn scalar(name: &str, raw: &str) -> Result<String> {
    match raw {
        "true" => Ok("True".to_owned()),
        "false" => Ok("False".to_owned()),
        _ if raw.starts_with('"') => string(name, raw),
        _ => Ok(raw.to_owned()),
    }
}

fn elements<'a>(name: &str, raw: &'a str) -> Result<Vec<&'a RawValue>> {
    serde_json::from_str(raw).map_err(|_| Error::argument(&shown(name), "must be an array"))
}

/// A list of ids as one comma-separated text.
pub(crate) fn id_list(name: &str, raw: &str) -> Result<String> {
    if !raw.starts_with('[') {
        return scalar(name, raw);
    }
    let mut ids = Vec::new();
    for element in elements(name, raw)? {
        let text = element.get();
        if !text.starts_with(['"', '-']) && !text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Error::argument(name, "must hold only strings and numbers"));
        }
        ids.push(scalar(name, text)?);
    }
    Ok(ids.join(","))
}

#[derive(Default)]
struct Fields {
    pairs: Vec<(String, String)>,
    json: Vec<(String, String)>,
    file: Option<FilePart>,
    redactor: Redactor,
}

impl Fields {
    fn known(&mut self, arg: &Arg, raw: &str, encoding: Encoding) -> Result<()> {
        if arg.kind == Type::File {
            self.file = Some(file_part(arg, &string(arg.name, raw)?)?);
            return Ok(());
        }
        if encoding == Encoding::Json {
            let decoded =
                if arg.kind == Type::Text { quoted(&string(arg.name, raw)?) } else { raw.to_owned() };
            self.json.push((arg.wire.to_owned(), decoded));
            return Ok(());
        }
        let text = match arg.kind {
            Type::Ids => id_list(arg.name, raw)?,
            Type::Array | Type::Object | Type::Any => raw.to_owned(),
            _ => scalar(arg.name, raw)?,
        };
        self.pairs.push((arg.wire.to_owned(), cased(arg, text)));
        Ok(())
    }

    fn unknown(&mut self, name: &str, raw: &RawValue, encoding: Encoding) -> Result<()> {
        let raw = raw.get();
        if redact::is_telling(name) {
            hide_all(raw, &mut self.redactor);
        }
        if encoding == Encoding::Json {
            self.json.push((name.to_owned(), raw.to_owned()));
        } else if raw.starts_with('[') {
            for element in elements(name, raw)? {
                if element.get() == "null" {
                    return Err(Error::argument(&shown(name), "must not hold null"));
                }
                self.pairs.push((name.to_owned(), scalar(name, element.get())?));
            }
        } else {
            self.pairs.push((name.to_owned(), scalar(name, raw)?));
        }
        Ok(())
    }

    fn into_request(mut self, endpoint: &Endpoint, path: String) -> Result<Request> {
        if let Some(file) = self.file.take() {
            check_part_names(&self.pairs)?;
            let body = Body::Multipart { fields: self.pairs, file };
            return Ok(Request::new(wire(endpoint.method), Target::Platform(path)).with_body(body));
        }
        if endpoint.encoding == Encoding::Json {
            let members: Vec<String> =
                self.json.iter().map(|(name, json)| format!("{}:{json}", quoted(name))).collect();
            let text = format!("{{{}}}", members.join(","));
            let json = HeaderValue::from_static("application/json");
            return Ok(Request::new(wire(endpoint.method), Target::Platform(path))
                .with_header(reqwest::header::CONTENT_TYPE, json)
                .with_body(Body::Bytes(text.into())));
        }
        Ok(self.into_fields_request(endpoint.method, path))
    }

    fn into_fields_request(self, method: Method, mut path: String) -> Request {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish();
        match method {
            Method::Get => {
                if !text.is_empty() {
                    path.push('?');
                    path.push_str(&text);
                }
                Request::new(wire(method), Target::Platform(path))
            }
            Method::Post => {
                let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                Request::new(wire(method), Target::Platform(path))
                    .with_header(reqwest::header::CONTENT_TYPE, form)
                    .with_body(Body::Bytes(text.into()))
            }
        }
    }
}

/// The method as HTTP has it.
fn wire(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A part's name stands between quotes in the part's header: nothing in it may end the quotes or the line.
fn check_part_names(pairs: &[(String, String)]) -> Result<()> {
    match pairs.iter().find(|(name, _)| name.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'))) {
        None => Ok(()),
        Some((name, _)) => {
            let what =
                "cannot be the name of a parameter beside a file: it holds quotes or control characters";
            Err(Error::argument(&shown(name), what))
        }
    }
}

fn file_part(arg: &Arg, path: &str) -> Result<FilePart> {
    let unreadable =
        |cause: &std::io::Error| Error::io(format!("{} cannot be read: {path}", arg.name), cause);
    // Opening a pipe might never end.
    let length = match std::fs::metadata(path) {
        Ok(there) if there.is_file() => File::open(path).and_then(|file| file.metadata()),
        outcome => outcome,
    };
    let length = length.map_err(|cause| unreadable(&cause))?;
    let filename = Path::new(path).file_name().and_then(|name| name.to_str());
    match (length.is_file(), filename) {
        (true, Some(filename)) => Ok(FilePart {
            name: arg.wire.to_owned(),
            path: path.into(),
            filename: filename.replace('\r', "%0D").replace('\n', "%0A"),
            length: length.len(),
        }),
        _ => Err(Error::new(Status::Io, format!("{} is not a regular file: {path}", arg.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(raw: &str, text: &str) -> String {
        let mut redactor = Redactor::default();
        hide_all(raw, &mut redactor);
        redactor.cleaned(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn a_secret_is_hidden_whatever_is_in_it() {
        assert_eq!(hidden(r#""abc,123""#, "it was abc,123"), "it was ***");
        assert_eq!(hidden(r#""13800138000,13900139000""#, "13900139000 is none"), "*** is none");
        assert_eq!(hidden(r#"{"user": "me", "key": ["hunter22"]}"#, "hunter22?"), "***?");
        assert_eq!(hidden("true", "it is true"), "it is true");
    }

    #[test]
    fn switches_that_are_given_twice_are_no_guess() {
        let error = Args::parse(r#"{"$": {"timeout": 1}, "$": {"timeout": 2}}"#).err().expect("twice");
        assert!(error.message().contains("given twice"), "{error}");
    }
}
