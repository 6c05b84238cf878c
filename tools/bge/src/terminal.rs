//! What people are asked, and how far something is.

use std::io::{IsTerminal, stdin};

use console::Term;

use crate::failure::Failure;

/// Asks for something confidential, which does not appear on the screen.
pub fn secret(what: &str) -> Result<String, Failure> {
    let term = asking(what)?;
    let told = |cause: std::io::Error| Failure::io("terminal", &cause);
    term.write_str(&format!("{what}: ")).map_err(told)?;
    let text = term.read_secure_line().map_err(told)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty()).ok_or_else(|| nothing(what))
}

/// Asks for a line; `otherwise` is taken for an empty one.
pub fn line(what: &str, otherwise: Option<&str>) -> Result<String, Failure> {
    let term = asking(what)?;
    let told = |cause: std::io::Error| Failure::io("terminal", &cause);
    let shown = otherwise.map_or(String::new(), |otherwise| format!(" ({otherwise})"));
    term.write_str(&format!("{what}{shown}: ")).map_err(told)?;
    let text = term.read_line().map_err(told)?;
    let text = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    text.or_else(|| otherwise.map(str::to_owned)).ok_or_else(|| nothing(what))
}

/// Asks whether to go on.
pub fn agrees(question: &str) -> Result<bool, Failure> {
    let answer = line(&format!("{question} [y/N]"), Some("n"))?;
    Ok(answer.to_lowercase().starts_with('y'))
}

fn asking(what: &str) -> Result<Term, Failure> {
    if stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(Term::stderr());
    }
    Err(Failure::input(told!(
        "{what} is missing, and there is no terminal to ask on",
        "缺少 {what}，且没有可供询问的终端"
    )))
}

fn nothing(what: &str) -> Failure {
    Failure::input(told!("{what} must not be empty", "{what} 不能为空"))
}
