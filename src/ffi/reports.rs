//! Reports on a whole genome.

use std::ffi::c_char;

use super::{
    client::bge_api_t,
    error::bge_error_t,
    row::{Given, call},
    version::bge_status_t,
};

/// The collection of reports on a biosample.
///
/// Source: GET `/wgs/report/collection`; for authorization-code tokens.
///
/// - `biosample_id`: biosample id, sent as given
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_report_collection(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call("report_collection", api, &[Given::Text("biosample_id", biosample_id)], args_json, out_json, err)
    }
}

/// The reports of one domain.
///
/// Source: GET `/wgs/report/details`; for authorization-code tokens.
///
/// - `biosample_id`: biosample id, sent as given
/// - `domain`: report domain
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_report_details(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    domain: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "report_details",
            api,
            &[Given::Text("biosample_id", biosample_id), Given::Text("domain", domain)],
            args_json,
            out_json,
            err,
        )
    }
}

/// One report.
///
/// Source: GET `/wgs/report/detail`; for authorization-code tokens.
///
/// - `biosample_id`: biosample id, sent as given
/// - `domain_version`: report domain and version
/// - `report_id`: report id
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_report_detail(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    domain_version: *const c_char,
    report_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "report_detail",
            api,
            &[
                Given::Text("biosample_id", biosample_id),
                Given::Text("domain_version", domain_version),
                Given::Text("report_id", report_id),
            ],
            args_json,
            out_json,
            err,
        )
    }
}

/// The dictionaries that reports refer to.
///
/// Source: GET `/wgs/dictionaries`; for authorization-code tokens.
///
/// - `biosample_id`: biosample id, sent as given
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_dictionaries(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call("dictionaries", api, &[Given::Text("biosample_id", biosample_id)], args_json, out_json, err)
    }
}

/// The merit cards of a biosample.
///
/// Source: GET `/wgs/merit-cards`; for authorization-code tokens.
///
/// - `biosample_id`: biosample id, sent as given
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_merit_cards(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call("merit_cards", api, &[Given::Text("biosample_id", biosample_id)], args_json, out_json, err)
    }
}
