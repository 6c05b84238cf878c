//! `bge-sandbox run`: a command that lives with a sandbox of its own.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};

/// Runs the command to its end. The answer is the exit status to leave with: the command's own, 128 and the signal's
/// number when a signal ended it, 127 when there is no such command, 126 when it cannot be run.
pub async fn run(command: &[OsString], ready: &Value) -> u8 {
    let Some((program, arguments)) = command.split_first() else { return 127 };
    let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    // First of all: the command may be signalled as soon as it runs.
    let signals = Signals::listen();
    let child = Command::new(program)
        .args(arguments)
        .env("BGE_ENDPOINT", text("/endpoint"))
        .env("BGE_ACCESS_TOKEN", text("/access_token"))
        .env("BGE_CLIENT_ID", text("/credentials/client_id"))
        .env("BGE_CLIENT_SECRET", text("/credentials/client_secret"))
        .env("BGE_SANDBOX", ready.to_string())
        .spawn();
    match child {
        Ok(child) => wait(child, signals).await,
        Err(error) => {
            eprintln!("bge-sandbox: cannot run {}: {error}", program.display());
            if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }
        }
    }
}

/// The signals that go on to the command.
struct Signals {
    terminate: Option<Listener>,
    hangup: Option<Listener>,
    interrupt: Option<Listener>,
    quit: Option<Listener>,
}

impl Signals {
    fn listen() -> Signals {
        let listen = |kind| signal(kind).ok();
        Signals {
            terminate: listen(SignalKind::terminate()),
            hangup: listen(SignalKind::hangup()),
            interrupt: listen(SignalKind::interrupt()),
            quit: listen(SignalKind::quit()),
        }
    }
}

/// Waits for the command, and hands on the signals that are meant for it.
async fn wait(mut child: Child, mut signals: Signals) -> u8 {
    // A key on the terminal sends its signal to both of us: it must not arrive twice.
    let keyboard = std::io::stdin().is_terminal();
    loop {
        let (signal, from_keyboard) = tokio::select! {
            status = child.wait() => return status.map_or(1, exit_status),
            () = next(&mut signals.terminate) => (Signal::TERM, false),
            () = next(&mut signals.hangup) => (Signal::HUP, false),
            () = next(&mut signals.interrupt) => (Signal::INT, true),
            () = next(&mut signals.quit) => (Signal::QUIT, true),
        };
        if !(keyboard && from_keyboard) {
            send(&child, signal);
        }
    }
}

/// The next signal of a kind, or never.
async fn next(listener: &mut Option<Listener>) {
    if let Some(listener) = listener
        && listener.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

fn send(child: &Child, signal: Signal) {
    // As long as the child has not been waited for, the id is still its own.
    if let Some(id) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
        // It may be gone already: then there is nobody to tell.
        let _ = kill_process(id, signal);
    }
}

fn exit_status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
