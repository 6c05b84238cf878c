//! The platform's availability, tokens and users.

use std::ffi::c_char;

use super::{
    boundary::guard, client::bge_api_t, error::bge_error_t, pointers::handle, row::call,
    version::bge_status_t,
};

/// Whether the platform answers: `BGE_OK`, or why not; an answer of 400 or above is `BGE_ERR_HTTP`.
///
/// Source: GET `/ping`, without a token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_alive(api: *const bge_api_t, err: *mut *mut bge_error_t) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, `err` NULL or writable.
    unsafe { guard("alive", err, || handle(api, "api")?.client.alive()) }
}

/// What the access token in use is good for.
///
/// Source: GET `/oauth2/introspect`; for authorization-code and client-credentials tokens. The answer holds
/// `active`, `client_id`, `scope`, ….
///
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_introspect(
    api: *const bge_api_t,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("introspect", api, &[], args_json, out_json, err) }
}

/// The user who granted the token, as far as its scope allows.
///
/// Source: GET `/profile`; for authorization-code tokens.
///
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_user(
    api: *const bge_api_t,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("get_user", api, &[], args_json, out_json, err) }
}

/// An overview of a person's samples and data.
///
/// Source: POST `/user/overview`; for authorization-code and client-credentials tokens. `phone` excludes all but
/// `idcard`; `biosample_id` excludes `phone`, `project_id` and `external_sample_id`; the last two come together.
///
/// - `args_json`: NULL or an object of `idcard` (string: id-card number); `phone` (string: phone number);
///   `biosample_id` (string: biosample id, sent as given); `project_id` (string: project id, together with
///   external_sample_id); `external_sample_id` (string: the lab's own sample id, together with project_id). Other
///   members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_overview(
    api: *const bge_api_t,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("get_overview", api, &[], args_json, out_json, err) }
}
