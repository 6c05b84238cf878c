# Signing in.

authorization <- sandbox$authorization
application <- function() {
  bge_oauth2(authorization$client_id, authorization$client_secret, endpoint = sandbox$endpoint)
}

# What a user's browser does: the address that it ends at.
agree <- function(url) {
  head <- http("GET", paste0(url, "&", sandbox$authorization_extra_query))$head
  location <- grep("^location:", strsplit(head, "\r\n")[[1]], value = TRUE, ignore.case = TRUE)
  trimws(sub("^location:", "", location, ignore.case = TRUE))
}

test_that("the authorization URL is as documented", {
  url <- bge_authorization_url(application(), "http://x/back?a=b", state = "s t", scopes = c("profile", "samples"))
  expect_equal(url, paste0(
    sandbox$endpoint, "/oauth2/authorize?client_id=", authorization$client_id, "&response_type=code",
    "&redirect_uri=http%3A%2F%2Fx%2Fback%3Fa%3Db&scope=profile+samples&state=s+t"
  ))
})

test_that("bge_login() takes a user through the browser to a client", {
  opened <- NULL
  login <- function(answer) bge_login(
    application(), sandbox$redirect_uri, scopes = c("profile", "samples"),
    browse = function(url) opened <<- url, ask = function(prompt) answer(opened)
  )
  quiet <- function(answer) suppressMessages(login(answer))
  said <- told(client <- login(agree))
  # the address is there for a browser elsewhere, too
  expect_match(conditionMessage(said$messages[[1]]), opened, fixed = TRUE)
  expect_equal(bge_get_user(client)$username, "zhangsan")
  expect_match(opened, "state=[0-9a-f]{32}")
  # the bare code does, too
  expect_equal(bge_get_user(quiet(function(url) sub("^.*[?&]code=([^&]*).*$", "\\1", agree(url))))$username, "zhangsan")
  # an address that another request led to does not
  expect_error(quiet(function(url) sub("state=[^&]*", "state=other", agree(url))), "state", class = "bge_error_argument")
  expect_error(quiet(function(url) "http://x/?error=access_denied"), "access_denied", class = "bge_error_argument")
  expect_error(quiet(function(url) ""), "empty", class = "bge_error_argument")
  expect_error(bge_login(application(), sandbox$redirect_uri), "interactive", class = "bge_error_argument")
})

# A port of this machine that nobody uses.
free_port <- function() {
  for (port in sample(20000:60000, 50)) {
    socket <- tryCatch(suppressWarnings(serverSocket(port)), error = function(e) NULL)
    if (!is.null(socket)) {
      close(socket)
      return(port)
    }
  }
}

# A browser: another process, which signs in and follows the redirect. Its last answer comes at the end.
browser <- function(url) {
  code <- function(url, extra, http, bad) {
    location <- grep("^location:", strsplit(http("GET", paste0(url, "&", extra))$head, "\r\n")[[1]], value = TRUE, ignore.case = TRUE)
    address <- trimws(sub("^location:", "", location, ignore.case = TRUE))
    # others come by, too
    bad <- list(http("GET", sub("/callback.*$", "/favicon.ico", address)), http("GET", sub("state=[^&]*", "state=x", address)))
    c(lapply(bad, function(answer) answer$head), http("GET", address)$body)
  }
  environment(code) <- globalenv()
  callr::r_bg(code, list(url, sandbox$authorization_extra_query, http), supervise = TRUE)
}

test_that("bge_login() answers a redirect to this machine by itself", {
  process <- NULL
  redirect <- paste0("http://127.0.0.1:", free_port(), "/callback")
  said <- told(client <- bge_login(application(), redirect, scopes = "profile", browse = function(url) process <<- browser(url), timeout = 60))
  expect_equal(bge_get_user(client)$username, "zhangsan")
  process$wait(20000)
  answers <- process$get_result()
  expect_match(unlist(answers[1:2]), "^HTTP/1.1 404")
  expect_match(answers[[3]], "closed")
  text <- paste(vapply(said$messages, conditionMessage, ""), collapse = "")
  expect_match(text, paste0(sandbox$endpoint, "/oauth2/authorize?client_id="), fixed = TRUE)
  expect_match(text, "token_file")
  # nobody comes
  expect_error(
    suppressMessages(bge_login(application(), redirect, browse = function(url) stop("no browser"), timeout = 0.5)),
    class = "bge_error_timeout"
  )
})

test_that("bge_login() writes the token file at once, and says how to come back", {
  file <- file.path(withr::local_tempdir(), "token.json")
  app <- bge_oauth2(authorization$client_id, authorization$client_secret, endpoint = sandbox$endpoint, token_file = file)
  url <- NULL
  said <- told(client <- bge_login(
    app, sandbox$redirect_uri, browse = function(u) url <<- u, ask = function(prompt) agree(url)
  ))
  expect_true(file.exists(file))
  expect_equal(as.character(file.mode(file)), "600")
  expect_match(conditionMessage(said$messages[[length(said$messages)]]), paste0("bge_open(token_file = \"", file, "\""), fixed = TRUE)
  withr::local_envvar(BGE_CLIENT_ID = authorization$client_id, BGE_CLIENT_SECRET = authorization$client_secret)
  again <- bge_open(token_file = file, endpoint = sandbox$endpoint)
  expect_equal(bge_get_user(again)$username, "zhangsan")
  expect_identical(bge_token(again)$access_token, bge_token(client)$access_token)
  expect_error(bge_login(app, sandbox$redirect_uri, token_file = file), "bge_oauth2", class = "bge_error_argument")
})

test_that("codes and refresh tokens are exchanged, once", {
  code <- sub("^.*[?&]code=([^&]*).*$", "\\1", agree(bge_authorization_url(application(), sandbox$redirect_uri)))
  token <- bge_exchange_code(application(), code, sandbox$redirect_uri)
  expect_s3_class(token, "bge_token")
  expect_equal(token$expires_in, 21600)
  expect_lt(abs(token$obtained_at - as.double(Sys.time())), 600)
  expect_error(bge_exchange_code(application(), code, sandbox$redirect_uri), class = "bge_error_api")
  renewed <- bge_exchange_refresh_token(application(), token$refresh_token)
  expect_false(renewed$access_token == token$access_token)
  expect_error(bge_exchange_refresh_token(application(), token$refresh_token), class = "bge_error_api")
  expect_equal(bge_get_user(bge_oauth2_client(application(), renewed))$username, "zhangsan")
  expect_equal(bge_get_user(bge_oauth2_client(application(), renewed$access_token))$username, "zhangsan")
})

test_that("a client renews its token by itself, and hands the new one out", {
  code <- sub("^.*[?&]code=([^&]*).*$", "\\1", agree(bge_authorization_url(application(), sandbox$redirect_uri)))
  token <- bge_exchange_code(application(), code, sandbox$redirect_uri)
  client <- bge_oauth2_client(application(), token)
  expect_identical(bge_token(client)$access_token, token$access_token)
  control("POST", "expire", list(what = "access_tokens", token = token$access_token))
  expect_equal(bge_get_user(client)$username, "zhangsan")
  expect_false(bge_token(client)$refresh_token == token$refresh_token)
})

test_that("client credentials are enough for an application", {
  oauth2 <- bge_oauth2(sandbox$client_id, sandbox$client_secret, endpoint = sandbox$endpoint)
  expect_true(bge_oauth2_alive(oauth2))
  expect_null(bge_credentials_token(oauth2)$refresh_token)
  requests <- recorder("/oauth2/access_token")
  client <- bge_oauth2_client(oauth2)
  expect_length(requests(), 0)
  expect_equal(nrow(bge_get_samples(client, limit = 5, all_pages = FALSE)), 5)
  expect_length(requests(), 1)
  wrong <- bge_oauth2(sandbox$client_id, "wrong", endpoint = sandbox$endpoint)
  expect_error(bge_credentials_token(wrong), class = "bge_error_api")
  expect_error(bge_token(bge_oauth2_client(wrong)), class = "bge_error")
})

test_that("an application and its secret come from the environment", {
  withr::local_envvar(
    BGE_ENDPOINT = sandbox$endpoint, BGE_CLIENT_ID = sandbox$client_id, BGE_CLIENT_SECRET = sandbox$client_secret
  )
  expect_true(introspected <- bge_introspect(bge_oauth2_client(bge_oauth2()))$active)
  expect_equal(bge_introspect(bge_open())$client_id, sandbox$client_id)
})

test_that("another token can take the place of the one in use", {
  client <- bge_client("not-a-token", endpoint = sandbox$endpoint)
  expect_error(bge_get_user(client), class = "bge_error_auth")
  expect_invisible(bge_set_token(client, sandbox$access_token))
  expect_equal(bge_get_user(client)$username, "zhangsan")
  expect_error(bge_set_token(client, ""), class = "bge_error_argument")
  expect_equal(bge_get_user(client)$username, "zhangsan")
  url <- bge_authorization_url(application(), sandbox$redirect_uri)
  token <- bge_exchange_code(application(), sub("^.*[?&]code=([^&]*).*$", "\\1", agree(url)), sandbox$redirect_uri)
  own <- bge_oauth2_client(application())
  bge_set_token(own, token)
  expect_identical(bge_token(own)$access_token, token$access_token)
  expect_equal(bge_get_user(own)$username, "zhangsan")
})
