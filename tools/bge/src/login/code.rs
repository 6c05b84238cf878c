//! The code in what a browser or a person brings.

use url::form_urlencoded;

/// What a query, an address or a line holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Code {
    None,
    Is(String),
    /// The page said no, or it is not the answer to what was asked.
    Refused(String),
}

/// Reads an address with its query, or a code alone, as a person types it.
pub fn read(typed: &str, state: &str) -> Code {
    let typed = typed.trim();
    if typed.is_empty() {
        return Code::None;
    }
    let query = typed.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or(query));
    match query.or_else(|| typed.contains("code=").then_some(typed)) {
        Some(query) => of_query(query, state, false),
        None => Code::Is(typed.to_owned()),
    }
}

/// Reads the query of a redirect. A person may have cut the state off; a browser has not.
pub fn of_query(query: &str, state: &str, state_is_needed: bool) -> Code {
    let value = |wanted: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    match value("state") {
        Some(given) if given != state => {
            return Code::Refused(told!(
                "this is the answer to another sign-in: begin anew",
                "该地址属于另一次登录，请重新开始"
            ));
        }
        None if state_is_needed => return Code::None,
        _ => {}
    }
    if let Some(error) = value("error") {
        let error: String = error.chars().filter(|c| !c.is_control()).take(100).collect();
        return Code::Refused(told!("the platform did not agree: {error}", "平台未同意授权：{error}"));
    }
    value("code")
        .filter(|code| !code.trim().is_empty())
        .map_or(Code::None, |code| Code::Is(code.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_where_it_stands() {
        let is = |code: &str| Code::Is(code.to_owned());
        assert_eq!(read("  abc123\n", "s"), is("abc123"));
        assert_eq!(read("https://app.example/cb?code=a%2Bb&state=s#top", "s"), is("a+b"));
        assert_eq!(read("code=abc&state=s", "s"), is("abc"));
        assert_eq!(read("https://app.example/cb?code=abc", "s"), is("abc"));
        for (typed, state) in [("", "s"), ("https://app.example/cb?x=1", "s"), ("?code=&state=s", "s")] {
            assert_eq!(read(typed, state), Code::None, "{typed}");
        }
        for typed in ["https://app.example/cb?code=abc&state=other", "?error=access_denied&state=s"] {
            assert!(matches!(read(typed, "s"), Code::Refused(_)), "{typed}");
        }
        assert_eq!(of_query("code=abc", "s", true), Code::None);
        assert_eq!(of_query("state=s&code=abc", "s", true), is("abc"));
    }
}
