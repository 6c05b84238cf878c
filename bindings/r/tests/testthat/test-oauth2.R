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
  client <- login(agree)
  expect_equal(bge_get_user(client)$username, "zhangsan")
  expect_match(opened, "state=[0-9a-f]{32}")
  # the bare code does, too
  expect_equal(bge_get_user(login(function(url) sub("^.*[?&]code=([^&]*).*$", "\\1", agree(url))))$username, "zhangsan")
  # an address that another request led to does not
  expect_error(login(function(url) sub("state=[^&]*", "state=other", agree(url))), "state", class = "bge_error_argument")
  expect_error(login(function(url) "http://x/?error=access_denied"), "access_denied", class = "bge_error_argument")
  expect_error(login(function(url) ""), "empty", class = "bge_error_argument")
  expect_error(bge_login(application(), sandbox$redirect_uri), "interactive", class = "bge_error_argument")
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
