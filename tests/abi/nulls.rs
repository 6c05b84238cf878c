//! NULL and bad UTF-8 in every parameter of every function, read off the header: no crash, and the message names it.

use std::{
    ffi::{CString, c_char, c_int, c_void},
    mem, ptr,
};

use serde_json::json;

use super::header::functions;
use crate::support::{
    Sandbox,
    c::{failure, text},
};

/// What a parameter of this declaration takes.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// `const char *`
    Text,
    /// `const bge_…_t *` and `bge_…_t *`
    Handle,
    /// `char **`, `bge_…_t **`, `bool *`, `size_t *`
    Out,
    /// `bge_error_t **`
    Error,
    Integer,
    Bytes,
    /// Callbacks and their data.
    Other,
}

struct Parameter {
    name: String,
    kind: Kind,
}

fn parameters(declaration: &str) -> Vec<Parameter> {
    let inner = declaration.split_once('(').expect("parameters").1.trim_end_matches(')');
    if inner.trim() == "void" {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut depth = 0;
    let mut part = String::new();
    for c in inner.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            parts.push(mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    parts
        .iter()
        // A double travels in a register of its own, beside the words.
        .filter(|part| !part.trim().starts_with("double "))
        .map(|part| {
            let part = part.trim();
            // C++ has words that C has not: there the header adds a "_".
            let name = part.rsplit([' ', '*']).next().expect("a name").trim_end_matches('_').to_owned();
            let stars = part.matches('*').count();
            let kind = match () {
                () if part.contains('(') || part.contains("bge_log_fn") || part.starts_with("void") => {
                    Kind::Other
                }
                () if part.contains("bge_error_t **") => Kind::Error,
                () if part.contains("uint8_t") => Kind::Bytes,
                () if stars == 2 || part.starts_with("bool *") || part.starts_with("size_t *") => Kind::Out,
                () if part.contains("struct ArrowArrayStream") => Kind::Out,
                () if part.starts_with("uint64_t *") => Kind::Other,
                () if part.contains("char *") => Kind::Text,
                () if stars == 1 => Kind::Handle,
                () => Kind::Integer,
            };
            Parameter { name, kind }
        })
        .collect()
}

/// Calls any function of the C ABI: all its parameters are integers or pointers, passed in registers or on the stack
/// as words.
unsafe fn call(function: *const c_void, words: &[usize]) -> i32 {
    type Function = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize, usize, usize) -> c_int;
    // SAFETY: words beyond those that the function takes are ignored by the calling conventions of the C ABIs that
    // tests run on.
    unsafe {
        let function: Function = mem::transmute(function);
        let word = |index: usize| words.get(index).copied().unwrap_or(0);
        function(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7))
    }
}

/// The address of a function by its name, in the shared library that the same build made.
struct Library(*mut c_void);

impl Library {
    fn open() -> Self {
        let test = std::env::current_exe().expect("a path");
        let target = test.parent().and_then(|deps| deps.parent()).expect("a target folder");
        let path = text(target.join("libbge.so").to_str().expect("UTF-8"));
        // SAFETY: a NUL-terminated path.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!library.is_null(), "{path:?} cannot be opened");
        Library(library)
    }

    fn symbol(&self, name: &str) -> *const c_void {
        let text = text(name);
        // SAFETY: an open library and a NUL-terminated name.
        let found = unsafe { libc::dlsym(self.0, text.as_ptr()) };
        assert!(!found.is_null(), "{name}");
        found
    }

    fn make(&self, name: &str, texts: &[&str], before: &[usize]) -> usize {
        let texts: Vec<CString> = texts.iter().map(|value| text(value)).collect();
        let mut out: *mut c_void = ptr::null_mut();
        let mut words = before.to_vec();
        words.extend(texts.iter().map(|text| text.as_ptr() as usize));
        words.push(&raw mut out as usize);
        words.push(0);
        // SAFETY: the words are the function's parameters.
        assert_eq!(unsafe { call(self.symbol(name), &words) }, 0, "{name}");
        out as usize
    }
}

#[test]
fn null_and_bad_utf8_are_refused_by_name_in_every_parameter() {
    let sandbox = Sandbox::start(&[]);
    let library = Library::open();
    let options = sandbox.options(json!({"max_retries": 0}));
    let api = library.make("bge_api_new", &[sandbox.text("/access_token"), &options], &[]);
    let oauth2 = library.make("bge_oauth2_new", &["id", "secret", &options], &[]);
    let pages = library.make("bge_api_pages", &["get_samples", "{}"], &[api]);
    let args = library.make("bge_args_new", &[], &[]);
    let mut tried = 0;
    for (name, declaration) in functions() {
        let returns_status = declaration.starts_with("bge_status_t");
        let parameters = parameters(&declaration);
        if !returns_status {
            let words = vec![0; parameters.len()];
            // SAFETY: NULL everywhere, which every other function must take.
            unsafe { call(library.symbol(&name), &words) };
            tried += 1;
            continue;
        }
        for (index, parameter) in parameters.iter().enumerate() {
            let optional = parameter.name == "args_json"
                || parameter.name == "options_json"
                || (name == "bge_oauth2_get_authorization_url"
                    && ["state", "scopes"].contains(&parameter.name.as_str()))
                || (name == "bge_oauth2_get_api" && parameter.name == "token");
            let mut attempts: Vec<&[u8]> = Vec::new();
            if matches!(parameter.kind, Kind::Text) {
                attempts.push(b"a\xff\xfe\0");
            }
            if matches!(parameter.kind, Kind::Handle | Kind::Out | Kind::Bytes)
                || (parameter.kind == Kind::Text && !optional)
            {
                attempts.push(b"");
            }
            for attempt in attempts {
                let mut sink = [ptr::dangling_mut::<c_void>(); 16];
                let mut err = ptr::dangling_mut::<c_void>();
                let good = text("x");
                let object = text("{}");
                let words: Vec<usize> = parameters
                    .iter()
                    .enumerate()
                    .map(|(at, other)| match &other.kind {
                        Kind::Error => &raw mut err as usize,
                        _ if at == index => {
                            if attempt.is_empty() {
                                0
                            } else {
                                attempt.as_ptr() as usize
                            }
                        }
                        Kind::Text if other.name.ends_with("json") => object.as_ptr() as usize,
                        Kind::Text => good.as_ptr() as usize,
                        Kind::Handle if other.name == "o" => oauth2,
                        Kind::Handle if other.name == "pages" => pages,
                        Kind::Handle if other.name == "args" => args,
                        Kind::Handle if other.name == "api" => api,
                        // Operations, readers, writers and tables cannot be made without running: only their NULLs count.
                        Kind::Handle => 0,
                        Kind::Out => sink.as_mut_ptr() as usize,
                        Kind::Integer => 1,
                        Kind::Bytes => good.as_ptr() as usize,
                        Kind::Other => 0,
                    })
                    .collect();
                let handles = parameters.iter().zip(&words).enumerate();
                let other_null = handles
                    .filter(|(at, (other, word))| *at != index && other.kind == Kind::Handle && **word == 0)
                    .count();
                if other_null > 0 {
                    continue;
                }
                // SAFETY: every pointer is NULL, bad on purpose as the header allows, or good.
                let status = unsafe { call(library.symbol(&name), &words) };
                assert_eq!(status, 1, "{name}, {} = {attempt:?}", parameter.name);
                // The library's own: its error must be read by its own functions.
                let message = read_error(&library, err as usize);
                assert!(
                    message.contains(parameter.name.trim_end_matches("_json")),
                    "{name}, {}: {message}",
                    parameter.name
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
    assert!(sandbox.log().is_empty(), "nothing was sent");
    let handles = [
        ("bge_args_free", args),
        ("bge_pages_free", pages),
        ("bge_oauth2_free", oauth2),
        ("bge_api_free", api),
    ];
    for (free, handle) in handles {
        // SAFETY: each handle's last use.
        unsafe { call(library.symbol(free), &[handle]) };
    }
}

fn read_error(library: &Library, err: usize) -> String {
    assert_ne!(err, 0, "a failure without an error");
    type Message = unsafe extern "C" fn(usize) -> *const c_char;
    // SAFETY: the functions' own types, and a live error.
    unsafe {
        let message: Message = mem::transmute(library.symbol("bge_error_message"));
        let told = std::ffi::CStr::from_ptr(message(err)).to_str().expect("UTF-8").to_owned();
        call(library.symbol("bge_error_free"), &[err]);
        told
    }
}

#[test]
fn err_itself_may_be_null() {
    // SAFETY: NULL everywhere.
    let status = unsafe {
        bge::ffi::client::bge_api_call(
            ptr::null(),
            ptr::null(),
            ptr::null(),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(status, 1);
    let mut err = ptr::null_mut();
    // SAFETY: NULL but for `err`.
    let status = unsafe {
        bge::ffi::client::bge_api_call(ptr::null(), ptr::null(), ptr::null(), ptr::null_mut(), &mut err)
    };
    assert!(failure(status, err).message.contains("out_json"));
}
