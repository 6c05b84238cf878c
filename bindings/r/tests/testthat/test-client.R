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

test_that("a client goes to the endpoint that it was made for, wherever it opens again", {
  opened <- function(client, environment) {
    file <- withr::local_tempfile()
    saveRDS(client, file)
    in_new_process(function(file) {
      client <- readRDS(file)
      user <- tryCatch(bge::bge_get_user(client)$username, error = conditionMessage)
      c(format(client), user)
    }, list(file), environment)
  }
  client <- withr::with_envvar(c(BGE_ENDPOINT = paste0(" ", sandbox$endpoint, "\n"), BGE_ACCESS_TOKEN = sandbox$access_token), bge_open())
  again <- opened(client, c(BGE_ACCESS_TOKEN = sandbox$access_token))
  expect_match(again[1], sandbox$endpoint, fixed = TRUE)
  expect_equal(again[2], "zhangsan")
  again <- opened(client, c(BGE_ACCESS_TOKEN = sandbox$access_token, BGE_ENDPOINT = "http://127.0.0.1:1"))
  expect_equal(again[2], "zhangsan")
  # made for the platform itself, it does not go to another address
  client <- withr::with_envvar(c(BGE_ACCESS_TOKEN = "t"), bge_open(max_retries = 0, proxy = "http://127.0.0.1:1"))
  expect_match(format(client), "https://api.bge.genomics.cn", fixed = TRUE)
  expect_match(opened(client, environment_of_sandbox)[1], "https://api.bge.genomics.cn", fixed = TRUE)
  # a profile's own endpoint is its own
  home <- withr::local_tempdir()
  dir.create(file.path(home, ".bge"))
  json <- list(OAuth2 = list(endpoint = sandbox$endpoint), Token = list(access_token = sandbox$access_token))
  writeLines(jsonlite::toJSON(json, auto_unbox = TRUE), file.path(home, ".bge", "default.json"))
  client <- withr::with_envvar(c(HOME = home), bge_open())
  expect_equal(opened(client, c(HOME = home, BGE_ENDPOINT = "http://127.0.0.1:1"))[2], "zhangsan")
})

test_that("summary() and as.list() of a client tell what is known, and no secret", {
  client <- bge_client("token-4711", endpoint = "http://127.0.0.1:9", timeout = 7)
  expect_identical(as.list(client)[c("endpoint", "credentials", "state")], list(
    endpoint = "http://127.0.0.1:9", credentials = "credentials given", state = "open"
  ))
  expect_equal(as.list(client)$options$timeout, 7)
  text <- utils::capture.output(print(summary(client)))
  expect_match(text, "http://127.0.0.1:9", all = FALSE, fixed = TRUE)
  expect_match(text, "timeout +7", all = FALSE)
  expect_no_match(c(text, utils::capture.output(utils::str(as.list(client)))), "4711")
  bge_close(client)
  expect_equal(summary(client)$state, "closed")
})

test_that("bge_sitrep() tells how things stand", {
  report <- bge_sitrep(api)
  expect_equal(report$endpoint, sandbox$endpoint)
  expect_true(report$answers)
  expect_true("profile" %in% report$scopes)
  expect_equal(report$library, bge_version()[["library"]])
  expect_lt(abs(as.double(report$time - Sys.time(), units = "secs")), 600)
  text <- utils::capture.output(print(report))
  for (line in c("endpoint", "answers +yes", "credentials", "scopes +.*profile", "proxy", "library", "time")) {
    expect_match(text, paste0("^", line), all = FALSE)
  }
  expect_no_match(text, sandbox$access_token)
  gone <- bge_sitrep(bge_client("t", endpoint = "http://127.0.0.1:1", proxy = "http://me:secret@127.0.0.1:2"))
  expect_match(gone$answers, "alive")
  expect_equal(gone$proxy, "http://127.0.0.1:2")
  expect_true(is.na(gone$scopes))
  none <- bge_sitrep()
  expect_match(none$credentials, "BGE_ACCESS_TOKEN")
  expect_output(print(none), "not asked")
  withr::local_envvar(environment_of_sandbox)
  expect_true(bge_sitrep()$answers)
  expect_error(bge_sitrep(1), class = "bge_error_argument")
})

test_that("a sandbox outlives Ctrl-C at the console, and a dead one is not handed out", {
  skip_if(!nzchar(Sys.which("setsid")), "no setsid here")
  alive <- in_new_process(function() {
    library(bge)
    first <- bge_sandbox()
    # what a terminal does: the whole group of processes is interrupted
    group <- as.integer(strsplit(sub("^.*\\) ", "", readLines("/proc/self/stat")), " ")[[1]][3])
    trap <- tryCatch(system(paste0("kill -INT -", group)), interrupt = function(e) NULL)
    tryCatch(Sys.sleep(0.5), interrupt = function(e) NULL)
    tryCatch(Sys.sleep(0.5), interrupt = function(e) NULL)
    lives <- tryCatch(bge_alive(first$user), error = conditionMessage)
    same <- bge_sandbox()$endpoint == first$endpoint
    pid <- sub("^.*pid=([0-9]+).*$", "\\1", "")
    port <- sub("^.*:", "", first$endpoint)
    pids <- system("ps -eo pid,args", intern = TRUE)
    unlink(first$wanted)
    for (i in 1:100) {
      if (!isTRUE(tryCatch(bge_alive(first$user, call_options = list(max_retries = 0, timeout = 1)), error = function(e) FALSE))) break
      Sys.sleep(0.1)
    }
    second <- bge_sandbox()
    list(lives = lives, same = same, new = second$endpoint != first$endpoint, works = bge_alive(second$user))
  })
  expect_identical(alive, list(lives = TRUE, same = TRUE, new = TRUE, works = TRUE))
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
