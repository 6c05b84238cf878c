//! INI files as Python's `configparser` reads them, since the official client wrote them with it: quotes are part of a
//! value, names are in lower case, `%%` is one `%`, and what stands indented continues the value above it.

use std::collections::BTreeMap;

/// The section that the others inherit from.
const DEFAULT: &str = "DEFAULT";
/// `%(name)s` within what a `%(name)s` stands for, and so on.
const DEPTH: usize = 10;

type Section = BTreeMap<String, String>;

/// All sections with their values; `None` where it is no such file.
pub(super) fn sections(text: &str) -> Option<BTreeMap<String, Section>> {
    let mut raw = read(text)?;
    let default = raw.remove(DEFAULT).unwrap_or_default();
    for section in raw.values_mut() {
        for (name, value) in &default {
            section.entry(name.clone()).or_insert_with(|| value.clone());
        }
        *section =
            section.iter().map(|(name, value)| (name.clone(), filled(value, section, DEPTH))).collect();
    }
    Some(raw)
}

fn read(text: &str) -> Option<BTreeMap<String, Section>> {
    let mut all: BTreeMap<String, Section> = BTreeMap::new();
    let mut section: Option<String> = None;
    let mut option: Option<String> = None;
    let mut indent = 0;
    for line in text.lines() {
        let value = line.trim();
        let is_comment = value.starts_with(['#', ';']);
        if value.is_empty() || is_comment {
            // An empty line may be part of a value; one at its end is not.
            if !is_comment && let Some(value) = current(&mut all, &section, &option) {
                value.push('\n');
            }
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        if depth > indent
            && let Some(before) = current(&mut all, &section, &option)
        {
            before.push('\n');
            before.push_str(value);
            continue;
        }
        indent = depth;
        if let Some(header) = value.strip_prefix('[').and_then(|rest| Some(&rest[..rest.rfind(']')?])) {
            // Only the section that all inherit from may come in several parts.
            if header.is_empty() || (all.contains_key(header) && header != DEFAULT) {
                return None;
            }
            all.entry(header.to_owned()).or_default();
            (section, option) = (Some(header.to_owned()), None);
            continue;
        }
        let (name, value) = value.split_once(['=', ':'])?;
        let name = name.trim_end().to_lowercase();
        let here = all.get_mut(section.as_ref()?)?;
        if name.is_empty() || here.insert(name.clone(), value.trim().to_owned()).is_some() {
            return None;
        }
        option = Some(name);
    }
    for value in all.values_mut().flat_map(Section::values_mut) {
        value.truncate(value.trim_end().len());
    }
    Some(all)
}

fn current<'a>(
    all: &'a mut BTreeMap<String, Section>,
    section: &Option<String>,
    option: &Option<String>,
) -> Option<&'a mut String> {
    all.get_mut(section.as_ref()?)?.get_mut(option.as_ref()?)
}

/// `%%` and `%(name)s` filled in. Where `configparser` would give up, the characters stay.
fn filled(value: &str, section: &Section, depth: usize) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let named = rest.strip_prefix("%(").and_then(|behind| behind.split_once(")s"));
        if let Some(behind) = rest.strip_prefix("%%") {
            text.push('%');
            rest = behind;
        } else if let Some((name, behind)) = named
            && let Some(inner) = section.get(&name.to_lowercase()).filter(|_| depth > 0)
        {
            text.push_str(&filled(inner, section, depth - 1));
            rest = behind;
        } else {
            text.push('%');
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_configparser() {
        // What Python 3.11 gives: ConfigParser().read_string(text), then dict(items(section)).
        let text = concat!(
            "# a comment\n[DEFAULT]\nendpoint = https://host/%(path)s\npath=x\n\n",
            "[OAuth2]\r\nClient_ID = \"quoted\"\r\nclient_secret: 'single' ; not a comment\r\n",
            "percent = 100%% of %(path)s\nlong = one\n  two\n\n  three\n\nempty =\n",
            "  # no part of it\nmixed : a = b\n; end\n[Token] rest\naccess_token = a\"b\"c\nexpires_in=21600"
        );
        let all = sections(text).expect("sections");
        let pairs = |name: &str| -> Vec<(String, String)> { all[name].clone().into_iter().collect() };
        let wanted = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        assert_eq!(
            pairs("OAuth2"),
            wanted(&[
                ("client_id", "\"quoted\""),
                ("client_secret", "'single' ; not a comment"),
                ("empty", ""),
                ("endpoint", "https://host/x"),
                ("long", "one\ntwo\n\nthree"),
                ("mixed", "a = b"),
                ("path", "x"),
                ("percent", "100% of x"),
            ])
        );
        assert_eq!(
            pairs("Token"),
            wanted(&[
                ("access_token", "a\"b\"c"),
                ("endpoint", "https://host/x"),
                ("expires_in", "21600"),
                ("path", "x"),
            ])
        );
    }

    #[test]
    fn what_configparser_refuses_is_no_such_file() {
        for text in
            ["a = b", "[x]\nno delimiter", "[x]\na=1\nA=2", "[x]\n[x]", "[x]\n= value", "[OAuth2\na = b"]
        {
            assert!(sections(text).is_none(), "{text}");
        }
        assert!(sections("[DEFAULT]\na = 1\n[DEFAULT]\na = 2").is_none());
        assert_eq!(sections("[DEFAULT]\na = 1\n[x]\n[DEFAULT]\nb = 2").expect("sections")["x"].len(), 2);
        assert_eq!(sections("").map(|all| all.len()), Some(0));
    }

    #[test]
    fn a_percent_sign_of_a_secret_stays() {
        let all = sections("[x]\na = 5%x%(none)s%\nb = %(b)s").expect("sections");
        assert_eq!(all["x"]["a"], "5%x%(none)s%");
        assert_eq!(all["x"]["b"], "%(b)s");
    }
}
