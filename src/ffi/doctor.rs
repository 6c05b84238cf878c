//! Why does it not work?

use std::ffi::c_char;

use super::{
    boundary::gives_text,
    client::bge_api_t,
    error::bge_error_t,
    pointers::{handle, object},
    version::bge_status_t,
};

/// Looks at everything between this client and the platform, for people who ask why it does not work: name lookup,
/// addresses, the proxy and why it is used, TLS, a captive portal, the clock, credentials and scopes, the object store with
/// 1 MiB there and back, the key service, rate limits. It sends a few requests and takes seconds.
///
/// - `args_json`: NULL or an object of `lang` (`en` or `zh`: the language of `detail` and `hint`); `round_trip` (true unless
///   given: the object `bge-doctor.bin` is written); `cmk_id` (string: master key of the key service to try).
/// - `out_json`: `{"version", "system", "endpoint", "checks": [{"name", "state", "detail", "hint"}]}`, `state` being `ok`,
///   `warning`, `failed` or `skipped`, `hint` the one thing to do. Nothing secret is in it. Freed with `bge_string_free`.
///
/// What is wrong is a finding and no error. By name (`doctor`), it can be started as an operation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_doctor(
    api: *const bge_api_t,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_text("doctor", out_json, err, || {
            handle(api, "api")?.client.doctor(object(args_json, "args_json")?)
        })
    }
}
