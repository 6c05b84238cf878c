//! How often a platform is asked: rates, a quota that clients share, and repeats of many calls at once.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Folder,
    c::{Api, Failure},
    server::{Server, answer, good},
};

fn api(server: &Server, mut options: Value) -> Api {
    options["endpoint"] = server.endpoint().into();
    Api::new("token", &options.to_string()).expect("a client")
}

/// The same call by both senders.
fn both(api: &Api, args: &Value) -> [Result<String, Failure>; 2] {
    let started = api.start("get_user", args.clone()).expect("started");
    [api.call("get_user", args.clone()), started.finish()]
}

#[test]
fn a_rate_limit_spaces_the_requests_of_a_client() {
    let server = Server::start(|_, stream| good(stream));
    let api = api(&server, json!({"rate_limit": 20}));
    let begun = Instant::now();
    for _ in 0..5 {
        for outcome in both(&api, &json!({})) {
            outcome.expect("in its turn");
        }
    }
    assert!(begun.elapsed() >= Duration::from_millis(440), "{:?}", begun.elapsed());
}

#[test]
fn a_client_slows_down_after_a_429_that_says_no_time() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => answer(stream, 429, "", b""),
        _ => good(stream),
    });
    let api = api(&server, json!({}));
    api.call("get_user", json!({})).expect("the second time");
    let begun = Instant::now();
    for _ in 0..10 {
        api.call("get_user", json!({})).expect("in its turn");
    }
    // Five a second at first, and one more with each second.
    assert!(begun.elapsed() >= Duration::from_millis(1000), "{:?}", begun.elapsed());
}

/// A server that answers and remembers when it was asked.
fn remembering() -> (Server, Arc<Mutex<Vec<Instant>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let server = Server::start(move |_, stream| {
        seen.lock().expect("no panic").push(Instant::now());
        good(stream)
    });
    (server, asked)
}

#[test]
fn clients_that_name_the_same_file_share_one_rate() {
    let (server, asked) = remembering();
    let folder = Folder::new("budget");
    let options = json!({"rate_limit": 20, "rate_budget": folder.path("file")});
    let clients: Vec<Api> = (0..3).map(|_| api(&server, options.clone())).collect();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for api in &clients {
            scope.spawn(|| {
                for _ in 0..5 {
                    for outcome in both(api, &json!({})) {
                        outcome.expect("in its turn");
                    }
                }
            });
        }
    });
    let asked = asked.lock().expect("no panic");
    assert_eq!(asked.len(), 30);
    // Half a second's worth may go at once.
    assert!(asked[29] - started >= Duration::from_millis(850), "{:?}", asked[29] - started);
}

#[test]
fn what_waits_for_a_quota_waits_under_the_calls_own_bounds() {
    let (server, asked) = remembering();
    let folder = Folder::new("budget");
    for (sent, options) in
        [json!({"rate_limit": 0.05, "rate_budget": folder.path("file")}), json!({"rate_limit": 0.05})]
            .into_iter()
            .enumerate()
    {
        let slow = api(&server, options);
        slow.call("get_user", json!({})).expect("the first one");
        let begun = Instant::now();
        for outcome in both(&slow, &json!({"$": {"deadline": 0.3}})) {
            assert_eq!(outcome.expect_err("too late").status, 3);
        }
        let op = slow.start("get_user", json!({})).expect("started");
        std::thread::sleep(Duration::from_millis(50));
        op.cancel();
        assert_eq!(op.finish().expect_err("cancelled").status, 11);
        // The next turn would have come 20 s after the first one.
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        assert_eq!(asked.lock().expect("no panic").len(), 1 + sent);
    }
}

#[test]
fn a_429_that_one_client_gets_is_heard_by_all() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let server = Server::start(move |_, stream| {
        let mut seen = seen.lock().expect("no panic");
        seen.push(Instant::now());
        match seen.len() {
            1 => answer(stream, 429, "Retry-After: 1\r\n", b""),
            _ => good(stream),
        }
    });
    let folder = Folder::new("budget");
    let options = json!({"rate_budget": folder.path("file"), "max_retries": 0});
    let (one, other) = (api(&server, options.clone()), api(&server, options));
    one.call("get_user", json!({})).expect_err("turned away");
    for outcome in both(&other, &json!({})) {
        outcome.expect("when the door is open");
    }
    let asked = asked.lock().expect("no panic");
    assert!(asked.len() == 3 && asked[1] - asked[0] >= Duration::from_millis(950), "{asked:?}");
}

#[test]
fn an_outage_that_many_calls_meet_is_not_made_worse_and_costs_none_of_them() {
    const CALLS: usize = 150;
    let (asked, begun) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let seen = asked.clone();
    let server = Server::start(move |_, stream| match begun.elapsed() < Duration::from_secs(8) {
        true => {
            seen.fetch_add(1, Ordering::SeqCst);
            answer(stream, 503, "", b"")
        }
        false => good(stream),
    });
    let api = api(&server, json!({}));
    let ops: Vec<_> = (0..CALLS).map(|_| api.start("get_user", json!({})).expect("started")).collect();
    for op in ops {
        op.finish().expect("after the outage");
    }
    // Each of them would have sent five by then.
    let asked = asked.load(Ordering::SeqCst);
    assert!((CALLS + 50..CALLS + 120).contains(&asked), "{asked}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
