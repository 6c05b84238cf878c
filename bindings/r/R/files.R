# Files: uploads, downloads, and what they need.

# What uploads give.
upload_columns <- list(
  list(name = "object_name", type = "string", path = "/object_name"),
  list(name = "size", type = "int64", path = "/size"),
  list(name = "crc64", type = "string", path = "/crc64"),
  list(name = "etag", type = "string", path = "/etag"),
  list(name = "parts", type = "int64", path = "/parts"),
  list(name = "verified", type = "boolean", path = "/verified")
)

# The JSON of a transfer's result.
transfer <- function(api, name, given, call_options, call) {
  json <- args_json(endpoint(name, call), given, call, call_options)
  progress <- progress_bytes(name)
  if (!is.null(progress)) on.exit(progress$end())
  call_text(api, name, json, call, progress)
}

upload_frame <- function(text, call) {
  schema <- schema_of(list(columns = upload_columns))
  page <- .Call(rbge_read_page, text, FALSE, schema$paths, schema$types)
  build_frame(list(page$rows), schema, 0L, call)
}

#' Uploads
#'
#' To the caller's folder in the object store: a file, the regular files of a folder, a list of files, or bytes in
#' memory. Large files go in parts, several at once; what was sent is verified by its CRC-64. Nothing appears under its
#' name before all of it is there. Ctrl-C ends an upload; with `checkpoint_dir` the same call goes on where it ended.
#'
#' @inheritParams bge_get_user
#' @param path Path of the file, or of the folder.
#' @param files Paths, or a data frame of `path` and `filename`.
#' @param filename Name in the store, without `/`; the path's own unless given.
#' @param data A raw vector, or one string, which is sent as UTF-8.
#' @param ... Not used: uploads pass nothing on to the platform, and an unknown name is an error.
#' @param recursive,separator `TRUE` uploads sub-folders too, their names joined by the separator (`"_"`).
#' @param part_size Bytes of a part; 50 MiB unless given.
#' @param multipart_threshold Bytes from which parts are used; 100 MiB unless given.
#' @param multipart_num_threads Parts sent at once; 4 unless given.
#' @param cmk_id Customer master key: encryption is not in this version.
#' @param region_id The store's region.
#' @param internal `TRUE` uses the store's internal address.
#' @param checkpoint_dir Folder that keeps what a later call needs to go on with an upload.
#' @return A list `object_name` (`<destination>/<filename>`), `size` (bytes), `crc64` (decimal digits, as character),
#'   `etag`, `parts`, and `verified` (`FALSE` when the store sent nothing to check against). `bge_upload_dir()` and
#'   `bge_batch_upload()` give a data frame of those columns, one row for each file; if one of many fails, the others
#'   go on, and the condition has the result of each in `details$files`.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   bge_upload(sandbox$user, "greeting.txt", "hello")$object_name
#'
#'   folder <- file.path(tempdir(), "reads")
#'   dir.create(folder)
#'   writeLines("ACGT", file.path(folder, "a.txt"))
#'   writeLines("TGCA", file.path(folder, "b.txt"))
#'   bge_upload_file(sandbox$user, file.path(folder, "a.txt"))$size
#'   bge_upload_dir(sandbox$user, folder)[c("size", "verified")]
#'   bge_batch_upload(sandbox$user, list.files(folder, full.names = TRUE))[c("size", "verified")]
#' }
bge_upload_file <- function(
    api, path, ..., filename = NULL, part_size = NULL, multipart_threshold = NULL, multipart_num_threads = NULL,
    cmk_id = NULL, region_id = NULL, internal = NULL, checkpoint_dir = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  given <- list(
    path = path, filename = filename, part_size = part_size, multipart_threshold = multipart_threshold,
    multipart_num_threads = multipart_num_threads, cmk_id = cmk_id, region_id = region_id, internal = internal,
    checkpoint_dir = checkpoint_dir, ...
  )
  parse_json(transfer(api, "upload_file", given, call_options, call))
}

#' @rdname bge_upload_file
#' @export
bge_upload_dir <- function(
    api, path, ..., recursive = NULL, separator = NULL, part_size = NULL, multipart_threshold = NULL,
    multipart_num_threads = NULL, cmk_id = NULL, region_id = NULL, internal = NULL, checkpoint_dir = NULL,
    call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  given <- list(
    path = path, recursive = recursive, separator = separator, part_size = part_size,
    multipart_threshold = multipart_threshold, multipart_num_threads = multipart_num_threads, cmk_id = cmk_id,
    region_id = region_id, internal = internal, checkpoint_dir = checkpoint_dir, ...
  )
  upload_frame(transfer(api, "upload_dir", given, call_options, call), call)
}

#' @rdname bge_upload_file
#' @export
bge_batch_upload <- function(
    api, files, ..., part_size = NULL, multipart_threshold = NULL, multipart_num_threads = NULL, cmk_id = NULL,
    region_id = NULL, internal = NULL, checkpoint_dir = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  if (is.character(files)) files <- data.frame(path = files)
  if (!is.data.frame(files) || !is.character(files$path)) {
    bad_argument("files", "must be paths, or a data frame with them", call)
  }
  files$path <- path.expand(files$path)
  given <- list(
    files = files, part_size = part_size, multipart_threshold = multipart_threshold,
    multipart_num_threads = multipart_num_threads, cmk_id = cmk_id, region_id = region_id, internal = internal,
    checkpoint_dir = checkpoint_dir, ...
  )
  upload_frame(transfer(api, "batch_upload", given, call_options, call), call)
}

#' @rdname bge_upload_file
#' @export
bge_upload <- function(
    api, filename, data, ..., part_size = NULL, multipart_threshold = NULL, multipart_num_threads = NULL,
    cmk_id = NULL, region_id = NULL, internal = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  if (is.character(data) && length(data) == 1 && !is.na(data)) data <- charToRaw(enc2utf8(data))
  if (!is.raw(data)) bad_argument("data", "must be a raw vector or one string", call)
  one_string(filename, "filename", call)
  given <- list(
    part_size = part_size, multipart_threshold = multipart_threshold, multipart_num_threads = multipart_num_threads,
    cmk_id = cmk_id, region_id = region_id, internal = internal, ...
  )
  json <- args_json(endpoint("upload", call), given, call, call_options)
  progress <- progress_bytes("upload")
  if (!is.null(progress)) on.exit(progress$end())
  parse_json(run(.Call(rbge_start_upload, client_handle(api, call), filename, data, json), call, progress))
}

#' Downloads
#'
#' An object of the store, or any URL. The bytes go to a temporary file beside `path`, which takes its place when all of
#' them are there and verified: R's memory does not grow, and nothing half-written is left behind. `bge_download_raw()`
#' gives the bytes instead.
#'
#' @inheritParams bge_get_user
#' @param object_name The object's name, as an upload gave it.
#' @param url An http or https address; the token is not sent there.
#' @param path Path of the file, or an existing folder, in which the file is called as the object is.
#' @param ... Not used: downloads pass nothing on to the platform, and an unknown name is an error.
#' @param region `"domestic"`, the platform's default, or `"international"`.
#' @param expiration_time Seconds that the presigned URL is good for; 600 unless given.
#' @param multipart_num_threads Parts fetched at once; 4 unless given.
#' @return `bge_download()` and `bge_download_file()`: a list `path`, `size` (bytes), `crc64` (decimal digits, as
#'   character), and `verified` (`FALSE` when the store sent nothing to check against). `bge_download_raw()`: a raw
#'   vector.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   object <- bge_upload(sandbox$user, "greeting.txt", "hello")$object_name
#'   file <- bge_download(sandbox$user, object, tempdir())$path
#'   readLines(file, warn = FALSE)
#'   rawToChar(bge_download_raw(sandbox$user, object))
#'   url <- bge_get_download_url(sandbox$user, object)$url
#'   bge_download_file(sandbox$user, url, file)$verified
#' }
bge_download <- function(
    api, object_name, path, ..., region = NULL, expiration_time = NULL, multipart_num_threads = NULL,
    call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  given <- list(
    object_name = object_name, path = path, region = region, expiration_time = expiration_time,
    multipart_num_threads = multipart_num_threads, ...
  )
  parse_json(transfer(api, "download", given, call_options, call))
}

#' @rdname bge_download
#' @export
bge_download_file <- function(api, url, path, ..., multipart_num_threads = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  given <- list(url = url, path = path, multipart_num_threads = multipart_num_threads, ...)
  parse_json(transfer(api, "download_file", given, call_options, call))
}

#' @rdname bge_download
#' @export
bge_download_raw <- function(
    api, object_name, ..., region = NULL, expiration_time = NULL, multipart_num_threads = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  folder <- tempfile("bge-download-")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  path <- file.path(folder, "object")
  given <- list(
    object_name = object_name, path = path, region = region, expiration_time = expiration_time,
    multipart_num_threads = multipart_num_threads, ...
  )
  transfer(api, "download", given, call_options, call)
  readBin(path, "raw", file.size(path))
}

#' Temporary credentials for the object store
#'
#' `POST /sts/token`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param region_id The store's region.
#' @param internal Use the store's internal address: `TRUE` or `FALSE`; FALSE unless given.
#' @return A list: `bucket`, `endpoint`, `destination`, `credentials`, and others. It holds secrets.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_get_upload_token(sandbox$user)$destination
bge_get_upload_token <- function(api, ..., region_id = NULL, internal = NULL, simplify = TRUE, call_options = NULL) {
  call_value(api, "get_upload_token", list(region_id = region_id, internal = internal, ...), simplify, call_options)
}

#' A presigned URL of an object
#'
#' `POST /oss/sign_url`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param object_name The object's name.
#' @param region `"domestic"`, the platform's default, or `"international"`.
#' @param expiration_time Seconds that the URL is good for; 600 unless given.
#' @return A list: `url` and `expires`.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   uploaded <- bge_upload(sandbox$user, "hello.txt", "hello")
#'   bge_get_download_url(sandbox$user, uploaded$object_name, expiration_time = 60)$expires
#' }
bge_get_download_url <- function(
    api, object_name, ..., region = NULL, expiration_time = NULL, simplify = TRUE, call_options = NULL) {
  given <- list(object_name = object_name, region = region, expiration_time = expiration_time, ...)
  call_value(api, "get_download_url", given, simplify, call_options)
}

#' Has a sequencing project's files ferried to the object store
#'
#' `POST /ferry/download_to_oss`. For tokens of client credentials.
#'
#' @inheritParams bge_get_user
#' @param account,password Those of the sequencing service.
#' @param project_no Project number.
#' @param biosample_cnt Number of biosamples.
#' @param included_filename_exts Filename extensions: a vector.
#' @param sample_names Sample names: a vector.
#' @param action `"restart"` is the only known one.
#' @return A list.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   task <- bge_ferry_to_oss(
#'     sandbox$application, "account", "password", "P-1", 3, included_filename_exts = c(".txt", ".pdf")
#'   )
#'   bge_wait_task(sandbox$application, task$task_id)$progress
#' }
bge_ferry_to_oss <- function(
    api, account, password, project_no, biosample_cnt, ..., included_filename_exts = NULL, sample_names = NULL,
    action = NULL, simplify = TRUE, call_options = NULL) {
  given <- list(
    account = account, password = password, project_no = project_no, biosample_cnt = biosample_cnt,
    included_filename_exts = included_filename_exts, sample_names = sample_names, action = action, ...
  )
  call_value(api, "ferry_to_oss", given, simplify, call_options)
}
