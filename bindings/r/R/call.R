# One call of the platform: arguments to JSON, the operation carried to its end, the answer's JSON to R.

#' The platform's calls
#'
#' The table that the library, this package and `bge-sandbox` share: what each call is named, where it goes, what it
#' takes, and what the columns of the lists are.
#'
#' @return A data frame with one row for each call: `name`, `noun`, `method`, `path`, `grants` (AC: tokens from an
#'   authorization code, CC: from client credentials), `paged` (whether the answer comes page by page), `summary`,
#'   `arguments` (a list of data frames: `name`, `type`, `required`, `default`, `summary`) and `columns` (a list of
#'   data frames: `name`, `type`, `unit`, `path`; of no rows where the answer is no list). The function for the call
#'   `get_user` is `bge_get_user()`, and so on.
#' @export
#' @examples
#' calls <- bge_endpoints()
#' calls[calls$noun == "samples", c("name", "method", "path", "summary")]
#' calls$columns[[which(calls$name == "get_taxon_abundance")]]
bge_endpoints <- function() {
  table <- endpoint_table()
  text <- function(name) unname(vapply(table, function(row) row[[name]], ""))
  pick <- function(rows, fields) {
    columns <- lapply(fields, function(field) {
      vapply(rows, function(row) if (is.null(row[[field]])) NA_character_ else as.character(row[[field]]), "")
    })
    data.frame(stats::setNames(columns, fields))
  }
  out <- data.frame(
    name = text("name"), noun = text("noun"), method = text("method"), path = text("path"),
    grants = vapply(table, function(row) paste(row$grants, collapse = " "), ""),
    paged = vapply(table, function(row) !is.null(row$page_style), NA),
    summary = text("summary"), row.names = NULL
  )
  out$arguments <- unname(lapply(table, function(row) {
    arguments <- pick(row$arguments, c("name", "type", "required", "default", "summary"))
    arguments$required <- arguments$required == "TRUE"
    arguments
  }))
  out$columns <- unname(lapply(table, function(row) pick(row$columns, c("name", "type", "unit", "path"))))
  out
}

endpoint_table <- function() {
  if (is.null(the$endpoints)) {
    rows <- parse_json(.Call(rbge_endpoints))
    the$endpoints <- stats::setNames(rows, vapply(rows, function(row) row$name, ""))
  }
  the$endpoints
}

endpoint <- function(name, call) {
  row <- if (is.character(name) && length(name) == 1) endpoint_table()[[name]]
  if (is.null(row)) bad_argument("name", "must be that of a call in bge_endpoints()", call)
  row
}

# ---- arguments ----

# One argument as JSON, by its declared type.
argument_json <- function(x, argument, is_path, call) {
  problem <- function(what) bad_argument(argument$name, what, call)
  type <- argument$type
  if (inherits(x, "json")) return(as.character(x))
  if (type %in% c("json", "object")) return(to_json(x, problem))
  if (type == "array") return(to_json(if (is.atomic(x)) I(x) else x, problem))
  if (is.list(x) && !is.object(x)) x <- unlist(x)
  if (!is.atomic(x) && !inherits(x, "POSIXlt")) problem("must be a plain vector")
  if (length(x) == 0) problem("is empty: leave it out, or give NULL")
  if (type == "ids") return(array_json(element_json(x, problem)))
  if (length(x) != 1) problem(paste0("must be one value, not ", length(x)))
  text <- element_json(x, problem)
  is_number <- is.numeric(x) && !is.object(x)
  if (type %in% c("string", "file") && is_number) text <- paste0('"', text, '"')
  if (is_path && is.character(x)) text <- to_json(path.expand(x))
  if (type %in% c("integer", "number") && is.character(x) && grepl("^-?[0-9]+$", x)) text <- x
  text
}

# All arguments of a call as one JSON object; those that are NULL were not given.
args_json <- function(row, given, call, call_options = NULL) {
  given <- given[!vapply(given, is.null, NA)]
  if (length(given) > 0 && (is.null(names(given)) || !all(nzchar(names(given))))) {
    bad_argument("...", "must hold named parameters only", call)
  }
  known <- stats::setNames(row$arguments, vapply(row$arguments, function(argument) argument$name, ""))
  members <- lapply(names(given), function(name) {
    argument <- known[[name]]
    if (!is.null(argument)) {
      is_path <- argument$type == "file" || (identical(row$kind, "transfer") && name == "path")
      return(argument_json(given[[name]], argument, is_path, call))
    }
    to_json(given[[name]], function(what) bad_argument(name, what, call))
  })
  names(members) <- names(given)
  if (!is.null(call_options)) members[["$"]] <- switches_json(call_options, call)
  object_json(members)
}

switches_json <- function(call_options, call) {
  if (!is.list(call_options)) bad_argument("call_options", "must be a list", call)
  if (!is.null(call_options$headers)) call_options$headers <- as.list(call_options$headers)
  to_json(call_options, function(what) bad_argument("call_options", what, call))
}

# ---- operations ----

# Carries an operation to its end. Every way out of here ends it, Ctrl-C too: then its connection is closed.
run <- function(operation, call, progress = NULL) {
  op <- checked(operation, call)
  on.exit(.Call(rbge_close, op))
  while (!checked(.Call(rbge_wait, op, 50L), call)) {
    if (!is.null(progress)) {
      done <- .Call(rbge_progress, op)
      progress$update(done[1], done[2])
    }
  }
  checked(.Call(rbge_result, op), call)
}

call_text <- function(api, name, json, call, progress = NULL) {
  run(.Call(rbge_start, client_handle(api, call), name, json), call, progress)
}

# ---- what the functions for the endpoints are made of ----

# A call whose answer becomes a list, or NULL where the platform sends nothing.
call_value <- function(api, name, given, simplify = TRUE, call_options = NULL, bytes = FALSE) {
  call <- shown_call(sys.call(-1L), sys.function(-1L))
  json <- args_json(endpoint(name, call), given, call, call_options)
  progress <- if (bytes) progress_bytes(name)
  if (!is.null(progress)) on.exit(progress$end())
  parse_json(call_text(api, name, json, call, progress), simplify)
}

# A call whose answer is a list of rows, all at once.
call_rows <- function(api, name, given, simplify, int64, call_options) {
  call <- shown_call(sys.call(-1L), sys.function(-1L))
  row <- endpoint(name, call)
  wish <- int64_wish(int64, call)
  text <- call_text(api, name, args_json(row, given, call, call_options), call)
  if (!simplify) return(parse_json(text, simplify = FALSE))
  schema <- schema_of(row)
  page <- .Call(rbge_read_page, text, FALSE, schema$paths, schema$types)
  build_frame(list(page$rows), schema, wish, call)
}

# ---- calls by name ----

#' Call an endpoint by its name
#'
#' `bge_call_json()` gives an answer as the platform wrote it; `bge_request()` reaches what is not in [bge_endpoints()].
#'
#' @inheritParams bge_get_user
#' @param name Name of a call, one of `bge_endpoints()$name` (but `upload`).
#' @param method,path `"GET"` (the parameters go in the query) or `"POST"` (in the form), and the path, which starts with
#'   one `/`. Such a request is never repeated.
#' @param ... Arguments and further parameters, by name.
#' @return `bge_call_json()`: the JSON text of the answer's `data`, byte for byte; of a paged list one page.
#'   `bge_request()`: the answer's `data` as a list.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   cat(bge_call_json(sandbox$user, "get_samples", limit = 1))
#'   bge_request(sandbox$user, "GET", "/samples", limit = 1)$count
#' }
bge_call_json <- function(api, name, ..., call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  call_text(api, name, args_json(endpoint(name, call), list(...), call, call_options), call)
}

#' @rdname bge_call_json
#' @export
bge_request <- function(api, method, path, ..., simplify = TRUE, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  args <- args_json(list(arguments = list()), list(...), call, call_options)
  json <- object_json(list(method = to_json(method), path = to_json(path), args = args))
  parse_json(call_text(api, "request", json, call), simplify)
}
