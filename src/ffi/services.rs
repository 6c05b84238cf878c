//! Services beside the data.

use std::ffi::c_char;

use super::{
    client::bge_api_t,
    error::bge_error_t,
    row::{Given, call},
    version::bge_status_t,
};

/// Sends a text message; never repeated on its own.
///
/// Source: POST `/sms/send`; for client-credentials tokens. The result is `null`. Repeated only when nothing
/// reached the platform.
///
/// - `template`: message template
/// - `mobiles`: phone numbers
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_send_sms(
    api: *const bge_api_t,
    template: *const c_char,
    mobiles: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "send_sms",
            api,
            &[Given::Text("template", template), Given::Text("mobiles", mobiles)],
            args_json,
            out_json,
            err,
        )
    }
}

/// A link that opens a WeChat mini program.
///
/// Source: POST `/service/wechat/applet/url`; for client-credentials tokens.
///
/// - `code`: mini program code
/// - `args_json`: NULL or an object of `path` (string: page within the mini program); `query` (string: query of the
///   page). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_applet_url(
    api: *const bge_api_t,
    code: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("applet_url", api, &[Given::Text("code", code)], args_json, out_json, err) }
}

/// Whether an id-card number and a name belong together.
///
/// Source: POST `/service/verify/id_meta`; for client-credentials tokens.
///
/// - `idcard`: id-card number
/// - `realname`: name
/// - `args_json`: NULL or an object of `phone` (string: phone number). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_verify_id_meta(
    api: *const bge_api_t,
    idcard: *const c_char,
    realname: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "verify_id_meta",
            api,
            &[Given::Text("idcard", idcard), Given::Text("realname", realname)],
            args_json,
            out_json,
            err,
        )
    }
}
