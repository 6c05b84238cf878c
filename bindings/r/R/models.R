# Models and their tasks.

#' Runs a model
#'
#' Its own parameters are given by name in `...`, and passed on as they are. Running is never repeated on its own.
#'
#' `GET /model/{model_id}`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param model_id Model id.
#' @return The model's result, a list: `model_code` (0 is good), `model_msg`, `model_data` (a list of the model's own); or,
#'   for slow models, a list with a `task_id` for [bge_wait_task()].
#' @seealso [bge_deploy_model()], [bge_publish_model()], [bge_model_versions()], [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   id <- sandbox$meta_biosample_id
#'   answer <- bge_invoke_model(sandbox$user, sandbox$model_id, biosample_id = id)
#'   answer$model_data$predict_class
#' }
bge_invoke_model <- function(api, model_id, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "invoke_model", list(model_id = model_id, ...), simplify, call_options)
}

#' Runs a model's draft
#'
#' `GET /model/{model_id}/draft`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param model_id Model id.
#' @return As of [bge_invoke_model()].
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_publish_model()], [bge_model_versions()],
#'   [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_invoke_draft_model(sandbox$user, sandbox$model_id)$model_msg
bge_invoke_draft_model <- function(api, model_id, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "invoke_draft_model", list(model_id = model_id, ...), simplify, call_options)
}

#' Deploys a model, or changes its configuration
#'
#' The source is a zip: on disk (`source_file`), or in the object store (`object_name`). With neither, only the
#' configuration changes.
#'
#' `POST /model/deploy`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param model_id Model id.
#' @param source_file Path of a zip.
#' @param object_name Name of an uploaded zip.
#' @param handler Entry point; index.handler on the platform; not with `object_name`.
#' @param comment A remark; not with `object_name`.
#' @param runtime Runtime: python3 on the platform.
#' @param memory_size Memory in MB; 128 on the platform.
#' @param cpu Cores; 0.05 on the platform; with `object_name`.
#' @param disk_size Disk space in MB; 512 on the platform; with `object_name`.
#' @param timeout Seconds that the model may run; 900 on the platform.
#' @return A list: `version`, or, when the zip is in the object store, `task_id` for [bge_wait_task()].
#' @seealso [bge_invoke_model()], [bge_publish_model()], [bge_model_versions()], [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   zip <- file.path(tempdir(), "model.zip")
#'   writeBin(c(charToRaw("PK"), as.raw(c(5, 6, rep(0, 18)))), zip) # a zip of no files
#'   bge_deploy_model(sandbox$user, sandbox$model_id, source_file = zip, memory_size = 256)
#' }
bge_deploy_model <- function(
    api, model_id, ..., source_file = NULL, object_name = NULL, handler = NULL, comment = NULL, runtime = NULL,
    memory_size = NULL, cpu = NULL, disk_size = NULL, timeout = NULL, simplify = TRUE, call_options = NULL) {
  given <- list(
    model_id = model_id, source_file = source_file, object_name = object_name, handler = handler,
    comment = comment, runtime = runtime, memory_size = memory_size, cpu = cpu, disk_size = disk_size,
    timeout = timeout, ...
  )
  call_value(api, "deploy_model", given, simplify, call_options, bytes = TRUE)
}

#' Publishes a model's draft
#'
#' `POST /model/publish`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param model_id Model id.
#' @param message What is new.
#' @return A list with the published `version`.
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_model_versions()], [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_publish_model(sandbox$user, sandbox$model_id, "a better model")
bge_publish_model <- function(api, model_id, message, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "publish_model", list(model_id = model_id, message = message, ...), simplify, call_options)
}

#' Goes back to a deployed version of a model
#'
#' `POST /model/rollback`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param model_id Model id.
#' @param version Version.
#' @return A list with the `version`.
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_publish_model()], [bge_model_versions()],
#'   [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_rollback_model(sandbox$user, sandbox$model_id, 2)
bge_rollback_model <- function(api, model_id, version, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "rollback_model", list(model_id = model_id, version = version, ...), simplify, call_options)
}

#' The versions of a model
#'
#' `GET /model/{model_id}/versions`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param model_id Model id.
#' @return A data frame (see [bge_paging]) with the columns `version` (double), `message` (character),
#'   `create_time` (POSIXct), `current` (logical).
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_publish_model()], [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   versions <- bge_model_versions(sandbox$user, sandbox$model_id)
#'   head(versions[c("version", "message")])
#' }
bge_model_versions <- function(
    api, model_id, ..., limit = NULL, next_page = NULL, all_pages = TRUE, max_pages = Inf, max_rows = Inf,
    simplify = TRUE, int64 = getOption("bge.int64", "double"), call_options = NULL) {
  given <- list(model_id = model_id, limit = limit, next_page = next_page, ...)
  call_pages(api, "model_versions", given, paging(all_pages, max_pages, max_rows, simplify, int64), call_options)
}

#' Uploads a model's expfs zip
#'
#' `POST /model/expfs/upload`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param model_id Model id.
#' @param expfs Path of a zip.
#' @return A list: `task_id` for [bge_wait_task()], `create_time`, `progress`.
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_publish_model()], [bge_model_versions()],
#'   [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   zip <- file.path(tempdir(), "expfs.zip")
#'   writeBin(c(charToRaw("PK"), as.raw(c(5, 6, rep(0, 18)))), zip) # a zip of no files
#'   task <- bge_upload_model_expfs(sandbox$user, sandbox$model_id, zip)
#'   bge_wait_task(sandbox$user, task$task_id)$progress
#' }
bge_upload_model_expfs <- function(api, model_id, expfs, ..., simplify = TRUE, call_options = NULL) {
  given <- list(model_id = model_id, expfs = expfs, ...)
  call_value(api, "upload_model_expfs", given, simplify, call_options, bytes = TRUE)
}

#' A licence to run a model
#'
#' `POST /model/license`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param model_id Model id.
#' @param expires Seconds that it is good for; 60 unless given.
#' @param params The model's parameters, any JSON value.
#' @return A list: `model_id`, `license_key`, `license_id`, `expire_time` (seconds since 1970), `params`. It holds a secret,
#'   the `license_key`.
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_publish_model()], [bge_model_versions()],
#'   [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   names(bge_model_license(sandbox$user, sandbox$model_id, expires = 600, params = list(depth = 3)))
#' }
bge_model_license <- function(
    api, model_id, ..., expires = NULL, params = NULL, simplify = TRUE, call_options = NULL) {
  given <- list(model_id = model_id, expires = expires, params = params, ...)
  call_value(api, "model_license", given, simplify, call_options)
}

#' The state and result of a task
#'
#' `GET /task/{task_id}`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param task_id Task id.
#' @return A list: `task_id`, `task_type`, `progress` (`"PENDING"`, `"SUCCESS"`, `"FAILURE"`, ...), `create_time`, and
#'   `result` when it is done.
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_publish_model()], [bge_model_versions()],
#'   [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   started <- bge_invoke_model(sandbox$user, "slow-model")
#'   bge_task(sandbox$user, started$task_id)$progress
#' }
bge_task <- function(api, task_id, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "task", list(task_id = task_id, ...), simplify, call_options)
}

#' Uploads a tab of a model's documentation
#'
#' `POST /model/doc_upload`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param doc_tab Tab.
#' @param model_id Model id.
#' @param doc_content Any JSON value.
#' @return A list: `model_id` and the `version` of the documentation.
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_publish_model()], [bge_model_versions()],
#'   [bge_wait_task()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   bge_upload_model_doc(sandbox$user, "readme", sandbox$model_id, list(title = "My model"))
#' }
bge_upload_model_doc <- function(api, doc_tab, model_id, doc_content, ..., simplify = TRUE, call_options = NULL) {
  given <- list(doc_tab = doc_tab, model_id = model_id, doc_content = doc_content, ...)
  call_value(api, "upload_model_doc", given, simplify, call_options)
}

#' Waits for a task
#'
#' Asks for the task again and again, with growing pauses, until it is done.
#'
#' @inheritParams bge_get_user
#' @param task_id Task id.
#' @param call_options As elsewhere; `deadline` (seconds) bounds the waiting.
#' @return The task, as of [bge_task()], once it is done. A task that failed is `bge_error_api`, with the task in the
#'   condition's `data`.
#' @seealso [bge_invoke_model()], [bge_deploy_model()], [bge_publish_model()], [bge_model_versions()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   started <- bge_invoke_model(sandbox$user, "slow-model")
#'   bge_wait_task(sandbox$user, started$task_id, call_options = list(deadline = 60))$progress
#' }
bge_wait_task <- function(api, task_id, simplify = TRUE, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  json <- args_json(endpoint("task", call), list(task_id = task_id), call, call_options)
  parse_json(call_text(api, "wait_task", json, call), simplify)
}
