//! An object as a stream of bytes.

use std::ffi::c_char;

use super::{
    boundary::{gives_handle, guard},
    client::bge_api_t,
    error::bge_error_t,
    pointers::{free, handle, object, out, shielded, text},
    version::bge_status_t,
};
use crate::{Error, Reader, Result};

/// An object that is read, in order or anywhere. It keeps its client alive and belongs to the process that opened it.
pub struct bge_reader_t {
    reader: Reader,
}

/// Opens a reader of an object; nothing is sent before the first read.
///
/// Source: POST `/oss/sign_url`, then the presigned URL without the token.
///
/// - `object_name`: the object's name
/// - `args_json`: NULL or an object of `region` (string: domestic or international, domestic on the platform);
///   `expiration_time` (integer: seconds that the URL is good for, 600); `offset` and `length` (integers: bytes, for a
///   part of the object, whose length is verified, but whose checksum no store states); `decrypt` (boolean: decrypt what
///   was encrypted before it was stored, true). Any other member is an error. `deadline` bounds each read.
///
/// The caller frees `*out` with `bge_reader_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_open_reader(
    api: *const bge_api_t,
    object_name: *const c_char,
    args_json: *const c_char,
    out: *mut *mut bge_reader_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("open_reader", out, err, || {
            let api = handle(api, "api")?;
            let object_name = text(object_name, "object_name")?;
            let reader = api.client.open_reader(object_name, object(args_json, "args_json")?)?;
            Ok(bge_reader_t { reader })
        })
    }
}

/// Reads the next bytes, as many as have come and `buf` has room for: `*n` is their count. 0 is the end, and comes, where
/// all was read in order, only when length and checksum are right (of an encrypted object also the hash of the plaintext,
/// where it is known).
///
/// The first read asks for 256 KiB, one after a jump for 192 KiB; reading on asks for up to 8 MiB at a time, with two blocks
/// ahead. What breaks is taken up again where it broke. `BGE_ERR_INTEGRITY` when the bytes are not the object's, or when the
/// object changed in the meantime; `BGE_ERR_ARGUMENT` when `cap` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_reader_read(
    r: *mut bge_reader_t,
    buf: *mut u8,
    cap: usize,
    n: *mut usize,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `r` is NULL or a live handle that nobody else reads from now, `buf` NULL or writable for `cap` bytes,
    // outputs NULL or writable.
    unsafe {
        guard("reader_read", err, || {
            let n = out(n, "n")?;
            let reader = handle(r.cast_const(), "r")?;
            let buf = bytes_mut(buf, cap)?;
            if buf.is_empty() {
                return Err(Error::argument("cap", "must be at least 1"));
            }
            *n = reader.reader.read(buf)?;
            Ok(())
        })
    }
}

/// Gives the number of bytes of the object, or of the part of it that the reader is of; asks the store if it is not known
/// yet.
///
/// `BGE_ERR_PROTOCOL` when the server does not say it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_reader_size(
    r: *mut bge_reader_t,
    size: *mut u64,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `r` is NULL or a live handle that nobody else reads from now, outputs NULL or writable.
    unsafe {
        guard("reader_size", err, || {
            let size = out(size, "size")?;
            *size = handle(r.cast_const(), "r")?.reader.size()?;
            Ok(())
        })
    }
}

/// Goes to a place, in bytes from where the reader begins. Nothing is sent; beyond the end the next read gives 0 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_reader_seek(
    r: *mut bge_reader_t,
    offset: u64,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `r` is NULL or a live handle that nobody else reads from now, outputs NULL or writable.
    unsafe { guard("reader_seek", err, || handle(r.cast_const(), "r")?.reader.seek(offset)) }
}

/// Reads from a place, in bytes from where the reader begins, without moving it: from any number of threads at once, and
/// while another one reads in order. `*n` is less than `cap` only at the end.
///
/// Nothing says here whether the bytes are right but their version: only what is read whole and in order is verified.
/// `BGE_ERR_INTEGRITY` when the object changed in the meantime.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_reader_read_at(
    r: *const bge_reader_t,
    offset: u64,
    buf: *mut u8,
    cap: usize,
    n: *mut usize,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `r` is NULL or a live handle, `buf` NULL or writable for `cap` bytes, outputs NULL or writable.
    unsafe {
        guard("reader_read_at", err, || {
            let n = out(n, "n")?;
            let reader = handle(r, "r")?;
            *n = reader.reader.read_at(offset, bytes_mut(buf, cap)?)?;
            Ok(())
        })
    }
}

/// The caller's buffer.
///
/// # Safety
/// `buf` is NULL or writable for `cap` bytes, which nobody else uses now.
unsafe fn bytes_mut<'a>(buf: *mut u8, cap: usize) -> Result<&'a mut [u8]> {
    if buf.is_null() {
        return Err(Error::argument("buf", "must not be NULL"));
    }
    if isize::try_from(cap).is_err() {
        return Err(Error::argument("cap", "is larger than memory can be"));
    }
    // SAFETY: not NULL, and the caller vouches for the rest.
    Ok(unsafe { std::slice::from_raw_parts_mut(buf, cap) })
}

/// Ends a read that waits, within 100 ms, and all later ones: `BGE_ERR_CANCELLED`. From any thread; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_reader_cancel(r: *const bge_reader_t) {
    // SAFETY: `r` is NULL or a live handle.
    if let Some(reader) = unsafe { r.as_ref() } {
        shielded((), || reader.reader.cancel());
    }
}

/// Frees a reader, closing its connection; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_reader_free(r: *mut bge_reader_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(r) }
}
