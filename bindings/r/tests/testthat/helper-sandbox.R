# All tests talk to one bge-sandbox on loopback, and to nothing else.

# what the source tree has built, if the tests run somewhere in it
above <- vapply(0:6, function(levels) paste(c(rep("..", levels), "target/release/bge-sandbox"), collapse = "/"), "")
in_tree <- normalizePath(above[file.exists(above)])
if (!nzchar(Sys.getenv("BGE_SANDBOX_BIN")) && length(in_tree) > 0) Sys.setenv(BGE_SANDBOX_BIN = in_tree[1])

long <- identical(Sys.getenv("BGE_TEST_LONG"), "1")

# nothing of the caller's own credentials gets into the tests
Sys.unsetenv(c("BGE_SANDBOX", "BGE_ENDPOINT", "BGE_ACCESS_TOKEN", "BGE_CLIENT_ID", "BGE_CLIENT_SECRET", "BGE_PROFILE"))
Sys.setenv(HOME = withr::local_tempdir(.local_envir = testthat::teardown_env()))

sandbox <- bge_sandbox(seed = 7, samples = 200)
if (is.null(sandbox)) stop("the tests need bge-sandbox: set BGE_SANDBOX_BIN, or build it with `make build`")
api <- sandbox$user
app <- sandbox$application
# another one for tests that write samples: those of the first stay as they are
writable <- bge_sandbox(seed = 8)

# One HTTP request to the sandbox; the answer's head and body.
http <- function(method, url, body = "") {
  address <- regmatches(url, regexec("^http://([^:/]+):([0-9]+)(.*)$", url))[[1]]
  con <- socketConnection(address[2], as.integer(address[3]), open = "r+b", blocking = TRUE, timeout = 10)
  on.exit(close(con))
  body <- charToRaw(enc2utf8(body))
  head <- paste0(
    method, " ", address[4], " HTTP/1.1\r\nHost: ", address[2], ":", address[3], "\r\nConnection: close\r\n",
    "Content-Type: application/json\r\nContent-Length: ", length(body), "\r\n\r\n"
  )
  writeBin(c(charToRaw(head), body), con)
  answer <- raw()
  while (length(piece <- readBin(con, "raw", 65536)) > 0) answer <- c(answer, piece)
  text <- rawToChar(answer)
  Encoding(text) <- "UTF-8"
  cut <- regexpr("\r\n\r\n", text, fixed = TRUE)
  list(head = substr(text, 1, cut - 1), body = substring(text, cut + 4))
}

control <- function(method, name, body = NULL) {
  text <- if (is.null(body)) "" else jsonlite::toJSON(body, auto_unbox = TRUE, null = "null")
  jsonlite::fromJSON(http(method, paste0(sandbox$endpoint, "/__sandbox__/", name), text)$body, simplifyVector = FALSE)
}

# The next matching requests go wrong, until the end of the test.
local_fault <- function(..., .env = parent.frame()) {
  answer <- control("POST", "faults", list(...))
  if (!is.null(answer$error)) stop(answer$error)
  withr::defer(control("DELETE", "faults"), .env)
}

# The next answers to `path` are this text, as `data` of a good envelope.
local_data <- function(path, data, .env = parent.frame(), ...) {
  local_fault(
    kind = "status", status = 200, path = path, count = 0, content_type = "application/json",
    body = paste0('{"code": 0, "msg": "success", "data": ', data, "}"), ..., .env = .env
  )
}

local_option <- function(..., .env = parent.frame()) {
  control("POST", "options", list(...))
  withr::defer(control("DELETE", "options"), .env)
}

# What the requests to a path were, from now on: call the result to get them.
recorder <- function(path) {
  control("DELETE", "log")
  function() control("GET", paste0("log?path=", path))$requests
}

# A fresh R process with this package and no client of its own.
in_new_process <- function(code, args = list(), env = character()) {
  callr::r(code, args, env = c(callr::rcmd_safe_env(), env), show = FALSE)
}

caught <- function(code) tryCatch(code, error = identity)

# The declared columns of a list and their types, as they are in a data frame.
declared <- function(name) {
  calls <- bge_endpoints()
  columns <- calls$columns[[which(calls$name == name)]]
  r <- c(string = "character", float64 = "double", int64 = "double", boolean = "logical", json = "list")
  types <- stats::setNames(unname(r[columns$type]), columns$name)
  types[grepl("(^|_)time$", names(types)) & types != "list"] <- "POSIXct"
  types[grepl("_id$", names(types)) & types != "list"] <- "character"
  types
}

types <- function(frame) vapply(frame, function(column) if (inherits(column, "POSIXct")) "POSIXct" else typeof(column), "")

# What a page of a list looks like.
page <- function(rows, next_page = "null") sprintf('{"count": 1, "next_page": %s, "result": [%s]}', next_page, rows)

# `code` with a collection at every allocation; what is compiled meanwhile would be most of the work.
tortured <- function(code) {
  jit <- compiler::enableJIT(0)
  on.exit(compiler::enableJIT(jit))
  code()
  gctorture(TRUE)
  on.exit(gctorture(FALSE), add = TRUE, after = FALSE)
  code()
}

# Runs `code`, and gives its value, and the warnings and messages that it raised.
told <- function(code) {
  warnings <- messages <- list()
  value <- withCallingHandlers(code, warning = function(w) {
    warnings[[length(warnings) + 1]] <<- w
    invokeRestart("muffleWarning")
  }, message = function(m) {
    messages[[length(messages) + 1]] <<- m
    invokeRestart("muffleMessage")
  })
  list(value = value, warnings = warnings, messages = messages)
}

# Functions of the package, replaced until the end of the test.
local_own <- function(..., .env = parent.frame()) {
  package <- asNamespace("bge")
  put <- function(name, value) {
    unlockBinding(name, package)
    assign(name, value, package)
    lockBinding(name, package)
  }
  given <- list(...)
  before <- mget(names(given), package)
  withr::defer(Map(put, names(before), before), .env)
  Map(put, names(given), given)
}
