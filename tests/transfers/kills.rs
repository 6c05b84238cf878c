//! A process that is killed in the middle of a transfer, and the same call again: the result is right, and what had been
//! confirmed is not sent twice.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes, crc64, header, journal, stored},
    handles::Transfers,
    support::{Folder, Sandbox, c::Api, count},
};

const CALL: &str = "BGE_TEST_CALL";

/// What the killed processes run: one call, which the environment names. Without it there is nothing to do.
#[test]
fn in_a_process_of_its_own() {
    let Ok(call) = std::env::var(CALL) else { return };
    let call: Value = serde_json::from_str(&call).expect("JSON");
    let text = |name: &str| call[name].as_str().expect("a text").to_owned();
    if call["file_limit"].is_u64() {
        limit_files(call["file_limit"].as_u64().expect("a number"));
    }
    let api = Api::new(&text("token"), &text("options")).expect("a client");
    match api.call(&text("name"), call["args"].clone()) {
        Ok(done) => println!("\ndone {done}"),
        Err(failure) => println!("\nfailed {}", failure.json),
    }
}

fn limit_files(bytes: u64) {
    // SAFETY: ignoring a signal and setting a limit of this process touch no memory of ours.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

pub fn command(
    sandbox: &Sandbox,
    name: &str,
    args: &Value,
    file_limit: Option<u64>,
    options: &Value,
) -> Command {
    let call = json!({
        "token": sandbox.text("/access_token"),
        "options": sandbox.options(options.clone()),
        "name": name,
        "args": args,
        "file_limit": file_limit,
    });
    let mut command = Command::new(std::env::current_exe().expect("the test's own path"));
    command.args(["--exact", "kills::in_a_process_of_its_own", "--nocapture", "--test-threads=1"]);
    command.env(CALL, call.to_string()).stdout(Stdio::piped());
    command
}

fn run(sandbox: &Sandbox, name: &str, args: &Value) -> Value {
    outcome(&mut command(sandbox, name, args, None, &json!({}))).unwrap_or_else(|failed| panic!("{failed}"))
}

/// What the process's call gave, or its error as JSON.
pub fn outcome(command: &mut Command) -> Result<Value, Value> {
    let output = command.output().expect("the process runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let told = |how: &str| {
        let json = text.lines().find_map(|line| line.strip_prefix(how))?;
        Some(serde_json::from_str::<Value>(json).expect("JSON"))
    };
    match told("done ") {
        Some(done) => Ok(done),
        None => Err(told("failed ").unwrap_or_else(|| panic!("{text}"))),
    }
}

/// Starts the call, and kills the process after a while.
fn kill(sandbox: &Sandbox, name: &str, args: &Value, after: Duration) {
    let mut child: Child =
        command(sandbox, name, args, None, &json!({})).spawn().expect("the process starts");
    std::thread::sleep(after);
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
}

fn kills() -> usize {
    match std::env::var("BGE_TEST_KILLS") {
        Ok(given) => given.parse().expect("BGE_TEST_KILLS is a number"),
        Err(_) => count(4, 30),
    }
}

#[test]
fn an_upload_that_was_killed() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("kills");
    // Slow enough to be caught in the middle.
    sandbox.fault(
        json!({"query": "*partNumber=*", "count": 0, "kind": "delay_headers", "ms": 25, "after_work": true}),
    );
    for round in 0..kills() {
        let content = bytes(round as u64, 4 * MIB);
        let path = folder.file(&format!("{round}.bin"), &content);
        let args = json!({
            "path": path,
            "multipart_threshold": 1,
            "part_size": 102_400,
            "checkpoint_dir": folder.path("checkpoints"),
        });
        kill(&sandbox, "upload_file", &args, Duration::from_millis(fastrand::u64(10..450)));
        // What the store had answered for with 200 at that moment.
        let confirmed: Vec<String> = sandbox.state()["uploads"]
            .as_array()
            .expect("uploads")
            .iter()
            .flat_map(|upload| upload["parts"].as_array().expect("parts"))
            .map(|part| format!("partNumber={}&", part["part_number"]))
            .collect();
        sandbox.clear_log();
        let done = run(&sandbox, "upload_file", &args);
        assert_eq!((&done["crc64"], &done["verified"]), (&json!(crc64(&content)), &json!(true)));
        let object = done["object_name"].as_str().expect("a name");
        assert!(stored(&sandbox, object).as_deref() == Some(&content[..]), "{round}");
        let sent: Vec<String> = sandbox
            .log()
            .iter()
            .filter(|entry| entry["method"] == "PUT")
            .map(|entry| format!("{}&", entry["query_raw"].as_str().unwrap_or("")))
            .collect();
        for part in &confirmed {
            assert!(
                !sent.iter().any(|query| query.contains(part.as_str())),
                "{round}: {part} was sent twice"
            );
        }
        // An upload that was begun, but not yet noted, nobody can know of.
        assert!(crate::content::open_uploads(&sandbox) == 0 || confirmed.is_empty(), "{round}");
        sandbox.set(json!({"store": {"lose_uploads": true}}));
        fs::remove_file(&path).expect("the file");
    }
}

#[test]
fn a_download_that_was_killed() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("kills");
    let content = bytes(1, 64 * MIB);
    let done = sandbox.api(json!({})).upload("a.bin", &content, json!({})).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    let slow = json!({"method": "GET", "side": "store", "count": 0, "kind": "delay_headers", "ms": 60});
    sandbox.fault(slow);
    for round in 0..kills() {
        let path = folder.path(&format!("{round}.bin"));
        let args = json!({"object_name": object, "path": path, "multipart_num_threads": 1 + round % 4});
        kill(&sandbox, "download", &args, Duration::from_millis(fastrand::u64(10..500)));
        // What the state file vouches for need not come again.
        let noted: u64 = journal(&format!("{path}.bge-part.state"))
            .iter()
            .filter_map(|record| record.get("stretch"))
            .map(|stretch| stretch[1]["end"].as_u64().expect("an end") - stretch[0].as_u64().expect("it"))
            .sum();
        sandbox.clear_log();
        // Whether it came to its end or not: the same call again leaves the file, and nothing beside it.
        let done = run(&sandbox, "download", &args);
        assert_eq!((&done["crc64"], &done["verified"]), (&json!(crc64(&content)), &json!(true)));
        if noted > 0 {
            let log = sandbox.log();
            let ranges = log.iter().filter_map(|entry| header(entry, "range"));
            let asked: u64 = ranges
                .filter_map(|range| range.trim_start_matches("bytes=").split_once('-'))
                .map(|(first, last)| last.parse::<u64>().expect("it") - first.parse::<u64>().expect("it") + 1)
                .sum();
            assert!(asked <= 64 * MIB as u64 - noted + 1, "{round}: {asked} asked for, {noted} were there");
        }
        assert!(fs::read(&path).expect("the file") == content, "{round}");
        fs::remove_file(&path).expect("the file");
        assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 0, "{round}");
    }
}

/// The names that come and go in a folder, in their order: `+name` and `-name`.
struct Watch(fs::File);

impl Watch {
    fn of(folder: &str) -> Self {
        use std::os::fd::FromRawFd;
        let folder = std::ffi::CString::new(folder).expect("no NUL");
        let events = libc::IN_CREATE | libc::IN_DELETE | libc::IN_MOVED_FROM | libc::IN_MOVED_TO;
        // SAFETY: the path ends with a NUL, and the descriptor is nobody else's.
        unsafe {
            let descriptor = libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC);
            assert!(descriptor >= 0 && libc::inotify_add_watch(descriptor, folder.as_ptr(), events) >= 0);
            Watch(fs::File::from_raw_fd(descriptor))
        }
    }

    fn seen(&mut self) -> Vec<String> {
        use std::io::Read;
        let mut bytes = vec![0; 65_536];
        let read = self.0.read(&mut bytes).unwrap_or(0);
        let (mut rest, mut seen) = (&bytes[..read], Vec::new());
        // An event: watch, mask, cookie, the name's length, the name with NULs behind it.
        while let Some((head, behind)) = rest.split_at_checked(16) {
            let number = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().expect("four bytes"));
            let (name, next) = behind.split_at(number(12) as usize);
            let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
            let is_new = number(4) & (libc::IN_CREATE | libc::IN_MOVED_TO) != 0;
            seen.push(format!("{}{name}", if is_new { '+' } else { '-' }));
            rest = next;
        }
        seen
    }
}

#[test]
fn a_finished_file_never_has_its_journal_beside_it() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("order");
    let content = bytes(3, 20 * MIB);
    let api = sandbox.api(json!({}));
    let done = api.upload("a.bin", &content, json!({})).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    let mut watch = Watch::of(&folder.path(""));
    api.download(object, &folder.path("a.bin"), json!({})).expect("a download");
    let seen = watch.seen();
    let place = |what: &str| seen.iter().position(|event| event == what).expect(what);
    assert!(place("+a.bin.bge-part.state") < place("-a.bin.bge-part.state"), "{seen:?}");
    assert!(place("-a.bin.bge-part.state") < place("+a.bin"), "{seen:?}");

    // One that was left there all the same goes away with the next download.
    folder.file("a.bin.bge-part.state", b"00000000 {}\n");
    api.download(object, &folder.path("a.bin"), json!({})).expect("a download");
    assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 1);
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_under_the_name() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("kills");
    let content = bytes(2, 3 * MIB);
    let done = sandbox.api(json!({})).upload("a.bin", &content, json!({})).expect("an upload");
    let args = json!({"object_name": done["object_name"], "path": folder.path("a.bin")});
    let output = command(&sandbox, "download", &args, Some(MIB as u64), &json!({}))
        .output()
        .expect("the process runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let failed =
        text.lines().find_map(|line| line.strip_prefix("failed ")).unwrap_or_else(|| panic!("{text}"));
    let failed: Value = serde_json::from_str(failed).expect("JSON");
    assert_eq!(failed["status"], BGE_ERR_IO, "{failed}");
    assert!(failed["message"].as_str().is_some_and(|message| message.contains("a.bin")), "{failed}");
    assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 0);
}
