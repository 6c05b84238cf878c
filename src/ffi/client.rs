//! Clients, and calls by name.

use std::{
    ffi::{CString, c_char},
    sync::OnceLock,
};

use super::{
    boundary::{gives_handle, gives_text, guard},
    error::bge_error_t,
    pointers::{free, handle, object, optional_text, shielded, text},
    version::bge_status_t,
};
use crate::{Client, endpoint};

/// A client of the platform: its configuration, credentials and connections. Any number of threads may share one.
pub struct bge_api_t {
    pub(crate) client: Client,
}

impl Drop for bge_api_t {
    fn drop(&mut self) {
        // What was made from it may live on, but the host's function is not called any more.
        self.client.set_log(None);
    }
}

/// Makes a client of an access token. No network is used.
///
/// `options_json` is NULL or one JSON object with any of: `endpoint` (https://api.bge.genomics.cn),
/// `fallback_endpoint` (the platform's second address when `endpoint` is the default), `timeout` (seconds in which no byte
/// moves either way, 18; after a body one more for each 64 KiB of it; an answer's head counts as one piece),
/// `connect_timeout` (10), `deadline` (seconds of a call with whatever it waits for; none), `max_retries` (unless given, a call is repeated until half a minute has passed
/// since its first failure), `max_answer` (bytes of one answer after decompression, 1 GiB), `rate_limit` (requests to the
/// platform per second; none), `rate_budget` (a file through which any number of processes of this machine keep to
/// `rate_limit` together, and to the pause that a 429 asks of one of them), `max_connections` (32, bodies that stream included), `max_threads` (16), `proxy` (http,
/// https, socks5, socks5h), `ca_file` (PEM), `user_agent`, `log` (off, error, info, debug), `log_file`, `log_format`
/// (text, json), `oss_signature` (v1, v4), `kms_endpoint` (address of the key service, that of the store's region),
/// `kms_access_key_id`, `kms_access_key_secret`, `kms_security_token` (whom it is asked as, the credentials of uploads
/// unless given). Relative paths mean the folder of the moment. An unknown member is `BGE_ERR_ARGUMENT`.
///
/// The caller frees `*out` with `bge_api_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_new(
    access_token: *const c_char,
    options_json: *const c_char,
    out: *mut *mut bge_api_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: texts are NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("api_new", out, err, || {
            let token = text(access_token, "access_token")?;
            let client = Client::new(token, object(options_json, "options_json")?)?;
            Ok(bge_api_t { client })
        })
    }
}

/// Makes a client of the credentials that it finds: in `options_json` (`access_token`, or `client_id` and
/// `client_secret`, or `profile`), then in the environment (`BGE_ACCESS_TOKEN`, or `BGE_CLIENT_ID` and
/// `BGE_CLIENT_SECRET`; `BGE_ENDPOINT`), then in the stored profile (`BGE_PROFILE`, else the active one of the `bge`
/// command, in `~/.bge`). No network is used; nothing there is changed.
///
/// The other options are those of `bge_api_new`, and `token_file`: a file (0600) through which restarts and other
/// processes share renewed tokens, of whomever of this application it belongs to (see `bge_oauth2_new`). When nothing is found the error says which places
/// were looked at. The caller frees `*out` with `bge_api_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_open(
    options_json: *const c_char,
    out: *mut *mut bge_api_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: texts are NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("api_open", out, err, || {
            let client = Client::open(object(options_json, "options_json")?)?;
            Ok(bge_api_t { client })
        })
    }
}

/// Frees a client; NULL is ignored. No network is used. What was made from it lives on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_free(api: *mut bge_api_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(api) }
}

/// Ends whatever is under way on this client and on what was made from it, as a program does before it exits: operations,
/// pages, transfers and tables end within 100 ms with `BGE_ERR_CANCELLED`; a blocking call at its next wait (before a
/// repeat, a renewal, a page), and while it waits for an answer when that comes, or `timeout` is over. The client stays usable: what begins after it is not concerned. From any thread, any number
/// of times; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_cancel(api: *const bge_api_t) {
    // SAFETY: NULL or a live handle.
    if let Some(api) = unsafe { api.as_ref() } {
        shielded((), || api.client.cancel());
    }
}

/// The token in use, as JSON: the exchange's answer with `obtained_at` (seconds since the epoch), or only its
/// `access_token` for a client made of a plain one. A client of OAuth2 credentials that has none yet, or whose token
/// ends soon, fetches one first. It lets a program store a rotated refresh token. The caller frees `*out_json`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_get_token(
    api: *const bge_api_t,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, outputs NULL or writable.
    unsafe { gives_text("get_token", out_json, err, || handle(api, "api")?.client.get_token()) }
}

/// Puts another token in the place of the one in use, at run time. No connection is lost and no network is used: a
/// request that is under way goes on with the token that it has, the next one (of a walk or a table, too) carries the
/// new one.
///
/// `token` is a plain access token, which ends when it ends; or a token's JSON, which is renewed where the client has an
/// application (`bge_oauth2_get_api`, `bge_api_open`): one with a refresh token is `BGE_ERR_ARGUMENT` where it has none;
/// or NULL for the application's own token. With `token_file`, a token of anybody else than the file's is
/// `BGE_ERR_ARGUMENT`. After an error the client keeps the token that it had.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_set_token(
    api: *const bge_api_t,
    token: *const c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, `token` NULL or NUL-terminated, `err` NULL or writable.
    unsafe {
        guard("set_token", err, || handle(api, "api")?.client.set_token(optional_text(token, "token")?))
    }
}

/// Carries any call of `bge_endpoints` out by name (but `upload`, whose bytes are not JSON).
///
/// `args_json` is NULL or one JSON object with the call's arguments by their documented names; members that are `null`
/// count as not given, unknown ones are passed through to the platform. The member `"$"` holds the library's own
/// switches for this call: `timeout`, `deadline` (seconds), `max_retries`, `headers`, and `tag`, a text that the call's
/// lines in a log of JSON are marked with.
///
/// `*out_json` is the envelope's `data` byte for byte; the caller frees it with `bge_string_free`.
///
/// Example: `bge_api_call(api, "get_samples", "{\"limit\": 10}", &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_call(
    api: *const bge_api_t,
    name: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_text("api_call", out_json, err, || {
            let api = handle(api, "api")?;
            let name = text(name, "name")?;
            api.client.call(name, object(args_json, "args_json")?)
        })
    }
}

/// Sends a request that the library does not know yet, with the client's token. It is never repeated.
///
/// `method` is `GET` (the members of `args_json` go in the query) or `POST` (in the form); `path` starts with one `/`
/// and holds no query. `*out_json` is the envelope's `data`; the caller frees it with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_request(
    api: *const bge_api_t,
    method: *const c_char,
    path: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_text("request", out_json, err, || {
            let api = handle(api, "api")?;
            let (method, path) = (text(method, "method")?, text(path, "path")?);
            api.client.request(method, path, object(args_json, "args_json")?)
        })
    }
}

/// The table of calls as a JSON array: for each its `name`, `noun`, `summary`, `method`, `path`, `encoding`, `kind`,
/// `grants`, `repeatable`, `page_style`, `result`, `arguments` (`name`, `type`, `required`, `default`, `choices`, `labels`,
/// …), `rules` and, for lists, `columns` (`name`, `type`, `unit`, JSON `path`). `labels` say what values mean, in English
/// (`en`) and Chinese (`zh`), as far as the platform's documents do. Static; not freed.
#[unsafe(no_mangle)]
pub extern "C" fn bge_endpoints() -> *const c_char {
    static TABLE: OnceLock<CString> = OnceLock::new();
    shielded(c"[]".as_ptr(), || {
        TABLE.get_or_init(|| CString::new(endpoint::describe()).unwrap_or_default()).as_ptr()
    })
}
