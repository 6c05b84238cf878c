//! Reading answers without a JSON parser of one's own: RFC 6901 pointers.

pub(crate) mod object;
pub(crate) mod twice;

use serde_json::{Value, value::RawValue};

use crate::{
    error::{Error, Result},
    options,
};

/// What `pointer` leads to in `json`: a string decoded, anything else as its JSON text. An array's length is at
/// `…/#`. `None` when there is nothing.
pub fn get(json: &str, pointer: &str) -> Result<Option<String>> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(Error::argument("pointer", "must be empty or start with \"/\""));
    }
    let mut now: &RawValue = serde_json::from_str(json)
        .map_err(|cause| Error::argument("json", "must be JSON text").with_cause(options::place(&cause)))?;
    let mut tokens = pointer.split('/').skip(1).peekable();
    while let Some(token) = tokens.next() {
        let token = unescaped(token)?;
        let raw = now.get();
        let next = if raw.starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(raw)
                .map_err(|cause| Error::argument("json", "must be JSON text").with_cause(cause))?;
            if token == "#" && tokens.peek().is_none() {
                return Ok(Some(elements.len().to_string()));
            }
            index(&token).and_then(|index| elements.get(index).copied())
        } else if raw.starts_with('{') {
            member(raw, &token)?
        } else {
            None
        };
        match next {
            Some(next) => now = next,
            None => return Ok(None),
        }
    }
    let raw = now.get();
    match raw.starts_with('"') {
        false => Ok(Some(raw.to_owned())),
        true => match serde_json::from_str(raw) {
            Ok(Value::String(text)) => Ok(Some(text)),
            _ => Err(Error::argument("json", "has a string there that is not Unicode")),
        },
    }
}

/// Bytes that should be JSON text, or where they are not and what stands there instead.
pub(crate) fn text(bytes: &[u8]) -> std::result::Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|cause| {
        let good = &bytes[..cause.valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        format!("line {line}, column {column}: bytes that are not UTF-8")
    })
}

/// Where a text from outside is not the JSON that it should be, and what stands there. Of the text itself only what
/// holds nobody's data is shown.
pub(crate) fn misfit(text: &str, cause: &serde_json::Error) -> String {
    if text.starts_with('\u{feff}') {
        return "line 1, column 1: a byte order mark".to_owned();
    }
    let message = cause.to_string();
    let found = match cause.classify() {
        serde_json::error::Category::Eof => "the end, too early".to_owned(),
        serde_json::error::Category::Data => match message.strip_prefix("duplicate field `") {
            Some(rest) => format!("the member {} twice", rest.split('`').next().unwrap_or_default()),
            None => "a value of another type".to_owned(),
        },
        _ => match word_at(text, cause.line(), cause.column()) {
            Some((column, word)) => {
                return format!("line {}, column {column}: {word}, which is no JSON", cause.line());
            }
            None => message.split(" at line ").next().unwrap_or_default().to_owned(),
        },
    };
    format!("line {}, column {}: {found}", cause.line(), cause.column())
}

/// The word there, if it is one of those that other languages print for a number, and where it begins.
fn word_at(text: &str, line: usize, column: usize) -> Option<(usize, &'static str)> {
    const WORDS: [&str; 9] =
        ["NaN", "nan", "Infinity", "-Infinity", "+Infinity", "inf", "-inf", "Inf", "-Inf"];
    let line = text.split('\n').nth(line.checked_sub(1)?)?.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'+');
    let at = column.saturating_sub(1).min(line.len());
    let (before, behind) = line.split_at_checked(at)?;
    let start = at - before.iter().rev().take_while(|byte| is_part(byte)).count();
    let end = at + behind.iter().take_while(|byte| is_part(byte)).count();
    let word = WORDS.into_iter().find(|word| word.as_bytes() == &line[start..end])?;
    Some((start + 1, word))
}

/// Where a member stands for the second time in one object of this JSON, and its name, unless that may be somebody's data.
pub(crate) fn twice(text: &str) -> Option<String> {
    let at = twice::find(text)?;
    let (before, behind) = text.split_at(at);
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
    let name = behind[1..].split('"').next().unwrap_or_default();
    let is_plain = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let what =
        if is_plain && !name.is_empty() { format!("the member {name}") } else { "a member".to_owned() };
    Some(format!("line {line}, column {column}: {what} twice"))
}

fn unescaped(token: &str) -> Result<String> {
    let mut text = String::new();
    let mut rest = token.chars();
    while let Some(c) = rest.next() {
        match c {
            '~' => match rest.next() {
                Some('0') => text.push('~'),
                Some('1') => text.push('/'),
                _ => return Err(Error::argument("pointer", "has a \"~\" that is neither ~0 nor ~1")),
            },
            c => text.push(c),
        }
    }
    Ok(text)
}

/// Digits without a leading zero.
fn index(token: &str) -> Option<usize> {
    let digits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (token == "0" || !token.starts_with('0'))).then(|| token.parse().ok()).flatten()
}

fn member<'a>(raw: &'a str, wanted: &str) -> Result<Option<&'a RawValue>> {
    use serde::{
        Deserializer,
        de::{MapAccess, Visitor},
    };

    struct Find<'w>(&'w str);
    impl<'de> Visitor<'de> for Find<'_> {
        /// And whether it stands there once more.
        type Value = (Option<&'de RawValue>, bool);

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
            let (mut found, mut is_twice) = (None, false);
            while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                if name == self.0 {
                    is_twice |= found.replace(value).is_some();
                }
            }
            Ok((found, is_twice))
        }
    }
    let found = serde_json::Deserializer::from_str(raw).deserialize_map(Find(wanted));
    match found {
        Ok((found, false)) => Ok(found),
        Ok((_, true)) => Err(Error::argument("json", "gives the member that the pointer names twice")),
        Err(cause) => Err(Error::argument("json", "must be JSON text").with_cause(options::place(&cause))),
    }
}

/// The members of an object in their order, each value as it is written; `None` where it is no object.
pub(crate) fn members(json: &str) -> Option<Vec<(String, &RawValue)>> {
    use serde::{
        Deserializer,
        de::{MapAccess, Visitor},
    };

    struct All;
    impl<'de> Visitor<'de> for All {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(entry) = map.next_entry()? {
                all.push(entry);
            }
            Ok(all)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    let all = reader.deserialize_map(All).ok()?;
    reader.end().ok().map(|()| all)
}

/// An object of these members, each value as it is written.
pub(crate) fn object(members: &[(&str, &RawValue)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, raw)| format!("{}:{}", Value::from(*name), raw.get())).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_where_rfc_6901_says() {
        // The document and the answers of RFC 6901, section 5.
        let json = r#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6,
            " ": 7, "m~n": 8}"#;
        for (pointer, wanted) in [
            ("/foo", r#"["bar", "baz"]"#),
            ("/foo/0", "bar"),
            ("/foo/#", "2"),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ] {
            assert_eq!(get(json, pointer).expect(pointer).as_deref(), Some(wanted), "{pointer}");
        }
        for pointer in ["/foo/2", "/foo/01", "/foo/-", "/foo/0/x", "/nothing", "/foo/#/x"] {
            assert_eq!(get(json, pointer).expect(pointer), None, "{pointer}");
        }
        assert_eq!(get(json, "").expect("all").as_deref(), Some(json));
    }

    #[test]
    fn values_keep_their_text() {
        let json = r#"{"n": 1e-07, "s": "\u674e\n", "o": { "a" :1 }, "z": null}"#;
        assert_eq!(get(json, "/n").expect("n").as_deref(), Some("1e-07"));
        assert_eq!(get(json, "/s").expect("s").as_deref(), Some("李\n"));
        assert_eq!(get(json, "/o").expect("o").as_deref(), Some("{ \"a\" :1 }"));
        assert_eq!(get(json, "/z").expect("z").as_deref(), Some("null"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, pointer, part) in [
            ("{", "", "json"),
            ("{}", "a", "pointer"),
            ("{}", "/~2", "pointer"),
            (r#"{"a":1,"a":2}"#, "/a", "json"),
        ] {
            let error = get(json, pointer).expect_err(pointer);
            assert!(error.message().starts_with(part), "{error}");
        }
    }

    #[test]
    fn a_member_that_stands_there_twice_is_called_so() {
        let error = get(r#"{"a":1,"a":2}"#, "/a").expect_err("twice");
        assert!(error.message().contains("twice"), "{error}");
    }
}
