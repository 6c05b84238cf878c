//! Variants of a genome.

use std::ffi::c_char;

use super::{
    client::bge_api_t,
    error::bge_error_t,
    row::{Given, call},
    version::bge_status_t,
};

/// The variants of a biosample at given rsIDs.
///
/// Source: GET `/variants`; for authorization-code and client-credentials tokens. More than 100 rsIDs are fetched
/// in pieces: one list, in the order given, all of it or an error.
///
/// `variant.position` is counted from 1 on GRCh38, as in VCF and dbSNP, whatever `coordinate_system` says. A site is called
/// with an alternate; or called as the reference (GT 0/0, no `alternate_base`); or assayed and not called
/// (`is_no_call`); or not assayed (`is_assayed` false), which says nothing of the genotype.
///
/// - `biosample_id`: biosample id
/// - `rsids`: rsIDs; more than 100 are fetched in pieces
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
///
/// Example: `bge_api_get_variants(api, "E-B12345678901", "rs762551,rs333", NULL, &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_variants(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    rsids: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "get_variants",
            api,
            &[Given::Text("biosample_id", biosample_id), Given::Text("rsids", rsids)],
            args_json,
            out_json,
            err,
        )
    }
}

/// Variants in regions of the genome.
///
/// Source: POST `/professional/variant`; for authorization-code and client-credentials tokens. Exactly one of
/// `regions` and `bed_file`; a file is streamed from disk.
///
/// - `biosample_id`: biosample id
/// - `args_json`: NULL or an object of `only_variant_site` (boolean: leave out sites equal to the reference, sent
///   as True unless given); `regions` (array: at most 5000 regions); `bed_file` (path: path of a zipped BED file).
///   Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_professional_variant(
    api: *const bge_api_t,
    biosample_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "professional_variant",
            api,
            &[Given::Text("biosample_id", biosample_id)],
            args_json,
            out_json,
            err,
        )
    }
}
