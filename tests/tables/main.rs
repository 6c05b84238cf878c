//! Tables over the C ABI against the sandbox: every row of the JSON route, cohorts in order, what goes wrong.

#![allow(unsafe_code)]
#![allow(missing_docs, clippy::should_implement_trait, reason = "nobody but these tests uses it")]
#![allow(clippy::print_stdout, reason = "the process that is to be killed says when it has begun")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "what the C ABI asks for is said once, at its handles")]
#![allow(clippy::result_large_err, reason = "a failure of a test may be as large as it likes")]

#[path = "../support/mod.rs"]
mod support;

mod checkpoints;
mod cohorts;
mod rows;
mod stopping;
mod walks;

use std::ptr;

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi},
    types::{Float64Type, Int64Type},
};
use bge::ffi::{
    arrow_stream::ArrowArrayStream,
    table::*,
    version::{BGE_OK, bge_status_t},
};
use serde_json::{Value, json};
use support::c::{Api, Failure, Outcome, failure, give, text};

/// A `bge_table_t`.
pub struct Table(*mut bge_table_t);

// SAFETY: what `bge_table_cancel` and `_progress` promise.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    pub fn open(api: &Api, name: &str, args: &Value) -> Outcome<Self> {
        let (name, args) = (text(name), text(&args.to_string()));
        let (mut out, mut err) = (ptr::dangling_mut(), ptr::dangling_mut());
        // SAFETY: live handles, texts and outputs, here and below.
        let status = unsafe { bge_api_open_table(api.0, name.as_ptr(), args.as_ptr(), &mut out, &mut err) };
        if status == BGE_OK { Ok(Table(out)) } else { Err(failure(status, err)) }
    }

    pub fn stream(&self) -> Outcome<Stream> {
        stream(|out, err| unsafe { bge_table_stream(self.0, out, err) })
    }

    /// Rows, samples done, samples.
    pub fn progress(&self) -> (u64, u64, u64) {
        let mut told = (9, 9, 9);
        unsafe { bge_table_progress(self.0, &mut told.0, &mut told.1, &mut told.2) };
        told
    }

    pub fn cancel(&self) {
        unsafe { bge_table_cancel(self.0) };
    }

    pub fn report(&self) -> Value {
        let report = give(|out, err| unsafe { bge_table_report(self.0, out, err) }).expect("a report");
        serde_json::from_str(&report.expect("a report")).expect("JSON")
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        unsafe { bge_table_free(self.0) };
    }
}

/// An `ArrowArrayStream`, read through the `arrow` crate's import of arrays and schemas.
pub struct Stream(ArrowArrayStream);

// SAFETY: used by one thread at a time.
unsafe impl Send for Stream {}

fn stream(
    call: impl FnOnce(*mut ArrowArrayStream, *mut *mut bge::ffi::error::bge_error_t) -> bge_status_t,
) -> Outcome<Stream> {
    let mut out = ArrowArrayStream {
        get_schema: None,
        get_next: None,
        get_last_error: None,
        release: None,
        private_data: ptr::dangling_mut(),
    };
    let mut err = ptr::dangling_mut();
    match call(&mut out, &mut err) {
        BGE_OK => Ok(Stream(out)),
        status => {
            assert!(out.release.is_none() && out.private_data.is_null(), "a failure with a stream");
            Err(failure(status, err))
        }
    }
}

/// What a failed `get_next` leaves: the error number, and what `get_last_error` says.
#[derive(Debug)]
pub struct Broken {
    pub errno: i32,
    pub json: Value,
}

impl Stream {
    pub fn table(api: &Api, name: &str, args: &Value) -> Outcome<Self> {
        let (name, args) = (text(name), text(&args.to_string()));
        stream(|out, err| unsafe { bge_api_table(api.0, name.as_ptr(), args.as_ptr(), out, err) })
    }

    /// The rows of one page that was fetched as JSON.
    pub fn of_page(name: &str, page: &str) -> Outcome<Self> {
        let (name, page) = (text(name), text(page));
        stream(|out, err| unsafe { bge_rows(name.as_ptr(), page.as_ptr(), out, err) })
    }

    pub fn schema(&mut self) -> FFI_ArrowSchema {
        let mut schema = FFI_ArrowSchema::empty();
        let get = self.0.get_schema.expect("get_schema");
        assert_eq!(unsafe { get(&mut self.0, (&raw mut schema).cast()) }, 0);
        schema
    }

    pub fn try_next(&mut self) -> Result<Option<RecordBatch>, Broken> {
        let mut array = FFI_ArrowArray::empty();
        let get = self.0.get_next.expect("get_next");
        let errno = unsafe { get(&mut self.0, (&raw mut array).cast()) };
        if errno != 0 {
            let told = unsafe { self.0.get_last_error.expect("get_last_error")(&mut self.0) };
            assert!(!told.is_null(), "an error without a text");
            let told = unsafe { std::ffi::CStr::from_ptr(told) }.to_str().expect("UTF-8");
            return Err(Broken { errno, json: serde_json::from_str(told).expect("JSON") });
        }
        if array.is_released() {
            return Ok(None);
        }
        let data = unsafe { from_ffi(array, &self.schema()) }.expect("an array of the schema");
        Ok(Some(RecordBatch::from(arrow_array::StructArray::from(data))))
    }

    pub fn next(&mut self) -> Option<RecordBatch> {
        self.try_next().unwrap_or_else(|broken| panic!("{broken:?}"))
    }

    /// All rows that are left, as JSON objects of their columns.
    pub fn rows(&mut self) -> Vec<Value> {
        let mut rows = Vec::new();
        while let Some(batch) = self.next() {
            rows.extend(values(&batch));
        }
        assert!(self.next().is_none(), "the end stays the end");
        rows
    }

    pub fn release(&mut self) {
        if let Some(release) = self.0.release {
            unsafe { release(&mut self.0) };
            assert!(self.0.release.is_none());
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.release();
    }
}

/// A batch's rows as JSON objects, nulls included.
pub fn values(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    (0..batch.num_rows())
        .map(|row| {
            let members = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
                (field.name().clone(), if column.is_null(row) { Value::Null } else { value(column, row) })
            });
            Value::Object(members.collect())
        })
        .collect()
}

fn value(column: &dyn Array, row: usize) -> Value {
    use arrow_schema::DataType;
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        other => panic!("{other}"),
    }
}

/// The sample of each row, one for each run of rows.
pub fn samples_of(rows: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> =
        rows.iter().map(|row| row["biosample_id"].as_str().expect("a biosample_id").to_owned()).collect();
    ids.dedup();
    ids
}

/// The sandbox's metagenomes, in the order of `get_samples`.
pub fn metagenomes(api: &Api, count: usize) -> Vec<String> {
    let page = api.value("get_samples", json!({"omics": 2, "limit": count})).expect("samples");
    let rows = page["result"].as_array().expect("rows");
    assert!(rows.len() >= count, "the sandbox has {} metagenomes", rows.len());
    rows.iter().map(|row| row["biosample_id"].as_str().expect("an id").to_owned()).take(count).collect()
}

/// How often the sandbox was asked for this path.
pub fn asked(sandbox: &support::Sandbox, path: &str) -> usize {
    sandbox.log().iter().filter(|entry| entry["path"] == path).count()
}

pub const TAXA: &str = "/microbiome/taxon_abundance";

pub fn refused(outcome: Outcome<impl Sized>) -> Failure {
    match outcome {
        Ok(_) => panic!("it was not refused"),
        Err(failure) => failure,
    }
}
