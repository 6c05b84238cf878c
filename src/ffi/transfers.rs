//! Files up to the object store and down from it.

use std::{
    ffi::c_char,
    io,
    sync::{Arc, RwLock},
};

use super::{
    boundary::{gives_handle, gives_text},
    client::bge_api_t,
    error::bge_error_t,
    op::bge_op_t,
    pointers::{args, bytes, handle, text},
    row::{Given, call},
    version::bge_status_t,
};
use crate::objects::Content;

/// Uploads bytes in memory as one object.
///
/// Source: POST `/sts/token`, GET `/oauth2/introspect`, then the object store; for authorization-code and
/// client-credentials tokens.
///
/// - `filename`: the object's name below the destination, without `/`
/// - `data`, `len`: the bytes, read until the call returns; NULL is allowed when `len` is 0
/// - `args_json`: NULL or an object of `part_size` (integer: bytes of a part, 50 MiB); `multipart_threshold` (integer:
///   bytes from which parts are used, 100 MiB); `multipart_num_threads` (integer: parts sent at once, 4); `region_id`
///   (string: the store's region); `internal` (boolean: use the store's internal address); `cmk_id` (string: a master key
///   of the key service; the object is encrypted before it is sent, under a data key of its own). Any other member is an
///   error.
/// - `out_json`: `{"object_name", "size", "crc64" (decimal digits), "etag", "parts", "verified"}`; `verified` is false
///   when the store stated no checksum; an encrypted object, whose checksum is that of what is stored, also has
///   `"encrypted": true`. Freed with `bge_string_free`.
///
/// `BGE_ERR_INTEGRITY` when the store has other bytes than were sent; `BGE_ERR_STORAGE` when it refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_upload(
    api: *const bge_api_t,
    filename: *const c_char,
    data: *const u8,
    len: usize,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, `data` readable for `len` bytes until this
    // returns, outputs NULL or writable.
    unsafe {
        gives_text("upload", out_json, err, || {
            let api = handle(api, "api")?;
            let filename = text(filename, "filename")?;
            let loan = Ending(Loan::new(bytes(data, len, "data")?));
            api.client.upload_content(filename, loan.0.clone(), args(args_json)?)
        })
    }
}

/// Uploads a file.
///
/// Source: as `bge_api_upload`. A file of `multipart_threshold` bytes or more goes in parts, in parallel; each part is
/// repeated alone, and the checksum of the whole is compared with the store's.
///
/// - `path`: a regular file; anything else is `BGE_ERR_IO` before anything is sent
/// - `args_json`: NULL or an object of `filename` (string: the object's name, the path's own unless given);
///   `checkpoint_dir` (string: a folder that keeps what a later call needs to resume this upload; what it holds is listed,
///   and discarded on the store too, by `bge_api_call(api, "unfinished_uploads", "{\"checkpoint_dir\": …, \"discard\":
///   true}")`); and those of `bge_api_upload`. Any other member is an error.
/// - `out_json`: as that of `bge_api_upload`. Freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_upload_file(
    api: *const bge_api_t,
    path: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("upload_file", api, &[Given::Text("path", path)], args_json, out_json, err) }
}

/// Uploads the regular files of a folder.
///
/// Source: as `bge_api_upload`, with one token for all files. Links, sockets and what cannot be read are failures of
/// their own; a failure of one does not stop the others.
///
/// - `path`: path of the folder
/// - `args_json`: NULL or an object of `recursive` (boolean: sub-folders too, their names joined to those of the files);
///   `separator` (string: what joins them, `_`); `follow_links` (boolean: symbolic links are taken for what they lead to,
///   in the folder or out of it, and fail unless given); and those of `bge_api_upload_file` but `filename`. Two files of
///   one name are `BGE_ERR_ARGUMENT` before anything is sent. Any other member is an error.
/// - `out_json`: an array of what `bge_api_upload` gives, in the order of the files' names. When a file fails it stays
///   NULL, and `bge_error_json` holds every file's result under `files`: `{"path", "filename", "result"}` or `{"path",
///   "filename", "error"}`. Freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_upload_dir(
    api: *const bge_api_t,
    path: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("upload_dir", api, &[Given::Text("path", path)], args_json, out_json, err) }
}

/// Uploads a list of files.
///
/// Source: as `bge_api_upload`, with one token for all files. A failure of one does not stop the others.
///
/// - `files_json`: `[{"path", "filename"}, …]`; `filename` is the path's own unless given. Two files of one name are
///   `BGE_ERR_ARGUMENT` before anything is sent.
/// - `args_json`: NULL or an object of those of `bge_api_upload_file` but `filename`. Any other member is an error.
/// - `out_json`: as that of `bge_api_upload_dir`, in the order given. Freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_batch_upload(
    api: *const bge_api_t,
    files_json: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("batch_upload", api, &[Given::Json("files", files_json)], args_json, out_json, err) }
}

/// Downloads an object to a file.
///
/// Source: POST `/oss/sign_url`, then the presigned URL without the token; for authorization-code and
/// client-credentials tokens. Large objects come in ranges, in parallel. The bytes go to `<path>.bge-part`, which gets
/// its name when length and checksum are right; what failed half-way is resumed by the next call.
///
/// - `object_name`: the object's name
/// - `path`: path of the file, which is replaced if there is one; or an existing folder, which takes the last component
///   of the object's name
/// - `args_json`: NULL or an object of `region` (string: domestic or international, domestic on the platform);
///   `expiration_time` (integer: seconds that the URL is good for, 600); `multipart_num_threads` (integer: ranges fetched
///   at once, 4); `decrypt` (boolean: decrypt what was encrypted before it was stored, true; needs the right to the key
///   service's `Decrypt`). Any other member is an error.
/// - `out_json`: `{"path", "size", "crc64" (decimal digits), "verified"}`; `verified` is false when the store stated no
///   checksum; an encrypted object also has `"encrypted": true`. Freed with `bge_string_free`.
///
/// `BGE_ERR_IO` when the disk has no room for it, before more than the first answer has come, or the file cannot be written;
/// devices, pipes and sockets are not replaced. A file that is replaced keeps its rights. `BGE_ERR_INTEGRITY` when the bytes are not the
/// object's. Nothing half-written ever stands under the final name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_download(
    api: *const bge_api_t,
    object_name: *const c_char,
    path: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        let given = [Given::Text("object_name", object_name), Given::Text("path", path)];
        call("download", api, &given, args_json, out_json, err)
    }
}

/// Downloads any http or https address to a file, as `bge_api_download` does; the client's token is not sent.
///
/// - `url`: the address
/// - `path`: path of the file, or an existing folder, which takes the last component of the URL's path
/// - `args_json`: NULL or an object of `multipart_num_threads` (integer: ranges fetched at once, 4); `decrypt` (boolean, as
///   for `bge_api_download`). Any other member is an error.
/// - `out_json`: as that of `bge_api_download`. Freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_download_file(
    api: *const bge_api_t,
    url: *const c_char,
    path: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        let given = [Given::Text("url", url), Given::Text("path", path)];
        call("download_file", api, &given, args_json, out_json, err)
    }
}

/// Starts `bge_api_upload` in the background. `data` must live, unchanged, until the operation is done, cancelled or
/// freed; after that it is not touched. The caller frees `*out` with `bge_op_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_start_upload(
    api: *const bge_api_t,
    filename: *const c_char,
    data: *const u8,
    len: usize,
    args_json: *const c_char,
    out: *mut *mut bge_op_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, `data` readable for `len` bytes until the
    // operation is done, outputs NULL or writable.
    unsafe {
        gives_handle("api_start_upload", out, err, || {
            let api = handle(api, "api")?;
            let filename = text(filename, "filename")?;
            let loan = Loan::new(bytes(data, len, "data")?);
            let lent = loan.clone();
            let on_end = move |_| lent.end();
            let operation = api.client.start_upload(filename, loan, args(args_json)?, on_end)?;
            Ok(bge_op_t { operation })
        })
    }
}

/// The caller's bytes, readable until the loan ends.
struct Loan {
    length: u64,
    lent: RwLock<Option<&'static [u8]>>,
}

impl Loan {
    /// # Safety
    /// The bytes stay where they are, unchanged, until `end` returns.
    unsafe fn new(bytes: &[u8]) -> Arc<Self> {
        // SAFETY: the caller vouches that they live until `end`, after which nobody reads them.
        let lent: &'static [u8] = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
        Arc::new(Loan { length: lent.len() as u64, lent: RwLock::new(Some(lent)) })
    }

    /// Waits for whoever is copying a piece just now; from then on nothing is read.
    fn end(&self) {
        *self.lent.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = None;
    }
}

impl Content for Loan {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, piece: &mut [u8], offset: u64) -> io::Result<()> {
        let lent = self.lent.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let lent = lent.ok_or_else(|| io::Error::other("the bytes were taken back"))?;
        let from = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let found = from.checked_add(piece.len()).and_then(|to| lent.get(from..to));
        piece.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Ends a loan, however the call ends.
struct Ending(Arc<Loan>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_back_is_not_read() {
        let bytes = *b"0123456789";
        // SAFETY: `bytes` outlives the loan.
        let loan = unsafe { Loan::new(&bytes) };
        let mut piece = [0; 4];
        assert!(loan.read_at(&mut piece, 6).is_ok());
        assert_eq!(&piece, b"6789");
        assert!(loan.read_at(&mut piece, 7).is_err());
        drop(Ending(loan.clone()));
        assert!(loan.read_at(&mut piece, 0).is_err());
        assert_eq!(loan.length(), 10);
    }
}
