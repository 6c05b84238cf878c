//! Why a call failed.

use std::{
    ffi::{CString, c_char},
    ptr,
};

use super::pointers::free;
use crate::error::Error;

/// Why a call failed: one line for people, all of it as JSON for programs. Freed by `bge_error_free`.
pub struct bge_error_t {
    error: Error,
    message: CString,
    request_id: Option<CString>,
    call: Option<CString>,
    hint: Option<CString>,
    json: CString,
}

impl bge_error_t {
    pub(super) fn new(error: Error) -> Self {
        let text = |text: &str| CString::new(text.replace('\0', " ")).unwrap_or_default();
        bge_error_t {
            message: text(error.message()),
            request_id: error.request_id().map(text),
            call: error.call().map(text),
            hint: error.hint().map(text),
            json: text(&error.to_json()),
            error,
        }
    }

    #[cfg(test)]
    pub(super) fn error(&self) -> &Error {
        &self.error
    }
}

/// The kind of failure, one of `BGE_ERR_…`; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_status(e: *const bge_error_t) -> i32 {
    // SAFETY: NULL or a live error.
    unsafe { e.as_ref() }.map_or(0, |e| e.error.status() as i32)
}

/// One line in English, with the platform's own (Chinese) message and reason where there are any: the call, what happened,
/// what to do. A long reason is shortened (it ends in `…`); `bge_error_json` has all of it. The message never holds a
/// secret, a phone number or an id-card number. Borrowed from the error; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_message(e: *const bge_error_t) -> *const c_char {
    // SAFETY: NULL or a live error.
    unsafe { e.as_ref() }.map_or(ptr::null(), |e| e.message.as_ptr())
}

/// The platform's code, such as 41001; 0 if none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_code(e: *const bge_error_t) -> i64 {
    // SAFETY: NULL or a live error.
    unsafe { e.as_ref() }.map_or(0, |e| e.error.code())
}

/// The HTTP status; 0 if there was no answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_http_status(e: *const bge_error_t) -> i32 {
    // SAFETY: NULL or a live error.
    unsafe { e.as_ref() }.map_or(0, |e| i32::from(e.error.http_status()))
}

/// The server's name for the request, to be quoted to its operators. Borrowed from the error; NULL if none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_request_id(e: *const bge_error_t) -> *const c_char {
    // SAFETY: NULL or a live error.
    borrowed(unsafe { e.as_ref() }.and_then(|e| e.request_id.as_ref()))
}

/// Whether the same call is worth repeating. False when a write may have happened; false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_retryable(e: *const bge_error_t) -> bool {
    // SAFETY: NULL or a live error.
    unsafe { e.as_ref() }.is_some_and(|e| e.error.retryable())
}

/// How many seconds the server wants to be left alone before the next request (its `Retry-After`); negative if it did not
/// say, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_retry_after(e: *const bge_error_t) -> f64 {
    // SAFETY: NULL or a live error.
    let e = unsafe { e.as_ref() };
    e.and_then(|e| e.error.retry_after()).map_or(-1.0, |wait| wait.as_secs_f64())
}

/// The name of the call that failed, such as `get_variants`. Borrowed from the error; NULL if none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_call(e: *const bge_error_t) -> *const c_char {
    // SAFETY: NULL or a live error.
    borrowed(unsafe { e.as_ref() }.and_then(|e| e.call.as_ref()))
}

/// What to do about it, in one sentence that `bge_error_message` ends with. Borrowed from the error; NULL if none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_hint(e: *const bge_error_t) -> *const c_char {
    // SAFETY: NULL or a live error.
    borrowed(unsafe { e.as_ref() }.and_then(|e| e.hint.as_ref()))
}

fn borrowed(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// All of it as a JSON object: `status`, `name`, `message`, `call`, `http_status`, `code`, `msg`, `data`,
/// `request_id`, `retryable`, `retry_after` (seconds), `cause`, `hint`, `storage_code`, `storage_ec`, `files`; what is
/// not known is left out. Borrowed from the error; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_json(e: *const bge_error_t) -> *const c_char {
    // SAFETY: NULL or a live error.
    unsafe { e.as_ref() }.map_or(ptr::null(), |e| e.json.as_ptr())
}

/// Frees an error; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_error_free(e: *mut bge_error_t) {
    // SAFETY: NULL or a live error, given up by the caller.
    unsafe { free(e) }
}
