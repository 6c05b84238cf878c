//! An object written as a stream of bytes.

use std::ffi::c_char;

use super::{
    boundary::{gives_handle, gives_text, guard},
    client::bge_api_t,
    error::bge_error_t,
    pointers::{bytes, free, handle, object, shielded, text},
    version::bge_status_t,
};
use crate::Writer;

/// An object that is being written. It keeps its client alive and belongs to the process that opened it.
pub struct bge_writer_t {
    writer: Writer,
}

/// Opens a writer of an object; nothing is sent before the first write.
///
/// Source: as `bge_api_upload`.
///
/// - `filename`: the object's name below the destination, without `/`
/// - `args_json`: NULL or an object of `part_size` (integer: bytes of a part, 8 MiB, of which at most two are in memory;
///   it doubles after every 1,000 parts); `region_id` (string: the store's region); `internal` (boolean: use the store's
///   internal address); `cmk_id` (string: a master key of the key service; the object is encrypted before it is sent).
///   Any other member is an error. `deadline` bounds each call.
///
/// The caller frees `*out` with `bge_writer_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_open_writer(
    api: *const bge_api_t,
    filename: *const c_char,
    args_json: *const c_char,
    out: *mut *mut bge_writer_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("open_writer", out, err, || {
            let api = handle(api, "api")?;
            let filename = text(filename, "filename")?;
            let writer = api.client.open_writer(filename, object(args_json, "args_json")?)?;
            Ok(bge_writer_t { writer })
        })
    }
}

/// Adds bytes to the object. A part is sent when it is full; an error may be that of an earlier part, and then every
/// later call gives it, but `bge_writer_abort`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_writer_write(
    w: *mut bge_writer_t,
    data: *const u8,
    len: usize,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `w` is NULL or a live handle that nobody else uses now, `data` readable for `len` bytes.
    unsafe {
        guard("writer_write", err, || {
            let writer = handle(w.cast_const(), "w")?;
            writer.writer.write(bytes(data, len, "data")?)
        })
    }
}

/// Sends the rest and puts the object in its place. After it, as after an abort, every call is `BGE_ERR_CLOSED`.
///
/// - `out_json`: as that of `bge_api_upload`. Freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_writer_finish(
    w: *mut bge_writer_t,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `w` is NULL or a live handle that nobody else uses now, outputs NULL or writable.
    unsafe { gives_text("writer_finish", out_json, err, || handle(w.cast_const(), "w")?.writer.finish()) }
}

/// Discards what was written, on the store too, and says whether that worked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_writer_abort(w: *mut bge_writer_t, err: *mut *mut bge_error_t) -> bge_status_t {
    // SAFETY: `w` is NULL or a live handle that nobody else uses now.
    unsafe { guard("writer_abort", err, || handle(w.cast_const(), "w")?.writer.abort()) }
}

/// Ends a call that waits, within 100 ms, and all later ones but `bge_writer_abort`: `BGE_ERR_CANCELLED`. From any
/// thread; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_writer_cancel(w: *const bge_writer_t) {
    // SAFETY: `w` is NULL or a live handle.
    if let Some(writer) = unsafe { w.as_ref() } {
        shielded((), || writer.writer.cancel());
    }
}

/// Frees a writer; NULL is ignored. Of one that is not finished nothing appears under the name; the parts that were sent
/// are discarded on the store in the background, best effort.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_writer_free(w: *mut bge_writer_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(w) }
}
