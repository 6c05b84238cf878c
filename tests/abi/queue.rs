//! Operations that have ended line up in a queue.

use std::{ptr, time::Duration};

use bge::ffi::{ops::*, version::*};
use serde_json::json;

use crate::support::{
    Sandbox,
    c::{Op, Outcome, failure},
};

struct Ops(*mut bge_ops_t);

// SAFETY: a queue may be shared by threads.
unsafe impl Sync for Ops {}

impl Ops {
    fn new() -> Self {
        let mut ops = ptr::null_mut();
        // SAFETY: a live output.
        assert_eq!(unsafe { bge_ops_new(&mut ops, ptr::null_mut()) }, BGE_OK);
        Ops(ops)
    }

    fn add(&self, op: &Op, key: u64) -> Outcome<()> {
        let mut err = ptr::dangling_mut();
        // SAFETY: live handles and a live output.
        match unsafe { bge_ops_add(self.0, op.0, key, &mut err) } {
            BGE_OK => Ok(()),
            status => Err(failure(status, err)),
        }
    }

    fn wait(&self, ms: i64, cap: usize) -> Vec<u64> {
        let (mut keys, mut n, mut err) = (vec![0; cap], usize::MAX, ptr::dangling_mut());
        // SAFETY: a live handle, room for `cap` keys, live outputs.
        let status = unsafe { bge_ops_wait(self.0, ms, keys.as_mut_ptr(), cap, &mut n, &mut err) };
        assert_eq!(status, BGE_OK);
        assert!(n <= cap);
        keys.truncate(n);
        keys
    }

    fn readable(&self, ms: i32) -> bool {
        // SAFETY: a live handle; one entry, alive.
        unsafe {
            let mut entry = libc::pollfd { fd: bge_ops_fd(self.0), events: libc::POLLIN, revents: 0 };
            assert!(entry.fd >= 0);
            libc::poll(&mut entry, 1, ms) == 1
        }
    }
}

impl Drop for Ops {
    fn drop(&mut self) {
        // SAFETY: freed once.
        unsafe { bge_ops_free(self.0) }
    }
}

#[test]
fn every_operation_lines_up_once() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let ops = Ops::new();
    assert!(!ops.readable(0));
    let started: Vec<Op> = (0..50)
        .map(|key| {
            let op = api.start("get_samples", json!({"limit": 1})).expect("started");
            ops.add(&op, key).expect("added");
            op
        })
        .collect();
    let mut ended = Vec::new();
    while ended.len() < started.len() {
        assert!(ops.readable(20_000));
        let keys = ops.wait(0, 7);
        assert!((1..=7).contains(&keys.len()), "{keys:?}");
        ended.extend(keys);
    }
    ended.sort_unstable();
    assert_eq!(ended, (0..50).collect::<Vec<_>>());
    assert!(!ops.readable(0));
    assert!(ops.wait(10, 1).is_empty());
    for op in started {
        assert!(op.wait(0));
        op.result().expect("a page");
    }
}

#[test]
fn what_has_ended_was_cancelled_or_freed_lines_up_too() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let ops = Ops::new();
    let done = api.start("alive", json!({})).expect("started");
    assert!(done.wait(-1));
    ops.add(&done, 1).expect("added");
    assert_eq!(ops.wait(0, 8), [1]);
    let again = ops.add(&done, 2).expect_err("it is in a queue already");
    assert_eq!(again.status, BGE_ERR_ARGUMENT);
    assert_eq!(Ops::new().add(&done, 2).expect_err("one queue is enough").status, BGE_ERR_ARGUMENT);

    sandbox.fault(json!({"path": "/profile", "kind": "hang", "count": 0}));
    let (cancelled, freed) = (
        api.start("get_user", json!({})).expect("started"),
        api.start("get_user", json!({})).expect("started"),
    );
    ops.add(&cancelled, 3).expect("added");
    ops.add(&freed, 4).expect("added");
    assert!(ops.wait(20, 8).is_empty());
    cancelled.cancel();
    assert_eq!(ops.wait(0, 8), [3]);
    assert_eq!(cancelled.result().expect_err("cancelled").status, BGE_ERR_CANCELLED);
    drop(freed);
    assert_eq!(ops.wait(0, 8), [4]);
}

#[test]
fn a_waiter_is_woken() {
    let ops = Ops::new();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| ops.wait(-1, 8));
        std::thread::sleep(Duration::from_millis(20));
        // SAFETY: a live handle.
        unsafe { bge_ops_post(ops.0, 9) };
        assert_eq!(waiter.join().expect("a waiter"), [9]);
    });
}

#[test]
fn operations_outlive_their_queue_and_its_arguments_are_checked() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let ops = Ops::new();
    let op = api.start("alive", json!({})).expect("started");
    ops.add(&op, 1).expect("added");
    drop(ops);
    assert_eq!(op.finish().expect("alive"), "true");

    let ops = Ops::new();
    let (mut key, mut n) = (0, usize::MAX);
    // SAFETY: NULL or live, as each line says.
    unsafe {
        assert_eq!(bge_ops_wait(ops.0, 0, &mut key, 0, &mut n, ptr::null_mut()), BGE_ERR_ARGUMENT);
        assert_eq!(n, 0);
        assert_eq!(bge_ops_wait(ops.0, 0, ptr::null_mut(), 1, &mut n, ptr::null_mut()), BGE_ERR_ARGUMENT);
        assert_eq!(bge_ops_wait(ops.0, 0, &mut key, 1, ptr::null_mut(), ptr::null_mut()), BGE_ERR_ARGUMENT);
        assert_eq!(bge_ops_wait(ptr::null(), 0, &mut key, 1, &mut n, ptr::null_mut()), BGE_ERR_ARGUMENT);
        assert_eq!(bge_ops_add(ops.0, ptr::null(), 1, ptr::null_mut()), BGE_ERR_ARGUMENT);
        assert_eq!(bge_ops_new(ptr::null_mut(), ptr::null_mut()), BGE_ERR_ARGUMENT);
        assert_eq!(bge_ops_fd(ptr::null()), -1);
        bge_ops_post(ptr::null(), 1);
        bge_ops_free(ptr::null_mut());
    }
}

#[test]
fn a_host_that_reads_the_descriptor_itself_hangs_nobody() {
    let ops = Ops::new();
    assert!(!ops.readable(0));
    for key in [1, 3] {
        // SAFETY: a live handle; room for a byte.
        unsafe {
            bge_ops_post(ops.0, key);
            bge_ops_post(ops.0, key + 1);
            assert_eq!(libc::read(bge_ops_fd(ops.0), [0u8].as_mut_ptr().cast(), 1), 1);
        }
        assert_eq!(ops.wait(20_000, 8), [key, key + 1]);
    }
    assert!(!ops.readable(0));
}
