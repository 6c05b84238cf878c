# Clients: their options, and how they open again elsewhere.

environment_of_sandbox <- c(BGE_ENDPOINT = sandbox$endpoint, BGE_ACCESS_TOKEN = sandbox$access_token)

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
