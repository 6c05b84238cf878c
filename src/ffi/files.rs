//! Files in the object store.

use std::ffi::c_char;

use super::{
    client::bge_api_t,
    error::bge_error_t,
    row::{Given, call},
    version::bge_status_t,
};

/// Temporary credentials for the object store.
///
/// Source: POST `/sts/token`; for authorization-code and client-credentials tokens. The answer holds secrets:
/// `credentials` with `access_key_id`, `access_key_secret`, `security_token`, `expiration`.
///
/// - `args_json`: NULL or an object of `region_id` (string: the store's region); `internal` (boolean: use the
///   store's internal address, sent as False unless given). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_upload_token(
    api: *const bge_api_t,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("get_upload_token", api, &[], args_json, out_json, err) }
}

/// A presigned URL of an object.
///
/// Source: POST `/oss/sign_url`; for authorization-code and client-credentials tokens. The answer holds `url`,
/// which opens the object for whoever has it, and `expires`.
///
/// - `object_name`: the object's name
/// - `args_json`: NULL or an object of `region` (string: domestic or international, domestic on the platform);
///   `expiration_time` (integer: seconds that the URL is good for, sent as 600 unless given). Other members are
///   passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_download_url(
    api: *const bge_api_t,
    object_name: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call("get_download_url", api, &[Given::Text("object_name", object_name)], args_json, out_json, err)
    }
}

/// Has a sequencing project's files ferried to the object store.
///
/// Source: POST `/ferry/download_to_oss`; for client-credentials tokens.
///
/// - `account`: account
/// - `password`: password
/// - `project_no`: project number
/// - `biosample_cnt`: number of biosamples
/// - `args_json`: NULL or an object of `included_filename_exts` (string, number or array: filename extensions);
///   `sample_names` (string, number or array: sample names); `action` (string: restart is the only known one).
///   Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_ferry_to_oss(
    api: *const bge_api_t,
    account: *const c_char,
    password: *const c_char,
    project_no: *const c_char,
    biosample_cnt: i64,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "ferry_to_oss",
            api,
            &[
                Given::Text("account", account),
                Given::Text("password", password),
                Given::Text("project_no", project_no),
                Given::Integer("biosample_cnt", biosample_cnt),
            ],
            args_json,
            out_json,
            err,
        )
    }
}
