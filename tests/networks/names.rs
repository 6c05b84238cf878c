//! Name lookups that hang, and addresses that come and go.

use std::{
    net::TcpListener,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    Folder,
    c::Api,
    example,
    server::{Server, answer, drip, good},
};

/// A name lookup that takes half a minute, for some names.
const SLOW: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
  if (node && strstr(node, "slow.invalid")) sleep(30);
  return real(node, service, hints, found);
}
"#;

/// The library that makes lookups slow in a process which is started with it.
fn slow(folder: &Folder) -> String {
    let (source, library) = (folder.file("slow.c", SLOW.as_bytes()), folder.path("slow.so"));
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o", &library, &source]).status();
    assert!(compiled.is_ok_and(|status| status.success()), "a C compiler makes it");
    library
}

#[test]
fn a_lookup_that_hangs_holds_up_nobody() {
    let folder = Folder::new("lookup");
    let library = slow(&folder);
    for args in [r#"{"$": {"deadline": 1}}"#, r#"{"$": {"max_retries": 0}}"#] {
        let mut command = Command::new(example());
        command.env_clear().envs([("BGE_ACCESS_TOKEN", "token"), ("BGE_ENDPOINT", "http://slow.invalid")]);
        command.env("LD_PRELOAD", &library);
        command.args(["get_user", args, r#"{"connect_timeout": 2, "fallback_endpoint": ""}"#]);
        let begun = Instant::now();
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    }
}

/// In a process of its own, whose lookups hang: more of them than there are threads for.
#[test]
fn lookups_that_hang_hold_up_neither_the_disk_nor_the_end_of_a_client() {
    const INSIDE: &str = "BGE_TEST_LOOKUPS";
    if std::env::var_os(INSIDE).is_none() {
        let folder = Folder::new("lookup");
        let mut command = Command::new(std::env::current_exe().expect("the test's own path"));
        let test = "names::lookups_that_hang_hold_up_neither_the_disk_nor_the_end_of_a_client";
        command.args(["--exact", test]).env(INSIDE, "1").env("LD_PRELOAD", slow(&folder));
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let content = vec![7; 3_000_000];
    let served = content.clone();
    let server = Server::start(move |_, stream| drip(stream, &served, 500_000, Duration::from_millis(20)));
    let folder = Folder::new("lookup");
    let options = json!({
        "endpoint": "http://slow.invalid",
        "fallback_endpoint": "",
        "max_threads": 2,
        "connect_timeout": 25,
        "timeout": 25,
    });
    let api = Api::new("token", &options.to_string()).expect("a client");
    let fetch = |host: String, name: &str| {
        let args = json!({"url": format!("http://{host}/{name}"), "path": folder.path(name)});
        api.start("download_file", args).expect("started")
    };
    // Each name hangs on a thread of its own, and there are two.
    let hanging: Vec<_> = (0..6).map(|n| fetch(format!("{n}.slow.invalid"), &format!("never-{n}"))).collect();
    std::thread::sleep(Duration::from_millis(300));
    // Disk work goes on meanwhile: files are written by the threads that lookups do not take.
    let begun = Instant::now();
    for n in 0..3 {
        let name = format!("file-{n}");
        fetch(format!("127.0.0.1:{}", server.port), &name).finish().expect("it comes");
        assert!(std::fs::read(folder.path(&name)).expect("the file") == content);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // Deadlines bind.
    let begun = Instant::now();
    let late = json!({"$": {"deadline": 1}});
    for outcome in
        [api.call("get_user", late.clone()), api.start("get_user", late).expect("started").finish()]
    {
        assert_eq!(outcome.expect_err("nobody knows the name").status, 3);
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    // And the end comes at once, whatever still hangs.
    let blocked = {
        let options = json!({"endpoint": "http://9.slow.invalid", "fallback_endpoint": "", "max_retries": 0, "timeout": 2});
        Api::new("token", &options.to_string()).expect("a client")
    };
    blocked.call("get_user", json!({})).expect_err("nobody knows the name");
    let begun = Instant::now();
    drop(blocked);
    drop(hanging);
    drop(api);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn the_first_address_is_used_again_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let second =
        Server::start(|_, stream| answer(stream, 200, "Connection: close\r\n", br#"{"code":0,"data":2}"#));
    let options = json!({"endpoint": format!("http://{address}"), "fallback_endpoint": second.endpoint()});
    let api = Api::new("token", &options.to_string()).expect("a client");
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(api.call("get_user", json!({})).expect("the second address"), "2");
    }
    let first = Server::on(TcpListener::bind(address).expect("the same port"), |_, stream| good(stream));
    assert_eq!(api.call("get_user", json!({})).expect("still the second"), "2");
    assert_eq!(first.seen().len(), 0, "it is left alone for a while");
    // One call looks whether it is back, by either sender, and all others follow.
    std::thread::sleep(Duration::from_secs(31).saturating_sub(begun.elapsed()));
    let answers: Vec<String> = (0..4)
        .map(|n| match n % 2 {
            0 => api.start("get_user", json!({})).expect("started").finish().expect("the first"),
            _ => api.call("get_user", json!({})).expect("the first"),
        })
        .collect();
    assert!(answers.iter().all(|answer| answer.contains("good")), "{answers:?}");
    assert_eq!((first.seen().len(), second.seen().len()), (4, 4));
}
