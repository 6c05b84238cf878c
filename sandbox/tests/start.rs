//! Starting and stopping: the ready line, signals, standard input, what cannot work.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use common::{BINARY, LIMIT, Sandbox};
use serde_json::Value;

fn spawn(arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child =
        Command::new(BINARY).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(start.elapsed() < LIMIT, "the sandbox does not stop");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn the_ready_line_is_all_there_is_on_stdout_and_names_everything() {
    let (mut child, mut stdout) = spawn(&[]);
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let names: Vec<_> = ready.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "endpoint",
            "redirect_uri",
            "authorization_extra_query",
            "authorization",
            "credentials",
            "access_token",
            "biosample_id",
            "meta_biosample_id",
            "other_biosample_id",
            "project_id",
            "model_id",
            "kms"
        ]
    );
    for client in ["authorization", "credentials"] {
        let names: Vec<_> = ready[client].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["client_id", "client_secret"]);
    }
    let names: Vec<_> = ready["kms"].as_object().unwrap().keys().map(String::as_str).collect();
    let keys = ["key_id", "disabled_key_id", "foreign_key_id"];
    assert_eq!(names[1..4], keys);
    assert_eq!((names[0], &names[4..]), ("endpoint", &["access_key_id", "access_key_secret"][..]));
    assert!(keys.iter().all(|key| ready["kms"][key].as_str().unwrap().len() == 36));
    kill(&child, "-TERM");
    assert_eq!(wait(&mut child).code(), Some(0));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn it_stops_on_sigint() {
    let (mut child, mut stdout) = spawn(&[]);
    stdout.read_line(&mut String::new()).unwrap();
    kill(&child, "-INT");
    assert_eq!(wait(&mut child).code(), Some(0));
}

#[test]
fn it_stops_when_stdin_closes_only_if_asked_to() {
    let (mut with, mut stdout) = spawn(&["--stdin-lifetime"]);
    stdout.read_line(&mut String::new()).unwrap();
    assert!(with.try_wait().unwrap().is_none());
    drop(with.stdin.take());
    assert_eq!(wait(&mut with).code(), Some(0));

    let (mut without, mut stdout) = spawn(&[]);
    stdout.read_line(&mut String::new()).unwrap();
    drop(without.stdin.take());
    std::thread::sleep(Duration::from_millis(200));
    assert!(without.try_wait().unwrap().is_none());
    kill(&without, "-TERM");
    wait(&mut without);
}

#[test]
fn one_seed_gives_the_same_data_and_another_seed_others() {
    let samples = |seed: &str| {
        let sandbox = Sandbox::start(&["--seed", seed, "--samples", "8"]);
        let meta = sandbox.text("meta_biosample_id");
        let list = sandbox.get("/samples", &[]).text;
        let taxa = sandbox.get("/microbiome/taxon_abundance", &[("biosample_id", &meta)]).text;
        (list, taxa)
    };
    let (first, again, other) = (samples("7"), samples("7"), samples("8"));
    assert_eq!(first, again);
    assert_ne!(first.0, other.0);
    assert_ne!(first.1, other.1);
}

fn fails(arguments: &[&str]) -> String {
    let output = Command::new(BINARY).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_taken_port_is_said_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let message = fails(&["--port", &port]);
    assert!(message.contains(&port) && message.lines().count() == 1, "{message}");
}

#[test]
fn an_unusable_folder_is_said_in_one_line() {
    let message = fails(&["--data-dir", "/dev/null/objects"]);
    assert!(message.contains("/dev/null/objects") && message.lines().count() == 1, "{message}");
}

#[test]
fn the_sides_are_different_ports_of_loopback() {
    let sandbox = Sandbox::start(&[]);
    let store = sandbox.state()["store_endpoint"].as_str().unwrap().to_owned();
    assert!(
        store.starts_with("http://127.0.0.1:") && sandbox.text("endpoint").starts_with("http://127.0.0.1:")
    );
    assert_ne!(store, sandbox.text("endpoint"));
    let kms = sandbox.ready["kms"]["endpoint"].as_str().unwrap();
    assert!(kms.starts_with("http://127.0.0.1:") && kms != store && kms != sandbox.text("endpoint"));
    let answer = sandbox.get_url(&format!("{kms}/?Action=Decrypt&Format=json"));
    assert_eq!((answer.status, &answer.json()["Code"]), (400, &"MissingParameter".into()));
    assert_eq!(sandbox.post("/sts/token", &[]).data()["endpoint"], store);
}
