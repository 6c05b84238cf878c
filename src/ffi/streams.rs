//! Data streams, aggregates and data items.

use std::ffi::c_char;

use super::{
    client::bge_api_t,
    error::bge_error_t,
    row::{Given, call},
    version::bge_status_t,
};

/// A data element's values over a time range, page by page.
///
/// Source: GET `/stream/range`; for authorization-code and client-credentials tokens.
///
/// - `data_element_id`: data element id
/// - `args_json`: NULL or an object of `biosample_id` (string: biosample id, client-credentials tokens need it);
///   `start_time` (string: from this time, such as 1970-01); `end_time` (string: to this time, such as 2021-04-01
///   10:11:00.123456); `sort_direction` (string: asc or desc, desc on the platform); `next_page` (string or number:
///   the last answer's next_page); `limit` (integer: rows of a page, sent as 100 unless given). Other members are
///   passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
///
/// Example: `bge_api_get_range_stream(api, "02393f70-c7e4-11e9-bfed-00163e104c79", "{\"start_time\": \"1970-01\"}", &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_range_stream(
    api: *const bge_api_t,
    data_element_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "get_range_stream",
            api,
            &[Given::Text("data_element_id", data_element_id)],
            args_json,
            out_json,
            err,
        )
    }
}

/// A data element's values by period.
///
/// Source: GET `/omics_data/aggregate`; for authorization-code and client-credentials tokens.
///
/// - `data_element_id`: data element id
/// - `time_dimension`: year, quarter, month, week, day, minute or second
/// - `start_time`: from this time
/// - `args_json`: NULL or an object of `end_time` (string: to this time); `biosample_id` (string: biosample id);
///   `interval` (integer: time dimensions of one period, sent as 1 unless given); `periods` (integer: number of
///   periods, at most 100, sent as 100 unless given). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_aggregate_omics_data(
    api: *const bge_api_t,
    data_element_id: *const c_char,
    time_dimension: *const c_char,
    start_time: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "aggregate_omics_data",
            api,
            &[
                Given::Text("data_element_id", data_element_id),
                Given::Text("time_dimension", time_dimension),
                Given::Text("start_time", start_time),
            ],
            args_json,
            out_json,
            err,
        )
    }
}

/// Writes a phenotype of a biosample.
///
/// Source: POST `/datamall/phenotype/write`; for client-credentials tokens. The answer holds `stream_id`. An
/// authorization-code token gets code 40014.
///
/// - `biosample_id`: biosample id
/// - `data_element_id`: data element id
/// - `stream_generate_time`: such as 2021-03-02T10:00:00Z
/// - `stream_data`: the values (JSON text)
/// - `args_json`: NULL or an object of `duplicate_enabled` (boolean: allow the same values once more). Other
///   members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_write_phenotype(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    data_element_id: *const c_char,
    stream_generate_time: *const c_char,
    stream_data: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "write_phenotype",
            api,
            &[
                Given::Text("biosample_id", biosample_id),
                Given::Text("data_element_id", data_element_id),
                Given::Text("stream_generate_time", stream_generate_time),
                Given::Json("stream_data", stream_data),
            ],
            args_json,
            out_json,
            err,
        )
    }
}

/// Data items of a biosample, page by page.
///
/// Source: GET `/data_item/batch_retrieve`; for authorization-code and client-credentials tokens. At most one
/// of `collection_id` and `data_element_ids`.
///
/// - `namespace`: namespace
/// - `biosample_id`: biosample id
/// - `args_json`: NULL or an object of `collection_id` (string: collection id); `data_element_ids` (string, number
///   or array: at most 100 data element ids); `next_page` (string or number: the last answer's next_page). Other
///   members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_data_items(
    api: *const bge_api_t,
    namespace: *const c_char,
    biosample_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "get_data_items",
            api,
            &[Given::Text("namespace", namespace), Given::Text("biosample_id", biosample_id)],
            args_json,
            out_json,
            err,
        )
    }
}
