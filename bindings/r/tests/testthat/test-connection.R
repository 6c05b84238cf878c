# Objects as connections.

bytes <- as.raw(rep(0:255, 12000)) # 3 MB
big <- bge_upload(api, "big.bin", bytes)$object_name
text <- bge_upload(api, "lines.txt", paste0(paste0("line ", 1:5000, " \u6837\u672c", collapse = "\n"), "\n"))$object_name

opened <- function(object, mode = "rb", .env = parent.frame()) {
  connection <- bge_connection(api, object, mode)
  withr::defer(try(close(connection), silent = TRUE), .env)
  connection
}

test_that("an object is read from front to back", {
  connection <- opened(big)
  expect_s3_class(connection, c("bge_object", "connection"), exact = TRUE)
  got <- raw()
  while (length(piece <- readBin(connection, "raw", 700001)) > 0) got <- c(got, piece)
  expect_identical(got, bytes)
  expect_identical(readBin(connection, "raw", 5), raw())
  lines <- readLines(bge_connection(api, text), encoding = "UTF-8")
  expect_identical(lines, paste0("line ", 1:5000, " \u6837\u672c"))
  expect_identical(readBin(opened(bge_upload(api, "empty", raw())$object_name), "raw", 5), raw())
})

test_that("any place of it can be gone to, and only what is read is fetched", {
  connection <- opened(big)
  requests <- recorder("*big.bin")
  expect_equal(seek(connection, 2e6), 0)
  expect_length(requests(), 0)
  expect_identical(readBin(connection, "raw", 10), bytes[2e6 + 1:10])
  expect_equal(seek(connection), 2e6 + 10)
  seek(connection, -5, "current")
  expect_identical(readBin(connection, "raw", 5), bytes[2e6 + 6:10])
  # within the block that is there nothing is asked for
  expect_length(requests(), 1)
  for (at in c(0, 2999999, 17, 1e6)) {
    seek(connection, at)
    expect_identical(readBin(connection, "raw", 3), bytes[at + 1:3], label = format(at))
  }
  seek(connection, length(bytes) - 2)
  expect_identical(readBin(connection, "raw", 10), utils::tail(bytes, 2))
  seek(connection, -4, "end")
  expect_identical(readBin(connection, "raw", 10), utils::tail(bytes, 4))
  # where it ends is known before anything was read, and goes back from there
  fresh <- opened(big)
  seek(fresh, -4, "end")
  expect_equal(seek(fresh), length(bytes) - 4)
  expect_identical(readBin(fresh, "raw", 10), utils::tail(bytes, 4))
  expect_error(seek(connection, -1), "before")
  expect_equal(readBin({
    seek(connection, 256 * 5 + 1)
    connection
  }, "integer", 1, endian = "big"), 0x01020304)
})

test_that("what is packed is read through gzcon, and what R saved is loaded", {
  file <- withr::local_tempfile()
  frame <- data.frame(a = 1:10, b = letters[1:10])
  saveRDS(frame, file)
  object <- bge_upload_file(api, file, filename = "frame.rds")$object_name
  connection <- gzcon(bge_connection(api, object, "rb"))
  withr::defer(close(connection))
  expect_identical(readRDS(connection), frame)
  csv <- bge_upload(api, "frame.csv", "a,b\n1,x\n2,y\n")$object_name
  expect_identical(utils::read.csv(bge_connection(api, csv)), data.frame(a = 1:2, b = c("x", "y")))
})

test_that("a failure is a condition, and the connection goes on after it", {
  expect_error(readBin(opened("no-such-object"), "raw", 1), class = "bge_error")
  connection <- opened(big)
  local_fault(kind = "status", status = 403, side = "store", method = "GET", count = 1, xml = list(code = "AccessDenied"))
  error <- caught(readBin(connection, "raw", 4))
  expect_s3_class(error, "bge_error_storage")
  control("DELETE", "faults")
  expect_identical(readBin(connection, "raw", 4), bytes[1:4])
  client <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  closed <- bge_connection(client, big, "rb")
  bge_close(client)
  expect_error(readBin(closed, "raw", 1), class = "bge_error_closed")
  close(closed)
  expect_error(bge_connection(api, big, "w"), "open", class = "bge_error_argument")
  expect_error(bge_connection(api, c(big, big)), class = "bge_error_argument")
})

test_that("an object that changes while it is read is an error, wherever the connection goes", {
  object <- bge_upload(api, "changing", rep(as.raw(1), 3e6))$object_name
  connection <- opened(object)
  expect_identical(readBin(connection, "raw", 2), as.raw(c(1, 1)))
  control("POST", "objects", list(name = object, text = strrep("x", 3e6)))
  seek(connection, 2e6)
  expect_error(readBin(connection, "raw", 2), class = "bge_error_integrity")
})

test_that("a connection that is dropped, or inherited, does no harm", {
  withr::local_envvar("_R_CHECK_LIMIT_CORES_" = "false")
  connection <- opened(big)
  readBin(connection, "raw", 10)
  child <- parallel::mcparallel(class(caught(readBin(connection, "raw", 10)))[1])
  expect_identical(parallel::mccollect(child)[[1]], "bge_error_closed")
  expect_identical(readBin(connection, "raw", 10), bytes[11:20])
  dropped <- bge_connection(api, big, "rb")
  readBin(dropped, "raw", 10)
  rm(dropped)
  suppressWarnings(gc()) # R says that it closes it
  expect_identical(readBin(connection, "raw", 10), bytes[21:30])
})
