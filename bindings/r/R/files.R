# Files: uploads, downloads, and what they need.

# The JSON of a transfer's result.
transfer <- function(api, name, given, call_options, call) {
  json <- args_json(endpoint(name, call), given, call, call_options)
  progress <- progress_bytes(name)
  if (!is.null(progress)) on.exit(progress$end())
  call_text(api, name, json, call, progress)
}

# One row for each file, with its path first. `paths` are the files', in the order of the results.
upload_frame <- function(text, paths, call) {
  results <- parse_json(text, simplify = FALSE)
  pick <- function(name, none) {
    vapply(results, function(result) if (is.null(result[[name]])) none else as.vector(result[[name]], typeof(none)), none)
  }
  names <- pick("object_name", NA_character_)
  data_frame(list(
    path = paths(last_name(names)), object_name = names, size = pick("size", NA_real_), crc64 = pick("crc64", NA_character_),
    etag = pick("etag", NA_character_), parts = pick("parts", NA_real_), verified = pick("verified", NA)
  ), length(results), call)
}

# The files of a folder that have the names `names` in the store.
paths_of <- function(names, folder, recursive, separator) {
  inside <- list.files(folder, all.files = TRUE, recursive = recursive, no.. = TRUE)
  stored <- gsub("/", separator, inside, fixed = TRUE, useBytes = TRUE)
  join_path(folder, inside)[match(name_bytes(names), name_bytes(stored))]
}

name_bytes <- function(x) vapply(x, function(name) paste(charToRaw(name), collapse = ""), "", USE.NAMES = FALSE)

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
#' @param follow_links `TRUE` takes what symbolic links lead to; they fail unless given.
#' @param recursive,separator `TRUE` uploads sub-folders too, their names joined by the separator (`"_"`).
#' @param part_size Bytes of a part; 50 MiB unless given.
#' @param multipart_threshold Bytes from which parts are used; 100 MiB unless given.
#' @param multipart_num_threads Parts sent at once; 4 unless given.
#' @param cmk_id Customer master key: the object is encrypted with it before it is sent.
#' @param region_id The store's region.
#' @param internal `TRUE` uses the store's internal address.
#' @param checkpoint_dir Folder that keeps what a later call needs to go on with an upload.
#' @return A list:
#'   * `path`: the path that was given (not of `bge_upload()`),
#'   * `object_name`: the object that it became, `<destination>/<filename>`,
#'   * `size`: bytes,
#'   * `crc64`: the checksum, decimal digits as character,
#'   * `etag`: the store's mark of this content,
#'   * `parts`: how many parts it went in,
#'   * `verified`: `FALSE` when the store sent nothing to check against.
#'
#'   `bge_upload_dir()` and `bge_batch_upload()` give a data frame of those columns, one row for each file; if one of many
#'   fails, the others go on, and the condition has the result of each in `details$files` (`path`, `filename`, and
#'   `result` or `error`).
#' @seealso [bge_download()], [bge_get_upload_token()].
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
  if (is.character(path) && length(path) == 1 && !is.na(path)) {
    filename <- own_name(path, filename, function(what) bad_argument("path", what, call))
  }
  given <- list(
    path = path, filename = filename, part_size = part_size, multipart_threshold = multipart_threshold,
    multipart_num_threads = multipart_num_threads, cmk_id = cmk_id, region_id = region_id, internal = internal,
    checkpoint_dir = checkpoint_dir, ...
  )
  c(list(path = path), parse_json(transfer(api, "upload_file", given, call_options, call)))
}

# The name in the store of a file whose path is not UTF-8: a link that leads there has another one.
own_name <- function(path, filename, problem) {
  if (is.null(filename) && !validUTF8(path_bytes(path))) filename <- name_text(path, problem)
  filename
}

#' @rdname bge_upload_file
#' @export
bge_upload_dir <- function(
    api, path, ..., recursive = NULL, separator = NULL, follow_links = NULL, part_size = NULL, multipart_threshold = NULL,
    multipart_num_threads = NULL, cmk_id = NULL, region_id = NULL, internal = NULL, checkpoint_dir = NULL,
    call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  given <- list(
    path = path, recursive = recursive, separator = separator, follow_links = follow_links, part_size = part_size,
    multipart_threshold = multipart_threshold, multipart_num_threads = multipart_num_threads, cmk_id = cmk_id,
    region_id = region_id, internal = internal, checkpoint_dir = checkpoint_dir, ...
  )
  text <- transfer(api, "upload_dir", given, call_options, call)
  joined <- if (is.null(separator)) "_" else separator
  upload_frame(text, function(names) paths_of(names, path.expand(path), isTRUE(recursive), joined), call)
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
  problem <- function(what) bad_argument("files", what, call)
  sent <- files
  for (i in seq_len(nrow(files))) {
    if (is.na(files$path[i])) problem("holds NA")
    if (!validUTF8(path_bytes(files$path[i])) && is.null(sent$filename)) sent$filename <- last_name(files$path)
    if (!validUTF8(path_bytes(files$path[i])) && is.null(files$filename)) sent$filename[i] <- name_text(files$path[i], problem)
    sent$path[i] <- path_text(files$path[i], problem)
  }
  given <- list(
    files = sent, part_size = part_size, multipart_threshold = multipart_threshold,
    multipart_num_threads = multipart_num_threads, cmk_id = cmk_id, region_id = region_id, internal = internal,
    checkpoint_dir = checkpoint_dir, ...
  )
  upload_frame(transfer(api, "batch_upload", given, call_options, call), function(names) files$path, call)
}

#' @rdname bge_upload_file
#' @export
bge_upload <- function(
    api, filename, data, ..., part_size = NULL, multipart_threshold = NULL, multipart_num_threads = NULL,
    cmk_id = NULL, region_id = NULL, internal = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  if (is.character(data) && length(data) == 1 && !is.na(data)) {
    data <- charToRaw(utf8(data, function(what) bad_argument("data", what, call)))
  }
  if (!is.raw(data)) bad_argument("data", "must be a raw vector or one string", call)
  filename <- one_string(filename, "filename", call)
  given <- list(
    part_size = part_size, multipart_threshold = multipart_threshold, multipart_num_threads = multipart_num_threads,
    cmk_id = cmk_id, region_id = region_id, internal = internal, ...
  )
  json <- args_json(endpoint("upload", call), given, call, call_options)
  progress <- progress_bytes("upload")
  if (!is.null(progress)) on.exit(progress$end())
  parse_json(run(.Call(rbge_start_upload, client_handle(api, call), filename, data, json), call, progress, api))
}

#' Downloads
#'
#' Objects of the store, or any URL. The bytes go to a temporary file beside `path`, which takes its place when all of
#' them are there and verified: R's memory does not grow, and nothing half-written is left behind. `bge_download_raw()`
#' gives the bytes instead, of any number.
#'
#' Of several objects `bge_download()` and `bge_download_dir()` fetch a few at a time. If one of them fails, the others
#' go on; the condition then has the results in `files`, a data frame as the value below with a column `message`.
#'
#' @inheritParams bge_get_user
#' @param object_name The object's name, as an upload gave it; for `bge_download()` also a vector of them.
#' @param object_names Objects' names: a vector.
#' @param url An http or https address; the token is not sent there.
#' @param path Path of the file, or an existing folder, in which the file is called as the object is. For several
#'   objects: an existing folder, or as many paths.
#' @param dir A folder, made where it does not exist. Each file is called as its object is.
#' @param overwrite `FALSE`: where a file exists already nothing is fetched, and the call is `bge_error_argument`.
#' @param ... Not used: downloads pass nothing on to the platform, and an unknown name is an error.
#' @param region `"domestic"`, the platform's default, or `"international"`.
#' @param expiration_time Seconds that the presigned URL is good for; 600 unless given.
#' @param multipart_num_threads Parts fetched at once; 4 unless given.
#' @param decrypt `FALSE` leaves what was encrypted before it was stored as it is; it is decrypted unless given.
#' @return `bge_download()` of one object and `bge_download_file()`: a list `path`, `size` (bytes), `crc64` (decimal
#'   digits, as character), and `verified` (`FALSE` when the store sent nothing to check against). `bge_download()` of
#'   several objects and `bge_download_dir()`: a data frame with `object_name` and those columns, one row for each
#'   object, in their order. `bge_download_raw()`: a raw vector.
#' @seealso [bge_upload_file()], [bge_get_download_url()], [bge_connection()] to read a part of an object.
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
#'
#'   other <- bge_upload(sandbox$user, "other.txt", "bye")$object_name
#'   results <- file.path(tempdir(), "results")
#'   bge_download_dir(sandbox$user, c(object, other), results)[c("path", "size")]
#' }
bge_download <- function(
    api, object_name, path, ..., overwrite = TRUE, region = NULL, expiration_time = NULL, multipart_num_threads = NULL,
    decrypt = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  given <- list(
    region = region, expiration_time = expiration_time, multipart_num_threads = multipart_num_threads,
    decrypt = decrypt, ...
  )
  if (length(object_name) != 1) {
    paths <- target_paths(object_name, path, call)
    check_targets(paths, overwrite, call)
    return(download_many(api, object_name, paths, given, call_options, call))
  }
  if (length(path) != 1) bad_argument("path", "must be one path, as there is one object", call)
  check_targets(target_in(path, object_name), overwrite, call)
  fetch(api, "download", c(list(object_name = object_name, path = path), given), call_options, call)
}

#' @rdname bge_download
#' @export
bge_download_dir <- function(
    api, object_names, dir, ..., overwrite = TRUE, region = NULL, expiration_time = NULL, multipart_num_threads = NULL,
    decrypt = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  if (!is.character(dir) || length(dir) != 1 || is.na(dir)) bad_argument("dir", "must be the path of a folder", call)
  dir <- path_bytes(dir)
  paths <- if (length(object_names) > 0) join_path(dir, last_name(as.character(object_names))) else character()
  given <- list(
    region = region, expiration_time = expiration_time, multipart_num_threads = multipart_num_threads,
    decrypt = decrypt, ...
  )
  check_objects(object_names, paths, call)
  check_targets(paths, overwrite, call)
  if (!dir.exists(dir) && !dir.create(dir, showWarnings = FALSE, recursive = TRUE)) {
    stop(bge_condition(own_failure("BGE_ERR_IO", paste0("the folder ", dir, " could not be made")), call))
  }
  download_many(api, object_names, paths, given, call_options, call)
}

# ---- targets of downloads ----

target_paths <- function(objects, path, call) {
  if (!is.character(path) || anyNA(path)) bad_argument("path", "must be paths", call)
  if (length(path) == 1 && dir.exists(path_bytes(path))) {
    path <- if (length(objects) > 0) join_path(path_bytes(path), last_name(as.character(objects))) else character()
  }
  if (length(path) != length(objects)) {
    bad_argument("path", "must be an existing folder, or one path for each object", call)
  }
  check_objects(objects, path, call)
  path
}

check_objects <- function(objects, paths, call) {
  if (!is.character(objects) && length(objects) > 0 || anyNA(objects)) {
    bad_argument("object_names", "must be a character vector without NA", call)
  }
  twice <- paths[duplicated(paths)]
  if (length(twice) > 0) bad_argument("path", paste0("is the same for several objects: ", twice[1]), call)
}

target_in <- function(path, object) {
  if (!is.character(path) || is.na(path)) return(character())
  path <- path_bytes(path)
  if (dir.exists(path)) join_path(path, last_name(as.character(object))) else path
}

check_targets <- function(paths, overwrite, call) {
  if (!isTRUE(overwrite) && !isFALSE(overwrite)) bad_argument("overwrite", "must be TRUE or FALSE", call)
  if (overwrite) return(invisible())
  there <- paths[file.exists(vapply(paths, path_bytes, ""))]
  if (length(there) > 0) bad_argument("path", paste0("exists already, and overwrite is FALSE: ", there[1]), call)
}

# The result of a download. A file whose name is not UTF-8 comes under another name in its folder first.
fetch <- function(api, name, given, call_options, call) {
  started <- fetch_plan(given, call)
  result <- parse_json(transfer(api, name, started$given, call_options, call))
  started$finish()
  if (!is.null(started$path)) result$path <- started$path
  result
}

fetch_plan <- function(given, call) {
  bytes <- if (is.character(given$path) && length(given$path) == 1 && !is.na(given$path)) path_bytes(given$path)
  if (is.null(bytes) || validUTF8(bytes) || dir.exists(bytes)) {
    return(list(given = given, finish = function() NULL))
  }
  beside <- paste0(path_alias(folder_of(bytes)), "/", basename(tempfile(".bge-download-")))
  shown <- given$path
  given$path <- beside
  finish <- function() {
    if (!file.rename(beside, bytes)) {
      unlink(beside)
      stop(bge_condition(own_failure("BGE_ERR_IO", "the file could not be given its name"), call))
    }
  }
  list(given = given, finish = finish, path = shown)
}

# Several downloads at a time; all of them end before the first failure is raised.
download_many <- function(api, objects, paths, given, call_options, call, at_once = 4L) {
  row <- endpoint("download", call)
  plans <- Map(function(object, path) fetch_plan(c(list(object_name = object, path = path), given), call), objects, paths)
  args <- lapply(plans, function(plan) args_json(row, plan$given, call, call_options))
  handle <- client_handle(api, call)
  results <- vector("list", length(plans))
  errors <- vector("list", length(plans))
  running <- list()
  on.exit(for (op in running) .Call(rbge_close, op))
  progress <- progress_files("download", length(plans))
  if (!is.null(progress)) on.exit(progress$end(), add = TRUE)
  begun <- 0
  while (begun < length(plans) || length(running) > 0) {
    while (begun < length(plans) && length(running) < at_once) {
      begun <- begun + 1
      running[[as.character(begun)]] <- checked(.Call(rbge_start, handle, "download", args[[begun]]), call)
    }
    for (place in names(running)) {
      op <- running[[place]]
      if (!checked(.Call(rbge_wait, op, if (length(running) == 1) 50L else 10L), call)) next
      i <- as.integer(place)
      tryCatch(
        {
          results[[i]] <- parse_json(checked(.Call(rbge_result, op), call))
          plans[[i]]$finish()
        },
        bge_error = function(e) errors[[i]] <<- e
      )
      .Call(rbge_close, op)
      running[[place]] <- NULL
      if (!is.null(progress)) progress$update(begun - length(running))
    }
    tell_waits(api, progress)
  }
  many_downloads(objects, paths, results, errors, call)
}

many_downloads <- function(objects, paths, results, errors, call) {
  pick <- function(name, none) {
    vapply(results, function(result) if (is.null(result[[name]])) none else as.vector(result[[name]], typeof(none)), none)
  }
  columns <- list(
    object_name = as.character(objects), path = as.character(paths), size = pick("size", NA_real_),
    crc64 = pick("crc64", NA_character_), verified = pick("verified", NA)
  )
  failed <- !vapply(errors, is.null, NA)
  if (any(failed)) {
    columns$message <- vapply(errors, function(e) if (is.null(e)) NA_character_ else conditionMessage(e), "")
    error <- errors[[which(failed)[1]]]
    error$message <- paste0(
      sum(failed), " of ", length(objects), " objects could not be fetched, the first of them ", objects[failed][1], ": ",
      conditionMessage(error), "; the condition has the result of each in `files`"
    )
    error$files <- data_frame(columns, length(objects))
    stop(error)
  }
  data_frame(columns, length(objects), call)
}

#' @rdname bge_download
#' @export
bge_download_file <- function(
    api, url, path, ..., overwrite = TRUE, multipart_num_threads = NULL, decrypt = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  if (length(path) != 1) bad_argument("path", "must be one path", call)
  check_targets(target_in(path, sub("[?#].*$", "", url[1])), overwrite, call)
  given <- list(url = url, path = path, multipart_num_threads = multipart_num_threads, decrypt = decrypt, ...)
  fetch(api, "download_file", given, call_options, call)
}

#' @rdname bge_download
#' @export
bge_download_raw <- function(
    api, object_name, ..., region = NULL, expiration_time = NULL, multipart_num_threads = NULL, decrypt = NULL,
    call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  folder <- tempfile("bge-download-")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  path <- file.path(folder, "object")
  given <- list(
    object_name = object_name, path = path, region = region, expiration_time = expiration_time,
    multipart_num_threads = multipart_num_threads, decrypt = decrypt, ...
  )
  transfer(api, "download", given, call_options, call)
  bytes <- .Call(rbge_read_file, path, file.size(path))
  if (is.null(bytes)) stop(bge_condition(own_failure("BGE_ERR_IO", "the bytes of the download could not be read again"), call))
  bytes
}

#' Temporary credentials for the object store
#'
#' `POST /sts/token`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param region_id The store's region.
#' @param internal Use the store's internal address: `TRUE` or `FALSE`; FALSE unless given.
#' @return A list: `bucket`, `endpoint` and `region_id` of the store, `destination` (the folder to upload to), `base_uri`,
#'   and `credentials` (`access_key_id`, `access_key_secret`, `security_token`, `expiration`). It holds secrets.
#' @seealso [bge_upload_file()], [bge_download()].
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
#' @return A list: `url`, good for anybody who has it, and `expires` (seconds since 1970, as character).
#' @seealso [bge_upload_file()], [bge_download()].
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
#' @return A list: `task_id` for [bge_wait_task()], `create_time`, `progress`.
#' @seealso [bge_upload_file()], [bge_download()].
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
