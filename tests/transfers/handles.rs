//! The functions of `bge.h` for transfers, with Rust's types around them.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "each passes live texts, handles and outputs, as a C program would"
)]

use std::ptr;

use bge::ffi::{error::bge_error_t, reader::*, transfers::*, version::*, writer::*};
use serde_json::Value;

use crate::support::c::{Api, Failure, Op, Outcome, failure, give, text};

fn value(out: Outcome<Option<String>>) -> Outcome<Value> {
    out.map(|json| serde_json::from_str(&json.expect("an output")).expect("JSON"))
}

fn status(call: impl FnOnce(*mut *mut bge_error_t) -> i32) -> Outcome<()> {
    let mut err = ptr::dangling_mut();
    match call(&mut err) {
        BGE_OK => Ok(()),
        status => Err(failure(status, err)),
    }
}

fn opened<T>(call: impl FnOnce(*mut *mut T, *mut *mut bge_error_t) -> i32) -> Outcome<*mut T> {
    let (mut out, mut err) = (ptr::dangling_mut(), ptr::dangling_mut());
    match call(&mut out, &mut err) {
        BGE_OK => Ok(out),
        status => {
            assert!(out.is_null(), "a failure with a handle");
            Err(failure(status, err))
        }
    }
}

pub trait Transfers {
    fn upload(&self, filename: &str, data: &[u8], args: Value) -> Outcome<Value>;
    fn upload_file(&self, path: &str, args: Value) -> Outcome<Value>;
    fn upload_dir(&self, path: &str, args: Value) -> Outcome<Value>;
    fn batch_upload(&self, files: Value, args: Value) -> Outcome<Value>;
    fn download(&self, object: &str, path: &str, args: Value) -> Outcome<Value>;
    fn download_file(&self, url: &str, path: &str, args: Value) -> Outcome<Value>;
    fn start_upload(&self, filename: &str, data: &[u8], args: Value) -> Outcome<Op>;
    fn reader(&self, object: &str, args: Value) -> Outcome<Reader>;
    fn writer(&self, filename: &str, args: Value) -> Outcome<Writer>;
}

impl Transfers for Api {
    fn upload(&self, filename: &str, data: &[u8], args: Value) -> Outcome<Value> {
        let (filename, args) = (text(filename), text(&args.to_string()));
        // SAFETY: live texts, bytes and outputs, here and below.
        value(give(|out, err| unsafe {
            bge_api_upload(self.0, filename.as_ptr(), data.as_ptr(), data.len(), args.as_ptr(), out, err)
        }))
    }

    fn upload_file(&self, path: &str, args: Value) -> Outcome<Value> {
        let (path, args) = (text(path), text(&args.to_string()));
        value(give(|out, err| unsafe { bge_api_upload_file(self.0, path.as_ptr(), args.as_ptr(), out, err) }))
    }

    fn upload_dir(&self, path: &str, args: Value) -> Outcome<Value> {
        let (path, args) = (text(path), text(&args.to_string()));
        value(give(|out, err| unsafe { bge_api_upload_dir(self.0, path.as_ptr(), args.as_ptr(), out, err) }))
    }

    fn batch_upload(&self, files: Value, args: Value) -> Outcome<Value> {
        let (files, args) = (text(&files.to_string()), text(&args.to_string()));
        value(give(|out, err| unsafe {
            bge_api_batch_upload(self.0, files.as_ptr(), args.as_ptr(), out, err)
        }))
    }

    fn download(&self, object: &str, path: &str, args: Value) -> Outcome<Value> {
        let (object, path, args) = (text(object), text(path), text(&args.to_string()));
        value(give(|out, err| unsafe {
            bge_api_download(self.0, object.as_ptr(), path.as_ptr(), args.as_ptr(), out, err)
        }))
    }

    fn download_file(&self, url: &str, path: &str, args: Value) -> Outcome<Value> {
        let (url, path, args) = (text(url), text(path), text(&args.to_string()));
        value(give(|out, err| unsafe {
            bge_api_download_file(self.0, url.as_ptr(), path.as_ptr(), args.as_ptr(), out, err)
        }))
    }

    fn start_upload(&self, filename: &str, data: &[u8], args: Value) -> Outcome<Op> {
        let (filename, args) = (text(filename), text(&args.to_string()));
        opened(|out, err| unsafe {
            let (data, len) = (data.as_ptr(), data.len());
            bge_api_start_upload(self.0, filename.as_ptr(), data, len, args.as_ptr(), out, err)
        })
        .map(Op)
    }

    fn reader(&self, object: &str, args: Value) -> Outcome<Reader> {
        let (object, args) = (text(object), text(&args.to_string()));
        opened(|out, err| unsafe { bge_api_open_reader(self.0, object.as_ptr(), args.as_ptr(), out, err) })
            .map(Reader)
    }

    fn writer(&self, filename: &str, args: Value) -> Outcome<Writer> {
        let (filename, args) = (text(filename), text(&args.to_string()));
        opened(|out, err| unsafe { bge_api_open_writer(self.0, filename.as_ptr(), args.as_ptr(), out, err) })
            .map(Writer)
    }
}

pub struct Reader(pub *mut bge_reader_t);

// SAFETY: read by one thread at a time; `cancel` may be called from any.
unsafe impl Send for Reader {}
// SAFETY: as above.
unsafe impl Sync for Reader {}

impl Reader {
    pub fn read(&self, most: usize) -> Outcome<Vec<u8>> {
        let mut buffer = vec![0; most];
        let mut count = usize::MAX;
        status(|err| unsafe { bge_reader_read(self.0, buffer.as_mut_ptr(), most, &mut count, err) })
            .inspect_err(|_| assert_eq!(count, 0))?;
        buffer.truncate(count);
        Ok(buffer)
    }

    pub fn size(&self) -> Outcome<u64> {
        let mut size = u64::MAX;
        status(|err| unsafe { bge_reader_size(self.0, &mut size, err) })
            .inspect_err(|_| assert_eq!(size, 0))?;
        Ok(size)
    }

    pub fn seek(&self, offset: u64) -> Outcome<()> {
        status(|err| unsafe { bge_reader_seek(self.0, offset, err) })
    }

    pub fn read_at(&self, offset: u64, most: usize) -> Outcome<Vec<u8>> {
        let mut buffer = vec![0; most];
        let mut count = usize::MAX;
        status(|err| unsafe {
            bge_reader_read_at(self.0, offset, buffer.as_mut_ptr(), most, &mut count, err)
        })
        .inspect_err(|_| assert_eq!(count, 0))?;
        buffer.truncate(count);
        Ok(buffer)
    }

    /// Everything up to the end, or what came before the failure.
    pub fn rest(&self, most: usize) -> (Vec<u8>, Option<Failure>) {
        let mut all = Vec::new();
        loop {
            match self.read(most) {
                Ok(bytes) if bytes.is_empty() => return (all, None),
                Ok(bytes) => all.extend(bytes),
                Err(failure) => return (all, Some(failure)),
            }
        }
    }

    pub fn cancel(&self) {
        unsafe { bge_reader_cancel(self.0) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        unsafe { bge_reader_free(self.0) }
    }
}

pub struct Writer(pub *mut bge_writer_t);

// SAFETY: used by one thread at a time; `cancel` may be called from any.
unsafe impl Send for Writer {}
// SAFETY: as above.
unsafe impl Sync for Writer {}

impl Writer {
    pub fn write(&self, data: &[u8]) -> Outcome<()> {
        status(|err| unsafe { bge_writer_write(self.0, data.as_ptr(), data.len(), err) })
    }

    pub fn finish(&self) -> Outcome<Value> {
        value(give(|out, err| unsafe { bge_writer_finish(self.0, out, err) }))
    }

    pub fn abort(&self) -> Outcome<()> {
        status(|err| unsafe { bge_writer_abort(self.0, err) })
    }

    pub fn cancel(&self) {
        unsafe { bge_writer_cancel(self.0) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        unsafe { bge_writer_free(self.0) }
    }
}
