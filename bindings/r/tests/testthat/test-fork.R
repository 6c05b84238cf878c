# Clients in forked children.

test_that("mclapply gives what lapply gives", {
  withr::local_envvar("_R_CHECK_LIMIT_CORES_" = "false")
  ids <- bge_get_samples(api)$biosample_id
  expect_length(ids, 200)
  one <- function(id) bge_get_sample(api, id)
  together <- lapply(ids, one)
  for (round in seq_len(if (long) 20 else 1)) {
    expect_identical(parallel::mclapply(ids, one, mc.cores = 8), together)
  }
})

test_that("gc() in a child is safe, and the parent's client and walk go on", {
  client <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  bge_get_user(client)
  # operations and pages that the child inherits, and then collects
  op <- .Call(bge:::rbge_start, client$handle, "get_user", NULL)
  pages <- .Call(bge:::rbge_pages, client$handle, "get_samples", "{}")
  child <- parallel::mcparallel({
    name <- bge_get_user(client)$username
    inherited <- class(.Call(bge:::rbge_wait, op, 1L))
    rm(client, op, pages)
    gc()
    gc()
    list(name, inherited)
  })
  expect_identical(parallel::mccollect(child)[[1]], list("zhangsan", "bge_failure"))
  gc()
  user <- bge:::run(op, quote(test()))
  expect_match(user, "zhangsan")
  page <- bge:::run(.Call(bge:::rbge_pages_start, pages), quote(test()))
  expect_match(page, "next_page")
  expect_equal(bge_get_user(client)$username, "zhangsan")
})

test_that("errors come out of children whole", {
  withr::local_envvar("_R_CHECK_LIMIT_CORES_" = "false")
  errors <- parallel::mclapply(1:4, function(i) caught(bge_get_sample(api, "nobody's")), mc.cores = 4)
  for (error in errors) {
    expect_s3_class(error, "bge_error_api")
    expect_equal(error$code, 41303)
  }
})

test_that("a child may open, use and close clients of its own", {
  withr::local_envvar("_R_CHECK_LIMIT_CORES_" = "false")
  names <- parallel::mclapply(1:4, function(i) {
    client <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
    on.exit(bge_close(client))
    c(bge_get_user(client)$username, nrow(bge_get_samples(client, limit = 90)))
  }, mc.cores = 4)
  expect_identical(names, rep(list(c("zhangsan", "200")), 4))
})
