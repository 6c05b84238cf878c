//! The library's own switches for one call, which stand under `"$"`.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::{
    context::Switches,
    error::{Error, Result},
    options,
};

/// Those that every call of the platform knows.
pub(crate) const CALL_SWITCHES: [&str; 4] = ["timeout", "deadline", "max_retries", "headers"];

/// Those that only a table knows.
pub(crate) const TABLE_SWITCHES: [&str; 9] = [
    "concurrency",
    "prefetch",
    "on_error",
    "rate_limit",
    "checkpoint_dir",
    "strict",
    "columns",
    "whole",
    "retry_for",
];

/// Reads the switches, of which only `allowed` may stand there.
pub(super) fn read(given: &Map<String, Value>, allowed: &[&str]) -> Result<Switches> {
    let mut switches = Switches::default();
    for (name, value) in given {
        if name == "tag" {
            if value.is_null() {
                continue;
            }
            let tag = value.as_str().filter(|tag| tag.len() <= 200);
            let wrong = || Error::argument("$.tag", "must be a string of at most 200 bytes");
            switches.tag = Some(tag.ok_or_else(wrong)?.into());
            continue;
        }
        if !allowed.contains(&name.as_str()) {
            return Err(options::unknown("member of \"$\"", name, allowed));
        }
        if value.is_null() {
            continue;
        }
        match name.as_str() {
            "timeout" => switches.timeout = Some(options::seconds("$.timeout", value)?),
            "deadline" => switches.deadline = Some(options::seconds("$.deadline", value)?),
            "max_retries" => {
                switches.max_retries = Some(options::whole("$.max_retries", value, 0..=100)? as u32);
            }
            "headers" => switches.headers = headers(value)?,
            "strict_count" => {
                let strict = value.as_bool();
                switches.strict_count =
                    strict.ok_or_else(|| Error::argument("$.strict_count", "must be true or false"))?;
            }
            _ => {}
        }
    }
    Ok(switches)
}

/// A name among a call's arguments that no argument has: the platform would ignore a switch that was meant for us.
pub(crate) fn check_misplaced(name: &str) -> Result<()> {
    let Some(switch) = meant(name) else { return Ok(()) };
    let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    let what = format!(
        "is no argument of this call, but a switch: it stands under \"$\", as in {{\"$\": {{\"{switch}\": …}}}}"
    );
    Err(Error::argument(&shown, what))
}

/// The switch that is spelled so, or nearly so.
fn meant(name: &str) -> Option<&'static str> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let given = plain(name);
    let known = CALL_SWITCHES.iter().chain(&TABLE_SWITCHES).chain(&["strict_count"]);
    // Short words are too near to each other.
    known.copied().find(|switch| {
        let switch = plain(switch);
        switch == given || (switch.len() > 7 && strsim::levenshtein(&switch, &given) == 1)
    })
}

/// Headers that the library or the connection decides.
const RESERVED: [&str; 12] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

fn headers(value: &Value) -> Result<HeaderMap> {
    let wrong = || Error::argument("$.headers", "must be an object of header names and string values");
    let mut headers = HeaderMap::new();
    for (name, value) in value.as_object().ok_or_else(wrong)? {
        let text = value.as_str().ok_or_else(wrong)?;
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        if RESERVED.contains(&header.as_str()) {
            return Err(Error::argument(
                "$.headers",
                format!("cannot set {header}: it is the library's own"),
            ));
        }
        let mut text = HeaderValue::from_str(text).map_err(|_| wrong())?;
        text.set_sensitive(true);
        headers.insert(header, text);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_known_by_their_names_and_near_them() {
        for (name, switch) in [
            ("deadline", Some("deadline")),
            ("maxRetries", Some("max_retries")),
            ("max-retries", Some("max_retries")),
            ("check_point_dir", Some("checkpoint_dir")),
            ("concurency", Some("concurrency")),
            ("columns", Some("columns")),
            ("column", None),
            ("header", None),
            ("limit", None),
            ("next_page", None),
            ("tags", None),
        ] {
            assert_eq!(meant(name), switch, "{name}");
        }
        let error = check_misplaced("concurrency").expect_err("a switch");
        assert!(error.message().contains("{\"$\": {\"concurrency\": …}}"), "{error}");
    }

    #[test]
    fn a_null_counts_as_not_given() {
        for name in CALL_SWITCHES.iter().chain(&["tag"]) {
            let given = Map::from_iter([((*name).to_owned(), Value::Null)]);
            read(&given, &CALL_SWITCHES).expect(name);
        }
    }
}
