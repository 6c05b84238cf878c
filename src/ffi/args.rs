//! Arguments, put together without a JSON library.

use std::ffi::c_char;

use super::{
    boundary::{gives_handle, guard},
    error::bge_error_t,
    pointers::{free, handle_mut, text},
    version::bge_status_t,
};
use crate::{error::Result, json::object::Object};

/// The members of an `args_json` or `options_json`, added one by one. One thread at a time may use it.
pub struct bge_args_t {
    object: Object,
}

/// Makes an empty object of arguments: `bge_args_json` gives its text to any call that takes an `args_json` or an
/// `options_json`. The caller frees `*out` with `bge_args_free`.
///
/// Example: `bge_args_new(&args, &err); bge_args_add_int(args, "limit", 10, &err);
/// bge_api_get_samples(api, bge_args_json(args), &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_args_new(out: *mut *mut bge_args_t, err: *mut *mut bge_error_t) -> bge_status_t {
    // SAFETY: outputs are NULL or writable.
    unsafe { gives_handle("args_new", out, err, || Ok(bge_args_t { object: Object::default() })) }
}

/// Adds a string, quoted and escaped as JSON wants it.
///
/// `name` must not be empty, hold control characters, or have been added before. After a failure the object is what it was
/// before the call; this holds for every `bge_args_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_args_add_text(
    args: *mut bge_args_t,
    name: *const c_char,
    value: *const c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `args` is NULL or a live handle that nobody else uses now, texts NULL or NUL-terminated, `err` NULL or
    // writable; here and below.
    unsafe { add(args, name, err, |object, name| object.add_text(name, text(value, "value")?)) }
}

/// Adds a whole number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_args_add_int(
    args: *mut bge_args_t,
    name: *const c_char,
    value: i64,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: as above.
    unsafe { add(args, name, err, |object, name| object.add_int(name, value)) }
}

/// Adds a number, in the fewest digits that mean the same `double`. Infinity and NaN are `BGE_ERR_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_args_add_number(
    args: *mut bge_args_t,
    name: *const c_char,
    value: f64,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: as above.
    unsafe { add(args, name, err, |object, name| object.add_number(name, value)) }
}

/// Adds `true` or `false`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_args_add_bool(
    args: *mut bge_args_t,
    name: *const c_char,
    value: bool,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: as above.
    unsafe { add(args, name, err, |object, name| object.add_bool(name, value)) }
}

/// Adds a value that is JSON text already, as it is: an array, an object (`"$"`, for the library's own switches, is one),
/// or a number whose digits matter. What is no JSON is `BGE_ERR_ARGUMENT`.
///
/// Example: `bge_args_add_json(args, "$", "{\"deadline\": 30}", &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_args_add_json(
    args: *mut bge_args_t,
    name: *const c_char,
    json: *const c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: as above.
    unsafe { add(args, name, err, |object, name| object.add_json(name, text(json, "json")?)) }
}

/// The object as JSON text, `{}` when nothing was added. It is borrowed from `args` until the next `bge_args_add` or
/// `bge_args_free`; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_args_json(args: *const bge_args_t) -> *const c_char {
    // SAFETY: NULL or a live handle.
    unsafe { args.as_ref() }.map_or(std::ptr::null(), |args| args.object.c_str().as_ptr())
}

/// Frees an object of arguments; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_args_free(args: *mut bge_args_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(args) }
}

/// # Safety
/// `args` is NULL or a live handle that nobody else uses now, `name` NULL or NUL-terminated, `err` NULL or writable.
unsafe fn add(
    args: *mut bge_args_t,
    name: *const c_char,
    err: *mut *mut bge_error_t,
    body: impl FnOnce(&mut Object, &str) -> Result<()>,
) -> bge_status_t {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        guard("args_add", err, || {
            let args = handle_mut(args, "args")?;
            body(&mut args.object, text(name, "name")?)
        })
    }
}
