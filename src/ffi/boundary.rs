//! Where C and Rust meet: pointers become references or a named error, panics and errors become status codes.

use std::{
    cell::Cell,
    ffi::{CStr, CString, c_char},
    panic::{self, AssertUnwindSafe},
    ptr, slice,
    sync::Once,
};

use serde_json::Value;

use super::{client::bge_api_t, error::bge_error_t, version::bge_status_t};
use crate::{
    Args,
    endpoint::{self, Endpoint},
    error::{Error, Result, Status},
};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs the body of one function: clears `err`, stops panics, and turns an error into its status and `*err`.
///
/// # Safety
/// `err` is NULL or points to a writable pointer.
pub(super) unsafe fn guard(
    call: &str,
    err: *mut *mut bge_error_t,
    body: impl FnOnce() -> Result<()>,
) -> bge_status_t {
    // SAFETY: the caller vouches for `err`.
    let mut err = unsafe { err.as_mut() };
    if let Some(err) = &mut err {
        **err = ptr::null_mut();
    }
    match quietly(body) {
        Ok(Ok(())) => super::version::BGE_OK,
        Ok(Err(error)) => refuse(error.with_call(call), err),
        Err(()) => refuse(Error::new(Status::Internal, "a bug in the library").with_call(call), err),
    }
}

fn refuse(error: Error, err: Option<&mut *mut bge_error_t>) -> bge_status_t {
    let status = error.status() as bge_status_t;
    if let Some(err) = err {
        *err = Box::into_raw(Box::new(bge_error_t::new(error)));
    }
    status
}

/// Runs what returns no status: a panic ends there, and `otherwise` is given.
pub(super) fn shielded<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    quietly(body).unwrap_or(otherwise)
}

/// A panic becomes `Err`, and prints nothing: standard error is the host's.
fn quietly<T>(body: impl FnOnce() -> T) -> std::result::Result<T, ()> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let ours = INSIDE.with(Cell::get) || std::thread::current().name() == Some("bge");
            if !ours {
                before(info);
            }
        }));
    });
    let outer = INSIDE.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(outer);
    outcome.map_err(|_| ())
}

/// The object behind a handle.
///
/// # Safety
/// `handle` is NULL or a live handle of this type.
pub(super) unsafe fn handle<'a, T>(handle: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: the caller vouches for it.
    unsafe { handle.as_ref() }.ok_or_else(|| is_null(name))
}

/// The same, for handles that only one thread uses at a time.
///
/// # Safety
/// `handle` is NULL or a live handle of this type, which nobody else uses now.
pub(super) unsafe fn handle_mut<'a, T>(handle: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: the caller vouches for it.
    unsafe { handle.as_mut() }.ok_or_else(|| is_null(name))
}

fn is_null(name: &str) -> Error {
    Error::argument(name, "must not be NULL")
}

/// Where an output goes, emptied.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn out<'a, T: Empty>(out: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: the caller vouches for it; `write` reads nothing that may not be initialised.
    unsafe {
        if out.is_null() {
            return Err(is_null(name));
        }
        out.write(T::EMPTY);
        Ok(&mut *out)
    }
}

/// What an output holds when there is nothing to give.
pub(super) trait Empty {
    const EMPTY: Self;
}

impl<T> Empty for *mut T {
    const EMPTY: Self = ptr::null_mut();
}

impl Empty for bool {
    const EMPTY: Self = false;
}

impl Empty for usize {
    const EMPTY: Self = 0;
}

/// A text that must be there.
///
/// # Safety
/// `text` is NULL or NUL-terminated.
pub(super) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: the caller vouches for it.
    unsafe { optional_text(text, name) }?.ok_or_else(|| is_null(name))
}

/// A text that may be NULL.
///
/// # Safety
/// `text` is NULL or NUL-terminated.
pub(super) unsafe fn optional_text<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller vouches for the rest.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| Error::argument(name, "must be UTF-8"))
}

/// A JSON object that may be NULL, which means an empty one.
///
/// # Safety
/// `json` is NULL or NUL-terminated.
pub(super) unsafe fn object<'a>(json: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: the caller vouches for it.
    Ok(unsafe { optional_text(json, name) }?.unwrap_or("{}"))
}

/// The members of an `args_json` that may be NULL.
///
/// # Safety
/// `args_json` is NULL or NUL-terminated.
pub(super) unsafe fn args(args_json: *const c_char) -> Result<Args> {
    // SAFETY: the caller vouches for it.
    Args::parse(unsafe { object(args_json, "args_json") }?)
}

/// Bytes by pointer and length; NULL is allowed when the length is 0.
///
/// # Safety
/// `data` is NULL or readable for `len` bytes.
pub(super) unsafe fn bytes<'a>(data: *const u8, len: usize, name: &str) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(is_null(name));
    }
    if isize::try_from(len).is_err() {
        return Err(Error::argument("len", "is larger than memory can be"));
    }
    // SAFETY: not NULL, and the caller vouches for the rest.
    Ok(unsafe { slice::from_raw_parts(data, len) })
}

/// Gives a text to the caller, who frees it with `bge_string_free`.
pub(super) fn give(out: &mut *mut c_char, text: String) -> Result<()> {
    let text = CString::new(text)
        .map_err(|_| Error::new(Status::Protocol, "the text holds U+0000, which no C string can"))?;
    *out = text.into_raw();
    Ok(())
}

/// Gives an object to the caller as a handle.
pub(super) fn give_handle<T>(out: &mut *mut T, object: T) {
    *out = Box::into_raw(Box::new(object));
}

/// Takes a handle back and drops what is behind it.
///
/// # Safety
/// `handle` is NULL or a live handle of this type, and this is its last use.
pub(super) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: made by `give_handle`, and the caller gives it up.
        shielded((), || drop(unsafe { Box::from_raw(handle) }));
    }
}

/// A parameter of a function for one endpoint.
pub(super) enum Given {
    /// A string.
    Text(&'static str, *const c_char),
    /// A whole number.
    Integer(&'static str, i64),
    /// A structure, as JSON text.
    Json(&'static str, *const c_char),
}

/// The body of every function that stands for one row of the endpoint table.
///
/// # Safety
/// The pointers are what the header asks for.
pub(super) unsafe fn call(
    name: &'static str,
    api: *const bge_api_t,
    given: &[Given],
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        guard(name, err, || {
            let out_json = out(out_json, "out_json")?;
            let api = handle(api, "api")?;
            let args = with_given(given, args(args_json)?)?;
            give(out_json, api.client.call_endpoint(row(name)?, args)?)
        })
    }
}

/// The row that a function stands for.
pub(super) fn row(name: &str) -> Result<&'static Endpoint> {
    endpoint::find(name).ok_or_else(|| Error::new(Status::Internal, "the call is not in the table"))
}

/// # Safety
/// The texts are NULL or NUL-terminated.
pub(super) unsafe fn with_given(given: &[Given], mut args: Args) -> Result<Args> {
    for parameter in given {
        args = match *parameter {
            // SAFETY: the caller vouches for the text.
            Given::Text(name, value) => args.with(name, unsafe { text(value, name) }?)?,
            Given::Integer(name, value) => args.with(name, Value::from(value))?,
            // SAFETY: as above.
            Given::Json(name, value) => args.with_json(name, unsafe { text(value, name) }?)?,
        };
    }
    Ok(args)
}

#[cfg(test)]
#[allow(clippy::panic, reason = "panics are what is tested")]
mod tests {
    use super::*;

    type Tested = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_panic_becomes_a_status() {
        let mut err = ptr::null_mut();
        // SAFETY: `err` is writable.
        let status = unsafe { guard("a_call", &mut err, || panic!("provoked")) };
        assert_eq!(status, Status::Internal as i32);
        // SAFETY: set by `guard`.
        let error = unsafe { Box::from_raw(err) };
        assert!(error.error().message().starts_with("a_call: "), "{:?}", error.error());
        assert_eq!(shielded(7, || panic!("provoked")), 7);
    }

    #[test]
    fn a_panic_in_the_background_becomes_a_status() -> Tested {
        // The hook that keeps panics quiet comes with the first call.
        assert_eq!(shielded(1, || 2), 2);
        let client = crate::Client::new("token", "{}")?;
        let operation = crate::Operation::start(&client.transport, |_| async { panic!("provoked") })?;
        assert!(operation.wait(None)?);
        assert_eq!(operation.result().err().map(|error| error.status()), Some(Status::Internal));
        Ok(())
    }

    /// Each of the two above in a process of its own: it goes on, and writes nothing to standard error.
    #[test]
    fn panics_print_nothing() -> Tested {
        for test in ["a_panic_becomes_a_status", "a_panic_in_the_background_becomes_a_status"] {
            let name = format!("ffi::boundary::tests::{test}");
            let output = std::process::Command::new(std::env::current_exe()?)
                .args(["--exact", &name, "--nocapture", "--test-threads=1"])
                .env("RUST_BACKTRACE", "1")
                .output()?;
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && told.contains("1 passed"), "{told}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        }
        Ok(())
    }
}
