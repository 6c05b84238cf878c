//! What comes from C becomes references, texts and bytes, or an error that names the argument; what goes to C is given
//! away. A panic stops here.

use std::{
    cell::Cell,
    ffi::{CStr, CString, c_char},
    panic::{self, AssertUnwindSafe},
    ptr, slice,
    sync::Once,
};

use crate::{
    Args,
    error::{Error, Result, Status},
};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs what returns no status: a panic ends there, and `otherwise` is given.
pub(super) fn shielded<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    quietly(body).unwrap_or(otherwise)
}

/// A panic becomes `Err`, and prints nothing: standard error is the host's.
pub(super) fn quietly<T>(body: impl FnOnce() -> T) -> std::result::Result<T, ()> {
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

impl Empty for u64 {
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

/// Takes a handle back and drops what is behind it.
///
/// # Safety
/// `handle` is NULL or a live handle of this type, and this is its last use.
pub(super) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: made by `gives_handle`, and the caller gives it up.
        shielded((), || drop(unsafe { Box::from_raw(handle) }));
    }
}
