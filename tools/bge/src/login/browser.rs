//! The person's browser.

use std::{
    env,
    process::{Command, Stdio},
};

/// Has the browser open an address; whether there is one. It is not waited for.
pub fn open(address: &str) -> bool {
    let has = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Ok(named) = env::var("BROWSER")
        && !named.trim().is_empty()
    {
        return named.split(':').filter(|one| !one.trim().is_empty()).any(|one| start(one, address));
    }
    if cfg!(target_os = "macos") {
        return start("open", address);
    }
    (has("DISPLAY") || has("WAYLAND_DISPLAY")) && start("xdg-open", address)
}

/// A command of `BROWSER`: words, with `%s` for the address, or the address behind them.
fn start(command: &str, address: &str) -> bool {
    let mut words: Vec<String> = command.split_whitespace().map(|word| word.replace("%s", address)).collect();
    if !command.contains("%s") {
        words.push(address.to_owned());
    }
    let Some((program, words)) = words.split_first() else { return false };
    let quiet = || Stdio::null();
    Command::new(program).args(words).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().is_ok()
}
