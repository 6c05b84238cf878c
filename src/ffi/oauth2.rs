//! Signing users and applications in.

use std::ffi::c_char;

use super::{
    boundary::{gives_handle, gives_text, guard},
    client::bge_api_t,
    error::bge_error_t,
    op::bge_op_t,
    pointers::{free, give, handle, object, optional_text, out, text},
    version::bge_status_t,
};
use crate::OAuth2;

/// An application: its client id and secret, and the connections to sign in with. Any number of threads may share one.
pub struct bge_oauth2_t {
    pub(super) oauth2: OAuth2,
}

impl Drop for bge_oauth2_t {
    fn drop(&mut self) {
        // Exchanges under way live on, and the log's owner does not.
        self.oauth2.set_log(None);
    }
}

/// Makes an application's handle. No network is used. `options_json` is that of `bge_api_new`, and `token_file`: a
/// file (0600) through which restarts and other processes share renewed tokens. It belongs to one application and one
/// person, or to the application itself, and says so: a client of anybody else is `BGE_ERR_ARGUMENT`. A file that does
/// not say whose it is (an older version wrote it) is taken where its token is the one that is given, or is the
/// application's own and nothing else was asked for. A symbolic link is followed and stays. The caller frees `*out`
/// with `bge_oauth2_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_new(
    client_id: *const c_char,
    client_secret: *const c_char,
    options_json: *const c_char,
    out: *mut *mut bge_oauth2_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: texts are NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("oauth2_new", out, err, || {
            let (id, secret) = (text(client_id, "client_id")?, text(client_secret, "client_secret")?);
            let oauth2 = OAuth2::new(id, secret, object(options_json, "options_json")?)?;
            Ok(bge_oauth2_t { oauth2 })
        })
    }
}

/// Frees an application's handle; NULL is ignored. Clients made from it live on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_free(o: *mut bge_oauth2_t) {
    // SAFETY: NULL or a live handle, given up by the caller.
    unsafe { free(o) }
}

/// Whether the platform answers: `BGE_OK`, or why not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_alive(
    o: *const bge_oauth2_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `o` is NULL or a live handle, `err` NULL or writable.
    unsafe { guard("alive", err, || handle(o, "o")?.oauth2.alive()) }
}

/// The URL to send the user's browser to. Nothing is sent.
///
/// `state` and `scopes` may be NULL; `scopes` is separated by spaces or commas. The caller frees `*out` with
/// `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_get_authorization_url(
    o: *const bge_oauth2_t,
    redirect_uri: *const c_char,
    state: *const c_char,
    scopes: *const c_char,
    out: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `o` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        guard("get_authorization_url", err, || {
            let out = self::out(out, "out")?;
            let o = handle(o, "o")?;
            let redirect_uri = text(redirect_uri, "redirect_uri")?;
            let (state, scopes) = (optional_text(state, "state")?, optional_text(scopes, "scopes")?);
            give(out, o.oauth2.get_authorization_url(redirect_uri, state, scopes)?)
        })
    }
}

/// Exchanges the code that came with the redirect for the user's token, as JSON: `access_token`, `refresh_token`,
/// `scope`, `expires_in` (seconds) and `obtained_at` (seconds since the epoch, which the library adds). A wrong or used
/// code is `BGE_ERR_API` with code 400. The caller frees `*out_json`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_exchange_authorization_code(
    o: *const bge_oauth2_t,
    code: *const c_char,
    redirect_uri: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `o` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_text("exchange_authorization_code", out_json, err, || {
            let o = handle(o, "o")?;
            let (code, redirect_uri) = (text(code, "code")?, text(redirect_uri, "redirect_uri")?);
            o.oauth2.exchange_authorization_code(code, redirect_uri)
        })
    }
}

/// Exchanges a refresh token for a new token and a new refresh token, as JSON; the old refresh token is spent. The
/// caller frees `*out_json`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_exchange_refresh_token(
    o: *const bge_oauth2_t,
    refresh_token: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `o` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_text("exchange_refresh_token", out_json, err, || {
            let o = handle(o, "o")?;
            o.oauth2.exchange_refresh_token(text(refresh_token, "refresh_token")?)
        })
    }
}

/// Fetches the application's own token, as JSON; it has no refresh token. The caller frees `*out_json`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_get_credentials_token(
    o: *const bge_oauth2_t,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `o` is NULL or a live handle, outputs NULL or writable.
    unsafe {
        gives_text("get_credentials_token", out_json, err, || handle(o, "o")?.oauth2.get_credentials_token())
    }
}

/// Makes a client. `token` is a plain access token; or a token's JSON from one of the exchanges, and then the client
/// renews it before it ends and once when it is refused; or NULL for client credentials, fetched when first needed. No
/// network is used now. With `token_file` the newer one of the given token and the file's is used, and a fresh one is
/// written at once; a file that belongs to somebody else is `BGE_ERR_ARGUMENT`. A plain access token leaves the file
/// alone. The caller frees `*out` with `bge_api_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_get_api(
    o: *const bge_oauth2_t,
    token: *const c_char,
    out: *mut *mut bge_api_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `o` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("get_api", out, err, || {
            let client = handle(o, "o")?.oauth2.get_api(optional_text(token, "token")?)?;
            Ok(bge_api_t { client })
        })
    }
}

/// Starts one of the exchanges in the background: `name` is `alive`, `exchange_authorization_code`
/// (`{"code", "redirect_uri"}`), `exchange_refresh_token` (`{"refresh_token"}`) or `get_credentials_token`. The caller
/// frees `*out` with `bge_op_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_oauth2_start(
    o: *const bge_oauth2_t,
    name: *const c_char,
    args_json: *const c_char,
    out: *mut *mut bge_op_t,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `o` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_handle("oauth2_start", out, err, || {
            let o = handle(o, "o")?;
            let operation = o.oauth2.start(text(name, "name")?, object(args_json, "args_json")?)?;
            Ok(bge_op_t { operation })
        })
    }
}
