//! Children of a fork: what they inherit is their parent's, and giving it up touches nothing of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::{
    c::Api,
    eventually, in_a_child, is_alone,
    server::{Server, answer, silence},
};

const FIRST: &[u8] =
    br#"{"code":0,"msg":"","data":{"result":[{"biosample_id":"E-F1"}],"count":2,"next_page":2}}"#;
const LAST: &[u8] =
    br#"{"code":0,"msg":"","data":{"result":[{"biosample_id":"E-F2"}],"count":2,"next_page":null}}"#;

#[test]
fn what_a_child_frees_is_as_it_was_in_its_parent() {
    if !is_alone("forks::what_a_child_frees_is_as_it_was_in_its_parent") {
        return;
    }
    let goes_on = std::sync::Arc::new(AtomicUsize::new(0));
    let gate = goes_on.clone();
    let server = Server::start(move |seen, stream| {
        if !seen.target.starts_with("/samples") {
            return silence(stream);
        }
        if !seen.target.contains("page=2") {
            return answer(stream, 200, "", FIRST);
        }
        while gate.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        answer(stream, 200, "", LAST)
    });
    let options = json!({"endpoint": server.endpoint(), "timeout": 100});
    let api = Api::new("token", &options.to_string()).expect("a client");
    let pages = api.pages("get_samples", json!({"limit": 1})).expect("a walk");
    pages.next().expect("a page").expect("the first");
    let op = api.start("get_user", json!({})).expect("started");
    // One page is fetched ahead, and both it and the operation wait for an answer.
    eventually("both are under way", || server.seen().len() >= 3);
    std::thread::sleep(std::time::Duration::from_millis(200));
    in_a_child(|| {
        for outcome in [pages.next().map(|_| ()), pages.start().map(|_| ())] {
            assert_eq!(outcome.expect_err("the parent's").json["name"], "BGE_ERR_CLOSED");
        }
        pages.cancel();
        op.cancel();
        // SAFETY: each handle's last use in this process.
        unsafe {
            bge::ffi::pages::bge_pages_free(pages.0);
            bge::ffi::op::bge_op_free(op.0);
            bge::ffi::client::bge_api_free(api.0);
        }
    });
    assert!(!op.wait(10), "it goes on");
    let asked = server.seen().len();
    goes_on.store(1, Ordering::SeqCst);
    let page = pages.next().expect("the page ahead").expect("the last");
    assert_eq!(page["result"][0]["biosample_id"], "E-F2");
    assert!(pages.next().expect("the end").is_none());
    assert_eq!(server.seen().len(), asked, "it was not asked for twice");
}
