//! Where C and Rust meet: errors and panics become a status and a `bge_error_t`.

use std::{ffi::c_char, ptr};

use super::{
    error::bge_error_t,
    pointers::{self, give, out, quietly},
    version::{BGE_OK, bge_status_t},
};
use crate::error::{Error, Result, Status};

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
        Ok(Ok(())) => BGE_OK,
        Ok(Err(error)) => refuse(error.with_call(call), err),
        Err(()) => refuse(Error::new(Status::Internal, "a bug in the library").with_call(call), err),
    }
}

/// The same for a function that gives a text, which the caller frees with `bge_string_free`.
///
/// # Safety
/// `out_json` is NULL or writable, `err` as for `guard`.
pub(super) unsafe fn gives_text(
    call: &str,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
    make: impl FnOnce() -> Result<String>,
) -> bge_status_t {
    // SAFETY: the caller vouches for both.
    unsafe {
        guard(call, err, || {
            let out_json = out(out_json, "out_json")?;
            give(out_json, make()?)
        })
    }
}

/// The same for a function that makes a handle, which the caller frees with that handle's own function.
///
/// # Safety
/// `out` is NULL or writable, `err` as for `guard`.
pub(super) unsafe fn gives_handle<T>(
    call: &str,
    out: *mut *mut T,
    err: *mut *mut bge_error_t,
    make: impl FnOnce() -> Result<T>,
) -> bge_status_t {
    // SAFETY: the caller vouches for both.
    unsafe {
        guard(call, err, || {
            let out = pointers::out(out, "out")?;
            *out = Box::into_raw(Box::new(make()?));
            Ok(())
        })
    }
}

fn refuse(error: Error, err: Option<&mut *mut bge_error_t>) -> bge_status_t {
    let status = error.status() as bge_status_t;
    if let Some(err) = err {
        *err = Box::into_raw(Box::new(bge_error_t::new(error)));
    }
    status
}

#[cfg(test)]
#[allow(clippy::panic, reason = "panics are what is tested")]
mod tests {
    use super::{super::pointers::shielded, *};

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
        let operation = crate::Operation::start(client.transport(), |_| async { panic!("provoked") })?;
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
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        }
        Ok(())
    }
}
