# How things stand: for people who ask for help, and for those who help them.

#' How things stand
#'
#' What a client talks to, by whose leave, and whether it is answered: to be read before asking for help, and to be sent
#' along then. It shows no secret.
#'
#' @param api A [client][bge_client]; the one that [bge_open()] would make unless given.
#' @return A list of class `bge_sitrep`, which prints as a report:
#'   * `endpoint`: the platform's address in effect,
#'   * `credentials`: where they come from, or why there are none,
#'   * `scopes`: what the token is good for, a character vector; `NA` where the platform does not tell,
#'   * `answers`: `TRUE`, or why the platform does not answer,
#'   * `seconds`: how long its answer took,
#'   * `proxy`: the proxy in effect, without its password; `NA` for none,
#'   * `library`, `package`, `r`: versions, and `platform`, the system,
#'   * `encoding`: the session's locale for text,
#'   * `time`: this machine's time; a clock that is wrong by more than minutes makes signed requests fail.
#' @seealso [bge_open()], [bge_introspect()], [bge_error].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_sitrep(sandbox$user)
bge_sitrep <- function(api = NULL) {
  call <- shown_call(sys.call(), sys.function())
  problem <- NULL
  if (is.null(api)) api <- tryCatch(bge_open(), bge_error = function(e) {
    problem <<- conditionMessage(e)
    NULL
  })
  if (!is.null(api) && !inherits(api, "bge_client")) bad_argument("api", "must be a client", call)
  about <- if (is.null(api)) {
    list(endpoint = c(if (is_set("BGE_ENDPOINT")) trimws(Sys.getenv("BGE_ENDPOINT")), default_endpoint)[1], credentials = problem)
  } else {
    as.list(api)
  }
  quick <- list(deadline = 10, max_retries = 0)
  started <- proc.time()[["elapsed"]]
  answers <- if (is.null(api)) NA else tryCatch(bge_alive(api, call_options = quick), bge_error = conditionMessage)
  seconds <- proc.time()[["elapsed"]] - started
  scopes <- NA_character_
  if (isTRUE(answers)) {
    told <- tryCatch(bge_introspect(api, call_options = quick), bge_error = function(e) NULL)
    if (is.character(told$scope)) scopes <- unlist(strsplit(told$scope, "[ ,]+"))
  }
  versions <- bge_version()
  structure(list(
    endpoint = about$endpoint, credentials = about$credentials, scopes = scopes, answers = answers,
    seconds = if (is.null(api)) NA_real_ else seconds, proxy = proxy_in_effect(api, about$endpoint),
    library = versions[["library"]], package = versions[["package"]], r = as.character(getRversion()),
    platform = R.version$platform, encoding = l10n_info()$codeset %||% Sys.getlocale("LC_CTYPE"), time = Sys.time()
  ), class = "bge_sitrep")
}

`%||%` <- function(x, y) if (is.null(x) || !nzchar(x)) y else x

# What the library would go through; a user and password in it are left out.
proxy_in_effect <- function(api, endpoint) {
  proxy <- api$proxy
  if (is.null(proxy)) {
    names <- if (startsWith(endpoint, "http://")) c("http_proxy", "HTTP_PROXY") else c("https_proxy", "HTTPS_PROXY")
    values <- trimws(Sys.getenv(c(names, "all_proxy", "ALL_PROXY")))
    proxy <- values[nzchar(values)][1]
  }
  if (is.na(proxy)) return(NA_character_)
  without_password(unname(proxy))
}

without_password <- function(proxy) sub("//[^/]*@", "//", proxy)

#' @export
format.bge_sitrep <- function(x, ...) {
  answers <- if (isTRUE(x$answers)) sprintf("yes, in %.2f s", x$seconds) else if (is.na(x$answers)) "not asked" else x$answers
  lines <- c(
    endpoint = x$endpoint, answers = answers, credentials = x$credentials,
    scopes = if (anyNA(x$scopes)) "not known" else paste(x$scopes, collapse = " "),
    proxy = if (is.na(x$proxy)) "none" else x$proxy, library = x$library, package = x$package,
    R = paste0(x$r, " on ", x$platform), encoding = x$encoding,
    time = format(x$time, "%Y-%m-%d %H:%M:%S %Z (UTC%z)")
  )
  paste0(format(names(lines)), "  ", lines)
}

#' @export
print.bge_sitrep <- function(x, ...) {
  writeLines(c("<bge_sitrep>", format(x)))
  invisible(x)
}
