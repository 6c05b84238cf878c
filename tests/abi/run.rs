//! Calls that were prepared, and are run on the thread that wants their result.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    Sandbox,
    c::Api,
    eventually, is_alone,
    server::{self, Server},
};

fn client(server: &Server, more: &str) -> Api {
    let options = format!(r#"{{"endpoint": "{}", "fallback_endpoint": null{more}}}"#, server.endpoint());
    Api::new("token", &options).expect("a client")
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc").count()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

#[test]
fn a_run_gives_what_the_call_gives_once() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let args = json!({"limit": 3});
    let called = api.call("get_samples", args.clone()).expect("samples");
    let op = api.prepare("get_samples", args.clone()).expect("prepared");
    assert!(!op.wait(10), "nothing runs yet");
    assert_eq!(op.result().expect_err("it has not run").status, 1);
    assert_eq!(op.run().expect("samples"), called);
    assert!(op.wait(0));
    for failure in [op.run().expect_err("it has run"), op.result().expect_err("it was taken")] {
        assert!([1, 12].contains(&failure.status), "{}", failure.message);
    }
    let started = api.start("get_samples", args).expect("started");
    assert_eq!(started.run().expect_err("it runs already").status, 1);
    started.finish().expect("samples");

    assert_eq!(api.prepare("no_such_call", json!({})).err().map(|failure| failure.status), Some(1));
    let failure =
        api.prepare("get_sample", json!({})).expect("prepared").run().expect_err("an argument is missing");
    assert!(failure.message.starts_with("get_sample: biosample_id"), "{}", failure.message);
    let token = api.prepare("get_token", json!({})).expect("prepared").run().expect("a token");
    assert!(token.contains("access_token"), "{token}");
}

#[test]
fn long_calls_run_as_well() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = crate::support::Folder::new("run");
    let path = folder.file("a.txt", b"content");
    let uploaded =
        api.prepare("upload_file", json!({"path": path})).expect("prepared").run().expect("uploaded");
    assert!(uploaded.contains("\"size\":7"), "{uploaded}");
    let rsids: Vec<String> = (1..=250).map(|number| format!("rs{number}")).collect();
    let args = json!({"biosample_id": sandbox.text("/biosample_id"), "rsids": rsids.join(",")});
    let called = api.call("get_variants", args.clone()).expect("variants");
    assert_eq!(api.prepare("get_variants", args).expect("prepared").run().expect("variants"), called);
}

#[test]
fn one_connection_serves_calls_in_a_row_and_no_thread_is_started_for_each() {
    if !is_alone("run::one_connection_serves_calls_in_a_row_and_no_thread_is_started_for_each") {
        return;
    }
    let server = Server::start(|_, stream| server::good(stream));
    let api = client(&server, "");
    let round = |number: usize| {
        for _ in 0..number {
            api.prepare("get_user", json!({})).expect("prepared").run().expect("the user");
        }
    };
    round(10);
    let before = (threads(), descriptors());
    round(500);
    assert_eq!((threads(), descriptors()), before);
    assert_eq!(server.most(), 1);
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_not_used() {
    // Every answer is the last one on its connection, which it does not say.
    let server = Server::start(|_, stream| {
        server::good(stream);
        false
    });
    let api = client(&server, r#", "max_retries": 0"#);
    for _ in 0..20 {
        api.prepare("get_user", json!({})).expect("prepared").run().expect("the user");
        eventually("the server has closed it", || server.open() == 0);
    }
}

#[test]
fn another_thread_cancels_it() {
    let left = Arc::new(AtomicUsize::new(0));
    let counted = left.clone();
    let server = Server::start(move |_, stream| {
        server::silence(stream);
        counted.fetch_add(1, Ordering::SeqCst);
        false
    });
    let api = client(&server, r#", "timeout": 60"#);
    let op = Arc::new(api.prepare("get_user", json!({})).expect("prepared"));
    let running = op.clone();
    let running = thread::spawn(move || running.run());
    while server.seen().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    op.cancel();
    assert_eq!(running.join().expect("no panic").expect_err("cancelled").status, 11);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let is_closed = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(10));
        left.load(Ordering::SeqCst) == 1
    });
    assert!(is_closed, "its connection is still open");
    let before = api.prepare("get_user", json!({})).expect("prepared");
    before.cancel();
    assert_eq!(before.run().expect_err("cancelled before it began").status, 11);
    assert_eq!(server.seen().len(), 1, "nothing of it was sent");
}

#[test]
fn its_deadline_ends_it() {
    let server = Server::start(|_, stream| server::silence(stream));
    let api = client(&server, r#", "timeout": 60"#);
    let begun = Instant::now();
    let op = api.prepare("get_user", json!({"$": {"deadline": 0.2}})).expect("prepared");
    assert_eq!(op.run().expect_err("late").status, 3);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn more_threads_than_connections_take_turns() {
    let under_way = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let counted = under_way.clone();
    let server = Server::start(move |_, stream| {
        let now = counted.0.fetch_add(1, Ordering::SeqCst) + 1;
        counted.1.fetch_max(now, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(5));
        counted.0.fetch_sub(1, Ordering::SeqCst);
        server::good(stream)
    });
    let api = Arc::new(client(&server, r#", "max_connections": 3"#));
    let callers: Vec<_> = (0..12)
        .map(|_| {
            let api = api.clone();
            thread::spawn(move || {
                for _ in 0..10 {
                    api.prepare("get_user", json!({})).expect("prepared").run().expect("the user");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().expect("no panic");
    }
    let most = under_way.1.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most} requests at once");
    assert_eq!(server.seen().len(), 120);
}
