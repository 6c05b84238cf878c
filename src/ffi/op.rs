//! Calls in the background.

use std::{ffi::c_char, time::Duration};

use super::{
    boundary::{gives_handle, gives_text, guard},
    client::bge_api_t,
    error::bge_error_t,
    pointers::{free, handle, object, out, shielded, text},
    version::bge_status_t,
};
use crate::Operation;

/// A call under way. It keeps its client alive and belongs to the process that started it.
pub struct bge_op_t {
    pub(super) operation: Operation,
}

/// Starts any call in the background: those of `bge_endpoints` by name (but `upload`), `request`
/// (`{"method", "path", "args"}`), `wait_task` (`{"task_id"}`) and `get_token`. The caller frees `*out` with `bge_op_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_start(
    api: *const bge_api_t,
    name: *const c_char,
    args_json: *const c_char,
    out: *mut *mut bge_op_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("api_start", out, err, || {
            let api = handle(api, "api")?;
            let operation = api.client.start(text(name, "name")?, object(args_json, "args_json")?)?;
            Ok(bge_op_t { operation })
        })
    }
}

/// Makes any call of `bge_api_start` ready, and sends nothing: `bge_op_run` carries it out. The caller frees `*out` with
/// `bge_op_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_prepare(
    api: *const bge_api_t,
    name: *const c_char,
    args_json: *const c_char,
    out: *mut *mut bge_op_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("api_prepare", out, err, || {
            let api = handle(api, "api")?;
            let operation = api.client.prepare(text(name, "name")?, object(args_json, "args_json")?)?;
            Ok(bge_op_t { operation })
        })
    }
}

/// Carries out what `bge_api_prepare` made ready, on this thread, and gives its result as `bge_api_call` would; any other
/// thread may end it with `bge_op_cancel`, before it or meanwhile. No other thread takes part in a short call: where
/// each caller has a thread anyway, this costs less than `bge_api_start` and a wait. Once for each operation:
/// `BGE_ERR_ARGUMENT` for the second time, and for one that was started. The caller frees `*out_json` with
/// `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_op_run(
    op: *const bge_op_t,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `op` is NULL or a live handle, outputs NULL or writable.
    unsafe { gives_text("op_run", out_json, err, || handle(op, "op")?.operation.run()) }
}

/// Waits until an operation has ended, for at most `timeout_ms` milliseconds, or without a limit if that is negative.
/// When the time runs out first, the status is `BGE_OK` and `*done` is false. The operation's own error comes from
/// `bge_op_result`, never from this function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_op_wait(
    op: *const bge_op_t,
    timeout_ms: i64,
    done: *mut bool,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `op` is NULL or a live handle, outputs NULL or writable.
    unsafe {
        guard("op_wait", err, || {
            let done = out(done, "done")?;
            let limit = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
            *done = handle(op, "op")?.operation.wait(limit)?;
            Ok(())
        })
    }
}

/// Tells how far an operation has come: in bytes for transfers and for calls that send a file, otherwise in pages. As
/// long as the total is not known, `*total` is 0. Neither number ever decreases. It may be called beside any other call on
/// the same operation, except its free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_op_progress(op: *const bge_op_t, done: *mut u64, total: *mut u64) {
    // SAFETY: `op` is NULL or a live handle, outputs NULL or writable.
    unsafe {
        let progress = op.as_ref().map_or((0, 0), |op| op.operation.progress());
        if let Some(done) = done.as_mut() {
            *done = progress.0;
        }
        if let Some(total) = total.as_mut() {
            *total = progress.1;
        }
    }
}

/// Cancels an operation. Unless it has ended already, it ends with `BGE_ERR_CANCELLED`, and its connection is closed. Any
/// thread may call this, any number of times; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_op_cancel(op: *const bge_op_t) {
    // SAFETY: `op` is NULL or a live handle.
    if let Some(op) = unsafe { op.as_ref() } {
        shielded((), || op.operation.cancel());
    }
}

/// Gives the result of an operation that has ended: what the call itself would have given, or its error. It can be taken
/// once; the second time is `BGE_ERR_CLOSED`. An operation that is still running is `BGE_ERR_ARGUMENT`. The caller frees
/// `*out_json` with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_op_result(
    op: *mut bge_op_t,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `op` is NULL or a live handle, outputs NULL or writable.
    unsafe { gives_text("op_result", out_json, err, || handle(op.cast_const(), "op")?.operation.result()) }
}

/// A file descriptor that becomes readable when the operation is done, for `poll` and event loops. It belongs to the
/// operation and is not to be read or closed; -1 when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_op_fd(op: *const bge_op_t) -> i32 {
    // SAFETY: `op` is NULL or a live handle.
    let op = unsafe { op.as_ref() };
    shielded(-1, || op.and_then(|op| op.operation.fd()).unwrap_or(-1))
}

/// Frees an operation, cancelling it if it still runs, without waiting for the network; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_op_free(op: *mut bge_op_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(op) }
}
