//! The C ABI, called as a C program would, with Rust's types around it.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "each passes live texts, handles and outputs, as a C program would"
)]

use std::{
    ffi::{CStr, CString, c_char},
    ptr,
};

use bge::ffi::{client::*, error::*, oauth2::*, op::*, pages::*, text::*, version::*};
use serde_json::Value;

/// Everything that a `bge_error_t` tells.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: i32,
    pub code: i64,
    pub http_status: i32,
    pub message: String,
    pub request_id: Option<String>,
    pub retryable: bool,
    /// Seconds; negative: none.
    pub retry_after: f64,
    pub call: Option<String>,
    pub hint: Option<String>,
    pub json: Value,
}

pub type Outcome<T> = Result<T, Failure>;

pub fn text(text: &str) -> CString {
    CString::new(text).expect("no NUL")
}

fn borrowed(text: *const c_char) -> Option<String> {
    // SAFETY: NULL, or NUL-terminated and alive.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned())
}

/// Takes an error, and frees it.
pub fn failure(status: i32, err: *mut bge_error_t) -> Failure {
    assert!(!err.is_null(), "status {status} came without an error");
    // SAFETY: a live error, freed once.
    unsafe {
        let failure = Failure {
            status: bge_error_status(err),
            code: bge_error_code(err),
            http_status: bge_error_http_status(err),
            message: borrowed(bge_error_message(err)).expect("a message"),
            request_id: borrowed(bge_error_request_id(err)),
            retryable: bge_error_retryable(err),
            retry_after: bge_error_retry_after(err),
            call: borrowed(bge_error_call(err)),
            hint: borrowed(bge_error_hint(err)),
            json: serde_json::from_str(&borrowed(bge_error_json(err)).expect("JSON")).expect("JSON"),
        };
        bge_error_free(err);
        assert_eq!(failure.status, status);
        assert_eq!(failure.json["status"], status);
        failure
    }
}

/// Takes a string, and frees it.
pub fn taken(out: *mut c_char) -> Option<String> {
    let text = borrowed(out);
    // SAFETY: NULL, or the library's, freed once.
    unsafe { bge_string_free(out) };
    text
}

/// Calls a function with its last two outputs.
pub fn give(call: impl FnOnce(*mut *mut c_char, *mut *mut bge_error_t) -> i32) -> Outcome<Option<String>> {
    // Poisoned: the library must overwrite both before anything else.
    let mut out: *mut c_char = ptr::dangling_mut();
    let mut err: *mut bge_error_t = ptr::dangling_mut();
    match call(&mut out, &mut err) {
        BGE_OK => {
            assert!(err.is_null(), "BGE_OK with an error");
            Ok(taken(out))
        }
        status => {
            assert!(out.is_null(), "a failure with an output");
            Err(failure(status, err))
        }
    }
}

fn json(call: impl FnOnce(*mut *mut c_char, *mut *mut bge_error_t) -> i32) -> Outcome<String> {
    give(call).map(|out| out.expect("BGE_OK with an output"))
}

fn new<T>(call: impl FnOnce(*mut *mut T, *mut *mut bge_error_t) -> i32) -> Outcome<*mut T> {
    let mut out: *mut T = ptr::dangling_mut();
    let mut err = ptr::dangling_mut();
    match call(&mut out, &mut err) {
        BGE_OK => Ok(out),
        status => {
            assert!(out.is_null(), "a failure with a handle");
            Err(failure(status, err))
        }
    }
}

pub struct Api(pub *mut bge_api_t);

// SAFETY: what `const` handles promise.
unsafe impl Send for Api {}
// SAFETY: as above.
unsafe impl Sync for Api {}

impl Api {
    pub fn new(token: &str, options: &str) -> Outcome<Self> {
        let (token, options) = (text(token), text(options));
        // SAFETY: live texts and outputs, here and below.
        new(|out, err| unsafe { bge_api_new(token.as_ptr(), options.as_ptr(), out, err) }).map(Api)
    }

    pub fn call(&self, name: &str, args: Value) -> Outcome<String> {
        self.call_text(name, &args.to_string())
    }

    pub fn call_text(&self, name: &str, args: &str) -> Outcome<String> {
        let (name, args) = (text(name), text(args));
        json(|out, err| unsafe { bge_api_call(self.0, name.as_ptr(), args.as_ptr(), out, err) })
    }

    pub fn value(&self, name: &str, args: Value) -> Outcome<Value> {
        self.call(name, args).map(|json| serde_json::from_str(&json).expect("JSON"))
    }

    pub fn request(&self, method: &str, path: &str, args: Value) -> Outcome<String> {
        let (method, path, args) = (text(method), text(path), text(&args.to_string()));
        json(|out, err| unsafe {
            bge_api_request(self.0, method.as_ptr(), path.as_ptr(), args.as_ptr(), out, err)
        })
    }

    pub fn token(&self) -> Outcome<Value> {
        let token = json(|out, err| unsafe { bge_api_get_token(self.0, out, err) });
        token.map(|json| serde_json::from_str(&json).expect("JSON"))
    }

    pub fn set_token(&self, token: Option<&str>) -> Outcome<()> {
        let token = token.map(text);
        let pointer = token.as_ref().map_or(ptr::null(), |token| token.as_ptr());
        let mut err = ptr::dangling_mut();
        match unsafe { bge_api_set_token(self.0, pointer, &mut err) } {
            BGE_OK => Ok(()),
            status => Err(failure(status, err)),
        }
    }

    pub fn start(&self, name: &str, args: Value) -> Outcome<Op> {
        let (name, args) = (text(name), text(&args.to_string()));
        new(|out, err| unsafe { bge_api_start(self.0, name.as_ptr(), args.as_ptr(), out, err) }).map(Op)
    }

    pub fn prepare(&self, name: &str, args: Value) -> Outcome<Op> {
        let (name, args) = (text(name), text(&args.to_string()));
        new(|out, err| unsafe { bge_api_prepare(self.0, name.as_ptr(), args.as_ptr(), out, err) }).map(Op)
    }

    pub fn pages(&self, name: &str, args: Value) -> Outcome<Pages> {
        let (name, args) = (text(name), text(&args.to_string()));
        new(|out, err| unsafe { bge_api_pages(self.0, name.as_ptr(), args.as_ptr(), out, err) }).map(Pages)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // SAFETY: the handle's last use, here and below.
        unsafe { bge_api_free(self.0) }
    }
}

pub struct OAuth2(pub *mut bge_oauth2_t);

// SAFETY: what `const` handles promise.
unsafe impl Send for OAuth2 {}
// SAFETY: as above.
unsafe impl Sync for OAuth2 {}

impl OAuth2 {
    pub fn new(id: &str, secret: &str, options: &str) -> Outcome<Self> {
        let (id, secret, options) = (text(id), text(secret), text(options));
        new(|out, err| unsafe { bge_oauth2_new(id.as_ptr(), secret.as_ptr(), options.as_ptr(), out, err) })
            .map(OAuth2)
    }

    pub fn authorization_url(
        &self,
        redirect: &str,
        state: Option<&str>,
        scopes: Option<&str>,
    ) -> Outcome<String> {
        let redirect = text(redirect);
        let (state, scopes) = (state.map(text), scopes.map(text));
        let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        json(|out, err| unsafe {
            let (state, scopes) = (pointer(&state), pointer(&scopes));
            bge_oauth2_get_authorization_url(self.0, redirect.as_ptr(), state, scopes, out, err)
        })
    }

    pub fn exchange_code(&self, code: &str, redirect: &str) -> Outcome<Value> {
        let (code, redirect) = (text(code), text(redirect));
        let token = json(|out, err| unsafe {
            bge_oauth2_exchange_authorization_code(self.0, code.as_ptr(), redirect.as_ptr(), out, err)
        });
        token.map(|json| serde_json::from_str(&json).expect("JSON"))
    }

    pub fn exchange_refresh(&self, token: &str) -> Outcome<Value> {
        let token = text(token);
        let token =
            json(|out, err| unsafe { bge_oauth2_exchange_refresh_token(self.0, token.as_ptr(), out, err) });
        token.map(|json| serde_json::from_str(&json).expect("JSON"))
    }

    pub fn credentials_token(&self) -> Outcome<Value> {
        let token = json(|out, err| unsafe { bge_oauth2_get_credentials_token(self.0, out, err) });
        token.map(|json| serde_json::from_str(&json).expect("JSON"))
    }

    pub fn api(&self, token: Option<&str>) -> Outcome<Api> {
        let token = token.map(text);
        let pointer = token.as_ref().map_or(ptr::null(), |token| token.as_ptr());
        new(|out, err| unsafe { bge_oauth2_get_api(self.0, pointer, out, err) }).map(Api)
    }

    pub fn start(&self, name: &str, args: Value) -> Outcome<Op> {
        let (name, args) = (text(name), text(&args.to_string()));
        new(|out, err| unsafe { bge_oauth2_start(self.0, name.as_ptr(), args.as_ptr(), out, err) }).map(Op)
    }
}

impl Drop for OAuth2 {
    fn drop(&mut self) {
        unsafe { bge_oauth2_free(self.0) }
    }
}

pub struct Op(pub *mut bge_op_t);

// SAFETY: used by one thread at a time but for `cancel` and `progress`.
unsafe impl Send for Op {}
// SAFETY: as above.
unsafe impl Sync for Op {}

impl Op {
    pub fn wait(&self, ms: i64) -> bool {
        let (mut done, mut err) = (false, ptr::dangling_mut());
        let status = unsafe { bge_op_wait(self.0, ms, &mut done, &mut err) };
        assert_eq!(status, BGE_OK);
        done
    }

    pub fn result(&self) -> Outcome<String> {
        json(|out, err| unsafe { bge_op_result(self.0, out, err) })
    }

    pub fn run(&self) -> Outcome<String> {
        json(|out, err| unsafe { bge_op_run(self.0, out, err) })
    }

    pub fn finish(self) -> Outcome<String> {
        assert!(self.wait(60_000), "the operation hangs");
        self.result()
    }

    pub fn cancel(&self) {
        unsafe { bge_op_cancel(self.0) }
    }

    pub fn progress(&self) -> (u64, u64) {
        let (mut done, mut total) = (0, 0);
        unsafe { bge_op_progress(self.0, &mut done, &mut total) };
        (done, total)
    }

    pub fn fd(&self) -> i32 {
        unsafe { bge_op_fd(self.0) }
    }
}

impl Drop for Op {
    fn drop(&mut self) {
        unsafe { bge_op_free(self.0) }
    }
}

pub struct Pages(pub *mut bge_pages_t);

impl Pages {
    pub fn next(&self) -> Outcome<Option<Value>> {
        let page = give(|out, err| unsafe { bge_pages_next(self.0, out, err) })?;
        Ok(page.map(|json| serde_json::from_str(&json).expect("JSON")))
    }

    pub fn start(&self) -> Outcome<Op> {
        new(|out, err| unsafe { bge_pages_start(self.0, out, err) }).map(Op)
    }

    pub fn start_within(&self, ms: i64) -> Outcome<Op> {
        new(|out, err| unsafe { bge_pages_start_within(self.0, ms, out, err) }).map(Op)
    }

    pub fn cancel(&self) {
        unsafe { bge_pages_cancel(self.0) }
    }
}

// SAFETY: a cancel may run beside any other call but the free.
unsafe impl Sync for Pages {}

impl Drop for Pages {
    fn drop(&mut self) {
        unsafe { bge_pages_free(self.0) }
    }
}
