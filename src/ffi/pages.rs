//! Walking a list page by page.

use std::{ffi::c_char, time::Duration};

use super::{
    boundary::{gives_handle, guard},
    client::bge_api_t,
    error::bge_error_t,
    op::bge_op_t,
    pointers::{free, give, handle, object, out, shielded, text},
    version::bge_status_t,
};
use crate::Pages;

/// A walk through the pages of a list. It keeps its client alive and belongs to the process that opened it.
pub struct bge_pages_t {
    pages: Pages,
}

/// Opens a walk through the pages of a paginated call; nothing is sent yet. Without a `limit` in `args_json` it asks for
/// pages of 1,000 rows, and for the documented number where the platform refuses that; a list of ids that is too long
/// for one request is walked in pieces. `next_page` in `args_json` takes an earlier walk up again (with the same `limit`;
/// a page of a single call belongs to that call's); `"$": {"strict_count": true}` makes a walk fail at its end when its rows are not as many as the
/// `count` of its first page. The caller frees `*out` with `bge_pages_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_pages(
    api: *const bge_api_t,
    name: *const c_char,
    args_json: *const c_char,
    out: *mut *mut bge_pages_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("api_pages", out, err, || {
            let api = handle(api, "api")?;
            let pages = api.client.pages(text(name, "name")?, object(args_json, "args_json")?)?;
            Ok(bge_pages_t { pages })
        })
    }
}

/// The next page as JSON, with its own `next_page`; `*out_json` is NULL when there is none left. One page is fetched
/// ahead. After a failure the same page is asked for again: nothing is skipped or doubled. A token that leads back is
/// `BGE_ERR_PROTOCOL`. The caller frees `*out_json` with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_pages_next(
    pages: *mut bge_pages_t,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `pages` is NULL or a live handle that nobody else uses now, outputs NULL or writable.
    unsafe {
        guard("pages_next", err, || {
            let out_json = out(out_json, "out_json")?;
            match handle(pages.cast_const(), "pages")?.pages.next_page()? {
                Some(page) => give(out_json, page),
                None => Ok(()),
            }
        })
    }
}

/// The next page in the background; its result is JSON `null` when there is none left. Until it is done, `bge_pages_next`
/// and `bge_pages_start` on the same pages are `BGE_ERR_ARGUMENT`; after a failed or cancelled one the same page is
/// fetched again. The caller frees `*out` with `bge_op_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_pages_start(
    pages: *mut bge_pages_t,
    out: *mut *mut bge_op_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `pages` is NULL or a live handle that nobody else uses now, outputs NULL or writable.
    unsafe {
        gives_handle("pages_start", out, err, || {
            let operation = handle(pages.cast_const(), "pages")?.pages.start(None)?;
            Ok(bge_op_t { operation })
        })
    }
}

/// The same as `bge_pages_start`, for at most `timeout_ms` milliseconds, whatever the walk's own deadline says; below 0
/// without a limit. It ends with `BGE_ERR_TIMEOUT` then, or at once with the server's refusal that asks to wait for longer.
/// The same page is fetched again next time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_pages_start_within(
    pages: *mut bge_pages_t,
    timeout_ms: i64,
    out: *mut *mut bge_op_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `pages` is NULL or a live handle that nobody else uses now, outputs NULL or writable.
    unsafe {
        gives_handle("pages_start_within", out, err, || {
            let limit = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
            let operation = handle(pages.cast_const(), "pages")?.pages.start(limit)?;
            Ok(bge_op_t { operation })
        })
    }
}

/// Cancels a walk: a `bge_pages_next` that is blocked and an operation of `bge_pages_start` end within 100 ms with
/// `BGE_ERR_CANCELLED`, and so does every later one; nothing is fetched any more. From any thread, any number of times,
/// beside any other call on the same pages but their free; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_pages_cancel(pages: *const bge_pages_t) {
    // SAFETY: `pages` is NULL or a live handle.
    if let Some(pages) = unsafe { pages.as_ref() } {
        shielded((), || pages.pages.cancel());
    }
}

/// Ends a walk; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_pages_free(pages: *mut bge_pages_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(pages) }
}
