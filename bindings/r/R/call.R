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
#' @seealso [bge_table()], [bge_paging], [bge_error].
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
argument_json <- function(x, argument, path, call) {
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
  if (path != "none" && is.character(x) && !is.na(x)) {
    return(text_json(path_text(x, problem, makes = path == "makes"), problem))
  }
  text <- element_json(x, problem)
  is_number <- is.numeric(x) && !is.object(x)
  if (type %in% c("string", "file") && is_number) text <- paste0('"', text, '"')
  if (type %in% c("integer", "number") && is.character(x) && grepl("^-?[0-9]+$", x)) text <- x
  text
}

# Whether an argument is a path on this machine ("reads"), of a file that need not be there before ("makes"), or "none".
path_kind <- function(row, argument) {
  if (argument$name == "checkpoint_dir") return("makes")
  if (argument$type == "file") return("reads")
  if (!identical(row$kind, "transfer") || argument$name != "path") return("none")
  if (startsWith(row$name, "download")) "makes" else "reads"
}

# All arguments of a call as one JSON object; those that are NULL were not given.
args_json <- function(row, given, call, call_options = NULL) {
  given <- given[!vapply(given, is.null, NA)]
  if (length(given) > 0 && (is.null(names(given)) || !all(nzchar(names(given))))) {
    bad_argument("...", "must hold named parameters only", call)
  }
  known <- stats::setNames(row$arguments, vapply(row$arguments, function(argument) argument$name, ""))
  given <- with_extra(given, known, row, call)
  members <- lapply(names(given), function(name) {
    argument <- known[[name]]
    if (!is.null(argument)) return(argument_json(given[[name]], argument, path_kind(row, argument), call))
    to_json(given[[name]], function(what) bad_argument(name, what, call))
  })
  names(members) <- names(given)
  if (!is.null(call_options)) members[["$"]] <- switches_json(call_options, call)
  object_json(members, function(what) bad_argument("the name of a parameter", what, call))
}

# What takes parameters of its own, whose names nobody else knows.
takes_any <- c("invoke_model", "invoke_draft_model", "send_sms")

# Parameters that the call does not know are passed on all the same: with a warning, unless they come in `extra`.
with_extra <- function(given, known, row, call) {
  extra <- given$extra
  if ("extra" %in% names(known)) extra <- NULL
  if (!is.null(extra)) {
    given$extra <- NULL
    is_named <- is.list(extra) && (length(extra) == 0 || (!is.null(names(extra)) && all(nzchar(names(extra)))))
    if (!is_named) bad_argument("extra", "must be a list of named parameters", call)
    twice <- intersect(names(extra), names(given))
    if (length(twice) > 0) bad_argument(twice[1], "is given twice, once in extra", call)
  }
  unknown <- setdiff(names(given), names(known))
  # a transfer passes nothing on: there the library refuses them
  if (length(unknown) > 0 && !is.null(row$name) && !row$name %in% takes_any && row$kind != "transfer") {
    warn("unknown_argument", paste0(
      paste0(unknown, vapply(unknown, did_you_mean, "", c(names(known), own_arguments(row))), collapse = ", "),
      if (length(unknown) == 1) " is no argument" else " are no arguments", " of ", row$name,
      ": passed on as it is, and maybe ignored; extra = list(", unknown[1], " = ...) says that it is meant"
    ), call, arguments = unknown)
  }
  c(given, extra[!vapply(extra, is.null, NA)])
}

# What the function for a call takes beside the call's own arguments.
own_arguments <- function(row) {
  name <- paste0("bge_", row$name)
  own <- if (is.null(row$more) && exists(name, asNamespace("bge"))) names(formals(get(name, asNamespace("bge"))))
  setdiff(c(row$more, own), c("api", "..."))
}

# ` (did you mean project_ids?)`, or nothing.
did_you_mean <- function(name, known) {
  known <- known[nzchar(known)]
  if (length(known) == 0) return("")
  distance <- drop(utils::adist(tolower(name), tolower(known), useBytes = TRUE))
  if (nchar(name) < 3) return("")
  distance[startsWith(tolower(known), tolower(name)) | startsWith(tolower(name), tolower(known))] <- 1
  if (min(distance) > max(1, nchar(name) %/% 3)) return("")
  paste0(" (did you mean ", known[which.min(distance)], "?)")
}

switches_json <- function(call_options, call) {
  if (!is.list(call_options)) bad_argument("call_options", "must be a list", call)
  problem <- function(what) bad_argument("call_options", what, call)
  if (!is.null(call_options$headers)) call_options$headers <- as.list(call_options$headers)
  if (is.character(call_options$checkpoint_dir)) {
    call_options$checkpoint_dir <- path_text(call_options$checkpoint_dir, problem, makes = TRUE)
  }
  to_json(call_options, problem)
}

# ---- operations ----

# Carries an operation to its end. Every way out of here ends it, Ctrl-C too: then its connection is closed.
# `api` is the client whose waits are told.
run <- function(operation, call, progress = NULL, api = NULL) {
  op <- checked(operation, call)
  on.exit(.Call(rbge_close, op))
  while (!checked(.Call(rbge_wait, op, 50L), call)) {
    tell_waits(api, progress)
    if (!is.null(progress)) {
      done <- .Call(rbge_progress, op)
      progress$update(done[1], done[2])
    }
  }
  checked(.Call(rbge_result, op), call)
}

# A message of class `bge_message_waiting` when the library waits because the platform asks for it.
tell_waits <- function(api, progress = NULL) {
  line <- if (!is.null(api)) .Call(rbge_heard, api$handle)
  if (is.null(line)) return(invisible())
  seconds <- as.double(sub("^.* in ([0-9.]+) s.*$", "\\1", line))
  if (is.na(seconds)) return(invisible())
  # a bar at the console says so in its own place
  if (!is.null(progress)) progress$note(sprintf("waiting %.0f s, as the platform asks", ceiling(seconds)))
  message(structure(
    list(message = paste0("waiting, as the platform asks: ", line, "\n"), call = NULL, seconds = seconds),
    class = c("bge_message_waiting", "message", "condition")
  ))
}

call_text <- function(api, name, json, call, progress = NULL) {
  run(.Call(rbge_start, client_handle(api, call), name, json), call, progress, api)
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
  schema <- list_schema(name, call)
  build_frame(wanted_pieces(name, text, schema, call), schema, wish, call, spreads = TRUE)
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
#' @seealso [bge_table()], [bge_paging], [bge_error].
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
