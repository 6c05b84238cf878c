//! Rows as an Arrow C stream: the callbacks behind its five members.

use std::{
    ffi::{CString, c_char, c_int, c_void},
    ptr,
};

use arrow_array::{
    Array, RecordBatch, StructArray,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
};
use arrow_schema::SchemaRef;

use super::{
    arrow_stream::ArrowArrayStream,
    pointers::{Empty, shielded},
};
use crate::{
    error::{Error, Result, Status},
    table::{Batches, PageRows},
};

/// What batches come from.
pub(super) trait Rows {
    fn schema(&self) -> SchemaRef;

    /// The next batch; `None` at the end.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>>;

    /// Whether this is a forked child, and the rows belong to its parent.
    fn is_foreign(&self) -> bool;
}

impl Rows for Batches {
    fn schema(&self) -> SchemaRef {
        Batches::schema(self)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        Batches::next_batch(self)
    }

    fn is_foreign(&self) -> bool {
        Batches::is_foreign(self)
    }
}

/// Rows in memory are everybody's.
impl Rows for PageRows {
    fn schema(&self) -> SchemaRef {
        PageRows::schema(self)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        Ok(PageRows::next_batch(self))
    }

    fn is_foreign(&self) -> bool {
        false
    }
}

/// What stands behind `private_data`.
struct Producer {
    rows: Box<dyn Rows>,
    last_error: Option<CString>,
}

pub(super) fn export(rows: impl Rows + 'static) -> ArrowArrayStream {
    let producer = Box::new(Producer { rows: Box::new(rows), last_error: None });
    ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release),
        private_data: Box::into_raw(producer).cast(),
    }
}

impl Producer {
    fn schema(&mut self) -> Result<FFI_ArrowSchema> {
        if self.rows.is_foreign() {
            return Err(foreign());
        }
        FFI_ArrowSchema::try_from(self.rows.schema().as_ref()).map_err(unexported)
    }

    /// A released array at the end.
    fn next(&mut self) -> Result<FFI_ArrowArray> {
        let batch = self.rows.next_batch()?;
        Ok(batch.map_or_else(FFI_ArrowArray::empty, |batch| {
            FFI_ArrowArray::new(&StructArray::from(batch).to_data())
        }))
    }

    /// Keeps the error for `get_last_error`; its number for the caller.
    fn refuse(&mut self, error: &Error) -> c_int {
        self.last_error = CString::new(error.to_json().replace('\0', " ")).ok();
        match error.status() {
            _ if self.rows.is_foreign() => libc::EINVAL,
            Status::Cancelled => libc::ECANCELED,
            _ => libc::EIO,
        }
    }
}

fn foreign() -> Error {
    Error::closed("the stream belongs to the process that opened it")
}

fn unexported(cause: impl std::fmt::Display) -> Error {
    Error::new(Status::Internal, "the schema could not be exported").with_cause(cause)
}

/// Runs a callback, and writes what it makes to `out`.
///
/// # Safety
/// `stream` is NULL or a stream of `export`, `out` NULL or writable.
unsafe fn produce<T>(
    stream: *mut ArrowArrayStream,
    out: *mut c_void,
    make: impl FnOnce(&mut Producer) -> Result<T>,
) -> c_int {
    // SAFETY: the caller vouches for both; `private_data` is NULL or what `export` put there.
    unsafe {
        let producer = stream.as_ref().and_then(|stream| stream.private_data.cast::<Producer>().as_mut());
        let (Some(producer), false) = (producer, out.is_null()) else { return libc::EINVAL };
        producer.last_error = None;
        let bug = || Err(Error::new(Status::Internal, "a bug in the library"));
        match shielded(bug(), || make(producer)) {
            Ok(made) => {
                out.cast::<T>().write(made);
                0
            }
            Err(error) => shielded(libc::EIO, || producer.refuse(&error)),
        }
    }
}

unsafe extern "C" fn get_schema(stream: *mut ArrowArrayStream, out: *mut c_void) -> c_int {
    // SAFETY: as the specification says of both.
    unsafe { produce(stream, out, Producer::schema) }
}

unsafe extern "C" fn get_next(stream: *mut ArrowArrayStream, out: *mut c_void) -> c_int {
    // SAFETY: as the specification says of both.
    unsafe { produce(stream, out, Producer::next) }
}

unsafe extern "C" fn get_last_error(stream: *mut ArrowArrayStream) -> *const c_char {
    // SAFETY: a stream of `export`, as the specification says.
    let producer =
        unsafe { stream.as_ref().and_then(|stream| stream.private_data.cast::<Producer>().as_ref()) };
    producer.and_then(|producer| producer.last_error.as_ref()).map_or(ptr::null(), |text| text.as_ptr())
}

unsafe extern "C" fn release(stream: *mut ArrowArrayStream) {
    // SAFETY: a stream of `export`, as the specification says; its members are ours, and emptied.
    unsafe {
        if let Some(stream) = stream.as_mut() {
            let producer = stream.private_data.cast::<Producer>();
            *stream = ArrowArrayStream::EMPTY;
            if !producer.is_null() {
                shielded((), || drop(Box::from_raw(producer)));
            }
        }
    }
}
