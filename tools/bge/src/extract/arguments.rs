//! Arguments as they are typed, as the JSON that the library takes: the declared type decides about quotes, and no
//! character of a value changes.

use std::collections::BTreeMap;

use bge::endpoint::{self, Endpoint, Type};
use serde_json::value::RawValue;

use crate::failure::Failure;

/// Members of a JSON object, each with its own text.
#[derive(Clone, Default)]
pub struct Members(BTreeMap<String, Box<RawValue>>);

impl Members {
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn set(&mut self, name: &str, value: &impl serde::Serialize) -> Result<(), Failure> {
        let raw = serde_json::value::to_raw_value(value)
            .map_err(|cause| Failure::other(format!("{name} cannot be written as JSON: {cause}")))?;
        self.0.insert(name.to_owned(), raw);
        Ok(())
    }

    /// Takes the members out whose names are among these.
    pub fn take(&mut self, wanted: impl Fn(&str) -> bool) -> Members {
        let names: Vec<String> = self.0.keys().filter(|name| wanted(name)).cloned().collect();
        Members(names.into_iter().filter_map(|name| self.0.remove_entry(&name)).collect())
    }

    /// The members by name, each as its JSON text.
    pub fn texts(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(name, raw)| (name.clone(), raw.get().to_owned())).collect()
    }

    pub fn json(&self) -> Result<String, Failure> {
        serde_json::to_string(&self.0).map_err(|cause| Failure::other(cause.to_string()))
    }
}

/// What `--arg` gave, for a call and the calls whose arguments may stand beside its own. A name that none of them knows is
/// told, and sent as it is.
pub fn read(typed: &[(String, String)], call: &Endpoint, others: &[&Endpoint]) -> Result<Members, Failure> {
    let mut members = Members::default();
    for (name, value) in typed {
        if members.contains(name) {
            return Err(Failure::input(format!("--arg {name} is given twice")));
        }
        let calls = || std::iter::once(&call).chain(others);
        let kind = calls().find_map(|call| call.arg(name)).map(|arg| arg.kind);
        if kind.is_none() {
            let known = calls().flat_map(|call| call.args).map(|arg| arg.name);
            let near = known
                .map(|known| (strsim::damerau_levenshtein(known, name), known))
                .min()
                .filter(|(distance, known)| *distance <= 3 && distance * 2 < known.len());
            let near = near.map_or(String::new(), |(_, known)| format!(" (did you mean {known}?)"));
            eprintln!("bge: {name} is no known argument of {}{near}; it is sent as it is", call.name);
        }
        members.0.insert(name.clone(), raw(kind, value)?);
    }
    Ok(members)
}

/// The call of this name.
pub fn call(name: &str) -> Result<&'static Endpoint, Failure> {
    let is_list = |call: &&Endpoint| !call.columns.is_empty();
    endpoint::find(name).filter(is_list).ok_or_else(|| {
        let known: Vec<&str> = endpoint::all().filter(is_list).map(|call| call.name).collect();
        let near = known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
        let near = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
        Failure::input(format!("{name} is no list call{near}"))
    })
}

fn raw(kind: Option<Type>, value: &str) -> Result<Box<RawValue>, Failure> {
    let as_json = match kind {
        // What is no number is a text, which the call refuses by the argument's name.
        Some(Type::Integer | Type::Number | Type::Bool) => true,
        Some(Type::Array | Type::Object | Type::Any) => true,
        Some(Type::Token) => !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()),
        Some(Type::Ids) => value.starts_with(['[', '"']),
        Some(Type::Text | Type::File) => value.starts_with('"'),
        None => value.starts_with(['[', '{', '"']),
    };
    let json = as_json.then(|| RawValue::from_string(value.to_owned()).ok()).flatten();
    match json {
        Some(json) => Ok(json),
        None => serde_json::value::to_raw_value(value).map_err(|cause| Failure::input(cause.to_string())),
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test ends at what is not as it should be")]
mod tests {
    use super::*;

    #[test]
    fn values_go_out_as_they_are_typed() {
        let call = |name| endpoint::find(name).expect(name);
        let told = |name: &str, typed: &str, call| {
            let members = read(&[(name.to_owned(), typed.to_owned())], call, &[]).expect(typed);
            members.texts().remove(name).expect(name)
        };
        let functions = call("get_func_abundance");
        for ids in
            ["3E4", "2.50", "1234567890123456789012", "007", "ko00010,ko00020", "-1", "true", "null", ""]
        {
            assert_eq!(told("ids", ids, functions), format!("\"{ids}\""));
            assert_eq!(told("catalog", ids, functions), format!("\"{ids}\""));
            assert_eq!(told("unheard_of", ids, functions), format!("\"{ids}\""));
        }
        assert_eq!(told("ids", r#"["3E4", 2.50]"#, functions), r#"["3E4", 2.50]"#);
        assert_eq!(told("ids", "it's", functions), "\"it's\"");
        assert_eq!(told("collection_id", "77", call("get_data_items")), "\"77\"");
        assert_eq!(told("limit", "20", functions), "20");
        assert_eq!(told("limit", "many", functions), "\"many\"");
        assert_eq!(told("next_page", "3", functions), "3");
        assert_eq!(told("next_page", "abc", functions), "\"abc\"");
        assert_eq!(told("data_availability", "true", call("get_samples")), "true");
        for cpu in ["2.50", "3E4", "0.1000000000000000055511151231257827", "1234567890123456789012"] {
            assert_eq!(told("cpu", cpu, call("deploy_model")), cpu);
        }
        for any in ["[3E4, 2.50]", r#"{"a": 1234567890123456789012}"#, "3E4"] {
            let arg = |call: &'static Endpoint| {
                call.args.iter().find(|arg| matches!(arg.kind, Type::Array | Type::Object | Type::Any))
            };
            let (call, arg) =
                endpoint::all().find_map(|call| Some((call, arg(call)?))).expect("one takes JSON");
            assert_eq!(told(arg.name, any, call), any);
        }
        assert!(read(&[("a".into(), "1".into()), ("a".into(), "2".into())], functions, &[]).is_err());
    }
}
