//! Each client's own log.

use std::ffi::{CString, c_char, c_void};

use super::{
    boundary::guard, client::bge_api_t, error::bge_error_t, oauth2::bge_oauth2_t, pointers::handle,
    version::bge_status_t,
};
use crate::{Level, Sink};

/// A function that receives a client's log, one line a call. `level` is 1 for errors, 2 for information and 3 for
/// debugging. It is called on any thread, but never by two at once, and must not call libbge, throw or longjmp. `message`
/// is only valid during the call.
pub type bge_log_fn = Option<unsafe extern "C" fn(userdata: *mut c_void, level: i32, message: *const c_char)>;

struct Callback {
    function: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    userdata: Userdata,
}

/// The caller's pointer, and what ends its life.
struct Userdata {
    pointer: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: the header asks for a function that may be called on any thread, with this pointer.
unsafe impl Send for Userdata {}
// SAFETY: as above; calls come one at a time.
unsafe impl Sync for Userdata {}

impl Drop for Userdata {
    fn drop(&mut self) {
        if let Some(finalizer) = self.finalizer {
            // SAFETY: the caller gave both, to be brought together once.
            unsafe { finalizer(self.pointer) };
        }
    }
}

impl Sink for Callback {
    fn line(&self, level: Level, message: &str) {
        if let Ok(message) = CString::new(message) {
            // SAFETY: the caller's own function, called as the header says.
            unsafe { (self.function)(self.userdata.pointer, level as i32, message.as_ptr()) };
        }
    }
}

/// Sends the client's log to the function `fn`. If `fn` is NULL, the log is dropped from now on.
///
/// The client's option `log` decides how much is logged (`off`, `error`, `info` or `debug`; `info` unless given). Secrets
/// and personal data are masked at every level.
///
/// If `finalizer` is not NULL, it is called with `userdata` exactly once: when the function is replaced, when this client is
/// freed (what was made from it logs nowhere then), or when this call fails. If another thread is delivering a line at that
/// moment, the finalizer is called on that thread, after the line; so it may run on one of the library's own threads, and
/// must not call libbge, throw or longjmp.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_set_log(
    api: *const bge_api_t,
    r#fn: bge_log_fn,
    userdata: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    let sink = sink(r#fn, Userdata { pointer: userdata, finalizer });
    // SAFETY: `api` is NULL or a live handle, `err` NULL or writable.
    unsafe { guard("set_log", err, || handle(api, "api").map(|api| api.client.set_log(sink))) }
}

/// Sends the log of an application's own handle to a function, as `bge_api_set_log` does that of a client: of the
/// exchanges, and of `bge_oauth2_alive`. Clients made from it have logs of their own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_set_log(
    o: *const bge_oauth2_t,
    r#fn: bge_log_fn,
    userdata: *mut c_void,
    finalizer: Option<unsafe extern "C" fn(*mut c_void)>,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    let sink = sink(r#fn, Userdata { pointer: userdata, finalizer });
    // SAFETY: `o` is NULL or a live handle, `err` NULL or writable.
    unsafe { guard("oauth2_set_log", err, || handle(o, "o").map(|o| o.oauth2.set_log(sink))) }
}

fn sink(function: bge_log_fn, userdata: Userdata) -> Option<Box<dyn Sink>> {
    function.map(|function| Box::new(Callback { function, userdata }) as Box<dyn Sink>)
}
