//! `bge-sandbox run`: a command that lives with a sandbox of its own.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// Where the sandbox listens: no proxy leads there.
const HOST: &str = "127.0.0.1";
/// The variables that send a client to a proxy, and those that keep it from one.
const PROXIES: [&str; 6] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXIES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// Runs the command to its end. The answer is the exit status to leave with: the command's own, 128 and the signal's
/// number when a signal ended it, 127 when there is no such command, 126 when it cannot be run.
pub async fn run(command: &[OsString], ready: &Value) -> Result<u8, String> {
    let Some((program, arguments)) = command.split_first() else { return Ok(127) };
    let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    // First of all: the command may be signalled as soon as it runs.
    let signals = listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let child = Command::new(program)
        .args(arguments)
        .env("BGE_ENDPOINT", text("/endpoint"))
        .env("BGE_ACCESS_TOKEN", text("/access_token"))
        .env("BGE_CLIENT_ID", text("/credentials/client_id"))
        .env("BGE_CLIENT_SECRET", text("/credentials/client_secret"))
        .env("BGE_KMS_ENDPOINT", text("/kms/endpoint"))
        .env("BGE_SANDBOX", ready.to_string())
        .envs(around_proxies(|name| std::env::var_os(name)))
        .spawn();
    match child {
        Ok(child) => Ok(wait(child, signals).await),
        Err(error) => {
            eprintln!("bge-sandbox: cannot run {}: {error}", program.display());
            Ok(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
        }
    }
}

/// What the environment needs so that a proxy named in it does not get the requests to the sandbox. Clients read one
/// spelling or the other, so both are set; what stands in them stays.
fn around_proxies(variable: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    if !PROXIES.iter().any(|name| given(name).is_some()) {
        return Vec::new();
    }
    let either = NO_PROXIES.iter().find_map(|name| given(name)).unwrap_or_default();
    let with_host = |name: &&'static str| (*name, excepting(given(name).unwrap_or_else(|| either.clone())));
    NO_PROXIES.iter().map(with_host).collect()
}

/// The list of hosts with the sandbox's own. Clients agree on commas between them, and on `*` where it stands alone.
fn excepting(mut hosts: OsString) -> OsString {
    let text = hosts.to_string_lossy();
    if text.trim() == "*" || text.split(',').any(|host| host.trim() == HOST) {
        return hosts;
    }
    let separator = if text.trim().is_empty() || text.trim_end().ends_with(',') { "" } else { "," };
    hosts.push(OsStr::new(separator));
    hosts.push(OsStr::new(HOST));
    hosts
}

/// The signals that would end the sandbox, from now on.
fn listen() -> std::io::Result<mpsc::UnboundedReceiver<Origin>> {
    let (tell, signals) = mpsc::unbounded_channel();
    let wanted = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2];
    let mut received = SignalsInfo::<WithOrigin>::new(wanted)?;
    std::thread::spawn(move || {
        for signal in received.forever() {
            if tell.send(signal).is_err() {
                break;
            }
        }
    });
    Ok(signals)
}

/// Waits for the command, and hands on the signals that are meant for it: the sandbox itself ends when the command has.
async fn wait(mut child: Child, mut signals: mpsc::UnboundedReceiver<Origin>) -> u8 {
    loop {
        tokio::select! {
            status = child.wait() => return status.map_or(1, exit_status),
            Some(signal) = signals.recv() => {
                // A key on the terminal sends its signal to both of us: it must not arrive twice.
                if signal.cause != Cause::Kernel {
                    send(&child, signal.signal);
                }
            }
        }
    }
}

fn send(child: &Child, signal: i32) {
    // As long as the child has not been waited for, the id is still its own.
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let (Some(id), Some(signal)) = (id, Signal::from_named_raw(signal)) {
        // It may be gone already: then there is nobody to tell.
        let _ = kill_process(id, signal);
    }
}

fn exit_status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(variables: &[(&str, &str)]) -> Vec<(String, String)> {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into());
        let text = |value: OsString| value.into_string().unwrap();
        around_proxies(find).into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
    }

    fn both(value: &str) -> Vec<(String, String)> {
        vec![("no_proxy".into(), value.into()), ("NO_PROXY".into(), value.into())]
    }

    #[test]
    fn without_a_proxy_the_environment_stays_as_it_is() {
        assert_eq!(set(&[("no_proxy", "a.cn"), ("http_proxy", "")]), []);
    }

    #[test]
    fn with_a_proxy_of_any_spelling_loopback_goes_around_it() {
        for name in PROXIES {
            assert_eq!(set(&[(name, "http://10.0.0.1:8080")]), both("127.0.0.1"), "{name}");
        }
        let proxy = ("ALL_PROXY", "socks5://10.0.0.1");
        assert_eq!(set(&[proxy, ("NO_PROXY", "a.cn,.b.cn")]), both("a.cn,.b.cn,127.0.0.1"));
        assert_eq!(set(&[proxy, ("no_proxy", "a.cn,")]), both("a.cn,127.0.0.1"));
        assert_eq!(set(&[proxy, ("no_proxy", "127.0.0.1, a.cn")]), both("127.0.0.1, a.cn"));
        assert_eq!(set(&[proxy, ("no_proxy", "*")]), both("*"));
        assert_eq!(set(&[proxy, ("no_proxy", "127.0.0.10")]), both("127.0.0.10,127.0.0.1"));
        // Not every client takes a blank for a comma, or a `*` among others for everybody.
        assert_eq!(set(&[proxy, ("no_proxy", "127.0.0.1 a.cn")]), both("127.0.0.1 a.cn,127.0.0.1"));
        assert_eq!(set(&[proxy, ("no_proxy", "a.cn,*")]), both("a.cn,*,127.0.0.1"));
        let each = set(&[proxy, ("no_proxy", "a.cn"), ("NO_PROXY", "b.cn")]);
        assert_eq!(each[0].1, "a.cn,127.0.0.1");
        assert_eq!(each[1].1, "b.cn,127.0.0.1");
    }
}
