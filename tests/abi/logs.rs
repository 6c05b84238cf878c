//! Each client's own log.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bge::{Level, OAuth2, Sink};
use serde_json::json;

use crate::support::Sandbox;

struct Counter(Arc<AtomicUsize>);

impl Sink for Counter {
    fn line(&self, _: Level, _: &str) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn clients_of_one_application_have_logs_of_their_own() {
    let sandbox = Sandbox::start(&[]);
    let options = sandbox.options(json!({"log": "debug"}));
    let (id, secret) = (sandbox.text("/credentials/client_id"), sandbox.text("/credentials/client_secret"));
    let application = OAuth2::new(id, secret, &options).expect("an application");
    let lines: [Arc<AtomicUsize>; 2] = Default::default();
    let clients = [0, 1].map(|n| {
        let client = application.get_api(None).expect("a client");
        client.set_log(Some(Box::new(Counter(lines[n].clone()))));
        client
    });
    let count = || [0, 1].map(|n: usize| lines[n].swap(0, Ordering::SeqCst));
    clients[0].call("get_samples", "{}").expect("samples");
    assert!(matches!(count(), [1..=usize::MAX, 0]));
    clients[1].call("get_samples", "{}").expect("samples");
    assert!(matches!(count(), [0, 1..=usize::MAX]));
    let [first, second] = clients;
    first.set_log(None);
    first.call("get_samples", "{}").expect("samples");
    assert_eq!(count(), [0, 0]);
    assert_eq!(Arc::strong_count(&lines[0]), 1, "the sink is given back");
    drop(first);
    second.call("get_samples", "{}").expect("samples");
    assert!(matches!(count(), [0, 1..=usize::MAX]));
}

#[test]
fn a_sink_that_was_taken_away_gets_nothing_more() {
    struct Late(Arc<AtomicUsize>, Arc<AtomicUsize>);
    impl Sink for Late {
        fn line(&self, _: Level, _: &str) {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(20));
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let sandbox = Sandbox::start(&[]);
    let options = sandbox.options(json!({"log": "debug"}));
    let client = bge::Client::new(sandbox.text("/access_token"), &options).expect("a client");
    let (begun, ended): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
    client.set_log(Some(Box::new(Late(begun.clone(), ended.clone()))));
    let calling: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            std::thread::spawn(move || (0..10).for_each(|_| drop(client.call("get_user", "{}"))))
        })
        .collect();
    while begun.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    client.set_log(None);
    let seen = begun.load(Ordering::SeqCst);
    assert_eq!(ended.load(Ordering::SeqCst), seen, "the last line was waited for");
    calling.into_iter().for_each(|thread| thread.join().expect("no panic"));
    assert_eq!(begun.load(Ordering::SeqCst), seen);
}

#[test]
fn a_failure_is_marked_with_the_calls_tag() {
    struct Lines(Arc<std::sync::Mutex<Vec<serde_json::Value>>>);
    impl Sink for Lines {
        fn line(&self, _: Level, line: &str) {
            let line = serde_json::from_str(line).expect("a line of JSON");
            self.0.lock().expect("not poisoned").push(line);
        }
    }
    let sandbox = Sandbox::start(&[]);
    let options = sandbox.options(json!({"log": "error", "log_format": "json", "max_retries": 0}));
    let client = bge::Client::new(sandbox.text("/access_token"), &options).expect("a client");
    let lines: Arc<std::sync::Mutex<Vec<serde_json::Value>>> = Arc::default();
    client.set_log(Some(Box::new(Lines(lines.clone()))));
    sandbox.fault(json!({"kind": "status", "status": 500, "count": 0}));
    let args = json!({"$": {"tag": "t7"}}).to_string();
    client.call("get_user", &args).expect_err("refused");
    client.start("get_user", &args).expect("started").wait(None).expect("its end");
    client.request("GET", "/profile", &args).expect_err("refused");
    client
        .call(
            "download",
            &json!({"object_name": "a", "path": "/dev/shm/bge-none", "$": {"tag": "t7"}}).to_string(),
        )
        .expect_err("refused");
    client.pages("get_samples", &args).expect("a walk").next_page().expect_err("refused");
    #[cfg(feature = "arrow")]
    {
        let mut table = client.table("get_samples", &args).expect("a table").stream().expect("a stream");
        table.next_batch().expect_err("refused");
    }
    let reader = client.open_reader("a", &args).expect("a reader");
    reader.read(&mut [0]).expect_err("refused");
    client.open_writer("a", &args).expect("a writer").finish().expect_err("refused");
    let lines = lines.lock().expect("not poisoned");
    let failures: Vec<_> = lines.iter().filter(|line| line["event"] == "failure").collect();
    assert_eq!(failures.len(), 7 + usize::from(cfg!(feature = "arrow")), "{lines:?}");
    assert!(failures.iter().all(|line| line["tag"] == "t7"), "{failures:?}");
}
