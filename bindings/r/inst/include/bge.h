/*
 * libbge: the SDK of the BGE open omics platform.
 *
 * Handles are opaque, made by `_new`, `_open` or `_start` and freed by `_free`, which takes NULL and never waits for the
 * network. A handle keeps what it was made from alive: free them in any order.
 *
 * Every call that can fail returns a `bge_status_t`, 0 for success, and takes a `bge_error_t **err` that may be NULL: it
 * is set to NULL first, and on failure to an error that the caller frees with `bge_error_free`. Outputs are set to NULL
 * (or 0) before anything is checked. A NULL output, handle or required text is `BGE_ERR_ARGUMENT`.
 *
 * Texts are NUL-terminated UTF-8, and anything else is `BGE_ERR_ARGUMENT`. A text ends at its first NUL: what a caller
 * has behind it in memory is not seen. What comes back as `char *` is the caller's, freed with `bge_string_free`; what
 * comes back as `const char *` is borrowed from its handle, or static. Results are JSON, byte for byte as the platform
 * wrote it. Only messages and log lines are shortened, and then end in `…`: never a result, an argument or a path.
 *
 * Paths are texts, too, and are handed to the system as they are, without regard to the locale. Relative ones in
 * arguments start from the folder that is current when the call begins; those in options (`ca_file`, `log_file`,
 * `token_file`) from the folder that was current when the client was made.
 *
 * `const` handles may be used by any number of threads at once, others by one at a time; `_cancel` and `_progress` may
 * run beside any other call on the same handle. `_free` is a handle's last use: no other call on it, not even `_cancel`,
 * may be running or follow. A client works in a forked child, too; operations, pages, readers, writers and tables belong
 * to the process that made them (`BGE_ERR_CLOSED` elsewhere).
 */

#ifndef BGE_H
#define BGE_H

/* Generated from src/ffi by cbindgen: `make header` renews it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of this header; the library that is there at run time tells its own by `bge_version`. */
#define BGE_VERSION_MAJOR 0
#define BGE_VERSION_MINOR 1
#define BGE_VERSION_PATCH 0

/* What stands before every function: where it comes from. Define it yourself to change that. */
#ifndef BGE_API
#if defined(_WIN32) && !defined(BGE_STATIC)
#define BGE_API __declspec(dllimport)
#elif defined(__GNUC__)
#define BGE_API __attribute__((visibility("default")))
#else
#define BGE_API
#endif
#endif

/* What stands before every function that can fail: compilers warn where its status is dropped. Define it as nothing to
   be left alone. */
#ifndef BGE_NODISCARD
#if defined(__cplusplus) && __cplusplus >= 201703L
#define BGE_NODISCARD [[nodiscard]]
#elif defined(__GNUC__)
#define BGE_NODISCARD __attribute__((warn_unused_result))
#else
#define BGE_NODISCARD
#endif
#endif

/* The Arrow C data and stream interfaces, as their specification declares them. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

/*
 The version of this header, `major << 16 | minor`. A library is compatible when its `bge_abi_version()` has the
 same major version and the same or a higher minor version.
 */
#define BGE_ABI_VERSION 2

/*
 A client of the platform: its configuration, credentials and connections. Any number of threads may share one.
 */
typedef struct bge_api_t bge_api_t;

/*
 The members of an `args_json` or `options_json`, added one by one. One thread at a time may use it.
 */
typedef struct bge_args_t bge_args_t;

/*
 Why a call failed: one line for people, all of it as JSON for programs. Freed by `bge_error_free`.
 */
typedef struct bge_error_t bge_error_t;

/*
 An application: its client id and secret, and the connections to sign in with. Any number of threads may share one.
 */
typedef struct bge_oauth2_t bge_oauth2_t;

/*
 A call under way. It keeps its client alive and belongs to the process that started it.
 */
typedef struct bge_op_t bge_op_t;

/*
 A queue of operations that have ended: one place, and one file descriptor, to wait for any number of them. Any number
 of threads may share one. It belongs to the process that made it.
 */
typedef struct bge_ops_t bge_ops_t;

/*
 A walk through the pages of a list. It keeps its client alive and belongs to the process that opened it.
 */
typedef struct bge_pages_t bge_pages_t;

/*
 An object that is read, in order or anywhere. It keeps its client alive and belongs to the process that opened it.
 */
typedef struct bge_reader_t bge_reader_t;

/*
 A table: all pages of a list, of one sample or of many. It keeps its client alive and belongs to the process that
 opened it.
 */
typedef struct bge_table_t bge_table_t;

/*
 An object that is being written. It keeps its client alive and belongs to the process that opened it.
 */
typedef struct bge_writer_t bge_writer_t;

/*
 What every call that can fail returns: `BGE_OK`, or one of `BGE_ERR_…`. Treat an unknown value as a failure.
 */
typedef int32_t bge_status_t;

/*
 A function that receives a client's log, one line a call. `level` is 1 for errors, 2 for information and 3 for
 debugging. It is called on any thread, but never by two at once, and must not call libbge, throw or longjmp. `message`
 is only valid during the call.
 */
typedef void (*bge_log_fn)(void *userdata, int32_t level, const char *message);

/*
 Success.
 */
#define BGE_OK 0

/*
 Bad argument, option or JSON; nothing was sent.
 */
#define BGE_ERR_ARGUMENT 1

/*
 Name lookup, connect, TLS, reset, proxy, or a connection that ended before the whole answer was there.
 */
#define BGE_ERR_TRANSPORT 2

/*
 The time allowed ran out.
 */
#define BGE_ERR_TIMEOUT 3

/*
 Any other 4xx or 5xx answer, with or without an envelope (whose code and msg are kept).
 */
#define BGE_ERR_HTTP 4

/*
 The platform's envelope has a code other than 0.
 */
#define BGE_ERR_API 5

/*
 The platform refused the token: envelope code 401 (no permission) or 403 (wrong, expired, not renewable), or HTTP
 401.
 */
#define BGE_ERR_AUTH 6

/*
 The answer is not what the protocol says: not JSON, no envelope, a page token that repeats.
 */
#define BGE_ERR_PROTOCOL 7

/*
 The object store refused; its Code, Message, RequestId and EC are in `bge_error_json`.
 */
#define BGE_ERR_STORAGE 8

/*
 All of it arrived, but length or checksum is not what was promised: not handed over as good.
 */
#define BGE_ERR_INTEGRITY 9

/*
 A local file could not be read or written.
 */
#define BGE_ERR_IO 10

/*
 Cancelled by the caller.
 */
#define BGE_ERR_CANCELLED 11

/*
 The handle or stream is already finished, or belongs to the process that this one was forked from.
 */
#define BGE_ERR_CLOSED 12

/*
 A bug in the library: a panic was caught at the boundary.
 */
#define BGE_ERR_INTERNAL 13

/*
 Not in this build.
 */
#define BGE_ERR_UNSUPPORTED 14

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ---- Versions, features and status codes ---- */

/*
 The library's version, such as `"0.1.0"`. Static; not freed.
 */
BGE_API
const char *bge_version(void);

/*
 The library's ABI version, `major << 16 | minor`, to be compared with `BGE_ABI_VERSION`.
 */
BGE_API
uint32_t bge_abi_version(void);

/*
 What this build of the library has, as a JSON object of names and booleans, such as `{"arrow": true}`. A name that is
 missing is a feature that the library does not know, and so does not have. Static; not freed.

 - `arrow`: tables (`bge_api_table` and the others); without it they are `BGE_ERR_UNSUPPORTED`
 - `encryption`: objects that are encrypted before they are sent (the argument `cmk_id`)
 - `socks`: proxies that speak SOCKS
 */
BGE_API
const char *bge_features(void);

/*
 The name of a status, such as `"BGE_ERR_TIMEOUT"`; `"BGE_ERR_UNKNOWN"` for numbers that are none. Static; not
 freed.
 */
BGE_API
const char *bge_status_name(int32_t status);

/* ---- Strings and JSON ---- */

/*
 Frees a string that the library gave; NULL is ignored.
 */
BGE_API
void bge_string_free(char *s);

/*
 Reads one value of a JSON text, for programs without a JSON parser.

 `pointer` is an RFC 6901 pointer such as `"/result/0/biosample_id"`; an array's length is at `".../#"`. A string
 comes decoded, anything else as its JSON text; `*out` is NULL when nothing is there. The caller frees `*out` with
 `bge_string_free`. `BGE_ERR_ARGUMENT` for what is no JSON, for a malformed pointer, and for a string that holds
 U+0000.

 Example: `bge_json_get(json, "/next_page", &next, NULL)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_json_get(const char *json, const char *pointer, char **out, bge_error_t **err);

/* ---- Arguments, put together without a JSON library ---- */

/* ---- Biosamples ---- */

/*
 Makes an empty object of arguments: `bge_args_json` gives its text to any call that takes an `args_json` or an
 `options_json`. The caller frees `*out` with `bge_args_free`.

 Example: `bge_args_new(&args, &err); bge_args_add_int(args, "limit", 10, &err);
 bge_api_get_samples(api, bge_args_json(args), &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_args_new(bge_args_t **out, bge_error_t **err);

/*
 Adds a string, quoted and escaped as JSON wants it.

 `name` must not be empty, hold control characters, or have been added before. After a failure the object is what it was
 before the call; this holds for every `bge_args_add`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_args_add_text(bge_args_t *args, const char *name, const char *value, bge_error_t **err);

/*
 Adds a whole number.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_args_add_int(bge_args_t *args, const char *name, int64_t value, bge_error_t **err);

/*
 Adds a number, in the fewest digits that mean the same `double`. Infinity and NaN are `BGE_ERR_ARGUMENT`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_args_add_number(bge_args_t *args, const char *name, double value, bge_error_t **err);

/*
 Adds `true` or `false`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_args_add_bool(bge_args_t *args, const char *name, bool value, bge_error_t **err);

/*
 Adds a value that is JSON text already, as it is: an array, an object (`"$"`, for the library's own switches, is one),
 or a number whose digits matter. What is no JSON is `BGE_ERR_ARGUMENT`.

 Example: `bge_args_add_json(args, "$", "{\"deadline\": 30}", &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_args_add_json(bge_args_t *args, const char *name, const char *json, bge_error_t **err);

/*
 The object as JSON text, `{}` when nothing was added. It is borrowed from `args` until the next `bge_args_add` or
 `bge_args_free`; NULL for NULL.
 */
BGE_API
const char *bge_args_json(const bge_args_t *args);

/*
 Frees an object of arguments; NULL is ignored.
 */
BGE_API
void bge_args_free(bge_args_t *args);

/* ---- Why a call failed ---- */

/*
 The kind of failure, one of `BGE_ERR_…`; 0 for NULL.
 */
BGE_API
int32_t bge_error_status(const bge_error_t *e);

/*
 One line in English, with the platform's own (Chinese) message and reason where there are any: the call, what happened,
 what to do. A long reason is shortened (it ends in `…`); `bge_error_json` has all of it. The message never holds a
 secret, a phone number or an id-card number. Borrowed from the error; NULL for NULL.
 */
BGE_API
const char *bge_error_message(const bge_error_t *e);

/*
 The platform's code, such as 41001; 0 if none.
 */
BGE_API
int64_t bge_error_code(const bge_error_t *e);

/*
 The HTTP status; 0 if there was no answer.
 */
BGE_API
int32_t bge_error_http_status(const bge_error_t *e);

/*
 The server's name for the request, to be quoted to its operators. Borrowed from the error; NULL if none.
 */
BGE_API
const char *bge_error_request_id(const bge_error_t *e);

/*
 Whether the same call is worth repeating. False when a write may have happened; false for NULL.
 */
BGE_API
bool bge_error_retryable(const bge_error_t *e);

/*
 How many seconds the server wants to be left alone before the next request (its `Retry-After`); negative if it did not
 say, and for NULL.
 */
BGE_API
double bge_error_retry_after(const bge_error_t *e);

/*
 The name of the call that failed, such as `get_variants`. Borrowed from the error; NULL if none.
 */
BGE_API
const char *bge_error_call(const bge_error_t *e);

/*
 What to do about it, in one sentence that `bge_error_message` ends with. Borrowed from the error; NULL if none.
 */
BGE_API
const char *bge_error_hint(const bge_error_t *e);

/*
 All of it as a JSON object: `status`, `name`, `message`, `call`, `http_status`, `code`, `msg`, `data`,
 `request_id`, `retryable`, `retry_after` (seconds), `cause`, `hint`, `storage_code`, `storage_ec`, `files`; what is
 not known is left out. Borrowed from the error; NULL for NULL.
 */
BGE_API
const char *bge_error_json(const bge_error_t *e);

/*
 Frees an error; NULL is ignored.
 */
BGE_API
void bge_error_free(bge_error_t *e);

/* ---- Clients, and calls by name ---- */

/*
 Makes a client of an access token. No network is used.

 `options_json` is NULL or one JSON object with any of: `endpoint` (https://api.bge.genomics.cn),
 `fallback_endpoint` (the platform's second address when `endpoint` is the default), `timeout` (seconds in which no byte
 moves either way, 18; after a body one more for each 64 KiB of it; an answer's head counts as one piece),
 `connect_timeout` (10), `deadline` (seconds of a call with whatever it waits for; none), `max_retries` (unless given, a call is repeated until half a minute has passed
 since its first failure), `max_answer` (bytes of one answer after decompression, 1 GiB), `rate_limit` (requests to the
 platform per second; none), `rate_budget` (a file through which any number of processes of this machine keep to
 `rate_limit` together, and to the pause that a 429 asks of one of them), `max_connections` (32, bodies that stream included), `max_threads` (16), `proxy` (http,
 https, socks5, socks5h), `ca_file` (PEM), `user_agent`, `log` (off, error, info, debug), `log_file`, `log_format`
 (text, json), `oss_signature` (v1, v4), `kms_endpoint` (address of the key service, that of the store's region),
 `kms_access_key_id`, `kms_access_key_secret`, `kms_security_token` (whom it is asked as, the credentials of uploads
 unless given). Relative paths mean the folder of the moment. An unknown member is `BGE_ERR_ARGUMENT`.

 The caller frees `*out` with `bge_api_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_new(const char *access_token,
                         const char *options_json,
                         bge_api_t **out,
                         bge_error_t **err);

/*
 Makes a client of the credentials that it finds: in `options_json` (`access_token`, or `client_id` and
 `client_secret`, or `profile`), then in the environment (`BGE_ACCESS_TOKEN`, or `BGE_CLIENT_ID` and
 `BGE_CLIENT_SECRET`; `BGE_ENDPOINT`), then in the stored profile (`BGE_PROFILE`, else the active one of the `bge`
 command, in `~/.bge`). No network is used; nothing there is changed.

 The other options are those of `bge_api_new`, and `token_file`: a file (0600) through which restarts and other
 processes share renewed tokens, of whomever of this application it belongs to (see `bge_oauth2_new`). When nothing is found the error says which places
 were looked at. The caller frees `*out` with `bge_api_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_open(const char *options_json,
                          bge_api_t **out,
                          bge_error_t **err);

/*
 Frees a client; NULL is ignored. No network is used. What was made from it lives on.
 */
BGE_API
void bge_api_free(bge_api_t *api);

/*
 Ends whatever is under way on this client and on what was made from it, as a program does before it exits: operations,
 pages, transfers and tables end within 100 ms with `BGE_ERR_CANCELLED`; a blocking call at its next wait (before a
 repeat, a renewal, a page), and while it waits for an answer when that comes, or `timeout` is over. The client stays usable: what begins after it is not concerned. From any thread, any number
 of times; NULL is ignored.
 */
BGE_API
void bge_api_cancel(const bge_api_t *api);

/*
 The token in use, as JSON: the exchange's answer with `obtained_at` (seconds since the epoch), or only its
 `access_token` for a client made of a plain one. A client of OAuth2 credentials that has none yet, or whose token
 ends soon, fetches one first. It lets a program store a rotated refresh token. The caller frees `*out_json`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_token(const bge_api_t *api, char **out_json, bge_error_t **err);

/*
 Puts another token in the place of the one in use, at run time. No connection is lost and no network is used: a
 request that is under way goes on with the token that it has, the next one (of a walk or a table, too) carries the
 new one.

 `token` is a plain access token, which ends when it ends; or a token's JSON, which is renewed where the client has an
 application (`bge_oauth2_get_api`, `bge_api_open`): one with a refresh token is `BGE_ERR_ARGUMENT` where it has none;
 or NULL for the application's own token. With `token_file`, a token of anybody else than the file's is
 `BGE_ERR_ARGUMENT`. After an error the client keeps the token that it had.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_set_token(const bge_api_t *api, const char *token, bge_error_t **err);

/*
 Carries any call of `bge_endpoints` out by name (but `upload`, whose bytes are not JSON).

 `args_json` is NULL or one JSON object with the call's arguments by their documented names; members that are `null`
 count as not given, unknown ones are passed through to the platform. The member `"$"` holds the library's own
 switches for this call: `timeout`, `deadline` (seconds), `max_retries`, `headers`, and `tag`, a text that the call's
 lines in a log of JSON are marked with.

 `*out_json` is the envelope's `data` byte for byte; the caller frees it with `bge_string_free`.

 Example: `bge_api_call(api, "get_samples", "{\"limit\": 10}", &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_call(const bge_api_t *api,
                          const char *name,
                          const char *args_json,
                          char **out_json,
                          bge_error_t **err);

/*
 Sends a request that the library does not know yet, with the client's token. It is never repeated.

 `method` is `GET` (the members of `args_json` go in the query) or `POST` (in the form); `path` starts with one `/`
 and holds no query. `*out_json` is the envelope's `data`; the caller frees it with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_request(const bge_api_t *api,
                             const char *method,
                             const char *path,
                             const char *args_json,
                             char **out_json,
                             bge_error_t **err);

/*
 The table of calls as a JSON array: for each its `name`, `noun`, `summary`, `method`, `path`, `encoding`, `kind`,
 `grants`, `repeatable`, `page_style`, `result`, `arguments` (`name`, `type`, `required`, `default`, `choices`, `labels`,
 …), `rules` and, for lists, `columns` (`name`, `type`, `unit`, JSON `path`). `labels` say what values mean, in English
 (`en`) and Chinese (`zh`), as far as the platform's documents do. Static; not freed.
 */
BGE_API
const char *bge_endpoints(void);

/* ---- Each client's own log ---- */

/*
 Sends the client's log to the function `fn`. If `fn` is NULL, the log is dropped from now on.

 The client's option `log` decides how much is logged (`off`, `error`, `info` or `debug`; `info` unless given). Secrets
 and personal data are masked at every level.

 If `finalizer` is not NULL, it is called with `userdata` exactly once: when the function is replaced, when this client is
 freed (what was made from it logs nowhere then), or when this call fails. If another thread is delivering a line at that
 moment, the finalizer is called on that thread, after the line; so it may run on one of the library's own threads, and
 must not call libbge, throw or longjmp.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_set_log(const bge_api_t *api,
                             bge_log_fn fn,
                             void *userdata,
                             void (*finalizer)(void*),
                             bge_error_t **err);

/*
 Sends the log of an application's own handle to a function, as `bge_api_set_log` does that of a client: of the
 exchanges, and of `bge_oauth2_alive`. Clients made from it have logs of their own.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_set_log(const bge_oauth2_t *o,
                                bge_log_fn fn,
                                void *userdata,
                                void (*finalizer)(void*),
                                bge_error_t **err);

/* ---- Signing users and applications in ---- */

/*
 Makes an application's handle. No network is used. `options_json` is that of `bge_api_new`, and `token_file`: a
 file (0600) through which restarts and other processes share renewed tokens. It belongs to one application and one
 person, or to the application itself, and says so: a client of anybody else is `BGE_ERR_ARGUMENT`. A file that does
 not say whose it is (an older version wrote it) is taken where its token is the one that is given, or is the
 application's own and nothing else was asked for. A symbolic link is followed and stays. The caller frees `*out`
 with `bge_oauth2_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_new(const char *client_id,
                            const char *client_secret,
                            const char *options_json,
                            bge_oauth2_t **out,
                            bge_error_t **err);

/*
 Frees an application's handle; NULL is ignored. Clients made from it live on.
 */
BGE_API
void bge_oauth2_free(bge_oauth2_t *o);

/*
 Whether the platform answers: `BGE_OK`, or why not.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_alive(const bge_oauth2_t *o, bge_error_t **err);

/*
 The URL to send the user's browser to. Nothing is sent.

 `state` and `scopes` may be NULL; `scopes` is separated by spaces or commas. The caller frees `*out` with
 `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_get_authorization_url(const bge_oauth2_t *o,
                                              const char *redirect_uri,
                                              const char *state,
                                              const char *scopes,
                                              char **out,
                                              bge_error_t **err);

/*
 Exchanges the code that came with the redirect for the user's token, as JSON: `access_token`, `refresh_token`,
 `scope`, `expires_in` (seconds) and `obtained_at` (seconds since the epoch, which the library adds). A wrong or used
 code is `BGE_ERR_API` with code 400. The caller frees `*out_json`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_exchange_authorization_code(const bge_oauth2_t *o,
                                                    const char *code,
                                                    const char *redirect_uri,
                                                    char **out_json,
                                                    bge_error_t **err);

/*
 Exchanges a refresh token for a new token and a new refresh token, as JSON; the old refresh token is spent. The
 caller frees `*out_json`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_exchange_refresh_token(const bge_oauth2_t *o,
                                               const char *refresh_token,
                                               char **out_json,
                                               bge_error_t **err);

/*
 Fetches the application's own token, as JSON; it has no refresh token. The caller frees `*out_json`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_get_credentials_token(const bge_oauth2_t *o, char **out_json, bge_error_t **err);

/*
 Makes a client. `token` is a plain access token; or a token's JSON from one of the exchanges, and then the client
 renews it before it ends and once when it is refused; or NULL for client credentials, fetched when first needed. No
 network is used now. With `token_file` the newer one of the given token and the file's is used, and a fresh one is
 written at once; a file that belongs to somebody else is `BGE_ERR_ARGUMENT`. A plain access token leaves the file
 alone. The caller frees `*out` with `bge_api_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_get_api(const bge_oauth2_t *o, const char *token, bge_api_t **out, bge_error_t **err);

/*
 Starts one of the exchanges in the background: `name` is `alive`, `exchange_authorization_code`
 (`{"code", "redirect_uri"}`), `exchange_refresh_token` (`{"refresh_token"}`) or `get_credentials_token`. The caller
 frees `*out` with `bge_op_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_oauth2_start(const bge_oauth2_t *o,
                              const char *name,
                              const char *args_json,
                              bge_op_t **out,
                              bge_error_t **err);

/* ---- Why does it not work? ---- */

/*
 Looks at everything between this client and the platform, for people who ask why it does not work: name lookup,
 addresses, the proxy and why it is used, TLS, a captive portal, the clock, credentials and scopes, the object store with
 1 MiB there and back, the key service, rate limits. It sends a few requests and takes seconds.

 - `args_json`: NULL or an object of `lang` (`en` or `zh`: the language of `detail` and `hint`); `round_trip` (true unless
   given: the object `bge-doctor.bin` is written); `cmk_id` (string: master key of the key service to try).
 - `out_json`: `{"version", "system", "endpoint", "checks": [{"name", "state", "detail", "hint"}]}`, `state` being `ok`,
   `warning`, `failed` or `skipped`, `hint` the one thing to do. Nothing secret is in it. Freed with `bge_string_free`.

 What is wrong is a finding and no error. By name (`doctor`), it can be started as an operation.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_doctor(const bge_api_t *api,
                            const char *args_json,
                            char **out_json,
                            bge_error_t **err);

/* ---- The platform's availability, tokens and users ---- */

/*
 Whether the platform answers: `BGE_OK`, or why not; an answer of 400 or above is `BGE_ERR_HTTP`.

 Source: GET `/ping`, without a token.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_alive(const bge_api_t *api, bge_error_t **err);

/*
 What the access token in use is good for.

 Source: GET `/oauth2/introspect`; for authorization-code and client-credentials tokens. The answer holds
 `active`, `client_id`, `scope`, ….

 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_introspect(const bge_api_t *api,
                                const char *args_json,
                                char **out_json,
                                bge_error_t **err);

/*
 The user who granted the token, as far as its scope allows.

 Source: GET `/profile`; for authorization-code tokens.

 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_user(const bge_api_t *api, const char *args_json, char **out_json, bge_error_t **err);

/*
 An overview of a person's samples and data.

 Source: POST `/user/overview`; for authorization-code and client-credentials tokens. `phone` excludes all but
 `idcard`; `biosample_id` excludes `phone`, `project_id` and `external_sample_id`; the last two come together.

 - `args_json`: NULL or an object of `idcard` (string: id-card number); `phone` (string: phone number);
   `biosample_id` (string: biosample id, sent as given); `project_id` (string: project id, together with
   external_sample_id); `external_sample_id` (string: the lab's own sample id, together with project_id). Other
   members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_overview(const bge_api_t *api,
                                  const char *args_json,
                                  char **out_json,
                                  bge_error_t **err);

/*
 The biosamples that the token may see, page by page.

 Source: GET `/samples`; for authorization-code and client-credentials tokens.

 - `args_json`: NULL or an object of `biosample_ids` (string, number or array: biosample ids); `biosample_sites`
   (string, number or array: sampling sites, 1 to 15); `omics` (string, number or array: omics: 1 genomics, 2
   metagenomics); `project_ids` (string, number or array: project ids); `organisms` (string, number or array:
   organisms, 1 to 3); `data_availability` (boolean: only samples with (or without) data); `statuses` (string,
   number or array: status codes); `require_files` (boolean: also list each sample's files); `next_page` (string
   or number: page number, from 1, sent as 1 unless given); `limit` (integer: rows of a page, sent as 50 unless
   given). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.

 Example: `bge_api_get_samples(api, "{\"omics\": [1, 2], \"limit\": 100}", &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_samples(const bge_api_t *api,
                                 const char *args_json,
                                 char **out_json,
                                 bge_error_t **err);

/*
 One biosample.

 Source: GET `/samples/{biosample_id}`; for authorization-code and client-credentials tokens.

 - `biosample_id`: biosample id
 - `args_json`: NULL or an object of `require_files` (boolean: also list the sample's files). Other members are
   passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_sample(const bge_api_t *api,
                                const char *biosample_id,
                                const char *args_json,
                                char **out_json,
                                bge_error_t **err);

/*
 The biosample ids of the lab's own sample ids.

 Source: GET `/samples/external_ids`; for authorization-code and client-credentials tokens.

 - `project_id`: project id
 - `biosample_site`: sampling site, 1 to 15
 - `external_ids`: the lab's own sample ids
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_externals(const bge_api_t *api,
                               const char *project_id,
                               int64_t biosample_site,
                               const char *external_ids,
                               const char *args_json,
                               char **out_json,
                               bge_error_t **err);

/*
 Registers a biosample; never repeated on its own.

 Source: POST `/samples/register`; for authorization-code and client-credentials tokens. The answer holds
 `biosample_id`. Repeated only when nothing reached the platform, so that no sample is registered twice.

 - `external_sample_id`: the lab's own sample id
 - `biosample_site`: sampling site, 1 to 15
 - `project_id`: project id
 - `args_json`: NULL or an object of `duplicate_enabled` (boolean: allow an external_sample_id once more, false
   on the platform). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.

 Example: `bge_api_register_sample(api, "demo", 1, "P-W1234567", NULL, &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_register_sample(const bge_api_t *api,
                                     const char *external_sample_id,
                                     int64_t biosample_site,
                                     const char *project_id,
                                     const char *args_json,
                                     char **out_json,
                                     bge_error_t **err);

/*
 Adds facts to a biosample; a field once set stays.

 Source: POST `/samples/improve`; for authorization-code and client-credentials tokens. With no field to set
 nothing is sent. A field once set cannot be changed: `BGE_ERR_API`. The result is `null`.

 - `biosample_id`: biosample id
 - `args_json`: NULL or an object of `library_id` (string: sequencing library id); `library_strategy` (string:
   library strategy, such as WGS); `library_source` (string: library source, such as GENOMIC). Other members are
   passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_improve_sample(const bge_api_t *api,
                                    const char *biosample_id,
                                    const char *args_json,
                                    char **out_json,
                                    bge_error_t **err);

/* ---- Variants of a genome ---- */

/*
 The variants of a biosample at given rsIDs.

 Source: GET `/variants`; for authorization-code and client-credentials tokens. More than 100 rsIDs are fetched
 in pieces: one list, in the order given, all of it or an error.

 `variant.position` is counted from 1 on GRCh38, as in VCF and dbSNP, whatever `coordinate_system` says. A site is called
 with an alternate; or called as the reference (GT 0/0, no `alternate_base`); or assayed and not called
 (`is_no_call`); or not assayed (`is_assayed` false), which says nothing of the genotype.

 - `biosample_id`: biosample id
 - `rsids`: rsIDs; more than 100 are fetched in pieces
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.

 Example: `bge_api_get_variants(api, "E-B12345678901", "rs762551,rs333", NULL, &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_variants(const bge_api_t *api,
                                  const char *biosample_id,
                                  const char *rsids,
                                  const char *args_json,
                                  char **out_json,
                                  bge_error_t **err);

/*
 Variants in regions of the genome.

 Source: POST `/professional/variant`; for authorization-code and client-credentials tokens. Exactly one of
 `regions` and `bed_file`; a file is streamed from disk.

 - `biosample_id`: biosample id
 - `args_json`: NULL or an object of `only_variant_site` (boolean: leave out sites equal to the reference, sent
   as True unless given); `regions` (array: at most 5000 regions); `bed_file` (path: path of a zipped BED file).
   Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_professional_variant(const bge_api_t *api,
                                          const char *biosample_id,
                                          const char *args_json,
                                          char **out_json,
                                          bge_error_t **err);

/* ---- Microbiome profiles ---- */

/*
 The abundance of each taxon of a biosample, page by page.

 Source: GET `/microbiome/taxon_abundance`; for authorization-code tokens. The result is `{"count", "next_page",
 "result"}`; an unknown taxon gives a count of 0.

 - `biosample_id`: biosample id
 - `args_json`: NULL or an object of `taxon_ids` (string, number or array: taxon ids, such as txid815);
   `next_page` (string or number: page number, from 1, sent as 1 unless given); `limit` (integer: rows of a page,
   sent as 50 unless given). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.

 Example: `bge_api_get_taxon_abundance(api, "E-B1234213412", "{\"limit\": 500}", &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_taxon_abundance(const bge_api_t *api,
                                         const char *biosample_id,
                                         const char *args_json,
                                         char **out_json,
                                         bge_error_t **err);

/*
 The abundance of each function of a biosample, page by page.

 Source: GET `/microbiome/func_abundance`; for authorization-code tokens.

 - `biosample_id`: biosample id
 - `catalog`: go, ko, eggnog, pfam, kegg-pwy, kegg-mdl, level4ec, metacyc-rxn or metacyc-pwy
 - `args_json`: NULL or an object of `ids` (string, number or array: function ids); `next_page` (string or
   number: the last answer's next_page); `limit` (integer: rows of a page, sent as 50 unless given). Other
   members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_func_abundance(const bge_api_t *api,
                                        const char *biosample_id,
                                        const char *catalog,
                                        const char *args_json,
                                        char **out_json,
                                        bge_error_t **err);

/*
 The abundance of each gene of a gut biosample, page by page, or as a file.

 Source: GET `/microbiome/gene_abundance`; for authorization-code tokens.

 - `biosample_id`: biosample id
 - `catalog`: IGC_9.9M or UniRef90_HUMAnN2_0.11
 - `data_type`: list or file; UniRef90_HUMAnN2_0.11 has file only
 - `args_json`: NULL or an object of `ids` (string, number or array: gene ids); `next_page` (string or number:
   the last answer's next_page); `limit` (integer: rows of a page, at most 1000, 50 on the platform). Other
   members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_gene_abundance(const bge_api_t *api,
                                        const char *biosample_id,
                                        const char *catalog,
                                        const char *data_type,
                                        const char *args_json,
                                        char **out_json,
                                        bge_error_t **err);

/* ---- Files in the object store ---- */

/*
 Temporary credentials for the object store.

 Source: POST `/sts/token`; for authorization-code and client-credentials tokens. The answer holds secrets:
 `credentials` with `access_key_id`, `access_key_secret`, `security_token`, `expiration`.

 - `args_json`: NULL or an object of `region_id` (string: the store's region); `internal` (boolean: use the
   store's internal address, sent as False unless given). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_upload_token(const bge_api_t *api,
                                      const char *args_json,
                                      char **out_json,
                                      bge_error_t **err);

/*
 A presigned URL of an object.

 Source: POST `/oss/sign_url`; for authorization-code and client-credentials tokens. The answer holds `url`,
 which opens the object for whoever has it, and `expires`.

 - `object_name`: the object's name
 - `args_json`: NULL or an object of `region` (string: domestic or international, domestic on the platform);
   `expiration_time` (integer: seconds that the URL is good for, sent as 600 unless given). Other members are
   passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_download_url(const bge_api_t *api,
                                      const char *object_name,
                                      const char *args_json,
                                      char **out_json,
                                      bge_error_t **err);

/*
 Has a sequencing project's files ferried to the object store.

 Source: POST `/ferry/download_to_oss`; for client-credentials tokens.

 - `account`: account
 - `password`: password
 - `project_no`: project number
 - `biosample_cnt`: number of biosamples
 - `args_json`: NULL or an object of `included_filename_exts` (string, number or array: filename extensions);
   `sample_names` (string, number or array: sample names); `action` (string: restart is the only known one).
   Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_ferry_to_oss(const bge_api_t *api,
                                  const char *account,
                                  const char *password,
                                  const char *project_no,
                                  int64_t biosample_cnt,
                                  const char *args_json,
                                  char **out_json,
                                  bge_error_t **err);

/* ---- Files up to the object store and down from it ---- */

/*
 Uploads bytes in memory as one object.

 Source: POST `/sts/token`, GET `/oauth2/introspect`, then the object store; for authorization-code and
 client-credentials tokens.

 - `filename`: the object's name below the destination, without `/`
 - `data`, `len`: the bytes, read until the call returns; NULL is allowed when `len` is 0
 - `args_json`: NULL or an object of `part_size` (integer: bytes of a part, 50 MiB); `multipart_threshold` (integer:
   bytes from which parts are used, 100 MiB); `multipart_num_threads` (integer: parts sent at once, 4); `region_id`
   (string: the store's region); `internal` (boolean: use the store's internal address); `cmk_id` (string: a master key
   of the key service; the object is encrypted before it is sent, under a data key of its own). Any other member is an
   error.
 - `out_json`: `{"object_name", "size", "crc64" (decimal digits), "etag", "parts", "verified"}`; `verified` is false
   when the store stated no checksum; an encrypted object, whose checksum is that of what is stored, also has
   `"encrypted": true`. Freed with `bge_string_free`.

 `BGE_ERR_INTEGRITY` when the store has other bytes than were sent; `BGE_ERR_STORAGE` when it refuses.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_upload(const bge_api_t *api,
                            const char *filename,
                            const uint8_t *data,
                            size_t len,
                            const char *args_json,
                            char **out_json,
                            bge_error_t **err);

/*
 Uploads a file.

 Source: as `bge_api_upload`. A file of `multipart_threshold` bytes or more goes in parts, in parallel; each part is
 repeated alone, and the checksum of the whole is compared with the store's.

 - `path`: a regular file; anything else is `BGE_ERR_IO` before anything is sent
 - `args_json`: NULL or an object of `filename` (string: the object's name, the path's own unless given);
   `checkpoint_dir` (string: a folder that keeps what a later call needs to resume this upload; what it holds is listed,
   and discarded on the store too, by `bge_api_call(api, "unfinished_uploads", "{\"checkpoint_dir\": …, \"discard\":
   true}")`); and those of `bge_api_upload`. Any other member is an error.
 - `out_json`: as that of `bge_api_upload`. Freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_upload_file(const bge_api_t *api,
                                 const char *path,
                                 const char *args_json,
                                 char **out_json,
                                 bge_error_t **err);

/*
 Uploads the regular files of a folder.

 Source: as `bge_api_upload`, with one token for all files. Links, sockets and what cannot be read are failures of
 their own; a failure of one does not stop the others.

 - `path`: path of the folder
 - `args_json`: NULL or an object of `recursive` (boolean: sub-folders too, their names joined to those of the files);
   `separator` (string: what joins them, `_`); `follow_links` (boolean: symbolic links are taken for what they lead to,
   in the folder or out of it, and fail unless given); and those of `bge_api_upload_file` but `filename`. Two files of
   one name are `BGE_ERR_ARGUMENT` before anything is sent. Any other member is an error.
 - `out_json`: an array of what `bge_api_upload` gives, in the order of the files' names. When a file fails it stays
   NULL, and `bge_error_json` holds every file's result under `files`: `{"path", "filename", "result"}` or `{"path",
   "filename", "error"}`. Freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_upload_dir(const bge_api_t *api,
                                const char *path,
                                const char *args_json,
                                char **out_json,
                                bge_error_t **err);

/*
 Uploads a list of files.

 Source: as `bge_api_upload`, with one token for all files. A failure of one does not stop the others.

 - `files_json`: `[{"path", "filename"}, …]`; `filename` is the path's own unless given. Two files of one name are
   `BGE_ERR_ARGUMENT` before anything is sent.
 - `args_json`: NULL or an object of those of `bge_api_upload_file` but `filename`. Any other member is an error.
 - `out_json`: as that of `bge_api_upload_dir`, in the order given. Freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_batch_upload(const bge_api_t *api,
                                  const char *files_json,
                                  const char *args_json,
                                  char **out_json,
                                  bge_error_t **err);

/*
 Downloads an object to a file.

 Source: POST `/oss/sign_url`, then the presigned URL without the token; for authorization-code and
 client-credentials tokens. Large objects come in ranges, in parallel. The bytes go to `<path>.bge-part`, which gets
 its name when length and checksum are right; what failed half-way is resumed by the next call.

 - `object_name`: the object's name
 - `path`: path of the file, which is replaced if there is one; or an existing folder, which takes the last component
   of the object's name
 - `args_json`: NULL or an object of `region` (string: domestic or international, domestic on the platform);
   `expiration_time` (integer: seconds that the URL is good for, 600); `multipart_num_threads` (integer: ranges fetched
   at once, 4); `decrypt` (boolean: decrypt what was encrypted before it was stored, true; needs the right to the key
   service's `Decrypt`). Any other member is an error.
 - `out_json`: `{"path", "size", "crc64" (decimal digits), "verified"}`; `verified` is false when the store stated no
   checksum; an encrypted object also has `"encrypted": true`. Freed with `bge_string_free`.

 `BGE_ERR_IO` when the disk has no room for it, before more than the first answer has come, or the file cannot be written;
 devices, pipes and sockets are not replaced. A file that is replaced keeps its rights. `BGE_ERR_INTEGRITY` when the bytes are not the
 object's. Nothing half-written ever stands under the final name.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_download(const bge_api_t *api,
                              const char *object_name,
                              const char *path,
                              const char *args_json,
                              char **out_json,
                              bge_error_t **err);

/*
 Downloads any http or https address to a file, as `bge_api_download` does; the client's token is not sent.

 - `url`: the address
 - `path`: path of the file, or an existing folder, which takes the last component of the URL's path
 - `args_json`: NULL or an object of `multipart_num_threads` (integer: ranges fetched at once, 4); `decrypt` (boolean, as
   for `bge_api_download`). Any other member is an error.
 - `out_json`: as that of `bge_api_download`. Freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_download_file(const bge_api_t *api,
                                   const char *url,
                                   const char *path,
                                   const char *args_json,
                                   char **out_json,
                                   bge_error_t **err);

/*
 Starts `bge_api_upload` in the background. `data` must live, unchanged, until the operation is done, cancelled or
 freed; after that it is not touched. The caller frees `*out` with `bge_op_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_start_upload(const bge_api_t *api,
                                  const char *filename,
                                  const uint8_t *data,
                                  size_t len,
                                  const char *args_json,
                                  bge_op_t **out,
                                  bge_error_t **err);

/* ---- An object as a stream of bytes ---- */

/*
 Opens a reader of an object; nothing is sent before the first read.

 Source: POST `/oss/sign_url`, then the presigned URL without the token.

 - `object_name`: the object's name
 - `args_json`: NULL or an object of `region` (string: domestic or international, domestic on the platform);
   `expiration_time` (integer: seconds that the URL is good for, 600); `offset` and `length` (integers: bytes, for a
   part of the object, whose length is verified, but whose checksum no store states); `decrypt` (boolean: decrypt what
   was encrypted before it was stored, true). Any other member is an error. `deadline` bounds each read.

 The caller frees `*out` with `bge_reader_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_open_reader(const bge_api_t *api,
                                 const char *object_name,
                                 const char *args_json,
                                 bge_reader_t **out,
                                 bge_error_t **err);

/*
 Reads the next bytes, as many as have come and `buf` has room for: `*n` is their count. 0 is the end, and comes, where
 all was read in order, only when length and checksum are right (of an encrypted object also the hash of the plaintext,
 where it is known).

 The first read asks for 256 KiB, one after a jump for 192 KiB; reading on asks for up to 8 MiB at a time, with two blocks
 ahead. What breaks is taken up again where it broke. `BGE_ERR_INTEGRITY` when the bytes are not the object's, or when the
 object changed in the meantime; `BGE_ERR_ARGUMENT` when `cap` is 0.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_reader_read(bge_reader_t *r,
                             uint8_t *buf,
                             size_t cap,
                             size_t *n,
                             bge_error_t **err);

/*
 Gives the number of bytes of the object, or of the part of it that the reader is of; asks the store if it is not known
 yet.

 `BGE_ERR_PROTOCOL` when the server does not say it.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_reader_size(bge_reader_t *r, uint64_t *size, bge_error_t **err);

/*
 Goes to a place, in bytes from where the reader begins. Nothing is sent; beyond the end the next read gives 0 bytes.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_reader_seek(bge_reader_t *r, uint64_t offset, bge_error_t **err);

/*
 Reads from a place, in bytes from where the reader begins, without moving it: from any number of threads at once, and
 while another one reads in order. `*n` is less than `cap` only at the end.

 Nothing says here whether the bytes are right but their version: only what is read whole and in order is verified.
 `BGE_ERR_INTEGRITY` when the object changed in the meantime.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_reader_read_at(const bge_reader_t *r,
                                uint64_t offset,
                                uint8_t *buf,
                                size_t cap,
                                size_t *n,
                                bge_error_t **err);

/*
 Ends a read that waits, within 100 ms, and all later ones: `BGE_ERR_CANCELLED`. From any thread; NULL is ignored.
 */
BGE_API
void bge_reader_cancel(const bge_reader_t *r);

/*
 Frees a reader, closing its connection; NULL is ignored.
 */
BGE_API
void bge_reader_free(bge_reader_t *r);

/* ---- An object written as a stream of bytes ---- */

/*
 Opens a writer of an object; nothing is sent before the first write.

 Source: as `bge_api_upload`.

 - `filename`: the object's name below the destination, without `/`
 - `args_json`: NULL or an object of `part_size` (integer: bytes of a part, 8 MiB, of which at most two are in memory;
   it doubles after every 1,000 parts); `region_id` (string: the store's region); `internal` (boolean: use the store's
   internal address); `cmk_id` (string: a master key of the key service; the object is encrypted before it is sent).
   Any other member is an error. `deadline` bounds each call.

 The caller frees `*out` with `bge_writer_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_open_writer(const bge_api_t *api,
                                 const char *filename,
                                 const char *args_json,
                                 bge_writer_t **out,
                                 bge_error_t **err);

/*
 Adds bytes to the object. A part is sent when it is full; an error may be that of an earlier part, and then every
 later call gives it, but `bge_writer_abort`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_writer_write(bge_writer_t *w, const uint8_t *data, size_t len, bge_error_t **err);

/*
 Sends the rest and puts the object in its place. After it, as after an abort, every call is `BGE_ERR_CLOSED`.

 - `out_json`: as that of `bge_api_upload`. Freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_writer_finish(bge_writer_t *w, char **out_json, bge_error_t **err);

/*
 Discards what was written, on the store too, and says whether that worked.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_writer_abort(bge_writer_t *w, bge_error_t **err);

/*
 Ends a call that waits, within 100 ms, and all later ones but `bge_writer_abort`: `BGE_ERR_CANCELLED`. From any
 thread; NULL is ignored.
 */
BGE_API
void bge_writer_cancel(const bge_writer_t *w);

/*
 Frees a writer; NULL is ignored. Of one that is not finished nothing appears under the name; the parts that were sent
 are discarded on the store in the background, best effort.
 */
BGE_API
void bge_writer_free(bge_writer_t *w);

/* ---- Data streams, aggregates and data items ---- */

/*
 A data element's values over a time range, page by page.

 Source: GET `/stream/range`; for authorization-code and client-credentials tokens.

 - `data_element_id`: data element id
 - `args_json`: NULL or an object of `biosample_id` (string: biosample id, client-credentials tokens need it);
   `start_time` (string: from this time, such as 1970-01); `end_time` (string: to this time, such as 2021-04-01
   10:11:00.123456); `sort_direction` (string: asc or desc, desc on the platform); `next_page` (string or number:
   the last answer's next_page); `limit` (integer: rows of a page, sent as 100 unless given). Other members are
   passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.

 Example: `bge_api_get_range_stream(api, "02393f70-c7e4-11e9-bfed-00163e104c79", "{\"start_time\": \"1970-01\"}", &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_range_stream(const bge_api_t *api,
                                      const char *data_element_id,
                                      const char *args_json,
                                      char **out_json,
                                      bge_error_t **err);

/*
 A data element's values by period.

 Source: GET `/omics_data/aggregate`; for authorization-code and client-credentials tokens.

 - `data_element_id`: data element id
 - `time_dimension`: year, quarter, month, week, day, minute or second
 - `start_time`: from this time
 - `args_json`: NULL or an object of `end_time` (string: to this time); `biosample_id` (string: biosample id);
   `interval` (integer: time dimensions of one period, sent as 1 unless given); `periods` (integer: number of
   periods, at most 100, sent as 100 unless given). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_aggregate_omics_data(const bge_api_t *api,
                                          const char *data_element_id,
                                          const char *time_dimension,
                                          const char *start_time,
                                          const char *args_json,
                                          char **out_json,
                                          bge_error_t **err);

/*
 Writes a phenotype of a biosample.

 Source: POST `/datamall/phenotype/write`; for client-credentials tokens. The answer holds `stream_id`. An
 authorization-code token gets code 40014.

 - `biosample_id`: biosample id
 - `data_element_id`: data element id
 - `stream_generate_time`: such as 2021-03-02T10:00:00Z
 - `stream_data`: the values (JSON text)
 - `args_json`: NULL or an object of `duplicate_enabled` (boolean: allow the same values once more). Other
   members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_write_phenotype(const bge_api_t *api,
                                     const char *biosample_id,
                                     const char *data_element_id,
                                     const char *stream_generate_time,
                                     const char *stream_data,
                                     const char *args_json,
                                     char **out_json,
                                     bge_error_t **err);

/*
 Data items of a biosample, page by page.

 Source: GET `/data_item/batch_retrieve`; for authorization-code and client-credentials tokens. At most one
 of `collection_id` and `data_element_ids`.

 - `namespace`: namespace
 - `biosample_id`: biosample id
 - `args_json`: NULL or an object of `collection_id` (string: collection id); `data_element_ids` (string, number
   or array: at most 100 data element ids); `next_page` (string or number: the last answer's next_page). Other
   members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_get_data_items(const bge_api_t *api,
                                    const char *namespace_,
                                    const char *biosample_id,
                                    const char *args_json,
                                    char **out_json,
                                    bge_error_t **err);

/* ---- Models: running, deploying, versions, licences, tasks ---- */

/*
 Runs a model; its parameters are passed on as given.

 Source: GET `/model/{model_id}`; for authorization-code and client-credentials tokens. Never repeated on its
 own, since it runs the model. HTTP headers of the caller's go under `"$": {"headers": {…}}`. The answer is the
 model's result, or `{"task_id", …}` to be asked for with `bge_api_wait_task`.

 - `model_id`: model id
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.

 Example: `bge_api_invoke_model(api, "zS68QlusdT2RWsZ", "{\"biosample_id\": \"E-B1\"}", &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_invoke_model(const bge_api_t *api,
                                  const char *model_id,
                                  const char *args_json,
                                  char **out_json,
                                  bge_error_t **err);

/*
 Runs a model's draft; parameters as given.

 Source: GET `/model/{model_id}/draft`; for authorization-code and client-credentials tokens. As
 `bge_api_invoke_model`, for the draft.

 - `model_id`: model id
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_invoke_draft_model(const bge_api_t *api,
                                        const char *model_id,
                                        const char *args_json,
                                        char **out_json,
                                        bge_error_t **err);

/*
 Deploys a model from a zip on disk or in the object store, or changes its configuration.

 Source: POST `/model/deploy`; for authorization-code and client-credentials tokens. At most one of `source_file` and
 `object_name`; with neither, only the configuration changes. A file is streamed from disk, and the answer holds
 `version`; of an object, `task_id`.

 - `model_id`: model id
 - `args_json`: NULL or an object of `source_file` (path: path of a zip); `object_name` (string: an uploaded
   zip); `handler` (string: entry point, index.handler on the platform, not with object_name); `comment`
   (string: a remark, not with object_name); `runtime` (string: python3 on the platform); `memory_size` (integer: MB, 128 on the
   platform); `cpu` (number: cores, 0.05 on the platform, with object_name); `disk_size` (integer: MB, 512 on the
   platform, with object_name); `timeout` (integer: seconds that the model may run, 900 on the platform). Other
   members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.

 Example: `bge_api_deploy_model(api, "zS68QlusdT2RWsZ", "{\"source_file\": \"model.zip\"}", &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_deploy_model(const bge_api_t *api,
                                  const char *model_id,
                                  const char *args_json,
                                  char **out_json,
                                  bge_error_t **err);

/*
 Publishes a model's draft.

 Source: POST `/model/publish`; for authorization-code and client-credentials tokens.

 - `model_id`: model id
 - `message`: what is new
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_publish_model(const bge_api_t *api,
                                   const char *model_id,
                                   const char *message,
                                   const char *args_json,
                                   char **out_json,
                                   bge_error_t **err);

/*
 Goes back to a deployed version of a model.

 Source: POST `/model/rollback`; for authorization-code and client-credentials tokens.

 - `model_id`: model id
 - `version`: version
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.

 Example: `bge_api_rollback_model(api, "zS68QlusdT2RWsZ", 5, NULL, &json, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_rollback_model(const bge_api_t *api,
                                    const char *model_id,
                                    int64_t version,
                                    const char *args_json,
                                    char **out_json,
                                    bge_error_t **err);

/*
 The versions of a model, page by page.

 Source: GET `/model/{model_id}/versions`; for authorization-code and client-credentials tokens.

 - `model_id`: model id
 - `args_json`: NULL or an object of `limit` (integer: rows of a page, sent as 10 unless given); `next_page`
   (string or number: the last answer's next_page). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_model_versions(const bge_api_t *api,
                                    const char *model_id,
                                    const char *args_json,
                                    char **out_json,
                                    bge_error_t **err);

/*
 Uploads a model's expfs zip.

 Source: POST `/model/expfs/upload`; for authorization-code and client-credentials tokens. The file is streamed
 from disk; as an operation it counts its progress in bytes.

 - `model_id`: model id
 - `expfs`: path of a zip
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_upload_model_expfs(const bge_api_t *api,
                                        const char *model_id,
                                        const char *expfs,
                                        const char *args_json,
                                        char **out_json,
                                        bge_error_t **err);

/*
 A licence to run a model.

 Source: POST `/model/license`; for authorization-code and client-credentials tokens.

 - `model_id`: model id
 - `args_json`: NULL or an object of `expires` (integer: seconds that it is good for, sent as 60 unless given);
   `params` (any JSON: the model's parameters, any JSON value). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_model_license(const bge_api_t *api,
                                   const char *model_id,
                                   const char *args_json,
                                   char **out_json,
                                   bge_error_t **err);

/*
 The state and result of a task.

 Source: GET `/task/{task_id}`; for authorization-code and client-credentials tokens. Asks once;
 `bge_api_wait_task` waits.

 - `task_id`: task id
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_task(const bge_api_t *api,
                          const char *task_id,
                          const char *args_json,
                          char **out_json,
                          bge_error_t **err);

/*
 Uploads a tab of a model's documentation.

 Source: POST `/model/doc_upload`; for authorization-code and client-credentials tokens.

 - `doc_tab`: tab
 - `model_id`: model id
 - `doc_content`: any JSON value (JSON text)
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_upload_model_doc(const bge_api_t *api,
                                      const char *doc_tab,
                                      const char *model_id,
                                      const char *doc_content,
                                      const char *args_json,
                                      char **out_json,
                                      bge_error_t **err);

/*
 Waits for a task: asks for it again and again, with growing pauses, until it is done, failed or the deadline passes.

 Source: GET `/task/{task_id}`.

 - `task_id`: task id
 - `args_json`: NULL or an object whose `"$"` may hold `deadline` (seconds), beside the other switches.
 - `out_json`: the task as the platform wrote it, once it is done; freed with `bge_string_free`. A task that failed is
   `BGE_ERR_API`, with the task in the error's `data`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_wait_task(const bge_api_t *api,
                               const char *task_id,
                               const char *args_json,
                               char **out_json,
                               bge_error_t **err);

/* ---- Services beside the data ---- */

/*
 Sends a text message; never repeated on its own.

 Source: POST `/sms/send`; for client-credentials tokens. The result is `null`. Repeated only when nothing
 reached the platform.

 - `template`: message template
 - `mobiles`: phone numbers
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_send_sms(const bge_api_t *api,
                              const char *template_,
                              const char *mobiles,
                              const char *args_json,
                              char **out_json,
                              bge_error_t **err);

/*
 A link that opens a WeChat mini program.

 Source: POST `/service/wechat/applet/url`; for client-credentials tokens.

 - `code`: mini program code
 - `args_json`: NULL or an object of `path` (string: page within the mini program); `query` (string: query of the
   page). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_applet_url(const bge_api_t *api,
                                const char *code,
                                const char *args_json,
                                char **out_json,
                                bge_error_t **err);

/*
 Whether an id-card number and a name belong together.

 Source: POST `/service/verify/id_meta`; for client-credentials tokens.

 - `idcard`: id-card number
 - `realname`: name
 - `args_json`: NULL or an object of `phone` (string: phone number). Other members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_verify_id_meta(const bge_api_t *api,
                                    const char *idcard,
                                    const char *realname,
                                    const char *args_json,
                                    char **out_json,
                                    bge_error_t **err);

/* ---- Reports on a whole genome ---- */

/*
 The collection of reports on a biosample.

 Source: GET `/wgs/report/collection`; for authorization-code tokens.

 - `biosample_id`: biosample id, sent as given
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_report_collection(const bge_api_t *api,
                                       const char *biosample_id,
                                       const char *args_json,
                                       char **out_json,
                                       bge_error_t **err);

/*
 The reports of one domain.

 Source: GET `/wgs/report/details`; for authorization-code tokens.

 - `biosample_id`: biosample id, sent as given
 - `domain`: report domain
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_report_details(const bge_api_t *api,
                                    const char *biosample_id,
                                    const char *domain,
                                    const char *args_json,
                                    char **out_json,
                                    bge_error_t **err);

/*
 One report.

 Source: GET `/wgs/report/detail`; for authorization-code tokens.

 - `biosample_id`: biosample id, sent as given
 - `domain_version`: report domain and version
 - `report_id`: report id
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_report_detail(const bge_api_t *api,
                                   const char *biosample_id,
                                   const char *domain_version,
                                   const char *report_id,
                                   const char *args_json,
                                   char **out_json,
                                   bge_error_t **err);

/*
 The dictionaries that reports refer to.

 Source: GET `/wgs/dictionaries`; for authorization-code tokens.

 - `biosample_id`: biosample id, sent as given
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_dictionaries(const bge_api_t *api,
                                  const char *biosample_id,
                                  const char *args_json,
                                  char **out_json,
                                  bge_error_t **err);

/*
 The merit cards of a biosample.

 Source: GET `/wgs/merit-cards`; for authorization-code tokens.

 - `biosample_id`: biosample id, sent as given
 - `args_json`: NULL or an object, whose members are passed through.
 - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_merit_cards(const bge_api_t *api,
                                 const char *biosample_id,
                                 const char *args_json,
                                 char **out_json,
                                 bge_error_t **err);

/* ---- Calls in the background ---- */

/*
 Starts any call in the background: those of `bge_endpoints` by name (but `upload`), `request`
 (`{"method", "path", "args"}`), `wait_task` (`{"task_id"}`) and `get_token`. The caller frees `*out` with `bge_op_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_start(const bge_api_t *api,
                           const char *name,
                           const char *args_json,
                           bge_op_t **out,
                           bge_error_t **err);

/*
 Makes any call of `bge_api_start` ready, and sends nothing: `bge_op_run` carries it out. The caller frees `*out` with
 `bge_op_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_prepare(const bge_api_t *api,
                             const char *name,
                             const char *args_json,
                             bge_op_t **out,
                             bge_error_t **err);

/*
 Carries out what `bge_api_prepare` made ready, on this thread, and gives its result as `bge_api_call` would; any other
 thread may end it with `bge_op_cancel`, before it or meanwhile. No other thread takes part in a short call: where
 each caller has a thread anyway, this costs less than `bge_api_start` and a wait. Once for each operation:
 `BGE_ERR_ARGUMENT` for the second time, and for one that was started. The caller frees `*out_json` with
 `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_op_run(const bge_op_t *op, char **out_json, bge_error_t **err);

/*
 Waits until an operation has ended, for at most `timeout_ms` milliseconds, or without a limit if that is negative.
 When the time runs out first, the status is `BGE_OK` and `*done` is false. The operation's own error comes from
 `bge_op_result`, never from this function.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_op_wait(const bge_op_t *op, int64_t timeout_ms, bool *done, bge_error_t **err);

/*
 Tells how far an operation has come: in bytes for transfers and for calls that send a file, otherwise in pages. As
 long as the total is not known, `*total` is 0. Neither number ever decreases. It may be called beside any other call on
 the same operation, except its free.
 */
BGE_API
void bge_op_progress(const bge_op_t *op, uint64_t *done, uint64_t *total);

/*
 Cancels an operation. Unless it has ended already, it ends with `BGE_ERR_CANCELLED`, and its connection is closed. Any
 thread may call this, any number of times; NULL is ignored.
 */
BGE_API
void bge_op_cancel(const bge_op_t *op);

/*
 Gives the result of an operation that has ended: what the call itself would have given, or its error. It can be taken
 once; the second time is `BGE_ERR_CLOSED`. An operation that is still running is `BGE_ERR_ARGUMENT`. The caller frees
 `*out_json` with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_op_result(bge_op_t *op, char **out_json, bge_error_t **err);

/*
 A file descriptor that becomes readable when the operation is done, for `poll` and event loops. It belongs to the
 operation and is not to be read or closed; -1 when there is none.
 */
BGE_API
int32_t bge_op_fd(const bge_op_t *op);

/*
 Frees an operation, cancelling it if it still runs, without waiting for the network; NULL is ignored.
 */
BGE_API
void bge_op_free(bge_op_t *op);

/* ---- Where operations that have ended line up ---- */

/*
 Makes a queue. The caller frees `*out` with `bge_ops_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_ops_new(bge_ops_t **out, bge_error_t **err);

/*
 Puts `key`, which is the caller's own, in a queue once, when the operation has
 ended, was cancelled or was freed before it had; at once if it has ended already. An operation has one queue at most:
 `BGE_ERR_ARGUMENT` for a second one.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_ops_add(const bge_ops_t *ops, const bge_op_t *op, uint64_t key, bge_error_t **err);

/*
 Lines a key up that is no operation's, to wake whoever waits. May be called from a `bge_log_fn`, too; NULL is
 ignored.
 */
BGE_API
void bge_ops_post(const bge_ops_t *ops, uint64_t key);

/*
 Takes keys from a queue, in the order in which they lined up: as many as there are and `keys` has room for (`cap`, at
 least 1), `*n` of them. When there is none it waits for one, for at most `timeout_ms` milliseconds, below 0 without a
 limit; `BGE_OK` with 0 keys when the time runs out. Each key goes to one waiter only.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_ops_wait(const bge_ops_t *ops,
                          int64_t timeout_ms,
                          uint64_t *keys,
                          size_t cap,
                          size_t *n,
                          bge_error_t **err);

/*
 A file descriptor that is readable while there are keys, for `poll` and event loops. It belongs to the queue and is
 not to be read or closed; -1 when there is none.
 */
BGE_API
int32_t bge_ops_fd(const bge_ops_t *ops);

/*
 Frees a queue; NULL is ignored. Operations that were added live on, and their keys go nowhere. Nobody may wait
 at it then, and its file descriptor is closed when the last of them has ended.
 */
BGE_API
void bge_ops_free(bge_ops_t *ops);

/* ---- Walking a list page by page ---- */

/*
 Opens a walk through the pages of a paginated call; nothing is sent yet. Without a `limit` in `args_json` it asks for
 pages of 1,000 rows, and for the documented number where the platform refuses that; a list of ids that is too long
 for one request is walked in pieces. `next_page` in `args_json` takes an earlier walk up again (with the same `limit`;
 a page of a single call belongs to that call's); `"$": {"strict_count": true}` makes a walk fail at its end when its rows are not as many as the
 `count` of its first page. The caller frees `*out` with `bge_pages_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_pages(const bge_api_t *api,
                           const char *name,
                           const char *args_json,
                           bge_pages_t **out,
                           bge_error_t **err);

/*
 The next page as JSON, with its own `next_page`; `*out_json` is NULL when there is none left. One page is fetched
 ahead. After a failure the same page is asked for again: nothing is skipped or doubled. A token that leads back is
 `BGE_ERR_PROTOCOL`. The caller frees `*out_json` with `bge_string_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_pages_next(bge_pages_t *pages, char **out_json, bge_error_t **err);

/*
 The next page in the background; its result is JSON `null` when there is none left. Until it is done, `bge_pages_next`
 and `bge_pages_start` on the same pages are `BGE_ERR_ARGUMENT`; after a failed or cancelled one the same page is
 fetched again. The caller frees `*out` with `bge_op_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_pages_start(bge_pages_t *pages, bge_op_t **out, bge_error_t **err);

/*
 The same as `bge_pages_start`, for at most `timeout_ms` milliseconds, whatever the walk's own deadline says; below 0
 without a limit. It ends with `BGE_ERR_TIMEOUT` then, or at once with the server's refusal that asks to wait for longer.
 The same page is fetched again next time.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_pages_start_within(bge_pages_t *pages,
                                    int64_t timeout_ms,
                                    bge_op_t **out,
                                    bge_error_t **err);

/*
 Cancels a walk: a `bge_pages_next` that is blocked and an operation of `bge_pages_start` end within 100 ms with
 `BGE_ERR_CANCELLED`, and so does every later one; nothing is fetched any more. From any thread, any number of times,
 beside any other call on the same pages but their free; NULL is ignored.
 */
BGE_API
void bge_pages_cancel(const bge_pages_t *pages);

/*
 Ends a walk; NULL is ignored.
 */
BGE_API
void bge_pages_free(bge_pages_t *pages);

/* ---- Tables: the rows of many samples as streams of Arrow record batches ---- */

/*
 Opens a table and takes its stream: `bge_api_open_table`, `bge_table_stream` and `bge_table_free` in one, for
 callers who want neither progress nor cancel nor report.

 The caller releases `*out` by its own `release`, as the Arrow C stream interface says. On failure `out->release` is
 NULL.

 Example: `bge_api_table(api, "get_taxon_abundance", "{\"biosample_id\": [\"E-B1\", \"E-B2\"]}", &stream, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_table(const bge_api_t *api,
                           const char *name,
                           const char *args_json,
                           struct ArrowArrayStream *out,
                           bge_error_t **err);

/*
 Opens the table of a list call: `get_samples`, `get_variants`, `get_taxon_abundance`, `get_func_abundance`,
 `get_gene_abundance`, `get_range_stream`, `get_data_items`, `model_versions` or `externals`. Nothing is sent yet.

 `args_json` holds the call's arguments. `biosample_id` may be an array: then the rows of all these samples come, in
 the order of the array, each with its `biosample_id`; of an empty one none come, and nothing is sent.
 `"biosample_ids": "all"` stands for every sample that `get_samples` lists with the filters given beside it.

 Without a `limit` pages have 1,000 rows, or as many as documented where the platform refuses that. A list of ids that
 is too long for one request is asked for in pieces.

 The member `"$"` also knows here:

 - `concurrency`: samples at a time, 8. `prefetch`: pages of each that may wait for the reader, as many as make some
   8,000 rows unless given; memory is bounded by `concurrency` × `prefetch` pages. While the reader waits for a slow
   sample, the pages of those behind it go to a file without a name in the folder for temporary files.
 - `columns`: an array of names; only these, in this order (`extra` always last). `strict`: a value of an unexpected
   type is an error of its sample.
 - `on_error`: `"fail"`, or `"skip"`: a failing sample is left to `bge_table_report`, and the others come. `whole`: true
   gives a sample's rows when all of them are there, so that a sample that is skipped has given none.
 - `retry_for`: seconds, 0. So long an outage of the platform, or a pause that it asks for with 429, is waited out by all
   samples together, beyond the repeats of each request; only what fails while others are answered is a sample's own.
 - `rate_limit`: requests per second of the whole table.
 - `checkpoint_dir`: a folder that keeps the pages of finished samples, and the list that `"all"` stands for: a run that
   was ended goes on from there. Pages belong to the client's account, address and arguments, and are kept when they
   have been decoded; where they cannot be written, the log says so and the run goes on without.

 The caller frees `*out` with `bge_table_free`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_api_open_table(const bge_api_t *api,
                                const char *name,
                                const char *args_json,
                                bge_table_t **out,
                                bge_error_t **err);

/*
 The rows as an Arrow C stream, once (`BGE_ERR_CLOSED` the second time); it may outlive the table. The first batch
 that is asked for starts the requests.

 The schema is flat: the columns that `bge_endpoints` lists, with `bge.endpoint`, `bge.type`, `bge.unit` and
 `bge.description` in their metadata, `biosample_id` wherever rows belong to samples, and `extra`, a JSON text with
 whatever the others do not hold: members that they do not name, and values of an unexpected type (null in their
 column).

 A failing `get_next` gives `ECANCELED` after `bge_table_cancel`, `EINVAL` in a forked child, else `EIO`, and
 `get_last_error` the text that `bge_error_json` would. The caller releases `*out` by its own `release`, at any time.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_table_stream(bge_table_t *table, struct ArrowArrayStream *out, bge_error_t **err);

/*
 How far a table is: rows given, samples whose rows have all been given (or that were skipped), and samples in all;
 with `"all"` those listed so far. Outputs may be NULL. May run beside any other call on the same table but its free.
 */
BGE_API
void bge_table_progress(const bge_table_t *table, uint64_t *rows, uint64_t *samples_done, uint64_t *samples);

/*
 Cancels a table: a `get_next` that is blocked ends within 100 ms, and so does every later one. From any thread, any
 number of times; NULL is ignored.
 */
BGE_API
void bge_table_cancel(const bge_table_t *table);

/*
 What went wrong on the way, as JSON: `{"failed": [{"biosample_id", "rows", "error"}], "misfits": n}`. `failed` are
 the samples that `"on_error": "skip"` left out, each with the rows that had been given before it failed and the text
 of `bge_error_json`; `misfits` counts values of an unexpected type. The caller frees `*out_json`.
 */
BGE_NODISCARD BGE_API
bge_status_t bge_table_report(const bge_table_t *table, char **out_json, bge_error_t **err);

/*
 The rows of one page that the caller has already, as the columns that a table of the same call has: for lists that
 were fetched as JSON. There is no client and nothing is sent.

 `name` is a list call as in `bge_api_open_table`, `page_json` what it gave: a page of `bge_pages_next` or of the call
 itself (an object that has the rows as `result`), or the bare list of a call without pages. The schema is that of
 `bge_table_stream`; `biosample_id` is null where a row does not say it. Without rows the stream has a schema and no
 batch. Texts are copied: `page_json` may be freed at once. What is no such page, or no JSON, is `BGE_ERR_ARGUMENT`.

 The caller releases `*out` by its own `release`; on failure `out->release` is NULL. In a forked child it works as well.

 Example: `bge_rows("get_samples", page, &stream, &err)`
 */
BGE_NODISCARD BGE_API
bge_status_t bge_rows(const char *name, const char *page_json, struct ArrowArrayStream *out, bge_error_t **err);

/*
 Frees a table; NULL is ignored. Its stream lives on.
 */
BGE_API
void bge_table_free(bge_table_t *table);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BGE_H */
