//! Biosamples.

use std::ffi::c_char;

use super::{
    client::bge_api_t,
    error::bge_error_t,
    row::{Given, call},
    version::bge_status_t,
};

/// The biosamples that the token may see, page by page.
///
/// Source: GET `/samples`; for authorization-code and client-credentials tokens.
///
/// - `args_json`: NULL or an object of `biosample_ids` (string, number or array: biosample ids); `biosample_sites`
///   (string, number or array: sampling sites, 1 to 15); `omics` (string, number or array: omics: 1 genomics, 2
///   metagenomics); `project_ids` (string, number or array: project ids); `organisms` (string, number or array:
///   organisms, 1 to 3); `data_availability` (boolean: only samples with (or without) data); `statuses` (string,
///   number or array: status codes); `require_files` (boolean: also list each sample's files); `next_page` (string
///   or number: page number, from 1, sent as 1 unless given); `limit` (integer: rows of a page, sent as 50 unless
///   given). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
///
/// Example: `bge_api_get_samples(api, "{\"omics\": [1, 2], \"limit\": 100}", &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_samples(
    api: *const bge_api_t,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("get_samples", api, &[], args_json, out_json, err) }
}

/// One biosample.
///
/// Source: GET `/samples/{biosample_id}`; for authorization-code and client-credentials tokens.
///
/// - `biosample_id`: biosample id
/// - `args_json`: NULL or an object of `require_files` (boolean: also list the sample's files). Other members are
///   passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_sample(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("get_sample", api, &[Given::Text("biosample_id", biosample_id)], args_json, out_json, err) }
}

/// The biosample ids of the lab's own sample ids.
///
/// Source: GET `/samples/external_ids`; for authorization-code and client-credentials tokens.
///
/// - `project_id`: project id
/// - `biosample_site`: sampling site, 1 to 15
/// - `external_ids`: the lab's own sample ids
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_externals(
    api: *const bge_api_t,
    project_id: *const c_char,
    biosample_site: i64,
    external_ids: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "externals",
            api,
            &[
                Given::Text("project_id", project_id),
                Given::Integer("biosample_site", biosample_site),
                Given::Text("external_ids", external_ids),
            ],
            args_json,
            out_json,
            err,
        )
    }
}

/// Registers a biosample; never repeated on its own.
///
/// Source: POST `/samples/register`; for authorization-code and client-credentials tokens. The answer holds
/// `biosample_id`. Repeated only when nothing reached the platform, so that no sample is registered twice.
///
/// - `external_sample_id`: the lab's own sample id
/// - `biosample_site`: sampling site, 1 to 15
/// - `project_id`: project id
/// - `args_json`: NULL or an object of `duplicate_enabled` (boolean: allow an external_sample_id once more, false
///   on the platform). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
///
/// Example: `bge_api_register_sample(api, "demo", 1, "P-W1234567", NULL, &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_register_sample(
    api: *const bge_api_t,
    external_sample_id: *const c_char,
    biosample_site: i64,
    project_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "register_sample",
            api,
            &[
                Given::Text("external_sample_id", external_sample_id),
                Given::Integer("biosample_site", biosample_site),
                Given::Text("project_id", project_id),
            ],
            args_json,
            out_json,
            err,
        )
    }
}

/// Adds facts to a biosample; a field once set stays.
///
/// Source: POST `/samples/improve`; for authorization-code and client-credentials tokens. With no field to set
/// nothing is sent. A field once set cannot be changed: `BGE_ERR_API`. The result is `null`.
///
/// - `biosample_id`: biosample id
/// - `args_json`: NULL or an object of `library_id` (string: sequencing library id); `library_strategy` (string:
///   library strategy, such as WGS); `library_source` (string: library source, such as GENOMIC). Other members are
///   passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_improve_sample(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call("improve_sample", api, &[Given::Text("biosample_id", biosample_id)], args_json, out_json, err)
    }
}
