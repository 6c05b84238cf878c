# Signing users and applications in.

#' Sign users and applications in
#'
#' An application has a client id and a client secret. With an authorization code that a user grants it, or for itself
#' alone (client credentials), it gets tokens, and clients that renew them.
#'
#' @param client_id,client_secret The application's; from the environment unless given.
#' @param ... Options as for [bge_client()], and `token_file`: a file through which restarts and other processes share
#'   renewed tokens.
#' @param oauth2 An application, made by `bge_oauth2()`.
#' @param redirect_uri Where the platform sends the user's browser with the code, as registered for the application.
#' @param state Any text, which comes back with the code.
#' @param scopes Scopes to ask for, as a vector.
#' @param code The code that came with the redirect.
#' @param refresh_token The refresh token of an earlier token; it is spent.
#' @param token An access token; or a token of one of the exchanges, and then the client renews it; or `NULL` for
#'   client credentials, fetched when first needed.
#' @return
#' * `bge_oauth2()`: an object of class `bge_oauth2`; it shows and saves no secret.
#' * `bge_authorization_url()`: the URL to send the user's browser to.
#' * `bge_exchange_code()`, `bge_exchange_refresh_token()`, `bge_credentials_token()`: a list of class `bge_token`:
#'   `access_token`, `token_type`, `scope`, `expires_in` (seconds), `obtained_at` (seconds since the epoch) and, for a
#'   user's token, `refresh_token`. It prints without its secrets, but holds them.
#' * `bge_oauth2_client()`: a [client][bge_client].
#' * `bge_oauth2_alive()`: `TRUE`, or the error why the platform does not answer.
#' @seealso [bge_login()], [bge_open()].
#' @export
#' @examples
#' app <- bge_oauth2("my-client-id", "my-client-secret")
#' bge_authorization_url(app, "https://example.org/callback", scopes = c("profile", "samples"))
#'
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   app <- bge_oauth2(sandbox$client_id, sandbox$client_secret, endpoint = sandbox$endpoint)
#'   bge_oauth2_alive(app)
#'   bge_credentials_token(app)
#'   api <- bge_oauth2_client(app)
#'   bge_get_samples(api, limit = 3, all_pages = FALSE)$biosample_id
#' }
bge_oauth2 <- function(client_id = Sys.getenv("BGE_CLIENT_ID"), client_secret = Sys.getenv("BGE_CLIENT_SECRET"), ...) {
  call <- shown_call(sys.call(), sys.function())
  options <- client_options(list(...), call)
  if (is.null(options$endpoint) && is_set("BGE_ENDPOINT")) options$endpoint <- Sys.getenv("BGE_ENDPOINT")
  client_id <- one_string(client_id, "client_id", call)
  client_secret <- one_string(client_secret, "client_secret", call)
  handle <- checked(.Call(rbge_oauth2_new, client_id, client_secret, options_json(options, call)), call)
  oauth2 <- new.env(parent = emptyenv())
  oauth2$handle <- handle
  oauth2$endpoint <- c(options$endpoint, default_endpoint)[1]
  oauth2$token_file <- options$token_file
  oauth2$listens <- listens_to(options)
  class(oauth2) <- "bge_oauth2"
  oauth2
}

# The string as UTF-8.
one_string <- function(x, name, call) {
  if (!is.character(x) || length(x) != 1 || is.na(x)) bad_argument(name, "must be one string", call)
  utf8(x, function(what) bad_argument(name, what, call))
}

oauth2_handle <- function(oauth2, call) {
  if (!inherits(oauth2, "bge_oauth2")) bad_argument("oauth2", "must be made by bge_oauth2()", call)
  if (.Call(rbge_is_closed, oauth2$handle)) {
    closed(paste(
      "this application was saved, or sent from another R process, without its secret:",
      "make it again with bge_oauth2()"
    ), call)
  }
  oauth2$handle
}

#' @rdname bge_oauth2
#' @export
bge_authorization_url <- function(oauth2, redirect_uri, state = NULL, scopes = NULL) {
  call <- shown_call(sys.call(), sys.function())
  if (!is.null(scopes)) scopes <- one_string(paste(scopes, collapse = " "), "scopes", call)
  redirect_uri <- one_string(redirect_uri, "redirect_uri", call)
  if (!is.null(state)) state <- one_string(state, "state", call)
  checked(.Call(rbge_oauth2_url, oauth2_handle(oauth2, call), redirect_uri, state, scopes), call)
}

exchange <- function(oauth2, name, args, call) {
  json <- object_json(lapply(args, to_json, function(what) bad_argument("an argument", what, call)))
  parse_json(run(.Call(rbge_oauth2_start, oauth2_handle(oauth2, call), name, json), call))
}

#' @rdname bge_oauth2
#' @export
bge_exchange_code <- function(oauth2, code, redirect_uri) {
  call <- shown_call(sys.call(), sys.function())
  new_token(exchange(oauth2, "exchange_authorization_code", list(code = code, redirect_uri = redirect_uri), call))
}

#' @rdname bge_oauth2
#' @export
bge_exchange_refresh_token <- function(oauth2, refresh_token) {
  call <- shown_call(sys.call(), sys.function())
  new_token(exchange(oauth2, "exchange_refresh_token", list(refresh_token = refresh_token), call))
}

#' @rdname bge_oauth2
#' @export
bge_credentials_token <- function(oauth2) {
  call <- shown_call(sys.call(), sys.function())
  new_token(exchange(oauth2, "get_credentials_token", list(), call))
}

#' @rdname bge_oauth2
#' @export
bge_oauth2_alive <- function(oauth2) {
  call <- shown_call(sys.call(), sys.function())
  exchange(oauth2, "alive", list(), call)
  TRUE
}

#' @rdname bge_oauth2
#' @export
bge_oauth2_client <- function(oauth2, token = NULL) {
  call <- shown_call(sys.call(), sys.function())
  if (is.list(token)) token <- to_json(unclass(token))
  if (!is.null(token)) token <- one_string(token, "token", call)
  handle <- checked(.Call(rbge_oauth2_api, oauth2_handle(oauth2, call), token, oauth2$listens), call)
  new_client(handle, "oauth2", list(endpoint = oauth2$endpoint))
}

#' Sign in with a browser
#'
#' Opens the platform's page in a browser, where the user signs in and agrees; the browser then goes to the
#' application's `redirect_uri`. The page's address is also printed, for a browser on another machine.
#'
#' A `redirect_uri` of this machine (`http://127.0.0.1:PORT/...` or `http://localhost:PORT/...`) whose port can be
#' opened is answered by R itself, and nothing is to be pasted. Otherwise the address that the browser went to (or the
#' code in it) is asked for. While it waits, R listens at that port of all addresses of this machine, since `serverSocket()`
#' knows no other way; who does not know this sign-in's `state` is told that nothing is there. Where other machines are not
#' to reach it at all, have a `redirect_uri` elsewhere, and paste the address.
#'
#' With a `token_file` the token is written at once, readable by its owner only, and renewed tokens after it: in a later
#' session `bge_open(token_file = ...)` goes on with it, where `BGE_CLIENT_ID` and `BGE_CLIENT_SECRET` are set.
#'
#' @inheritParams bge_oauth2
#' @param browse,ask Functions that show a URL and that ask for the answer, for programs with another way to do it; with
#'   an `ask` of your own R answers no redirect.
#' @param token_file A file for the tokens; that of the application (see [bge_oauth2()]) unless given.
#' @param timeout Seconds to wait for the browser.
#' @return A [client][bge_client] that renews its token by itself.
#' @export
#' @seealso [bge_oauth2()] for the same in single steps, [bge_open()] for later sessions, [bge_sitrep()].
#' @examples
#' if (interactive() && nzchar(Sys.getenv("BGE_CLIENT_ID"))) {
#'   api <- bge_login(redirect_uri = "http://127.0.0.1:1410/callback", scopes = "profile")
#'   bge_get_user(api)
#' }
bge_login <- function(
    oauth2 = bge_oauth2(token_file = token_file), redirect_uri, scopes = NULL, browse = utils::browseURL, ask = readline,
    token_file = NULL, timeout = 300) {
  call <- shown_call(sys.call(), sys.function())
  has_app <- !missing(oauth2)
  force(oauth2)
  if (has_app && !is.null(token_file)) {
    bad_argument("token_file", "is the application's: give it to bge_oauth2()", call)
  }
  redirect_uri <- one_string(redirect_uri, "redirect_uri", call)
  # not R's own random numbers: a program that sets a seed would use one state for everybody
  state <- random_text()
  url <- bge_authorization_url(oauth2, redirect_uri, state = state, scopes = scopes)
  listener <- if (identical(ask, readline)) listen_for(redirect_uri, state)
  if (!is.null(listener)) on.exit(close(listener$socket))
  if (is.null(listener) && identical(ask, readline) && !is_interactive()) {
    bad_argument("ask", "is needed where nobody can paste the address: R is not interactive", call)
  }
  message("Sign in at this address, in any browser", if (!is.null(listener)) " of this machine", ":\n", url)
  tryCatch(browse(url), error = function(e) message("No browser could be opened here: ", conditionMessage(e)))
  answer <- if (is.null(listener)) {
    trimws(ask("Address that the browser went to (or the code in it): "))
  } else {
    redirected_to(listener, timeout, call)
  }
  token <- bge_exchange_code(oauth2, code_of(answer, state, call), redirect_uri)
  api <- bge_oauth2_client(oauth2, token)
  file <- oauth2$token_file
  if (is.null(file)) {
    message("Signed in for this session. A token_file would keep it for later ones.")
  } else {
    write_token(token, file)
    message(
      "Signed in. In a later session, with BGE_CLIENT_ID and BGE_CLIENT_SECRET set:\n  bge_open(token_file = ",
      encodeString(file, quote = "\""), if (!identical(oauth2$endpoint, default_endpoint)) {
        paste0(", endpoint = ", encodeString(oauth2$endpoint, quote = "\""))
      }, ")"
    )
  }
  api
}

# The token where clients with this token_file look for it, for its owner only.
write_token <- function(token, file) {
  kept <- tryCatch(parse_json(paste(readLines(file, warn = FALSE), collapse = "\n")), error = function(e) NULL)
  if (identical(kept$access_token, token$access_token)) return(invisible())
  text <- to_json(unclass(token))
  beside <- tempfile(".bge-token-", dirname(file))
  before <- Sys.umask("077")
  on.exit(Sys.umask(before))
  on.exit(unlink(beside), add = TRUE)
  writeLines(text, beside, useBytes = TRUE)
  if (!file.rename(beside, file)) stop("the token could not be written to ", file, call. = FALSE)
}

# ---- the redirect to this machine ----

# What listens where a loopback address leads, or NULL.
listen_for <- function(redirect_uri, state) {
  parts <- regmatches(redirect_uri, regexec("^http://(127\\.0\\.0\\.1|localhost):([0-9]+)(/[^?#]*)?$", redirect_uri))[[1]]
  if (length(parts) == 0) return(NULL)
  socket <- tryCatch(
    suppressWarnings(serverSocket(as.integer(parts[3]))), error = function(e) NULL
  )
  if (!is.null(socket)) list(socket = socket, path = if (nzchar(parts[4])) parts[4] else "/", state = state)
}

# The address that the browser is sent to, as a path with its query.
redirected_to <- function(listener, timeout, call) {
  until <- proc.time()[["elapsed"]] + timeout
  while (proc.time()[["elapsed"]] < until) {
    # in short steps, so that Ctrl-C is heard
    if (!socketSelect(list(listener$socket), FALSE, 0.2)) next
    target <- tryCatch(suppressWarnings(answer_browser(listener)), error = function(e) NULL)
    if (!is.null(target)) return(target)
  }
  stop(bge_condition(own_failure("BGE_ERR_TIMEOUT", paste("nobody has signed in within", timeout, "seconds")), call))
}

answer_browser <- function(listener) {
  connection <- socketAccept(listener$socket, blocking = TRUE, open = "r+b", timeout = 5)
  on.exit(close(connection))
  line <- readLines(connection, 1)
  while (length(header <- readLines(connection, 1)) == 1 && nzchar(header)) NULL
  target <- strsplit(line, " ", fixed = TRUE)[[1]][2]
  # a request that knows not this sign-in's state is somebody else's
  is_ours <- identical(sub("\\?.*$", "", target), listener$path) && grepl(listener$state, target, fixed = TRUE)
  body <- if (is_ours) {
    paste0("<!doctype html><title>BGE</title><p>R has the answer: this window may be closed.<p>", "R &#x5DF2;&#x6536;&#x5230;&#xFF0C;&#x53EF;&#x4EE5;&#x5173;&#x95ED;&#x6B64;&#x7A97;&#x53E3;&#x3002;")
  } else {
    "<!doctype html><title>BGE</title><p>Nothing is here."
  }
  body <- charToRaw(enc2utf8(body))
  head <- paste0(
    "HTTP/1.1 ", if (is_ours) "200 OK" else "404 Not Found", "\r\nContent-Type: text/html; charset=utf-8\r\n",
    "Content-Length: ", length(body), "\r\nConnection: close\r\n\r\n"
  )
  writeBin(c(charToRaw(head), body), connection)
  if (is_ours) target
}

random_text <- function() {
  source <- file("/dev/urandom", "rb", raw = TRUE)
  on.exit(close(source))
  paste(format(readBin(source, "raw", 16)), collapse = "")
}

# The code in a pasted address, whose state must be the one that was sent; or a bare code.
code_of <- function(answer, state, call) {
  if (!nzchar(answer)) bad_argument("the answer", "is empty: nothing was pasted", call)
  if (!grepl("?", answer, fixed = TRUE)) return(answer)
  query <- sub("#.*$", "", sub("^[^?]*[?]", "", answer))
  pieces <- strsplit(strsplit(query, "&", fixed = TRUE)[[1]], "=", fixed = TRUE)
  values <- lapply(pieces, function(piece) {
    utils::URLdecode(gsub("+", " ", paste(piece[-1], collapse = "="), fixed = TRUE))
  })
  names(values) <- vapply(pieces, function(piece) piece[1], "")
  if (is.null(values$code)) {
    told <- c(values$error_description, values$error, "it has no code")[1]
    bad_argument("the address", paste("is not that of a granted request:", told), call)
  }
  if (!identical(values$state, state)) bad_argument("the address", "belongs to another request: its state differs", call)
  values$code
}

# ---- tokens, which print without their secrets ----

new_token <- function(values) {
  class(values) <- "bge_token"
  values
}

masked <- function(x) {
  values <- unclass(x)
  hidden <- names(values) %in% c("access_token", "refresh_token", "id_token")
  values[hidden] <- "<hidden>"
  values
}

#' @export
format.bge_token <- function(x, ...) {
  values <- masked(x)
  values <- vapply(values, function(value) paste(format(value), collapse = " "), "")
  paste0("<bge_token> ", paste0(names(values), "=", values, collapse = ", "))
}

#' @export
print.bge_token <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @export
str.bge_token <- function(object, ...) {
  cat(" ", format(object), "\n", sep = "")
}

#' @export
format.bge_oauth2 <- function(x, ...) {
  state <- if (.Call(rbge_is_closed, x$handle)) ", not open in this process" else ""
  paste0("<bge_oauth2> ", c(x$endpoint, default_endpoint)[1], state)
}

#' @export
print.bge_oauth2 <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @export
str.bge_oauth2 <- function(object, ...) {
  cat(" ", format(object), "\n", sep = "")
}
