//! Microbiome profiles.

use std::ffi::c_char;

use super::{
    client::bge_api_t,
    error::bge_error_t,
    row::{Given, call},
    version::bge_status_t,
};

/// The abundance of each taxon of a biosample, page by page.
///
/// Source: GET `/microbiome/taxon_abundance`; for authorization-code tokens. The result is `{"count", "next_page",
/// "result"}`; an unknown taxon gives a count of 0.
///
/// - `biosample_id`: biosample id
/// - `args_json`: NULL or an object of `taxon_ids` (string, number or array: taxon ids, such as txid815);
///   `next_page` (string or number: page number, from 1, sent as 1 unless given); `limit` (integer: rows of a page,
///   sent as 50 unless given). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
///
/// Example: `bge_api_get_taxon_abundance(api, "E-B1234213412", "{\"limit\": 500}", &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_taxon_abundance(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "get_taxon_abundance",
            api,
            &[Given::Text("biosample_id", biosample_id)],
            args_json,
            out_json,
            err,
        )
    }
}

/// The abundance of each function of a biosample, page by page.
///
/// Source: GET `/microbiome/func_abundance`; for authorization-code tokens.
///
/// - `biosample_id`: biosample id
/// - `catalog`: go, ko, eggnog, pfam, kegg-pwy, kegg-mdl, level4ec, metacyc-rxn or metacyc-pwy
/// - `args_json`: NULL or an object of `ids` (string, number or array: function ids); `next_page` (string or
///   number: the last answer's next_page); `limit` (integer: rows of a page, sent as 50 unless given). Other
///   members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_func_abundance(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    catalog: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "get_func_abundance",
            api,
            &[Given::Text("biosample_id", biosample_id), Given::Text("catalog", catalog)],
            args_json,
            out_json,
            err,
        )
    }
}

/// The abundance of each gene of a gut biosample, page by page, or as a file.
///
/// Source: GET `/microbiome/gene_abundance`; for authorization-code tokens.
///
/// - `biosample_id`: biosample id
/// - `catalog`: IGC_9.9M or UniRef90_HUMAnN2_0.11
/// - `data_type`: list or file; UniRef90_HUMAnN2_0.11 has file only
/// - `args_json`: NULL or an object of `ids` (string, number or array: gene ids); `next_page` (string or number:
///   the last answer's next_page); `limit` (integer: rows of a page, at most 1000, 50 on the platform). Other
///   members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_gene_abundance(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    catalog: *const c_char,
    data_type: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "get_gene_abundance",
            api,
            &[
                Given::Text("biosample_id", biosample_id),
                Given::Text("catalog", catalog),
                Given::Text("data_type", data_type),
            ],
            args_json,
            out_json,
            err,
        )
    }
}
