//! `bge-sandbox run`: the command's environment, output, status and signals.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use common::BINARY;
use rand::RngExt;
use serde_json::Value;

fn run(command: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["run", "--seed", "3", "--"])
        .args(command)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_command_finds_its_sandbox_in_the_environment() {
    let names = [
        "BGE_ENDPOINT",
        "BGE_ACCESS_TOKEN",
        "BGE_CLIENT_ID",
        "BGE_CLIENT_SECRET",
        "BGE_KMS_ENDPOINT",
        "BGE_SANDBOX",
    ];
    let script = names.map(|name| format!("printf '%s\\n' \"${name}\"")).join("; ");
    let output = run(&["sh", "-c", &script]);
    assert!(output.status.success());
    let lines: Vec<_> = text(&output.stdout).lines().map(str::to_owned).collect();
    let ready: Value = serde_json::from_str(&lines[5]).unwrap();
    let expected = [
        "/endpoint",
        "/access_token",
        "/credentials/client_id",
        "/credentials/client_secret",
        "/kms/endpoint",
    ];
    assert_eq!(lines.len(), 6);
    for (line, pointer) in lines.iter().zip(expected) {
        assert_eq!(line, ready.pointer(pointer).unwrap().as_str().unwrap());
    }
}

#[test]
fn the_sandbox_answers_while_the_command_runs() {
    let script = r#"exec 3<>"/dev/tcp/127.0.0.1/${BGE_ENDPOINT##*:}"; printf 'GET /ping HTTP/1.0\r\n\r\n' >&3; cat <&3"#;
    let output = run(&["bash", "-c", script]);
    let answer = text(&output.stdout);
    assert!(
        answer.starts_with("HTTP/1.") && answer.contains(" 200 OK") && answer.ends_with("pong"),
        "{answer}"
    );
}

#[test]
fn status_and_output_are_the_commands_own() {
    let output = run(&["sh", "-c", "printf out; printf err >&2; exit 42"]);
    assert_eq!(output.status.code(), Some(42));
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("out".into(), "err".into()));
    assert_eq!(run(&["true"]).status.code(), Some(0));
}

#[test]
fn a_command_ended_by_a_signal_gives_128_and_its_number() {
    assert_eq!(run(&["sh", "-c", "kill -9 $$"]).status.code(), Some(137));
}

#[test]
fn a_command_that_does_not_exist_gives_127_and_one_that_cannot_run_126() {
    let missing = run(&["no-such-command-anywhere"]);
    assert_eq!(missing.status.code(), Some(127));
    assert!(text(&missing.stderr).contains("no-such-command-anywhere"));
    assert_eq!(text(&missing.stdout), "");
    assert_eq!(run(&["/etc/passwd"]).status.code(), Some(126));
}

#[test]
fn a_signal_goes_to_the_command() {
    // The command says that it is ready, and what it got.
    let script = "trap 'echo got TERM; exit 5' TERM; echo ready; \
                  for i in $(seq 400); do sleep 0.05; done; exit 9";
    let mut child = Command::new(BINARY)
        .args(["run", "--", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(lines.next().unwrap().unwrap(), "got TERM");
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn every_signal_that_would_end_the_sandbox_goes_to_the_command() {
    for signal in ["HUP", "INT", "QUIT", "USR1", "USR2"] {
        let script = format!(
            "trap 'echo got {signal}; exit 5' {signal}; echo ready; for i in $(seq 400); do sleep 0.05; done"
        );
        let mut child = Command::new(BINARY)
            .args(["run", "--", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let number = format!("-{signal}");
        assert!(Command::new("kill").args([&number, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(lines.next().unwrap().unwrap(), format!("got {signal}"));
        assert_eq!(child.wait().unwrap().code(), Some(5), "{signal}");
    }
}

#[test]
fn a_proxy_in_the_environment_does_not_get_what_is_for_the_sandbox() {
    // Nobody listens there: a client that asks the proxy fails.
    let proxy = "http://127.0.0.1:9";
    let script = "import os, urllib.request\n\
                  print(urllib.request.urlopen(os.environ['BGE_ENDPOINT'] + '/ping').read().decode())\n\
                  print(os.environ['no_proxy'], os.environ['NO_PROXY'])";
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        let output = Command::new(BINARY)
            .args(["run", "--", "python3", "-c", script])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("no_proxy", "intranet.cn")
            .env(name, proxy)
            .output()
            .unwrap();
        let expected = "pong\nintranet.cn,127.0.0.1 intranet.cn,127.0.0.1\n";
        assert_eq!(text(&output.stdout), expected, "{name}: {}", text(&output.stderr));
    }
    let output = Command::new(BINARY)
        .args(["run", "--", "sh", "-c", "echo ${no_proxy-unset} ${NO_PROXY-unset}"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "unset unset\n");
}

/// Python and curl read such lists each in its own way.
#[test]
fn whatever_no_proxy_says_already_nobody_asks_the_proxy_for_the_sandbox() {
    let script = "python3 -c 'import os, urllib.request as r; \
                  print(r.urlopen(os.environ[\"BGE_ENDPOINT\"] + \"/ping\").read().decode())' \
                  && curl -sS --max-time 20 \"$BGE_ENDPOINT/ping\"";
    let mut any = rand::rng();
    for _ in 0..if std::env::var_os("BGE_TEST_LONG").is_some() { 60 } else { 3 } {
        let entries = ["a.cn", ".b.cn", "*.c.cn", "*", "127.0.0.1", "127.0.0.10", "10.0.0.0/8", "localhost"];
        let mut list = String::new();
        for _ in 0..any.random_range(0..4) {
            list += entries[any.random_range(0..entries.len())];
            list += [",", ", ", " ", ",,", " ,"][any.random_range(0..5)];
        }
        let output = Command::new(BINARY)
            .args(["run", "--", "sh", "-c", script])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env(["no_proxy", "NO_PROXY"][any.random_range(0..2)], &list)
            .env("http_proxy", "http://127.0.0.1:9")
            .output()
            .unwrap();
        assert_eq!(text(&output.stdout), "pong\npong", "{list:?}: {}", text(&output.stderr));
    }
}

#[test]
fn without_a_command_there_is_nothing_to_run() {
    let output = Command::new(BINARY).args(["run", "--"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
