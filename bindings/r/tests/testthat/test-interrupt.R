# Ctrl-C ends any call within a second, against a silent server too.

# Runs `code` with a client in another process, interrupts it, and gives what it says.
interrupted <- function(code, path) {
  control("DELETE", "log")
  started <- withr::local_tempfile()
  process <- callr::r_bg(
    function(code, endpoint, token, ids) {
      library(bge)
      api <- bge_client(token, endpoint = endpoint, timeout = 600)
      signalled <- 0
      outcome <- tryCatch(
        withCallingHandlers(code(api, ids), interrupt = function(e) signalled <<- signalled + 1),
        interrupt = function(e) "interrupted", error = identity
      )
      ended <- Sys.time()
      list(outcome = outcome, signalled = signalled, ended = ended, user = bge_get_user(api)$username)
    },
    list(code, sandbox$endpoint, sandbox$access_token, sandbox[c("biosample_id", "meta_biosample_id")]),
    supervise = TRUE
  )
  withr::defer(process$kill())
  # it is waiting when the sandbox has its request
  for (attempt in 1:400) {
    if (length(control("GET", paste0("log?path=", path))$requests) > 0) break
    Sys.sleep(0.05)
  }
  Sys.sleep(0.2)
  sent <- Sys.time()
  process$interrupt()
  process$wait(20000)
  result <- process$get_result()
  result$seconds <- as.double(result$ended - sent, units = "secs")
  result
}

expect_interrupted <- function(result) {
  expect_equal(result$outcome, "interrupted")
  expect_equal(result$signalled, 1)
  expect_lt(result$seconds, 1)
  # the client is as good as new
  expect_equal(result$user, "zhangsan")
}

test_that("a call ends", {
  local_fault(kind = "hang", path = "/samples/*", count = 0)
  expect_interrupted(interrupted(function(api, ids) bge_get_sample(api, ids$biosample_id), "/samples/*"))
})

test_that("a walk ends", {
  local_fault(kind = "hang", path = "/microbiome/taxon_abundance", query = "*page=2*", count = 0)
  expect_interrupted(interrupted(
    function(api, ids) bge_get_taxon_abundance(api, ids$meta_biosample_id, limit = 50), "/microbiome/*"
  ))
})

test_that("an upload and a download end, and leave nothing behind", {
  local_fault(kind = "hang", side = "store", count = 0)
  expect_interrupted(interrupted(function(api, ids) bge_upload(api, "interrupted.txt", "x"), "*interrupted.txt"))
  folder <- withr::local_tempdir()
  download <- function(api, ids) NULL
  body(download) <- bquote(bge_download(api, "some-object", file.path(.(folder), "object")))
  expect_interrupted(interrupted(download, "*some-object"))
  expect_equal(list.files(folder, all.files = TRUE, no.. = TRUE), character())
})

test_that("time limits of R end a call, too", {
  local_fault(kind = "hang", path = "/profile", count = 0)
  setTimeLimit(elapsed = 0.5, transient = TRUE)
  error <- caught(bge_get_user(api))
  setTimeLimit()
  expect_match(conditionMessage(error), "time limit")
  control("DELETE", "faults")
  expect_equal(bge_get_user(api)$username, "zhangsan")
})

test_that("a table ends, of one sample and in the middle of many", {
  local_fault(kind = "hang", path = "/microbiome/taxon_abundance", query = "*page=2*", count = 0)
  expect_interrupted(interrupted(
    function(api, ids) bge_table(api, "get_taxon_abundance", biosample_id = ids$meta_biosample_id, limit = 50), "/microbiome/*"
  ))
  control("DELETE", "faults")
  local_fault(kind = "hang", path = "/microbiome/taxon_abundance", count = 0)
  expect_interrupted(interrupted(
    function(api, ids) bge_abundance_matrix(api, bge_get_samples(api, omics = 2)$biosample_id), "/microbiome/*"
  ))
})
