# Clients: what they show and save, and how they open again elsewhere.

environment_of_sandbox <- c(BGE_ENDPOINT = sandbox$endpoint, BGE_ACCESS_TOKEN = sandbox$access_token)

shown <- function(x) {
  file <- withr::local_tempfile()
  saveRDS(x, file, compress = FALSE)
  saved <- readBin(file, "raw", file.size(file))
  ascii <- withr::local_tempfile()
  saveRDS(x, ascii, ascii = TRUE)
  c(
    utils::capture.output(print(x)), utils::capture.output(utils::str(x)), utils::capture.output(dput(x)),
    format(x), utils::capture.output(print(mget(ls(x), envir = x))), readLines(ascii),
    rawToChar(saved[saved >= 32 & saved < 127])
  )
}

test_that("nothing that is shown or saved holds a token or a secret", {
  oauth2 <- bge_oauth2("id-4711", "secret-4711")
  for (client in list(
    bge_client("token-4711"), bge_open(client_id = "id-4711", client_secret = "secret-4711"), oauth2,
    bge_client("token-4711", proxy = "http://me:pass-4711@localhost:9")
  )) {
    expect_no_match <- function(pattern) expect_false(any(grepl(pattern, shown(client), fixed = TRUE)), label = pattern)
    for (secret in c("token-4711", "secret-4711", "pass-4711")) expect_no_match(secret)
  }
  expect_match(format(bge_client("token-4711", endpoint = "http://localhost:9")), "http://localhost:9", fixed = TRUE)
})

test_that("tokens print without their secrets", {
  token <- bge_token(app)
  text <- c(utils::capture.output(print(token)), utils::capture.output(utils::str(token)), format(token))
  expect_false(any(grepl(token$access_token, text, fixed = TRUE)))
  expect_gt(nchar(token$access_token), 20)
})

test_that("a client of the environment opens again in another process", {
  file <- withr::local_tempfile()
  withr::with_envvar(environment_of_sandbox, saveRDS(bge_open(timeout = 5), file))
  user <- in_new_process(function(file) bge::bge_get_user(readRDS(file))$username, list(file), environment_of_sandbox)
  expect_equal(user, "zhangsan")
  error <- in_new_process(function(file) tryCatch(bge::bge_get_user(readRDS(file)), error = identity), list(file))
  expect_s3_class(error, c("bge_error_closed", "bge_error", "error"), exact = FALSE)
  expect_match(conditionMessage(error), "BGE_ACCESS_TOKEN")
})

test_that("a client of a profile opens again, with the same profile", {
  home <- withr::local_tempdir()
  dir.create(file.path(home, ".bge"))
  profile <- function(name, token) {
    json <- list(OAuth2 = list(endpoint = sandbox$endpoint), Token = list(access_token = token))
    writeLines(jsonlite::toJSON(json, auto_unbox = TRUE), file.path(home, ".bge", paste0(name, ".json")))
  }
  profile("mine", sandbox$access_token)
  profile("other", "not-a-token")
  active <- file.path(home, ".bge", "activate_project")
  writeLines("mine", active)
  file <- withr::local_tempfile()
  withr::with_envvar(c(HOME = home), saveRDS(bge_open(), file))
  writeLines("other", active)
  user <- in_new_process(function(file) bge::bge_get_user(readRDS(file))$username, list(file), c(HOME = home))
  expect_equal(user, "zhangsan")
})

test_that("a client of credentials given by hand says why it cannot open again", {
  for (client in list(api, bge_oauth2_client(bge_oauth2(sandbox$client_id, sandbox$client_secret)))) {
    file <- withr::local_tempfile()
    saveRDS(client, file)
    error <- in_new_process(function(file) tryCatch(bge::bge_get_user(readRDS(file)), error = identity), list(file))
    expect_s3_class(error, "bge_error_closed")
    expect_match(conditionMessage(error), "make it again")
  }
})

test_that("clients go to the workers of a cluster", {
  withr::local_envvar(environment_of_sandbox)
  client <- bge_open()
  cluster <- parallel::makePSOCKcluster(1)
  withr::defer(parallel::stopCluster(cluster))
  names <- parallel::parLapply(cluster, 1:2, function(i, client) bge::bge_get_user(client)$username, client)
  expect_equal(names, list("zhangsan", "zhangsan"))
})

test_that("a closed client stays closed", {
  client <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  expect_equal(bge_get_user(client)$username, "zhangsan")
  expect_null(bge_close(client))
  expect_null(bge_close(client))
  expect_error(bge_get_user(client), class = "bge_error_closed")
  expect_error(bge_get_samples(client), class = "bge_error_closed")
})

test_that("options are checked", {
  expect_error(bge_client("t", timeuot = 3), "timeout", class = "bge_error_argument")
  expect_error(bge_client("t", 3), "named", class = "bge_error_argument")
  expect_error(bge_client(NA_character_), class = "bge_error_argument")
  expect_error(bge_client(c("a", "b")), class = "bge_error_argument")
  expect_error(bge_get_user("token"), "api", class = "bge_error_argument")
  expect_error(bge_open(), "BGE_ACCESS_TOKEN", class = "bge_error_argument")
})

test_that("requests name this package", {
  requests <- recorder("/profile")
  bge_get_user(api)
  expect_match(requests()[[1]]$headers[["user-agent"]], "^bge-r/[0-9.]+ libbge/[0-9.]+ R/[0-9.]+$")
})

test_that("the library has the version that its header promises", {
  header <- readLines(system.file("include", "bge.h", package = "bge"))
  minor <- as.integer(sub("#define BGE_ABI_VERSION ", "", grep("#define BGE_ABI_VERSION", header, value = TRUE)))
  versions <- .Call(bge:::rbge_abi_versions)
  expect_equal(versions[1], minor)
  expect_gte(versions[2], minor)
  expect_match(bge_version(), "^[0-9]+\\.[0-9]+\\.[0-9]+$")
})
