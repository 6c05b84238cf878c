//! Where operations that have ended line up.

use std::time::Duration;

use super::{
    boundary::{gives_handle, guard},
    error::bge_error_t,
    op::bge_op_t,
    pointers::{free, handle, out, shielded},
    version::bge_status_t,
};
use crate::{Error, Queue};

/// A queue of operations that have ended: one place, and one file descriptor, to wait for any number of them. Any number
/// of threads may share one. It belongs to the process that made it.
pub struct bge_ops_t {
    queue: Queue,
}

/// Makes a queue. The caller frees `*out` with `bge_ops_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_ops_new(out: *mut *mut bge_ops_t, err: *mut *mut bge_error_t) -> bge_status_t {
    // SAFETY: outputs are NULL or writable.
    unsafe { gives_handle("ops_new", out, err, || Ok(bge_ops_t { queue: Queue::new() })) }
}

/// Puts `key`, which is the caller's own, in a queue once, when the operation has
/// ended, was cancelled or was freed before it had; at once if it has ended already. An operation has one queue at most:
/// `BGE_ERR_ARGUMENT` for a second one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_ops_add(
    ops: *const bge_ops_t,
    op: *const bge_op_t,
    key: u64,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: handles are NULL or live, `err` NULL or writable.
    unsafe {
        guard("ops_add", err, || {
            let ops = handle(ops, "ops")?;
            handle(op, "op")?.operation.notify(&ops.queue, key)
        })
    }
}

/// Lines a key up that is no operation's, to wake whoever waits. May be called from a `bge_log_fn`, too; NULL is
/// ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_ops_post(ops: *const bge_ops_t, key: u64) {
    // SAFETY: `ops` is NULL or a live handle.
    if let Some(ops) = unsafe { ops.as_ref() } {
        shielded((), || ops.queue.push(key));
    }
}

/// Takes keys from a queue, in the order in which they lined up: as many as there are and `keys` has room for (`cap`, at
/// least 1), `*n` of them. When there is none it waits for one, for at most `timeout_ms` milliseconds, below 0 without a
/// limit; `BGE_OK` with 0 keys when the time runs out. Each key goes to one waiter only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_ops_wait(
    ops: *const bge_ops_t,
    timeout_ms: i64,
    keys: *mut u64,
    cap: usize,
    n: *mut usize,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `ops` is NULL or a live handle, `keys` NULL or writable for `cap` keys, outputs NULL or writable.
    unsafe {
        guard("ops_wait", err, || {
            let n = out(n, "n")?;
            let ops = handle(ops, "ops")?;
            if keys.is_null() {
                return Err(Error::argument("keys", "must not be NULL"));
            }
            if cap == 0 {
                return Err(Error::argument("cap", "must be at least 1"));
            }
            let limit = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
            let taken = ops.queue.wait(limit, cap)?;
            std::ptr::copy_nonoverlapping(taken.as_ptr(), keys, taken.len());
            *n = taken.len();
            Ok(())
        })
    }
}

/// A file descriptor that is readable while there are keys, for `poll` and event loops. It belongs to the queue and is
/// not to be read or closed; -1 when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_ops_fd(ops: *const bge_ops_t) -> i32 {
    // SAFETY: `ops` is NULL or a live handle.
    let ops = unsafe { ops.as_ref() };
    shielded(-1, || ops.and_then(|ops| ops.queue.fd()).unwrap_or(-1))
}

/// Frees a queue; NULL is ignored. Operations that were added live on, and their keys go nowhere. Nobody may wait
/// at it then, and its file descriptor is closed when the last of them has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_ops_free(ops: *mut bge_ops_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(ops) }
}
