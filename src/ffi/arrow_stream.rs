//! The Arrow C stream interface.

use std::ffi::{c_char, c_int, c_void};

use super::pointers::Empty;

/// The Arrow C stream interface, which the header declares as its specification does.
#[repr(C)]
pub struct ArrowArrayStream {
    /// Gives the schema of the batches.
    pub get_schema: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut c_void) -> c_int>,
    /// Gives the next batch; a released one at the end.
    pub get_next: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut c_void) -> c_int>,
    /// What went wrong in the last of these calls.
    pub get_last_error: Option<unsafe extern "C" fn(*mut ArrowArrayStream) -> *const c_char>,
    /// Gives everything back.
    pub release: Option<unsafe extern "C" fn(*mut ArrowArrayStream)>,
    /// The producer's own.
    pub private_data: *mut c_void,
}

impl Empty for ArrowArrayStream {
    const EMPTY: Self = ArrowArrayStream {
        get_schema: None,
        get_next: None,
        get_last_error: None,
        release: None,
        private_data: std::ptr::null_mut(),
    };
}
