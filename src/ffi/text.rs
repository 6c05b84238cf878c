//! Strings and JSON.

use std::ffi::{CString, c_char};

use super::{
    boundary::guard,
    error::bge_error_t,
    pointers::{give, out, shielded, text},
    version::bge_status_t,
};

/// Frees a string that the library gave; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_string_free(s: *mut c_char) {
    if !s.is_null() {
        // SAFETY: made by `CString::into_raw`, and given up by the caller.
        shielded((), || drop(unsafe { CString::from_raw(s) }));
    }
}

/// Reads one value of a JSON text, for programs without a JSON parser.
///
/// `pointer` is an RFC 6901 pointer such as `"/result/0/biosample_id"`; an array's length is at `".../#"`. A string
/// comes decoded, anything else as its JSON text; `*out` is NULL when nothing is there. The caller frees `*out` with
/// `bge_string_free`. `BGE_ERR_ARGUMENT` for what is no JSON, for a malformed pointer, and for a string that holds
/// U+0000.
///
/// Example: `bge_json_get(json, "/next_page", &next, NULL)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_json_get(
    json: *const c_char,
    pointer: *const c_char,
    out: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: texts are NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        guard("json_get", err, || {
            let out = self::out(out, "out")?;
            match crate::json_get(text(json, "json")?, text(pointer, "pointer")?)? {
                Some(found) => give(out, found)
                    .map_err(|_| crate::Error::argument("json", "has a string there that holds U+0000")),
                None => Ok(()),
            }
        })
    }
}
