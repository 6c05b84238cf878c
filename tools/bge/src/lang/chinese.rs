//! The program's help in Chinese.

pub fn of_arg(_: &str) -> Option<&'static str> {
    None
}

pub fn translated(command: clap::Command) -> clap::Command {
    command
}
