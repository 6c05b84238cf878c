//! Servers that say nothing, or next to nothing, for a long time.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    c::Api,
    server::{Server, silence},
};

/// Nobody sees the bytes of a head before the last one: it counts as one piece, and the message claims no silence.
#[test]
fn a_head_that_trickles_in_is_bounded_and_told_as_what_it_is() {
    let server = Server::start(|_, stream| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";
        head.iter().all(|byte| {
            std::thread::sleep(Duration::from_millis(300));
            stream.write_all(&[*byte]).is_ok()
        })
    });
    let options = json!({"endpoint": server.endpoint(), "timeout": 2, "max_retries": 0});
    let api = Api::new("token", &options.to_string()).expect("a client");
    for outcome in
        [api.call("get_user", json!({})), api.start("get_user", json!({})).expect("started").finish()]
    {
        let begun = Instant::now();
        let failure = outcome.expect_err("its head never ends");
        assert_eq!(failure.status, 3, "{}", failure.message);
        assert!(failure.message.contains("no answer within"), "{}", failure.message);
        assert!(failure.message.contains("\"timeout\" allows more"), "{}", failure.message);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

/// The blocking client cannot be interrupted while it waits for an answer: a cancel ends the call at the latest when the
/// silence allowed is over, and as a cancel.
#[test]
fn a_blocking_call_is_cancelled_within_its_timeout() {
    let server = Server::start(|_, stream| silence(stream));
    for max_retries in [0, 5] {
        let options = json!({"endpoint": server.endpoint(), "timeout": 2, "max_retries": max_retries});
        let api = Api::new("token", &options.to_string()).expect("a client");
        std::thread::scope(|scope| {
            let calling = scope.spawn(|| api.call("get_user", json!({})));
            std::thread::sleep(Duration::from_millis(500));
            let begun = Instant::now();
            // SAFETY: a live handle.
            unsafe { bge::ffi::client::bge_api_cancel(api.0) };
            let failure = calling.join().expect("no panic").expect_err("cancelled");
            assert_eq!(failure.status, 11, "{}", failure.message);
            assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
        });
    }
    assert_eq!(server.seen().len(), 2, "nothing was repeated");
}
