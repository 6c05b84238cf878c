//! Versions, features and status codes.

use std::ffi::{CStr, c_char};

use crate::error::Status;

/// What every call that can fail returns: `BGE_OK`, or one of `BGE_ERR_…`. Treat an unknown value as a failure.
pub type bge_status_t = i32;

/// The version of this header, `major << 16 | minor`. A library is compatible when its `bge_abi_version()` has the
/// same major version and the same or a higher minor version.
pub const BGE_ABI_VERSION: u32 = 2;

/// Success.
pub const BGE_OK: bge_status_t = 0;
/// Bad argument, option or JSON; nothing was sent.
pub const BGE_ERR_ARGUMENT: bge_status_t = 1;
/// Name lookup, connect, TLS, reset, proxy, or a connection that ended before the whole answer was there.
pub const BGE_ERR_TRANSPORT: bge_status_t = 2;
/// The time allowed ran out.
pub const BGE_ERR_TIMEOUT: bge_status_t = 3;
/// Any other 4xx or 5xx answer, with or without an envelope (whose code and msg are kept).
pub const BGE_ERR_HTTP: bge_status_t = 4;
/// The platform's envelope has a code other than 0.
pub const BGE_ERR_API: bge_status_t = 5;
/// The platform refused the token: envelope code 401 (no permission) or 403 (wrong, expired, not renewable), or HTTP
/// 401.
pub const BGE_ERR_AUTH: bge_status_t = 6;
/// The answer is not what the protocol says: not JSON, no envelope, a page token that repeats.
pub const BGE_ERR_PROTOCOL: bge_status_t = 7;
/// The object store refused; its Code, Message, RequestId and EC are in `bge_error_json`.
pub const BGE_ERR_STORAGE: bge_status_t = 8;
/// All of it arrived, but length or checksum is not what was promised: not handed over as good.
pub const BGE_ERR_INTEGRITY: bge_status_t = 9;
/// A local file could not be read or written.
pub const BGE_ERR_IO: bge_status_t = 10;
/// Cancelled by the caller.
pub const BGE_ERR_CANCELLED: bge_status_t = 11;
/// The handle or stream is already finished, or belongs to the process that this one was forked from.
pub const BGE_ERR_CLOSED: bge_status_t = 12;
/// A bug in the library: a panic was caught at the boundary.
pub const BGE_ERR_INTERNAL: bge_status_t = 13;
/// Not in this build.
pub const BGE_ERR_UNSUPPORTED: bge_status_t = 14;

/// The library's version, such as `"0.1.0"`. Static; not freed.
#[unsafe(no_mangle)]
pub extern "C" fn bge_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The library's ABI version, `major << 16 | minor`, to be compared with `BGE_ABI_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn bge_abi_version() -> u32 {
    BGE_ABI_VERSION
}

/// What this build of the library has, as a JSON object of names and booleans, such as `{"arrow": true}`. A name that is
/// missing is a feature that the library does not know, and so does not have. Static; not freed.
///
/// - `arrow`: tables (`bge_api_table` and the others); without it they are `BGE_ERR_UNSUPPORTED`
/// - `encryption`: objects that are encrypted before they are sent (the argument `cmk_id`)
/// - `socks`: proxies that speak SOCKS
#[unsafe(no_mangle)]
pub extern "C" fn bge_features() -> *const c_char {
    let features: &CStr = if cfg!(feature = "arrow") {
        c"{\"arrow\": true, \"encryption\": true, \"socks\": true}"
    } else {
        c"{\"arrow\": false, \"encryption\": true, \"socks\": true}"
    };
    features.as_ptr()
}

/// The name of a status, such as `"BGE_ERR_TIMEOUT"`; `"BGE_ERR_UNKNOWN"` for numbers that are none. Static; not
/// freed.
#[unsafe(no_mangle)]
pub extern "C" fn bge_status_name(status: i32) -> *const c_char {
    let name: &CStr = match status {
        BGE_OK => c"BGE_OK",
        BGE_ERR_ARGUMENT => c"BGE_ERR_ARGUMENT",
        BGE_ERR_TRANSPORT => c"BGE_ERR_TRANSPORT",
        BGE_ERR_TIMEOUT => c"BGE_ERR_TIMEOUT",
        BGE_ERR_HTTP => c"BGE_ERR_HTTP",
        BGE_ERR_API => c"BGE_ERR_API",
        BGE_ERR_AUTH => c"BGE_ERR_AUTH",
        BGE_ERR_PROTOCOL => c"BGE_ERR_PROTOCOL",
        BGE_ERR_STORAGE => c"BGE_ERR_STORAGE",
        BGE_ERR_INTEGRITY => c"BGE_ERR_INTEGRITY",
        BGE_ERR_IO => c"BGE_ERR_IO",
        BGE_ERR_CANCELLED => c"BGE_ERR_CANCELLED",
        BGE_ERR_CLOSED => c"BGE_ERR_CLOSED",
        BGE_ERR_INTERNAL => c"BGE_ERR_INTERNAL",
        BGE_ERR_UNSUPPORTED => c"BGE_ERR_UNSUPPORTED",
        _ => c"BGE_ERR_UNKNOWN",
    };
    name.as_ptr()
}

const _: () =
    assert!(Status::Argument as i32 == BGE_ERR_ARGUMENT && Status::Unsupported as i32 == BGE_ERR_UNSUPPORTED);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_json() {
        // SAFETY: static and NUL-terminated.
        let text = unsafe { CStr::from_ptr(bge_features()) };
        let features: serde_json::Value = serde_json::from_slice(text.to_bytes()).unwrap_or_default();
        assert_eq!(features.get("arrow").and_then(|value| value.as_bool()), Some(cfg!(feature = "arrow")));
    }

    #[test]
    fn every_status_has_its_name_in_c() {
        for (status, name) in Status::ALL {
            // SAFETY: static and NUL-terminated.
            let text = unsafe { CStr::from_ptr(bge_status_name(status as i32)) };
            assert_eq!(text.to_str(), Ok(name));
        }
        // SAFETY: as above.
        assert_eq!(unsafe { CStr::from_ptr(bge_status_name(99)) }, c"BGE_ERR_UNKNOWN");
    }
}
