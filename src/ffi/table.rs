//! Tables: the rows of many samples as streams of Arrow record batches.

use std::ffi::c_char;

use super::{
    arrow_stream::ArrowArrayStream,
    boundary::{gives_handle, gives_text, guard},
    client::bge_api_t,
    error::bge_error_t,
    pointers::{free, handle, object, out, shielded, text},
    version::bge_status_t,
};
use crate::table::{PageRows, Table};

#[cfg(feature = "arrow")]
use super::arrow::export;

#[cfg(not(feature = "arrow"))]
use self::absent::export;

#[cfg(not(feature = "arrow"))]
mod absent {
    use super::{ArrowArrayStream, PageRows};

    /// What can be exported: nothing that there could be.
    pub(super) trait Rows {
        fn export(self) -> ArrowArrayStream;
    }

    impl Rows for crate::table::Batches {
        fn export(self) -> ArrowArrayStream {
            self.export()
        }
    }

    impl Rows for PageRows {
        fn export(self) -> ArrowArrayStream {
            self.export()
        }
    }

    pub(super) fn export(rows: impl Rows) -> ArrowArrayStream {
        rows.export()
    }
}

/// A table: all pages of a list, of one sample or of many. It keeps its client alive and belongs to the process that
/// opened it.
pub struct bge_table_t {
    table: Table,
}

/// Opens a table and takes its stream: `bge_api_open_table`, `bge_table_stream` and `bge_table_free` in one, for
/// callers who want neither progress nor cancel nor report.
///
/// The caller releases `*out` by its own `release`, as the Arrow C stream interface says. On failure `out->release` is
/// NULL.
///
/// Example: `bge_api_table(api, "get_taxon_abundance", "{\"biosample_id\": [\"E-B1\", \"E-B2\"]}", &stream, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_table(
    api: *const bge_api_t,
    name: *const c_char,
    args_json: *const c_char,
    out: *mut ArrowArrayStream,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        guard("api_table", err, || {
            let out = self::out(out, "out")?;
            let api = handle(api, "api")?;
            let table = api.client.table(text(name, "name")?, object(args_json, "args_json")?)?;
            *out = export(table.stream()?);
            Ok(())
        })
    }
}

/// Opens the table of a list call: `get_samples`, `get_variants`, `get_taxon_abundance`, `get_func_abundance`,
/// `get_gene_abundance`, `get_range_stream`, `get_data_items`, `model_versions` or `externals`. Nothing is sent yet.
///
/// `args_json` holds the call's arguments. `biosample_id` may be an array: then the rows of all these samples come, in
/// the order of the array, each with its `biosample_id`; of an empty one none come, and nothing is sent.
/// `"biosample_ids": "all"` stands for every sample that `get_samples` lists with the filters given beside it.
///
/// Without a `limit` pages have 1,000 rows, or as many as documented where the platform refuses that. A list of ids that
/// is too long for one request is asked for in pieces.
///
/// The member `"$"` also knows here:
///
/// - `concurrency`: samples at a time, 8. `prefetch`: pages of each that may wait for the reader, as many as make some
///   8,000 rows unless given; memory is bounded by `concurrency` × `prefetch` pages. While the reader waits for a slow
///   sample, the pages of those behind it go to a file without a name in the folder for temporary files.
/// - `columns`: an array of names; only these, in this order (`extra` always last). `strict`: a value of an unexpected
///   type is an error of its sample.
/// - `on_error`: `"fail"`, or `"skip"`: a failing sample is left to `bge_table_report`, and the others come. `whole`: true
///   gives a sample's rows when all of them are there, so that a sample that is skipped has given none.
/// - `retry_for`: seconds, 0. So long an outage of the platform, or a pause that it asks for with 429, is waited out by all
///   samples together, beyond the repeats of each request; only what fails while others are answered is a sample's own.
/// - `rate_limit`: requests per second of the whole table.
/// - `checkpoint_dir`: a folder that keeps the pages of finished samples, and the list that `"all"` stands for: a run that
///   was ended goes on from there. Pages belong to the client's account, address and arguments, and are kept when they
///   have been decoded; where they cannot be written, the log says so and the run goes on without.
///
/// The caller frees `*out` with `bge_table_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_open_table(
    api: *const bge_api_t,
    name: *const c_char,
    args_json: *const c_char,
    out: *mut *mut bge_table_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("api_open_table", out, err, || {
            let api = handle(api, "api")?;
            let table = api.client.table(text(name, "name")?, object(args_json, "args_json")?)?;
            Ok(bge_table_t { table })
        })
    }
}

/// The rows as an Arrow C stream, once (`BGE_ERR_CLOSED` the second time); it may outlive the table. The first batch
/// that is asked for starts the requests.
///
/// The schema is flat: the columns that `bge_endpoints` lists, with `bge.endpoint`, `bge.type`, `bge.unit` and
/// `bge.description` in their metadata, `biosample_id` wherever rows belong to samples, and `extra`, a JSON text with
/// whatever the others do not hold: members that they do not name, and values of an unexpected type (null in their
/// column).
///
/// A failing `get_next` gives `ECANCELED` after `bge_table_cancel`, `EINVAL` in a forked child, else `EIO`, and
/// `get_last_error` the text that `bge_error_json` would. The caller releases `*out` by its own `release`, at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_table_stream(
    table: *mut bge_table_t,
    out: *mut ArrowArrayStream,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `table` is NULL or a live handle, outputs NULL or writable.
    unsafe {
        guard("table_stream", err, || {
            let out = self::out(out, "out")?;
            *out = export(handle(table.cast_const(), "table")?.table.stream()?);
            Ok(())
        })
    }
}

/// How far a table is: rows given, samples whose rows have all been given (or that were skipped), and samples in all;
/// with `"all"` those listed so far. Outputs may be NULL. May run beside any other call on the same table but its free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_table_progress(
    table: *const bge_table_t,
    rows: *mut u64,
    samples_done: *mut u64,
    samples: *mut u64,
) {
    // SAFETY: `table` is NULL or a live handle, outputs NULL or writable.
    unsafe {
        let progress = table.as_ref().map(|table| table.table.progress());
        let counts = progress.map_or([0; 3], |now| [now.rows, now.samples_done, now.samples]);
        for (out, number) in [rows, samples_done, samples].into_iter().zip(counts) {
            if let Some(out) = out.as_mut() {
                *out = number;
            }
        }
    }
}

/// Cancels a table: a `get_next` that is blocked ends within 100 ms, and so does every later one. From any thread, any
/// number of times; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_table_cancel(table: *const bge_table_t) {
    // SAFETY: `table` is NULL or a live handle.
    if let Some(table) = unsafe { table.as_ref() } {
        shielded((), || table.table.cancel());
    }
}

/// What went wrong on the way, as JSON: `{"failed": [{"biosample_id", "rows", "error"}], "misfits": n}`. `failed` are
/// the samples that `"on_error": "skip"` left out, each with the rows that had been given before it failed and the text
/// of `bge_error_json`; `misfits` counts values of an unexpected type. The caller frees `*out_json`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_table_report(
    table: *const bge_table_t,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `table` is NULL or a live handle, outputs NULL or writable.
    unsafe { gives_text("table_report", out_json, err, || handle(table, "table")?.table.report()) }
}

/// The rows of one page that the caller has already, as the columns that a table of the same call has: for lists that
/// were fetched as JSON. There is no client and nothing is sent.
///
/// `name` is a list call as in `bge_api_open_table`, `page_json` what it gave: a page of `bge_pages_next` or of the call
/// itself (an object that has the rows as `result`), or the bare list of a call without pages. The schema is that of
/// `bge_table_stream`; `biosample_id` is null where a row does not say it. Without rows the stream has a schema and no
/// batch. Texts are copied: `page_json` may be freed at once. What is no such page, or no JSON, is `BGE_ERR_ARGUMENT`.
///
/// The caller releases `*out` by its own `release`; on failure `out->release` is NULL. In a forked child it works as well.
///
/// Example: `bge_rows("get_samples", page, &stream, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_rows(
    name: *const c_char,
    page_json: *const c_char,
    out: *mut ArrowArrayStream,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: texts are NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        guard("rows", err, || {
            let out = self::out(out, "out")?;
            *out = export(PageRows::read(text(name, "name")?, text(page_json, "page_json")?)?);
            Ok(())
        })
    }
}

/// Frees a table; NULL is ignored. Its stream lives on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_table_free(table: *mut bge_table_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(table) }
}

#[cfg(all(test, not(feature = "arrow")))]
mod tests {
    use super::*;
    use crate::{
        Client,
        ffi::{pointers::Empty, version::BGE_ERR_UNSUPPORTED},
    };

    #[test]
    fn without_the_feature_tables_are_unsupported() {
        let client = Client::new("t", "{}").ok().map(|client| bge_api_t { client });
        assert!(client.is_some());
        let api = client.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let mut stream =
            ArrowArrayStream { private_data: std::ptr::dangling_mut(), ..ArrowArrayStream::EMPTY };
        let mut table = std::ptr::dangling_mut();
        let name = c"get_samples".as_ptr();
        let null = std::ptr::null_mut();
        // SAFETY: live handles and outputs.
        unsafe {
            assert_eq!(bge_api_table(api, name, std::ptr::null(), &mut stream, null), BGE_ERR_UNSUPPORTED);
            assert_eq!(
                bge_api_open_table(api, name, std::ptr::null(), &mut table, null),
                BGE_ERR_UNSUPPORTED
            );
        }
        assert!(stream.private_data.is_null() && table.is_null());
        stream.private_data = std::ptr::dangling_mut();
        // SAFETY: texts and outputs.
        let status = unsafe { bge_rows(name, c"{}".as_ptr(), &mut stream, null) };
        assert!(status == BGE_ERR_UNSUPPORTED && stream.private_data.is_null());
    }
}
