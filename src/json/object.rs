//! A JSON object put together member by member.

use std::{collections::HashSet, ffi::CStr};

use serde_json::{Value, value::RawValue};

use crate::{
    error::{Error, Result},
    options,
};

/// The text of a JSON object that grows at its end. NUL-terminated all the time, so that it can be lent to C as it is.
pub(crate) struct Object {
    text: String,
    names: HashSet<String>,
}

impl Default for Object {
    fn default() -> Self {
        Object { text: "{}\0".to_owned(), names: HashSet::new() }
    }
}

impl Object {
    pub(crate) fn add_text(&mut self, name: &str, value: &str) -> Result<()> {
        self.add(name, &Value::from(value).to_string())
    }

    pub(crate) fn add_int(&mut self, name: &str, value: i64) -> Result<()> {
        self.add(name, &value.to_string())
    }

    pub(crate) fn add_number(&mut self, name: &str, value: f64) -> Result<()> {
        let number = serde_json::Number::from_f64(value)
            .ok_or_else(|| Error::argument("value", "must be a number, neither infinite nor NaN"))?;
        self.add(name, &number.to_string())
    }

    pub(crate) fn add_bool(&mut self, name: &str, value: bool) -> Result<()> {
        self.add(name, if value { "true" } else { "false" })
    }

    pub(crate) fn add_json(&mut self, name: &str, json: &str) -> Result<()> {
        let raw: &RawValue = serde_json::from_str(json).map_err(|cause| {
            Error::argument("json", "must be JSON text").with_cause(options::place(&cause))
        })?;
        self.add(name, raw.get())
    }

    /// The object so far.
    pub(crate) fn c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(self.text.as_bytes()).unwrap_or(c"{}")
    }

    /// `json` is one JSON value.
    fn add(&mut self, name: &str, json: &str) -> Result<()> {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Error::argument("name", "must not be empty or hold control characters"));
        }
        if !self.names.insert(name.to_owned()) {
            return Err(Error::argument("name", "was added before"));
        }
        self.text.truncate(self.text.len() - "}\0".len());
        if self.text.len() > "{".len() {
            self.text.push(',');
        }
        self.text.push_str(&Value::from(name).to_string());
        self.text.push(':');
        self.text.push_str(json);
        self.text.push_str("}\0");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(object: &Object) -> &str {
        object.c_str().to_str().expect("UTF-8")
    }

    #[test]
    fn members_stand_in_their_order_and_are_escaped() {
        let mut object = Object::default();
        assert_eq!(written(&object), "{}");
        object.add_text("样品\"", "a\\ \"b\"\n\u{1}中").expect("text");
        object.add_int("least", i64::MIN).expect("int");
        object.add_number("tiny", 2.18932050758568e-10).expect("number");
        object.add_number("whole", 3.0).expect("number");
        object.add_bool("yes", true).expect("bool");
        object.add_json("$", " {\"deadline\" : 3.50}\n").expect("json");
        assert_eq!(
            written(&object),
            "{\"样品\\\"\":\"a\\\\ \\\"b\\\"\\n\\u0001中\",\"least\":-9223372036854775808,\
             \"tiny\":2.18932050758568e-10,\"whole\":3.0,\"yes\":true,\"$\":{\"deadline\" : 3.50}}"
        );
        serde_json::from_str::<Value>(written(&object)).expect("JSON");
    }

    #[test]
    fn a_refused_member_changes_nothing() {
        let mut object = Object::default();
        object.add_int("a", 1).expect("int");
        for (outcome, part) in [
            (object.add_int("a", 2), "added before"),
            (object.add_int("", 2), "empty"),
            (object.add_int("b\r\nc", 2), "control"),
            (object.add_number("b", f64::NAN), "NaN"),
            (object.add_number("b", f64::NEG_INFINITY), "infinite"),
            (object.add_json("b", "1 2"), "JSON"),
            (object.add_json("b", ""), "JSON"),
            (object.add_json("b", "{}, \"c\": 1"), "JSON"),
        ] {
            assert!(outcome.expect_err(part).message().contains(part), "{part}");
        }
        object.add_int("b", 2).expect("the name is still free");
        assert_eq!(written(&object), "{\"a\":1,\"b\":2}");
    }
}
