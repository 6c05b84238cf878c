# Tables: all pages of a list, of one sample or of a cohort, fetched concurrently and read as an Arrow stream.

#' The rows of many samples as one data frame
#'
#' All pages of a list call, of one biosample or of a whole cohort. The library fetches several samples at a time and
#' several pages ahead; rows come in the order of the samples, whichever was first to arrive.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param name Name of a list call: `"get_samples"`, `"get_variants"`, `"get_taxon_abundance"`, `"get_func_abundance"`,
#'   `"get_gene_abundance"`, `"get_range_stream"`, `"get_data_items"`, `"model_versions"` or `"externals"`.
#' @param ... The call's arguments, by name, as its own function takes them. `biosample_ids = "all"` instead of
#'   `biosample_id` stands for every sample that [bge_get_samples()] lists with the filters given beside it, such as
#'   `omics = 2`.
#' @param biosample_id Biosample ids: a vector. None at all (`character()`) give a data frame of no rows, and nothing is
#'   sent.
#' @param columns Names of the columns to keep, in their order; all unless given.
#' @param as `"data.frame"`; or `"nanoarrow"` or `"arrow"`, which need the package of that name: a
#'   `nanoarrow_array_stream` or a `RecordBatchReader` that reads the batches as they are asked for, in bounded memory.
#' @param concurrency Samples at a time; 8 unless given.
#' @param prefetch Pages of each of them that may wait to be read; as many as make some 8,000 rows unless given. Memory
#'   ahead of the reader is bounded by `concurrency` times `prefetch` pages.
#' @param on_error `"stop"`: the first sample that fails is an error. `"skip"`: it is left out, see below.
#' @param rate_limit Requests per second of the whole table; no limit unless given.
#' @param checkpoint_dir A folder that keeps the pages of finished samples: the same call goes on from there after it was
#'   ended.
#' @param strict `TRUE`: a value of an unexpected type is an error (`bge_error_protocol`).
#' @return A data frame. Its columns are those that [bge_endpoints()] declares for the call, always there and always of their
#'   type, as the call's own function gives them (see [bge_paging]); `biosample_id` wherever rows belong to samples; and
#'   `extra`, JSON text of an object of whatever the other columns do not hold (members that are not declared, values of
#'   another type than declared), `NA` where there is nothing. Whole numbers follow `int64`.
#'
#' @section Samples that fail:
#' With `on_error = "skip"` the others go on, and a warning of class `bge_warning_skipped` tells of those that failed. The
#' result's attribute `failed` is then a data frame with a row for each: `biosample_id`, `rows` (how many of its rows are
#' in the result), `message`, and `error`, a list of conditions (see [bge_error]). Whatever is not the sample's own fault,
#' such as a token that has expired, is an error all the same.
#'
#' An error's condition holds the rows that have arrived before it in `rows`, and in `details$biosample_id` the sample.
#'
#' @section Streams for nanoarrow and arrow:
#' Their batches are read by those packages: Ctrl-C is theirs to honour, whole numbers are 64-bit integers. The function
#' in the attribute `report` gives, at any time, a list `failed` (as above) and `misfits`, the number of values of another
#' type than declared.
#' @seealso [bge_abundance_matrix()], [bge_genotypes()], [bge_paging].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   ids <- bge_get_samples(sandbox$user, omics = 2)$biosample_id[1:3]
#'   taxa <- bge_table(sandbox$user, "get_taxon_abundance", biosample_id = ids, limit = 500)
#'   table(taxa$biosample_id)
#' }
bge_table <- function(
    api, name, ..., biosample_id = NULL, columns = NULL, as = "data.frame", concurrency = NULL, prefetch = NULL,
    on_error = "stop", rate_limit = NULL, checkpoint_dir = NULL, strict = NULL,
    int64 = getOption("bge.int64", "double"), call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  wish <- int64_wish(int64, call)
  check_stream_kind(as, columns, call)
  switches <- table_switches(
    concurrency = concurrency, prefetch = prefetch, on_error = on_error, rate_limit = rate_limit,
    checkpoint_dir = checkpoint_dir, strict = strict, call_options = call_options, call = call
  )
  table <- open_table(api, name, c(list(biosample_id = biosample_id), list(...)), switches, call)
  if (as != "data.frame") return(hand_over(table, as, call))
  on.exit(.Call(rbge_close, table))
  read_table(table, name, columns, wish, call, api)
}

# ---- arguments ----

sample_ids <- function(ids, name, call) {
  if (is.list(ids)) ids <- unlist(ids)
  if (is.factor(ids)) ids <- as.character(ids)
  if (is.null(ids)) ids <- character()
  if (!is.character(ids) || anyNA(ids)) bad_argument(name, "must be a character vector without NA", call)
  ids
}

# The switches of a table, beside those of any call: what is NULL is left to the library.
table_switches <- function(..., on_error, checkpoint_dir, call_options, call) {
  if (!is.null(call_options) && !is.list(call_options)) bad_argument("call_options", "must be a list", call)
  if (!is.character(on_error) || length(on_error) != 1 || !on_error %in% c("stop", "skip")) {
    bad_argument("on_error", 'must be "stop" or "skip"', call)
  }
  # the library's word for "stop" is "fail"
  own <- list(..., on_error = c(stop = "fail", skip = "skip")[[on_error]], checkpoint_dir = checkpoint_dir)
  c(as.list(call_options), own[!vapply(own, is.null, NA)])
}

open_table <- function(api, name, given, switches, call) {
  row <- endpoint(name, call)
  row$more <- names(formals(sys.function(sys.nframe() - 1L)))
  arguments <- row$arguments
  takes <- vapply(arguments, function(argument) argument$name, "")
  if ("biosample_id" %in% takes) {
    if (!is.null(given$biosample_id)) {
      ids <- sample_ids(given$biosample_id, "biosample_id", call)
      problem <- function(what) bad_argument("biosample_id", what, call)
      given$biosample_id <- structure(array_json(element_json(ids, problem)), class = "json")
    }
    if (identical(given$biosample_ids, "all")) {
      # the filters that choose the samples are arguments of their list
      filters <- endpoint("get_samples", call)$arguments
      known <- vapply(filters, function(argument) argument$name, "")
      everybody <- list(list(name = "biosample_ids", type = "string"))
      row$arguments <- c(arguments, everybody, filters[!known %in% c(takes, "biosample_ids")])
    }
  }
  json <- args_json(row, given, call, switches)
  checked(.Call(rbge_table_open, client_handle(api, call), name, json), call)
}

# ---- data frames ----

# All rows of an open table. A stream's failure has in its condition what came before.
# `plain` leaves out what is made for people: tibbles.
read_table <- function(table, name, columns, wish, call, api = NULL, plain = FALSE) {
  schema <- checked(.Call(rbge_table_schema, table), call)
  wanted <- seq_along(schema$names)
  if (!is.null(columns)) {
    wanted <- match(columns, schema$names)
    if (length(wanted) == 0 || anyNA(wanted) || anyDuplicated(wanted)) {
      bad_argument("columns", paste("must be some of", paste(schema$names, collapse = ", ")), call)
    }
  }
  schema <- declared_kinds(list(names = schema$names[wanted], types = schema$types[wanted]), name)
  progress <- progress_table(name)
  if (!is.null(progress)) on.exit(progress$end())
  pieces <- read_pieces(table, wanted, progress, call, api)
  frame <- build_frame(pieces$rows, schema, wish, call)
  if (plain) class(frame) <- "data.frame"
  if (!is.null(pieces$problem)) stop(stream_condition(pieces$problem, frame, call))
  with_report(frame, table, call)
}

read_pieces <- function(table, wanted, progress, call, api = NULL) {
  pieces <- vector("list", 64)
  count <- 0
  repeat {
    piece <- checked(.Call(rbge_table_next, table, 50L, wanted), call)
    tell_waits(api, progress)
    if (!is.null(progress)) {
      now <- .Call(rbge_table_progress, table)
      progress$update(now[1], now[2], now[3])
    }
    if (is.null(piece)) next
    if (!is.list(piece)) break
    count <- count + 1
    if (count > length(pieces)) length(pieces) <- 2 * count
    pieces[[count]] <- piece
  }
  list(rows = pieces[seq_len(count)], problem = if (is.character(piece)) piece)
}

# The failure of a stream, which gives it as the library's JSON.
json_failure <- function(json) {
  known <- parse_json(json)
  failure <- own_failure("BGE_ERR_INTERNAL", "the table's stream has failed, and nothing more is known")
  for (field in c("name", "message", "request_id", "retryable", "retry_after", "hint")) {
    if (!is.null(known[[field]])) failure[[field]] <- known[[field]]
  }
  if (!is.null(known$code)) failure$code <- as.double(known$code)
  if (!is.null(known$http_status)) failure$http_status <- as.integer(known$http_status)
  failure$json <- json
  failure
}

stream_condition <- function(json, frame, call) {
  error <- bge_condition(json_failure(json), call, rows = frame)
  if (nrow(frame) > 0) {
    error$message <- paste0(
      conditionMessage(error), "; ", nrow(frame), " rows have arrived before: the condition has them in `rows`"
    )
  }
  error
}

# ---- what went wrong on the way ----

table_report <- function(table, call) {
  json <- checked(.Call(rbge_table_report, table), call)
  report <- parse_json(json, simplify = FALSE)
  errors <- lapply(report$failed, function(sample) bge_condition(json_failure(to_json(sample$error)), call))
  failed <- data.frame(
    biosample_id = vapply(report$failed, function(sample) as.character(sample$biosample_id), ""),
    rows = vapply(report$failed, function(sample) as.double(sample$rows), 0),
    message = vapply(errors, conditionMessage, "")
  )
  failed$error <- errors
  list(failed = failed, misfits = as.double(report$misfits))
}

with_report <- function(frame, table, call) {
  report <- table_report(table, call)
  if (report$misfits > 0) {
    warn("misfit", paste(
      report$misfits, "values are not of their column's declared type: they are NA there, and kept in extra"
    ), call)
  }
  failed <- report$failed
  if (nrow(failed) > 0) {
    shown <- utils::head(failed$biosample_id, 5)
    warn("skipped", paste0(
      nrow(failed), if (nrow(failed) == 1) " sample" else " samples", " failed and had to be left out: ", paste(shown, collapse = ", "),
      if (nrow(failed) > length(shown)) ", ...", "; the attribute `failed` tells why"
    ), call, failed = failed)
    attr(frame, "failed") <- failed
  }
  frame
}

# ---- streams for other packages ----

check_stream_kind <- function(as, columns, call) {
  if (!is.character(as) || length(as) != 1 || !as %in% c("data.frame", "nanoarrow", "arrow")) {
    bad_argument("as", 'must be "data.frame", "nanoarrow" or "arrow"', call)
  }
  if (as == "data.frame") return(invisible())
  if (!is.null(columns)) bad_argument("columns", "can be chosen for data frames only", call)
  needs_package(as, paste0('as = "', as, '"'), call)
}

# Where nanoarrow wants a stream, and how arrow takes one.
nanoarrow_room <- function() nanoarrow::nanoarrow_allocate_array_stream()
arrow_reader <- function(stream) arrow::RecordBatchReader$import_from_c(stream)

hand_over <- function(table, as, call) {
  room <- if (as == "nanoarrow") nanoarrow_room() else .Call(rbge_stream_room)
  out <- checked(.Call(rbge_table_hand_over, table, room), call)
  if (as == "arrow") out <- arrow_reader(out)
  attr(out, "report") <- function() table_report(table, call)
  out
}
