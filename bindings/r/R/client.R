# Clients: where their credentials came from, how they are shown, and how they open again in another process.

#' Make a client
#'
#' `bge_open()` finds the credentials itself: in its options, then in the environment (`BGE_ACCESS_TOKEN`, or
#' `BGE_CLIENT_ID` and `BGE_CLIENT_SECRET`), then in the stored profile of the `bge` command (`BGE_PROFILE`, else the
#' active one). `bge_client()` takes an access token. Neither uses the network. [bge_login()] and [bge_oauth2()] make
#' clients that renew their token by themselves.
#'
#' A client holds no secret that R could show or save: `print()`, `str()`, `dput()` and `saveRDS()` show none. One that
#' was made before a fork (`parallel::mclapply()`) works in the child. One that was saved or sent to another R
#' process (`saveRDS()`, `parallel::parLapply()`, the package future) opens again there when its credentials came from the
#' environment or a profile; otherwise its calls fail with `bge_error_closed` and say so.
#'
#' @param access_token An access token.
#' @param ... Options, by name: `endpoint` (`https://api.bge.genomics.cn`, or the environment's `BGE_ENDPOINT`),
#'   `fallback_endpoint`, `timeout` (seconds of one attempt, 18; in transfers the longest silence), `connect_timeout`
#'   (10), `deadline` (seconds of a call with all its repeats; none), `max_retries` (3), `max_connections` (32),
#'   `max_threads` (16), `proxy`, `ca_file` (PEM), `user_agent`, `log` (`"off"`, `"error"`, `"info"`, `"debug"`) with
#'   `log_file` and `log_format` (`"text"`, `"json"`), `oss_signature` (`"v1"`, `"v4"`), `kms_endpoint`,
#'   `kms_access_key_id`, `kms_access_key_secret` and `kms_security_token` (whom the key service is asked as; the
#'   credentials of uploads unless given); for `bge_open()` also `profile`, `access_token`, `client_id` and
#'   `client_secret`, `token_file`. An unknown one is an error.
#' @return An object of class `bge_client`, for the first argument of the functions that call the platform. `summary()`
#'   prints what is known about it, and `as.list()` gives it: `endpoint`, `credentials` (where they come from), `state`
#'   and `options`.
#' @seealso [bge_login()], [bge_oauth2()], [bge_sitrep()].
#' @export
#' @examples
#' api <- bge_client("my-access-token", timeout = 60)
#' api
#' bge_close(api)
#'
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   api <- bge_open(
#'     client_id = sandbox$client_id, client_secret = sandbox$client_secret,
#'     endpoint = sandbox$endpoint
#'   )
#'   bge_alive(api)
#' }
bge_client <- function(access_token, ...) {
  call <- shown_call(sys.call(), sys.function())
  if (!is.character(access_token) || length(access_token) != 1 || is.na(access_token)) {
    bad_argument("access_token", "must be one string", call)
  }
  open_client(c(list(access_token = access_token), client_options(list(...), call)), "given", call)
}

#' @rdname bge_client
#' @export
bge_open <- function(...) {
  call <- shown_call(sys.call(), sys.function())
  options <- client_options(list(...), call)
  source <- "profile"
  if (any(c("access_token", "client_id", "client_secret") %in% names(options))) {
    source <- "given"
  } else if (is.null(options$profile) && environment_has_credentials()) {
    source <- "environment"
  } else if (is.null(options$profile)) {
    options$profile <- active_profile()
  }
  open_client(options, source, call)
}

client_options <- function(options, call) {
  if (length(options) > 0 && (is.null(names(options)) || !all(nzchar(names(options))))) {
    bad_argument("...", "must hold named options only", call)
  }
  for (name in intersect(names(options), c("ca_file", "log_file", "token_file", "rate_budget"))) {
    problem <- function(what) bad_argument(name, what, call)
    path <- options[[name]]
    if (is.character(path) && length(path) == 1 && !is.na(path)) {
      options[[name]] <- path_text(path, problem, makes = name != "ca_file")
    }
  }
  if (is.null(options$user_agent)) options$user_agent <- user_agent()
  options[!vapply(options, is.null, NA)]
}

user_agent <- function() {
  paste0("bge-r/", utils::packageVersion("bge"), " libbge/", .Call(rbge_version), " R/", getRversion())
}

options_json <- function(options, call) {
  texts <- lapply(names(options), function(name) to_json(options[[name]], function(what) bad_argument(name, what, call)))
  object_json(stats::setNames(texts, names(options)), function(what) bad_argument("the name of an option", what, call))
}

open_client <- function(options, source, call) {
  # the endpoint in effect: wherever the client opens again, it goes to the same one
  if (is.null(options$endpoint) && is_set("BGE_ENDPOINT")) options$endpoint <- trimws(Sys.getenv("BGE_ENDPOINT"))
  if (is.null(options$endpoint) && source != "profile") options$endpoint <- default_endpoint
  handle <- checked(open_handle(options, call), call)
  # what can be kept and saved; a proxy's address may hold a password
  secret <- names(options) %in% c("access_token", "client_id", "client_secret") | startsWith(names(options), "kms_") |
    (names(options) == "proxy" & grepl("@", vapply(options, function(x) as.character(x)[1], ""), fixed = TRUE))
  if (any(secret)) source <- "given"
  api <- new_client(handle, source, options[!secret])
  api$proxy <- options$proxy
  if (!is.null(api$proxy)) api$proxy <- without_password(api$proxy)
  api
}

# A client that logs nowhere else tells R when it waits.
listens_to <- function(options) is.null(options$log) && is.null(options$log_file)

open_handle <- function(options, call) .Call(rbge_api_open, options_json(options, call), listens_to(options))

new_client <- function(handle, source, options) {
  api <- new.env(parent = emptyenv())
  api$handle <- handle
  api$source <- source
  api$options <- options
  api$is_closed <- FALSE
  class(api) <- "bge_client"
  api
}

default_endpoint <- "https://api.bge.genomics.cn"

is_set <- function(name) nzchar(trimws(Sys.getenv(name)))

environment_has_credentials <- function() {
  is_set("BGE_ACCESS_TOKEN") || is_set("BGE_CLIENT_ID") || is_set("BGE_CLIENT_SECRET")
}

# The profile that the library would take: it is remembered, so that a client does not change hands when it opens again.
active_profile <- function() {
  if (is_set("BGE_PROFILE")) return(trimws(Sys.getenv("BGE_PROFILE")))
  file <- file.path(Sys.getenv("HOME"), ".bge", "activate_project")
  name <- if (file.exists(file)) trimws(paste(readLines(file, warn = FALSE), collapse = "\n")) else ""
  folder <- dirname(file)
  if (!nzchar(name)) name <- "default"
  # without a profile there is nothing to remember, and the library tells better where it has looked
  if (any(file.exists(file.path(folder, paste0(name, c(".json", ".ini")))))) name
}

# The handle of a client; one that was left behind in another process is made anew if its credentials can be found.
client_handle <- function(api, call) {
  if (!inherits(api, "bge_client")) {
    bad_argument("api", "must be a client made by bge_open(), bge_client() or bge_login()", call)
  }
  if (!.Call(rbge_is_closed, api$handle)) return(api$handle)
  if (api$is_closed) closed("the client is closed: make a new one with bge_open() or bge_client()", call)
  if (api$source %in% c("given", "oauth2")) {
    closed(paste(
      "this client was saved, or sent from another R process, and its credentials are not saved with it: make it again here;",
      "a client of bge_open() with credentials from the environment or a profile opens again by itself"
    ), call)
  }
  if (api$source == "environment" && !environment_has_credentials()) {
    closed(paste(
      "this client was saved, or sent from another R process, and takes its credentials from the environment:",
      "set BGE_ACCESS_TOKEN, or BGE_CLIENT_ID and BGE_CLIENT_SECRET, in this process too"
    ), call)
  }
  # a profile has an endpoint of its own, which this process's environment must not change
  if (is.null(api$options$endpoint) && is_set("BGE_ENDPOINT")) {
    here <- Sys.getenv("BGE_ENDPOINT")
    Sys.unsetenv("BGE_ENDPOINT")
    on.exit(Sys.setenv(BGE_ENDPOINT = here))
  }
  api$handle <- checked(open_handle(api$options, call), call)
  api$handle
}

#' Close a client
#'
#' Frees the client's connections now instead of when R collects it. Later calls with it are `bge_error_closed`.
#'
#' @inheritParams bge_get_user
#' @return `NULL`, invisibly; a second time does nothing.
#' @seealso [bge_login()], [bge_oauth2()], [bge_sitrep()].
#' @export
#' @examples
#' api <- bge_client("my-access-token")
#' bge_close(api)
#' tryCatch(bge_get_user(api), bge_error_closed = conditionMessage)
bge_close <- function(api) {
  call <- sys.call()
  if (!inherits(api, "bge_client")) bad_argument("api", "must be a client", call)
  api$is_closed <- TRUE
  .Call(rbge_close, api$handle)
  invisible(NULL)
}

#' The token in use
#'
#' The access token that a client uses now. A client of OAuth2 credentials that has none yet, or whose token ends soon,
#' fetches one first. It lets a program store a rotated refresh token.
#'
#' @inheritParams bge_get_user
#' @return A list of class `bge_token`, see [bge_exchange_code()], with at least `access_token`. It prints without its
#'   secrets, but holds them: take care where you save it.
#' @seealso [bge_login()], [bge_oauth2()], [bge_sitrep()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_token(sandbox$application)
bge_token <- function(api) {
  call <- shown_call(sys.call(), sys.function())
  handle <- client_handle(api, call)
  new_token(parse_json(run(.Call(rbge_start, handle, "get_token", NULL), call)))
}

#' Another token for a client
#'
#' Puts another token in the place of the one in use: requests from now on carry it, those of a walk that is under way
#' too. Nothing is sent.
#'
#' @inheritParams bge_get_user
#' @param token A plain access token, which ends when it ends; a token of [bge_exchange_code()], which is renewed where the
#'   client has an application; or `NULL` for the application's own token. With `token_file`, one of anybody else than the
#'   file's is an error.
#' @return The client, invisibly. After an error it has the token that it had.
#' @seealso [bge_token()], [bge_login()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   api <- bge_client("an-old-token", endpoint = sandbox$endpoint)
#'   bge_set_token(api, sandbox$access_token)
#'   bge_get_user(api)$username
#' }
bge_set_token <- function(api, token) {
  call <- shown_call(sys.call(), sys.function())
  handle <- client_handle(api, call)
  if (is.list(token)) token <- to_json(unclass(token))
  if (!is.null(token)) token <- one_string(token, "token", call)
  checked(.Call(rbge_api_set_token, handle, token), call)
  # whose token it is now, no environment and no profile knows
  if (api$source != "oauth2") api$source <- "given"
  invisible(api)
}

#' Versions
#'
#' @return A character vector: the versions of the `package` and of the `library`.
#' @seealso [bge_login()], [bge_oauth2()], [bge_sitrep()].
#' @export
#' @examples
#' bge_version()
bge_version <- function() {
  c(package = as.character(utils::packageVersion("bge")), library = .Call(rbge_version))
}

# ---- how a client is shown: never with a secret ----

#' @export
format.bge_client <- function(x, ...) {
  about <- as.list(x)
  paste0("<bge_client> ", about$endpoint, ", ", about$credentials, if (about$state != "open") ", ", if (about$state != "open") about$state)
}

#' @rdname bge_client
#' @param x,object A client.
#' @export
as.list.bge_client <- function(x, ...) {
  endpoint <- x$options$endpoint
  if (is.null(endpoint)) endpoint <- if (x$source == "profile") "endpoint of the profile" else default_endpoint
  credentials <- switch(x$source,
    environment = "credentials from the environment",
    profile = paste0("credentials of the profile ", c(x$options$profile, "in use")[1]),
    oauth2 = "tokens that renew themselves",
    "credentials given"
  )
  state <- if (x$is_closed) "closed" else if (.Call(rbge_is_closed, x$handle)) "not yet open in this process" else "open"
  options <- x$options[setdiff(names(x$options), "endpoint")]
  list(endpoint = endpoint, credentials = credentials, state = state, options = options)
}

#' @rdname bge_client
#' @export
summary.bge_client <- function(object, ...) structure(as.list(object), class = "bge_client_summary")

#' @export
print.bge_client_summary <- function(x, ...) {
  options <- vapply(x$options, function(option) paste(format(option), collapse = " "), "")
  lines <- c(endpoint = x$endpoint, credentials = x$credentials, state = x$state, options)
  cat("<bge_client>\n", paste0("  ", format(names(lines)), "  ", lines, "\n"), sep = "")
  invisible(x)
}

#' @export
print.bge_client <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @importFrom utils str
#' @export
str.bge_client <- function(object, ...) {
  cat(" ", format(object), "\n", sep = "")
}
