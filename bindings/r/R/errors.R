# Failures become conditions here, in R, when no frame of the library is on the stack.

#' Errors of the platform and the library
#'
#' Every failed call raises a condition of class `bge_error`, and of a class for its kind:
#'
#' * `bge_error_argument`: a bad argument or option; nothing was sent
#' * `bge_error_transport`: name lookup, connection, TLS, proxy
#' * `bge_error_timeout`: the time allowed ran out
#' * `bge_error_http`: another HTTP status from 400 on
#' * `bge_error_api`: the platform refused, with a code of its own
#' * `bge_error_auth`: the token is wrong, has expired, or lacks the scope
#' * `bge_error_protocol`: the answer is not the platform's
#' * `bge_error_storage`: the object store refused
#' * `bge_error_integrity`: length or checksum is not what was promised
#' * `bge_error_io`: a local file could not be read or written
#' * `bge_error_closed`: the client is closed, or was left behind in another R process
#' * `bge_error_cancelled`, `bge_error_internal`, `bge_error_unsupported`
#'
#' @section Fields:
#' * `message`, `call`: as in every condition; the call is that of the function that you called, with secrets left out
#' * `status`: the library's name for the kind, such as `"BGE_ERR_TIMEOUT"`
#' * `code`: the platform's code, such as 41001; `NA` if none
#' * `http_status`: `NA` if there was no answer
#' * `request_id`: the server's name for the request; `NA` if none
#' * `retryable`: whether the same call is worth repeating; `FALSE` when a write may have happened
#' * `retry_after`: the seconds after which the platform wants to be asked again; `NA` if it did not say
#' * `hint`: what to do about it; `NA` if nothing is known
#' * `data`: what the platform sent with the refusal
#' * `details`: all that is known, as a list: `msg` (the platform's own words), `files` (the result of each file of an
#'   upload of many), and others
#' * `rows`, `next_page`: after a walk through pages that failed on its way, what has arrived, and where to go on
#'
#' @section The platform's codes:
#' | code | what it means |
#' | --- | --- |
#' | 400 | a wrong or used authorization code, redirect address, refresh token or client secret |
#' | 401 | the token lacks the scope |
#' | 403 | the token is wrong or has ended |
#' | 40014 | the call is for client-credentials tokens only |
#' | 41001 | a parameter is missing, malformed or out of range |
#' | 41202 | there is no such model |
#' | 41303 | there is no such sample, or it is not the caller's |
#'
#' @section Warnings:
#' * `bge_warning_unknown_argument`: a parameter that the call does not know was passed on; `arguments` names it
#' * `bge_warning_int64`: a column holds whole numbers beyond 2^53 and came as character
#' * `bge_warning_misfit`: a value is not of its column's declared type; it is `NA` there, and kept in `<column>_as_sent`
#'   (by [bge_table()] in `extra`)
#' * `bge_warning_no_rows`: samples of a matrix have no rows at all, and are `NA`; `biosample_ids` names them
#' * `bge_warning_skipped`: [bge_table()] was told to leave out samples that fail, and some did
#'
#' @return Nothing is returned: this page describes conditions.
#' @seealso [bge_sitrep()].
#' @name bge_error
#' @examples
#' api <- bge_client("no-such-token", endpoint = "http://127.0.0.1:1", max_retries = 0)
#' tryCatch(
#'   bge_get_user(api),
#'   bge_error_transport = function(e) message("not reachable, retryable: ", e$retryable),
#'   bge_error = function(e) message(conditionMessage(e))
#' )
NULL

# The condition for a failure as the C code gives it.
bge_condition <- function(failure, call, ...) {
  kind <- tolower(sub("^BGE_ERR_", "", failure$name))
  details <- if (is.null(failure$json)) list() else parse_json(failure$json)
  for (name in intersect(names(details), c("message", "hint", "cause"))) {
    details[[name]] <- plain_words(details[[name]], details$msg)
  }
  structure(
    list(
      message = plain_words(failure$message, details$msg), call = call,
      status = failure$name, code = failure$code, http_status = failure$http_status,
      request_id = failure$request_id, retryable = failure$retryable,
      retry_after = failure$retry_after, hint = plain_words(failure$hint), data = details$data, details = details, ...
    ),
    class = c(paste0("bge_error_", kind), "bge_error", "error", "condition")
  )
}

# The library speaks of what its callers in C write; R's users write something else.
words_of_c <- c(
  'member of "$"' = "member of call_options", '"$" must be an object of switches' = "call_options must be a named list",
  '"$"' = "call_options", "$." = "", "options_json" = "the options", "args_json" = "the arguments",
  "\"files\" of the error's JSON has" = "`details$files` of the condition has",
  "a token's JSON with its access_token" = "a token as bge_exchange_code() gives it",
  "be one JSON object" = "be a named list", "no JSON object" = "no profile", "an object of" = "a named list of",
  "the platform's JSON" = "the platform's answer", "is not JSON" = "is not an answer of the platform's",
  "is JSON of another kind" = "is of another kind", "JSON text" = "text", "JSON" = "data"
)

# `msg` are the platform's own words: they stay.
plain_words <- function(text, msg = NULL) {
  if (!is.character(text)) return(text)
  keep <- is.character(msg) && length(msg) == 1 && nzchar(msg)
  if (keep) text <- gsub(msg, "\001", text, fixed = TRUE)
  text <- sub("^(api_[a-z_]+|oauth2_[a-z_]+): ", "", text)
  for (word in names(words_of_c)) text <- gsub(word, words_of_c[[word]], text, fixed = TRUE)
  if (keep) text <- gsub("\001", msg, text, fixed = TRUE)
  text
}

own_failure <- function(name, message) {
  list(
    name = name, message = message, code = NA_real_, http_status = NA_integer_, request_id = NA_character_,
    retryable = FALSE, retry_after = NA_real_, hint = NA_character_
  )
}

# The value of a routine, or its failure raised.
checked <- function(value, call) {
  if (inherits(value, "bge_failure")) stop(bge_condition(value, call))
  value
}

bad_argument <- function(name, problem, call) {
  stop(bge_condition(own_failure("BGE_ERR_ARGUMENT", paste0(name, " ", problem)), call))
}

closed <- function(problem, call) {
  stop(bge_condition(own_failure("BGE_ERR_CLOSED", problem), call))
}

warn <- function(kind, message, call, ...) {
  warning(structure(
    list(message = message, call = call, ...),
    class = c(paste0("bge_warning_", kind), "bge_warning", "warning", "condition")
  ))
}

# The user's call, to be shown in errors and traces: what was given literally for a secret is left out. R matches names
# before `...` by their beginning: a parameter of the platform's that is taken for one of ours by that is refused.
secrets <- c(
  "access_token", "client_secret", "refresh_token", "token", "code", "password", "proxy", "idcard", "phone",
  "realname", "mobiles", "kms_access_key_id", "kms_access_key_secret", "kms_security_token"
)

shown_call <- function(call, definition) {
  given <- names(call)
  call <- tryCatch(match.call(definition, call, expand.dots = TRUE), error = function(e) call[1])
  call <- without_secrets(named(call, definition))
  known <- names(formals(definition))
  by_beginning <- known[seq_len(match("...", known, nomatch = 1L) - 1L)]
  for (name in setdiff(given[nzchar(given)], known)) {
    taken <- by_beginning[startsWith(by_beginning, name)]
    if (length(taken) == 1) {
      problem <- paste0("is taken by R for ", taken, ": to send a parameter of this name use bge_request()")
      bad_argument(name, problem, call)
    }
  }
  call
}

# The call under the function's own name, where lapply() or do.call() have called it by another one.
named <- function(call, definition) {
  is_ours <- is.symbol(call[[1]]) && startsWith(as.character(call[[1]]), "bge_")
  if (is.call(call[[1]]) || is_ours) return(call)
  ours <- asNamespace("bge")
  own <- Filter(function(name) identical(get(name, ours), definition), getNamespaceExports(ours))
  if (length(own) == 1) call[[1]] <- as.name(own)
  call
}

without_secrets <- function(call) {
  hidden <- names(call) %in% secrets & !vapply(as.list(call), is.symbol, NA)
  call[hidden] <- list(quote(`<hidden>`))
  for (i in seq_along(call)[-1]) {
    if (!is.call(call[[i]])) next
    part <- call[[i]]
    is_ours <- is.symbol(part[[1]]) && startsWith(as.character(part[[1]]), "bge_")
    call[[i]] <- if (is_ours) as.call(list(part[[1]], quote(...))) else without_secrets(part)
  }
  call
}
