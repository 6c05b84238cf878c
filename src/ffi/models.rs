//! Models: running, deploying, versions, licences, tasks.

use std::ffi::c_char;

use super::{
    boundary::gives_text,
    client::bge_api_t,
    error::bge_error_t,
    pointers::{args, handle},
    row::{Given, call, with_given},
    version::bge_status_t,
};

/// Runs a model; its parameters are passed on as given.
///
/// Source: GET `/model/{model_id}`; for authorization-code and client-credentials tokens. Never repeated on its
/// own, since it runs the model. HTTP headers of the caller's go under `"$": {"headers": {…}}`. The answer is the
/// model's result, or `{"task_id", …}` to be asked for with `bge_api_wait_task`.
///
/// - `model_id`: model id
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
///
/// Example: `bge_api_invoke_model(api, "zS68QlusdT2RWsZ", "{\"biosample_id\": \"E-B1\"}", &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_invoke_model(
    api: *const bge_api_t,
    model_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("invoke_model", api, &[Given::Text("model_id", model_id)], args_json, out_json, err) }
}

/// Runs a model's draft; parameters as given.
///
/// Source: GET `/model/{model_id}/draft`; for authorization-code and client-credentials tokens. As
/// `bge_api_invoke_model`, for the draft.
///
/// - `model_id`: model id
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_invoke_draft_model(
    api: *const bge_api_t,
    model_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("invoke_draft_model", api, &[Given::Text("model_id", model_id)], args_json, out_json, err) }
}

/// Deploys a model from a zip on disk or in the object store, or changes its configuration.
///
/// Source: POST `/model/deploy`; for authorization-code and client-credentials tokens. At most one of `source_file` and
/// `object_name`; with neither, only the configuration changes. A file is streamed from disk, and the answer holds
/// `version`; of an object, `task_id`.
///
/// - `model_id`: model id
/// - `args_json`: NULL or an object of `source_file` (path: path of a zip); `object_name` (string: an uploaded
///   zip); `handler` (string: entry point, index.handler on the platform, not with object_name); `comment`
///   (string: a remark, not with object_name); `runtime` (string: python3 on the platform); `memory_size` (integer: MB, 128 on the
///   platform); `cpu` (number: cores, 0.05 on the platform, with object_name); `disk_size` (integer: MB, 512 on the
///   platform, with object_name); `timeout` (integer: seconds that the model may run, 900 on the platform). Other
///   members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
///
/// Example: `bge_api_deploy_model(api, "zS68QlusdT2RWsZ", "{\"source_file\": \"model.zip\"}", &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_deploy_model(
    api: *const bge_api_t,
    model_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("deploy_model", api, &[Given::Text("model_id", model_id)], args_json, out_json, err) }
}

/// Publishes a model's draft.
///
/// Source: POST `/model/publish`; for authorization-code and client-credentials tokens.
///
/// - `model_id`: model id
/// - `message`: what is new
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_publish_model(
    api: *const bge_api_t,
    model_id: *const c_char,
    message: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "publish_model",
            api,
            &[Given::Text("model_id", model_id), Given::Text("message", message)],
            args_json,
            out_json,
            err,
        )
    }
}

/// Goes back to a deployed version of a model.
///
/// Source: POST `/model/rollback`; for authorization-code and client-credentials tokens.
///
/// - `model_id`: model id
/// - `version`: version
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
///
/// Example: `bge_api_rollback_model(api, "zS68QlusdT2RWsZ", 5, NULL, &json, &err)`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_rollback_model(
    api: *const bge_api_t,
    model_id: *const c_char,
    version: i64,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "rollback_model",
            api,
            &[Given::Text("model_id", model_id), Given::Integer("version", version)],
            args_json,
            out_json,
            err,
        )
    }
}

/// The versions of a model, page by page.
///
/// Source: GET `/model/{model_id}/versions`; for authorization-code and client-credentials tokens.
///
/// - `model_id`: model id
/// - `args_json`: NULL or an object of `limit` (integer: rows of a page, sent as 10 unless given); `next_page`
///   (string or number: the last answer's next_page). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_model_versions(
    api: *const bge_api_t,
    model_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("model_versions", api, &[Given::Text("model_id", model_id)], args_json, out_json, err) }
}

/// Uploads a model's expfs zip.
///
/// Source: POST `/model/expfs/upload`; for authorization-code and client-credentials tokens. The file is streamed
/// from disk; as an operation it counts its progress in bytes.
///
/// - `model_id`: model id
/// - `expfs`: path of a zip
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_upload_model_expfs(
    api: *const bge_api_t,
    model_id: *const c_char,
    expfs: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "upload_model_expfs",
            api,
            &[Given::Text("model_id", model_id), Given::Text("expfs", expfs)],
            args_json,
            out_json,
            err,
        )
    }
}

/// A licence to run a model.
///
/// Source: POST `/model/license`; for authorization-code and client-credentials tokens.
///
/// - `model_id`: model id
/// - `args_json`: NULL or an object of `expires` (integer: seconds that it is good for, sent as 60 unless given);
///   `params` (any JSON: the model's parameters, any JSON value). Other members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_model_license(
    api: *const bge_api_t,
    model_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("model_license", api, &[Given::Text("model_id", model_id)], args_json, out_json, err) }
}

/// The state and result of a task.
///
/// Source: GET `/task/{task_id}`; for authorization-code and client-credentials tokens. Asks once;
/// `bge_api_wait_task` waits.
///
/// - `task_id`: task id
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_task(
    api: *const bge_api_t,
    task_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe { call("task", api, &[Given::Text("task_id", task_id)], args_json, out_json, err) }
}

/// Uploads a tab of a model's documentation.
///
/// Source: POST `/model/doc_upload`; for authorization-code and client-credentials tokens.
///
/// - `doc_tab`: tab
/// - `model_id`: model id
/// - `doc_content`: any JSON value (JSON text)
/// - `args_json`: NULL or an object, whose members are passed through.
/// - `out_json`: the answer's `data` as the platform wrote it; freed with `bge_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_upload_model_doc(
    api: *const bge_api_t,
    doc_tab: *const c_char,
    model_id: *const c_char,
    doc_content: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: passed on as the header asks for them.
    unsafe {
        call(
            "upload_model_doc",
            api,
            &[
                Given::Text("doc_tab", doc_tab),
                Given::Text("model_id", model_id),
                Given::Json("doc_content", doc_content),
            ],
            args_json,
            out_json,
            err,
        )
    }
}

/// Waits for a task: asks for it again and again, with growing pauses, until it is done, failed or the deadline passes.
///
/// Source: GET `/task/{task_id}`.
///
/// - `task_id`: task id
/// - `args_json`: NULL or an object whose `"$"` may hold `deadline` (seconds), beside the other switches.
/// - `out_json`: the task as the platform wrote it, once it is done; freed with `bge_string_free`. A task that failed is
///   `BGE_ERR_API`, with the task in the error's `data`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bge_api_wait_task(
    api: *const bge_api_t,
    task_id: *const c_char,
    args_json: *const c_char,
    out_json: *mut *mut c_char,
    err: *mut *mut bge_error_t,
) -> bge_status_t {
    // SAFETY: `api` is NULL or a live handle, texts NULL or NUL-terminated, outputs NULL or writable.
    unsafe {
        gives_text("wait_task", out_json, err, || {
            let api = handle(api, "api")?;
            let args = with_given(&[Given::Text("task_id", task_id)], args(args_json)?)?;
            api.client.wait_task(args)
        })
    }
}
