//! A token file belongs to one application and one person, and survives the file systems that there are.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Folder,
    c::{Api, Failure, OAuth2},
    example,
    issuer::{APPLICATION, Issuer, Manner, now},
};

struct Shared {
    issuer: Issuer,
    folder: Folder,
}

impl Shared {
    fn new() -> Self {
        Shared { issuer: Issuer::start(), folder: Folder::new("tokens") }
    }

    fn file(&self) -> String {
        self.folder.path("token.json")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path("log.txt")).unwrap_or_default()
    }

    /// An application of that id, whose clients share the file.
    fn app_with(&self, id: &str, mut options: Value) -> OAuth2 {
        options["endpoint"] = self.issuer.endpoint().into();
        options["log_file"] = self.folder.path("log.txt").into();
        if options.get("token_file").is_none() {
            options["token_file"] = self.file().into();
        }
        OAuth2::new(id, "a-secret", &options.to_string()).expect("an application")
    }

    fn app(&self) -> OAuth2 {
        self.app_with("app", json!({}))
    }

    fn stored(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.file()).expect("the file")).expect("JSON")
    }

    /// The example `call` as another process of the same application.
    fn process(&self) -> Command {
        let options = json!({"client_id": "app", "client_secret": "a-secret", "endpoint": self.issuer.endpoint(),
            "token_file": self.file(), "log_file": self.folder.path("log.txt"), "max_retries": 0});
        let mut command = Command::new(example());
        command.args(["get_user", "{}", &options.to_string()]).env_clear();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn told(command: &mut Command) -> Result<Value, Value> {
    let output = command.output().expect("it runs");
    let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_else(|_| panic!("no JSON: {output:?}"));
    if output.status.success() { Ok(json(&output.stdout)) } else { Err(json(&output.stderr)) }
}

fn who(api: &Api) -> String {
    api.value("get_user", json!({})).expect("somebody")["name"].as_str().expect("a name").to_owned()
}

fn refused(outcome: Result<Api, Failure>, part: &str) {
    let failure = outcome.err().unwrap_or_else(|| panic!("{part}: it is somebody else's"));
    assert_eq!(failure.status, 1, "{}", failure.message);
    assert!(failure.message.contains("token_file") && failure.message.contains(part), "{}", failure.message);
}

#[test]
fn a_file_belongs_to_one_person() {
    let shared = Shared::new();
    let oauth2 = shared.app();
    let (anna, bert) = (shared.issuer.sign_in("Anna"), shared.issuer.sign_in("Bert"));
    let first = oauth2.api(Some(&anna.to_string())).expect("Anna's");
    assert_eq!(
        shared.stored()["access_token"],
        anna["access_token"],
        "written when it is made, not hours later"
    );
    assert_eq!(fs::metadata(shared.file()).expect("the file").permissions().mode() & 0o777, 0o600);
    shared.issuer.expire();
    assert_eq!(who(&first), "Anna");
    let renewed = first.token().expect("a token");
    let before = shared.issuer.exchanges().len();
    refused(oauth2.api(Some(&bert.to_string())), "another person");
    refused(oauth2.api(None), "a person");
    refused(shared.app_with("other", json!({})).api(Some(&anna.to_string())), "another application (app)");
    let elsewhere = json!({"endpoint": "x", "fallback_endpoint": ""});
    let mut options = elsewhere;
    options["endpoint"] = "http://127.0.0.1:9/".into();
    options["token_file"] = shared.file().into();
    let far = OAuth2::new("app", "a-secret", &options.to_string()).expect("an application");
    refused(far.api(Some(&anna.to_string())), "another address");
    let credentials = json!({"access_token": "the-applications-own"}).to_string();
    refused(oauth2.api(Some(&credentials)), "a person");
    assert_eq!(shared.issuer.exchanges().len(), before, "nothing was sent");
    assert_eq!(shared.stored()["refresh_token"], renewed["refresh_token"]);

    // A person's plain access token leaves the file alone.
    let fresh = shared.issuer.sign_in("Bert");
    assert_eq!(who(&oauth2.api(fresh["access_token"].as_str()).expect("Bert's")), "Bert");
    assert_eq!(shared.stored()["refresh_token"], renewed["refresh_token"]);
    assert_eq!(renewed.get("belongs_to"), None, "whose the file is, is no part of the token");
}

#[test]
fn the_same_person_is_known_in_the_next_process() {
    let shared = Shared::new();
    let anna = shared.issuer.sign_in("Anna");
    let first = shared.app().api(Some(&anna.to_string())).expect("Anna's");
    let mut tokens = vec![anna];
    for _ in 0..3 {
        shared.issuer.expire();
        assert_eq!(who(&first), "Anna");
        tokens.push(first.token().expect("a token"));
    }
    drop(first);
    let newest = tokens.last().expect("a token")["access_token"].clone();
    for token in &tokens {
        let again = shared.app().api(Some(&token.to_string())).expect("the same person's");
        assert_eq!(again.token().expect("a token")["access_token"], newest, "the newer one counts");
    }
    assert_eq!(told(&mut shared.process()).expect("Anna's")["name"], "Anna");

    // A renewed token that the program kept, in a file that has not seen it, is newer all the same.
    let stale = fs::read(shared.file()).expect("the file");
    let again = shared.app().api(Some(&tokens[0].to_string())).expect("Anna's");
    shared.issuer.expire();
    assert_eq!(who(&again), "Anna");
    fs::write(shared.file(), stale).expect("the file");
    shared.issuer.expire();
    assert_eq!(who(&again), "Anna", "the one in memory is newer than the file's");
    assert_eq!(shared.stored()["access_token"], again.token().expect("a token")["access_token"]);
}

#[test]
fn the_applications_own_file_is_no_persons() {
    let shared = Shared::new();
    let own = shared.app().api(None).expect("the application's");
    assert_eq!(who(&own), APPLICATION);
    assert_eq!(who(&shared.app().api(None).expect("the application's")), APPLICATION);
    assert_eq!(shared.issuer.grants(), ["client_credentials"], "the second one took the first one's");
    let anna = shared.issuer.sign_in("Anna");
    refused(shared.app().api(Some(&anna.to_string())), "the application itself");
    refused(shared.app_with("other", json!({})).api(None), "another application");
    assert_eq!(told(&mut shared.process()).expect("the application's")["name"], APPLICATION);
}

#[test]
fn a_file_of_an_older_version_is_taken_where_it_is_surely_the_same() {
    let shared = Shared::new();
    let anna = shared.issuer.sign_in("Anna");
    fs::write(shared.file(), anna.to_string()).expect("a file");
    refused(shared.app().api(None), "a person");
    refused(shared.app().api(Some(&shared.issuer.sign_in("Bert").to_string())), "older version");
    assert_eq!(who(&shared.app().api(Some(&anna.to_string())).expect("the same token")), "Anna");
    assert_eq!(told(&mut shared.process()).expect("whoever it is")["name"], "Anna");
    shared.issuer.expire();
    assert_eq!(told(&mut shared.process()).expect("renewed")["name"], "Anna");
    assert_eq!(shared.stored()["belongs_to"]["client_id"], "app", "now it says whose it is");

    let own = json!({"access_token": "unknown", "expires_in": 21600, "obtained_at": now()});
    fs::write(shared.file(), own.to_string()).expect("a file");
    assert_eq!(who(&shared.app().api(None).expect("the application's")), APPLICATION);
    for wrong in [
        "no JSON",
        "{}",
        r#"{"access_token": "a", "belongs_to": {"client_id": 5}}"#,
        "{\"access_token\": \"a\"} x",
    ] {
        fs::write(shared.file(), wrong).expect("a file");
        refused(shared.app().api(None), "holds no token");
    }
    fs::write(shared.file(), " \r\n").expect("a file");
    assert_eq!(who(&shared.app().api(None).expect("an empty file is none")), APPLICATION);
}

#[test]
fn what_a_link_leads_to_is_replaced_and_planted_links_lead_nowhere() {
    let shared = Shared::new();
    fs::create_dir(shared.folder.path("real")).expect("a folder");
    symlink("real/token.json", shared.file()).expect("a link");
    let victim = shared.folder.file("victim", b"precious");
    // The names that the library once used.
    symlink(&victim, shared.folder.path(&format!("token.json.{}.tmp", std::process::id()))).expect("a link");
    symlink(&victim, shared.folder.path("token.json.lock")).expect("a link");
    symlink(&victim, shared.folder.path("real/token.json.lock")).expect("a link");
    let anna = shared.issuer.sign_in("Anna");
    let api = shared.app().api(Some(&anna.to_string())).expect("Anna's");
    shared.issuer.expire();
    assert_eq!(who(&api), "Anna");
    assert!(fs::symlink_metadata(shared.file()).expect("there").is_symlink());
    let real = shared.folder.path("real/token.json");
    assert_eq!(shared.stored()["access_token"], api.token().expect("a token")["access_token"]);
    assert_eq!(fs::metadata(&real).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
    let left: Vec<_> = fs::read_dir(shared.folder.path("real")).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 2, "the token and what was planted: {left:?}");
}

#[test]
fn a_token_that_could_not_be_written_stays_and_is_written_later() {
    let shared = Shared::new();
    fs::create_dir(shared.folder.path("sub")).expect("a folder");
    let file = shared.folder.path("sub/token.json");
    let oauth2 = shared.app_with("app", json!({ "token_file": file }));
    let anna = shared.issuer.sign_in("Anna");
    let api = oauth2.api(Some(&anna.to_string())).expect("Anna's");
    shared.issuer.expire();
    shared.issuer.hold();
    let before = shared.issuer.exchanges().len();
    let op = api.start("get_user", json!({})).expect("started");
    shared.issuer.wait_for_exchanges(before + 1);
    fs::remove_dir_all(shared.folder.path("sub")).expect("it goes away while the token is on its way");
    shared.issuer.release();
    op.finish().expect("the call succeeds");
    assert!(shared.log().contains("in this process only"), "{}", shared.log());
    fs::create_dir(shared.folder.path("sub")).expect("it is back");
    let until = Instant::now() + Duration::from_secs(20);
    while !fs::exists(&file).expect("known") && Instant::now() < until {
        assert_eq!(who(&api), "Anna");
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = fs::read_to_string(&file).expect("it was written after all");
    assert!(text.contains(api.token().expect("a token")["refresh_token"].as_str().expect("text")), "{text}");
}

#[test]
fn a_renewal_is_carried_to_its_end_when_its_client_is_gone() {
    let shared = Shared::new();
    let anna = shared.issuer.sign_in("Anna");
    for in_background in [false, true] {
        let oauth2 = shared.app();
        let api = oauth2.api(Some(&anna.to_string())).expect("Anna's");
        assert_eq!(who(&api), "Anna", "the blocking sender is in use, too");
        shared.issuer.expire();
        shared.issuer.delay(Duration::from_millis(800));
        let before = shared.stored()["refresh_token"].clone();
        let args = json!({"$": {"deadline": 0.3}});
        let outcome = match in_background {
            true => api.start("get_user", args).and_then(|op| op.finish()),
            false => api.call("get_user", args),
        };
        assert_eq!(outcome.expect_err("too late for this call").status, 3);
        let freed = Instant::now();
        drop(api);
        drop(oauth2);
        assert!(freed.elapsed() < Duration::from_secs(5), "freeing waits for nobody");
        let until = Instant::now() + Duration::from_secs(20);
        while shared.stored()["refresh_token"] == before && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_ne!(shared.stored()["refresh_token"], before, "the new one was not lost");
        shared.issuer.delay(Duration::ZERO);
    }
    assert_eq!(shared.issuer.exchanges().len(), 2);
}

#[test]
fn names_that_fill_what_a_name_may_have_do() {
    let shared = Shared::new();
    let file = shared.folder.path(&"令".repeat(85));
    let anna = shared.issuer.sign_in("Anna");
    let api =
        shared.app_with("app", json!({ "token_file": file })).api(Some(&anna.to_string())).expect("Anna's");
    shared.issuer.expire();
    assert_eq!(who(&api), "Anna");
    let written = fs::read_to_string(&file).expect("the file");
    assert!(written.contains(api.token().expect("a token")["refresh_token"].as_str().expect("text")));
    assert!(!shared.log().contains("without a lock"), "{}", shared.log());
}

#[test]
fn nothing_is_spent_where_nothing_can_be_written() {
    let shared = Shared::new();
    let options = json!({"token_file": shared.folder.path("missing/token.json")});
    let anna = shared.issuer.sign_in("Anna");
    let api = shared.app_with("app", options.clone()).api(Some(&anna.to_string())).expect("Anna's");
    assert_eq!(who(&api), "Anna", "the token is good as it is");
    shared.issuer.expire();
    let failure = api.call("get_user", json!({})).expect_err("it cannot be written");
    assert_eq!(failure.status, 10, "{}", failure.message);
    assert!(failure.message.contains("token_file cannot be written"), "{}", failure.message);
    assert!(shared.issuer.exchanges().is_empty(), "the refresh token is as good as before");
    let own = shared.app_with("app", options).api(None).expect("the application's");
    assert_eq!(who(&own), APPLICATION, "where nothing is spent, a file that cannot be written stops nothing");
}

#[test]
fn a_good_token_in_the_file_needs_no_lock() {
    let shared = Shared::new();
    let anna = shared.issuer.sign_in("Anna");
    let api = shared.app().api(Some(&anna.to_string())).expect("Anna's");
    shared.issuer.expire();
    let other = shared.app().api(Some(&anna.to_string())).expect("Anna's");
    assert_eq!(who(&other), "Anna", "another client has renewed it");
    let lock = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(shared.folder.path("token.json.lock"))
        .expect("the lock");
    lock.lock().expect("somebody holds it, and hangs");
    assert_eq!(api.value("get_user", json!({"$": {"deadline": 20}})).expect("Anna")["name"], "Anna");
    assert_eq!(shared.issuer.exchanges().len(), 1);
    // What needs the lock waits no longer than it may.
    shared.issuer.expire();
    let started = Instant::now();
    let failure = api.call("get_user", json!({"$": {"deadline": 1}})).expect_err("the lock is held");
    assert_eq!(failure.status, 3, "{}", failure.message);
    assert!(started.elapsed() < Duration::from_secs(15));
    drop(lock);
    assert_eq!(who(&api), "Anna");
}

/// File systems as clusters and containers have them: `flock` and `rename` fail with the errors that are named, and the
/// user is another one.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
static int fails(const char *name) {
  const char *value = getenv(name);
  if (value == NULL) return 0;
  errno = atoi(value);
  return 1;
}
unsigned geteuid(void) {
  const char *value = getenv("USER_IS");
  return value != NULL ? (unsigned)atoi(value) : ((unsigned (*)(void))dlsym(RTLD_NEXT, "geteuid"))();
}
int flock(int fd, int operation) {
  if (fails("FLOCK_FAILS")) return -1;
  return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(fd, operation);
}
int rename(const char *from, const char *to) {
  if (fails("RENAME_FAILS")) return -1;
  return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
}
"#;

fn shim(folder: &Folder) -> String {
    let (source, library) = (folder.file("shim.c", SHIM.as_bytes()), folder.path("shim.so"));
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o", &library, &source, "-ldl"]).status();
    assert!(built.expect("a C compiler").success());
    library
}

#[test]
fn file_systems_without_locks_or_renames_do() {
    use std::os::unix::fs::MetadataExt;
    let shared = Shared::new();
    let library = shim(&shared.folder);
    let anna = shared.issuer.sign_in("Anna");
    drop(shared.app().api(Some(&anna.to_string())).expect("Anna's"));
    // ENOSYS, ENOLCK, EOPNOTSUPP
    for code in ["38", "37", "95"] {
        shared.issuer.expire();
        let _ = fs::remove_file(shared.folder.path("log.txt"));
        let mut process = shared.process();
        process.env("LD_PRELOAD", &library).env("FLOCK_FAILS", code);
        assert_eq!(told(&mut process).expect("without a lock")["name"], "Anna", "{code}");
        assert_eq!(shared.log().matches("without a lock").count(), 1, "{}", shared.log());
    }
    // A single file that is mounted: EBUSY.
    let inode = fs::metadata(shared.file()).expect("the file").ino();
    for code in ["16", "18"] {
        shared.issuer.expire();
        let before = shared.issuer.exchanges().len();
        let mut process = shared.process();
        process.env("LD_PRELOAD", &library).env("RENAME_FAILS", code);
        assert_eq!(told(&mut process).expect("written in place")["name"], "Anna", "{code}");
        assert_eq!(shared.issuer.exchanges().len(), before + 1);
    }
    assert_eq!(fs::metadata(shared.file()).expect("the file").ino(), inode);
    let left = shared.stored()["refresh_token"].clone();
    assert_eq!(told(&mut shared.process()).expect("the file's token is good")["name"], "Anna");
    assert_eq!(shared.stored()["refresh_token"], left);
    let strays = fs::read_dir(shared.folder.path("")).expect("a folder").flatten();
    assert!(!strays.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(".bge-")));
}

#[test]
fn a_file_of_another_user_is_not_believed() {
    let shared = Shared::new();
    let library = shim(&shared.folder);
    let planted = shared.issuer.sign_in("Mallory");
    fs::write(shared.file(), planted.to_string()).expect("a file");
    // Root may give it away; anybody else is told that he is another one.
    let given = std::os::unix::fs::chown(shared.file(), Some(12_345), None).is_ok();
    let mut process = shared.process();
    if !given {
        process.env("LD_PRELOAD", &library).env("USER_IS", "54321");
    }
    let failure = told(&mut process).expect_err("somebody else's");
    assert_eq!(failure["status"], 10, "{failure}");
    assert!(failure["message"].as_str().expect("text").contains("another user"), "{failure}");
    assert_eq!(shared.issuer.calls(), 0);
}

#[test]
fn a_damaged_file_of_any_size_harms_nobody() {
    let shared = Shared::new();
    fs::File::create(shared.file()).and_then(|file| file.set_len(1 << 40)).expect("a large file");
    let failure = shared.app().api(None).err().expect("no token");
    assert_eq!(failure.status, 10, "{}", failure.message);
    fs::remove_file(shared.file()).expect("it was there");
    assert!(Command::new("mkfifo").arg(shared.file()).status().expect("it runs").success());
    let failure = shared.app().api(None).err().expect("nobody writes into it");
    assert!(failure.message.contains("regular file"), "{}", failure.message);
}

#[test]
fn without_locks_the_second_one_takes_what_the_first_one_wrote() {
    let shared = Shared::new();
    let library = shim(&shared.folder);
    let anna = shared.issuer.sign_in("Anna");
    drop(shared.app().api(Some(&anna.to_string())).expect("Anna's"));
    shared.issuer.expire();
    shared.issuer.delay(Duration::from_millis(300));
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut process = shared.process();
            process.env("LD_PRELOAD", &library).env("FLOCK_FAILS", "37").spawn().expect("it runs")
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Two processes without a lock: one writes the token that it was made from, which the other has just renewed.
#[test]
fn without_locks_an_older_token_does_not_stay_in_the_place_of_a_renewed_one() {
    let shared = Shared::new();
    let library = shim(&shared.folder);
    let anna = shared.issuer.sign_in("Anna");
    drop(shared.app().api(Some(&anna.to_string())).expect("Anna's"));
    let older = shared.folder.path("older");
    // On a busy machine the older one may come after the other process's look.
    let stays_renewed = || {
        fs::copy(shared.file(), &older).expect("a copy");
        let spent = fs::read(&older).expect("the file");
        shared.issuer.expire();
        let mut process = shared.process();
        process.env("LD_PRELOAD", &library).env("FLOCK_FAILS", "37");
        let child = process.spawn().expect("it runs");
        let begun = Instant::now();
        while fs::read(shared.file()).expect("the file") == spent {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing was renewed");
        }
        let renewed = shared.stored();
        fs::rename(&older, shared.file()).expect("in its place");
        assert!(child.wait_with_output().expect("it ends").status.success());
        if shared.stored() == renewed {
            return true;
        }
        fs::write(shared.file(), renewed.to_string()).expect("as it was");
        false
    };
    assert!((0..5).any(|_| stays_renewed()));
}

#[test]
fn a_spent_refresh_token_is_told_of() {
    let shared = Shared::new();
    let anna = shared.issuer.sign_in("Anna");
    let api = shared.app().api(Some(&anna.to_string())).expect("Anna's");
    shared.issuer.expire();
    shared.issuer.manner(Manner::Refuse);
    let failure = api.call("get_user", json!({})).expect_err("spent");
    assert_eq!((failure.status, failure.code), (6, 400), "{}", failure.message);
    for part in ["could not be renewed", "sign in again", "token.json"] {
        assert!(failure.message.contains(part), "{part}: {}", failure.message);
    }
}
