//! The body of every function that stands for one row of the endpoint table.

use std::ffi::c_char;

use serde_json::Value;

use super::{
    boundary::gives_text,
    client::bge_api_t,
    error::bge_error_t,
    pointers::{args, handle, text},
    version::bge_status_t,
};
use crate::{
    Args,
    endpoint::{self, Endpoint},
    error::{Error, Result, Status},
};

/// A parameter of a function for one endpoint.
pub(super) enum Given {
    /// A string.
    Text(&'static str, *const c_char),
    /// A whole number.
    Integer(&'static str, i64),
    /// A structure, as JSON text.
    Json(&'static str, *const c_char),
}

/// The body of every function that stands for one row of the endpoint table.
///
/// # Safety
/// The pointers are what the header asks for.
pub(super) unsafe fn call(
    name: &'static str,
    api: *const bge_api_t,
    given: &[Given],
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        gives_text(name, out_json, err, || {
            let api = handle(api, "api")?;
            let args = with_given(given, args(args_json)?)?;
            api.client.call_endpoint(row(name)?, args)
        })
    }
}

/// The row that a function stands for.
pub(super) fn row(name: &str) -> Result<&'static Endpoint> {
    endpoint::find(name).ok_or_else(|| Error::new(Status::Internal, "the call is not in the table"))
}

/// # Safety
/// The texts are NULL or NUL-terminated.
pub(super) unsafe fn with_given(given: &[Given], mut args: Args) -> Result<Args> {
    for parameter in given {
        args = match *parameter {
            // SAFETY: the caller vouches for the text.
            Given::Text(name, value) => args.with(name, unsafe { text(value, name) }?)?,
            Given::Integer(name, value) => args.with(name, Value::from(value))?,
            // SAFETY: as above.
            Given::Json(name, value) => args.with_json(name, unsafe { text(value, name) }?)?,
        };
    }
    Ok(args)
}
