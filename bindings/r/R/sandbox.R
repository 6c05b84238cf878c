# The stand-in for the platform, for examples and for the tests of other packages.

#' A platform to try things on
#'
#' Starts `bge-sandbox`, which stands in for the platform and its object store on this machine: it checks tokens and
#' scopes, keeps what is written, and gives the same data for the same seed. It is looked for in `BGE_SANDBOX_BIN`, in
#' the folder `BGE_LIB_DIR`, and on the `PATH`, and ends with the R session at the latest.
#'
#' Without options, a sandbox that is there already is used: that of `bge-sandbox run -- Rscript …`, or the one that
#' an earlier call has started, if it still lives. Ctrl-C at the console does not reach it.
#'
#' @param ... Options of the program, by name: `seed`, `samples`, `taxa`, `latency` (milliseconds), `rps` (requests per
#'   second), `port`.
#' @param con A sandbox.
#' @return `NULL` where `bge-sandbox` is not to be found; else an object of class `bge_sandbox`: `user` and
#'   `application`, two [clients][bge_client] (of a user's access token, and of client credentials), and what they are
#'   made of: `endpoint`, `access_token`, `client_id`, `client_secret`, `authorization` (the application for authorization
#'   codes), `redirect_uri`; `biosample_id` (a genome), `meta_biosample_id` (a metagenome), `other_biosample_id` (somebody
#'   else's), `project_id` and `model_id`. `close()` ends it.
#' @seealso [bge_open()] for the platform itself.
#' @export
#' @examples
#' sandbox <- bge_sandbox()
#' sandbox
#' if (!is.null(sandbox)) bge_get_user(sandbox$user)$username
bge_sandbox <- function(...) {
  options <- list(...)
  ready <- Sys.getenv("BGE_SANDBOX")
  if (length(options) == 0 && nzchar(ready)) {
    sandbox <- new_sandbox(ready, NULL)
    if (is_alive(sandbox)) return(sandbox)
  }
  if (length(options) == 0 && !is.null(the$sandbox)) {
    if (is_alive(the$sandbox)) return(the$sandbox)
    close(the$sandbox)
  }
  program <- sandbox_program()
  if (is.null(program)) return(NULL)
  flags <- unlist(lapply(names(options), function(name) {
    c(paste0("--", gsub("_", "-", name)), format(options[[name]], scientific = FALSE))
  }))
  output <- tempfile("bge-sandbox-")
  wanted <- paste0(output, ".wanted")
  file.create(wanted)
  # It stops when its standard input closes: when close() has removed the file, or when this session has ended, in
  # whatever way. A connection of R's would do, but R CMD check minds those that examples leave open.
  watch <- sprintf("while kill -0 %d 2>/dev/null && [ -e %s ]; do sleep 0.3; done", Sys.getpid(), shQuote(wanted))
  command <- paste(shQuote(program), "--stdin-lifetime", paste(shQuote(flags), collapse = " "))
  pipeline <- paste0("(", watch, ") 2>/dev/null | ", command, " >", shQuote(output), " 2>&1")
  # in a session of its own, which Ctrl-C at R's console does not reach; without setsid in a group of its own
  apart <- if (nzchar(Sys.which("setsid"))) "setsid sh -c " else "sh -mc "
  if (startsWith(apart, "sh")) pipeline <- paste0("{ ", pipeline, "; } &")
  system(paste0(apart, shQuote(pipeline), " &"))
  line <- character()
  for (attempt in 1:500) {
    line <- if (file.exists(output)) readLines(output, n = 1, warn = FALSE)
    if (length(line) == 1 && endsWith(line, "}")) break
    Sys.sleep(0.02)
  }
  if (length(line) != 1 || !startsWith(line, "{")) {
    unlink(wanted)
    stop("bge-sandbox did not start: ", paste(line, collapse = " "), call. = FALSE)
  }
  sandbox <- new_sandbox(line, wanted)
  if (length(options) == 0) the$sandbox <- sandbox
  sandbox
}

is_alive <- function(sandbox) {
  quick <- list(timeout = 2, deadline = 3, max_retries = 0)
  tryCatch(bge_alive(sandbox$user, call_options = quick), bge_error = function(e) FALSE)
}

sandbox_program <- function() {
  given <- path.expand(Sys.getenv("BGE_SANDBOX_BIN"))
  if (nzchar(given)) return(given)
  beside <- file.path(path.expand(Sys.getenv("BGE_LIB_DIR")), "bge-sandbox")
  if (is_set("BGE_LIB_DIR") && file.exists(beside)) return(beside)
  found <- Sys.which("bge-sandbox")
  if (nzchar(found)) unname(found)
}

new_sandbox <- function(ready, wanted) {
  ready <- parse_json(ready)
  credentials <- ready$credentials
  structure(c(
    list(
      user = bge_client(ready$access_token, endpoint = ready$endpoint),
      application = bge_open(
        client_id = credentials$client_id, client_secret = credentials$client_secret, endpoint = ready$endpoint
      ),
      client_id = credentials$client_id, client_secret = credentials$client_secret
    ),
    ready[setdiff(names(ready), "credentials")],
    list(wanted = wanted)
  ), class = "bge_sandbox")
}

#' @export
print.bge_sandbox <- function(x, ...) {
  cat("<bge_sandbox> ", x$endpoint, "\n", sep = "")
  invisible(x)
}

#' @rdname bge_sandbox
#' @export
close.bge_sandbox <- function(con, ...) {
  if (identical(the$sandbox$endpoint, con$endpoint)) the$sandbox <- NULL
  if (!is.null(con$wanted)) unlink(con$wanted)
  invisible(NULL)
}
