//! Standard output: what a reader that goes away means, and texts that scripts read.

use std::io::{self, IsTerminal, Write};

use crate::failure::Failure;

/// Writes a text, and the end of its line, to standard output.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let done = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    done.map_err(|cause| unwritten(&cause))
}

/// Writes bytes to standard output as they are.
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    io::stdout().lock().write_all(bytes).map_err(|cause| unwritten(&cause))
}

pub fn flush() -> Result<(), Failure> {
    io::stdout().lock().flush().map_err(|cause| unwritten(&cause))
}

fn unwritten(cause: &io::Error) -> Failure {
    Failure::io("standard output", cause)
}

/// Ends as any program does whose reader went away.
pub fn end_by_broken_pipe() -> ! {
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
    std::process::exit(128 + signal_hook::consts::SIGPIPE)
}

/// Whether a person looks at standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether colours are wanted on standard output: https://no-color.org
pub fn is_coloured() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal()
        && !is_set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
