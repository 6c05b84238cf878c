//! What the tests share: a sandbox of their own, and the C ABI with Rust's types around it.

#![allow(dead_code, reason = "no test uses all of it")]
#![allow(unsafe_code)]

pub mod c;
pub mod issuer;
pub mod server;

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
};

use serde_json::{Value, json};

/// A running `bge-sandbox`, which ends with this value.
pub struct Sandbox {
    child: Child,
    _lifetime: ChildStdin,
    control: reqwest::blocking::Client,
    /// The line that it printed when it was ready.
    pub ready: Value,
}

/// The sandbox's program: `BGE_SANDBOX_BIN`, or beside the test's own.
pub fn sandbox_program() -> PathBuf {
    if let Some(path) = std::env::var_os("BGE_SANDBOX_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("the test's own path");
    let program = test.parent().and_then(|deps| deps.parent()).expect("a target folder").join("bge-sandbox");
    assert!(program.exists(), "{} is missing: `make build` makes it", program.display());
    program
}

/// The example `call`, for what needs a process of its own.
pub fn example() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    test.parent().and_then(|deps| deps.parent()).expect("a target folder").join("examples/call")
}

/// Whether this test has its process to itself, where what the process has is counted. Else it is run so, and must pass.
pub fn is_alone(test: &str) -> bool {
    const ALONE: &str = "BGE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("the test's own program");
    let told = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{complaint}");
    false
}

impl Sandbox {
    pub fn start(args: &[&str]) -> Self {
        let mut child = Command::new(sandbox_program())
            .arg("--stdin-lifetime")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let lifetime = child.stdin.take().expect("its standard input");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its standard output"))
            .read_line(&mut line)
            .expect("a line");
        let ready = serde_json::from_str(&line).expect("the ready line is JSON");
        Sandbox { child, _lifetime: lifetime, control: browser(), ready }
    }

    pub fn text(&self, pointer: &str) -> &str {
        self.ready
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} in {}", self.ready))
    }

    pub fn endpoint(&self) -> &str {
        self.text("/endpoint")
    }

    /// A client of the printed access token.
    pub fn api(&self, options: Value) -> c::Api {
        c::Api::new(self.text("/access_token"), &self.options(options)).expect("a client")
    }

    /// The application that owns samples.
    pub fn oauth2(&self, options: Value) -> c::OAuth2 {
        let (id, secret) = (self.text("/credentials/client_id"), self.text("/credentials/client_secret"));
        c::OAuth2::new(id, secret, &self.options(options)).expect("an application")
    }

    /// The application that users grant tokens to.
    pub fn authorization(&self, options: Value) -> c::OAuth2 {
        let (id, secret) = (self.text("/authorization/client_id"), self.text("/authorization/client_secret"));
        c::OAuth2::new(id, secret, &self.options(options)).expect("an application")
    }

    /// `options` with this sandbox's endpoint.
    pub fn options(&self, mut options: Value) -> String {
        if options.get("endpoint").is_none() {
            options["endpoint"] = self.endpoint().into();
        }
        options.to_string()
    }

    fn control(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Value {
        let mut request = self.control.request(method, format!("{}/__sandbox__/{path}", self.endpoint()));
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().expect("the sandbox answers");
        let status = answer.status();
        let text = answer.text().expect("the sandbox's answer");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Has the next requests go wrong.
    pub fn fault(&self, fault: Value) {
        self.control(reqwest::Method::POST, "faults", Some(&fault));
    }

    pub fn clear_faults(&self) {
        self.control(reqwest::Method::DELETE, "faults", None);
    }

    pub fn set(&self, options: Value) {
        self.control(reqwest::Method::POST, "options", Some(&options));
    }

    /// A key of the key service is `enabled`, `disabled` or `foreign` from now on.
    pub fn key(&self, key_id: &str, state: &str) {
        self.control(reqwest::Method::POST, "keys", Some(&json!({"key_id": key_id, "state": state})));
    }

    pub fn expire(&self, what: &str) {
        self.control(reqwest::Method::POST, "expire", Some(&json!({ "what": what })));
    }

    /// The requests received since the log was last cleared.
    pub fn log(&self) -> Vec<Value> {
        match self.control(reqwest::Method::GET, "log", None) {
            Value::Array(entries) => entries,
            Value::Object(mut all) => match all.remove("requests").or_else(|| all.remove("entries")) {
                Some(Value::Array(entries)) => entries,
                _ => panic!("no log"),
            },
            other => panic!("no log: {other}"),
        }
    }

    pub fn clear_log(&self) {
        self.control(reqwest::Method::DELETE, "log", None);
    }

    /// What was received since the last time, and forgets it.
    pub fn take_log(&self) -> Vec<Value> {
        let log = self.log();
        self.clear_log();
        log
    }

    pub fn state(&self) -> Value {
        self.control(reqwest::Method::GET, "state", None)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP client that follows no redirects.
pub fn browser() -> reqwest::blocking::Client {
    // It may be there already: another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.timeout(std::time::Duration::from_secs(120)).build().expect("a browser")
}

/// Does `work` in a forked child, where it must neither fail nor wake anybody of its parent's: what wakes a runtime is
/// an eventfd, and whatever is written to one there is seen.
pub fn in_a_child(work: impl FnOnce()) {
    // SAFETY: the child calls only what has to bear a fork, and ends by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // A hang is a failure, not a wait.
            // SAFETY: plain calls on this process's own descriptors.
            unsafe { libc::alarm(60) };
            let mut ends = [0; 2];
            // SAFETY: as above; the array has room for both.
            assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK) }, 0);
            let mut eventfds = 0;
            for entry in std::fs::read_dir("/proc/self/fd").expect("of Linux").flatten() {
                let is_eventfd =
                    std::fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == "anon_inode:[eventfd]");
                let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
                if let Some(number) = number.filter(|_| is_eventfd) {
                    // SAFETY: as above.
                    assert_eq!(unsafe { libc::dup2(ends[1], number) }, number);
                    eventfds += 1;
                }
            }
            assert!(eventfds > 0, "the parent has a runtime");
            work();
            let mut byte = 0u8;
            // SAFETY: as above; there is room for the byte.
            let came = unsafe { libc::read(ends[0], (&raw mut byte).cast(), 1) };
            assert!(came < 0, "somebody of the parent's was woken");
        }));
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(outcome.is_err().into()) };
    }
    let mut status = -1;
    // SAFETY: a child of this process; `status` is writable.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the child says above what was wrong");
}

/// Waits until `done`, but not for ever.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}: it never happens");
}

/// Bounded in `make test`, large in `make test-long`.
pub fn count(bounded: usize, large: usize) -> usize {
    if std::env::var_os("BGE_TEST_LONG").is_some() { large } else { bounded }
}

/// A folder that is removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let unique = format!("bge-{name}-{}-{:x}", std::process::id(), fastrand::u32(..));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
