# Handles that are closed, dropped and collected; tests/lifetime.R does the same under valgrind.

test_that("a closed client stays closed", {
  client <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  expect_equal(bge_get_user(client)$username, "zhangsan")
  expect_null(bge_close(client))
  expect_null(bge_close(client))
  expect_error(bge_get_user(client), class = "bge_error_closed")
  expect_error(bge_get_samples(client), class = "bge_error_closed")
})

test_that("what was made from a client outlives it", {
  client <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  op <- .Call(bge:::rbge_start, client$handle, "get_user", NULL)
  pages <- .Call(bge:::rbge_pages, client$handle, "get_samples", "{}")
  bge_close(client)
  rm(client)
  gc()
  user <- bge:::run(op, NULL)
  expect_match(user, "zhangsan")
  page <- bge:::run(.Call(bge:::rbge_pages_start, pages), NULL)
  expect_match(page, "next_page")
})

test_that("a handle of one kind is not taken for another", {
  expect_error(.Call(bge:::rbge_result, api$handle), "bge_op")
  expect_error(.Call(bge:::rbge_close, 1), "no handle")
})

test_that("the library is never unloaded", {
  in_process <- in_new_process(function(endpoint, token) {
    client <- bge::bge_client(token, endpoint = endpoint)
    bge::bge_alive(client)
    unloadNamespace("bge")
    rm(client)
    gc()
    any(grepl("libbge.so", readLines("/proc/self/maps"), fixed = TRUE))
  }, list(sandbox$endpoint, sandbox$access_token))
  expect_true(in_process)
})
