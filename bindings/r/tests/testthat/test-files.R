# Uploads and downloads.

folder <- withr::local_tempdir(.local_envir = testthat::teardown_env())
bytes <- as.raw(rep(0:255, 4000))
big <- file.path(folder, "big.bin")
writeBin(bytes, big)

test_that("what was uploaded is downloaded again, byte for byte", {
  uploaded <- bge_upload_file(api, big, filename = "测序 1.bin")
  expect_match(uploaded$object_name, "/测序 1.bin$")
  expect_equal(uploaded$size, length(bytes))
  expect_type(uploaded$crc64, "character")
  expect_true(uploaded$verified)
  path <- file.path(folder, "back.bin")
  downloaded <- bge_download(api, uploaded$object_name, path)
  expect_equal(downloaded[c("path", "size", "crc64")], list(path = path, size = length(bytes), crc64 = uploaded$crc64))
  expect_identical(readBin(path, "raw", 2 * length(bytes)), bytes)
  expect_identical(bge_download_raw(api, uploaded$object_name), bytes)
  url <- bge_get_download_url(api, uploaded$object_name)$url
  expect_true(bge_download_file(api, url, path)$verified)
})

test_that("bytes and text in memory are uploaded", {
  expect_identical(bge_download_raw(api, bge_upload(api, "raw", bytes)$object_name), bytes)
  text <- bge_download_raw(api, bge_upload(api, "text", "样本")$object_name)
  expect_identical(text, charToRaw(enc2utf8("样本")))
  latin <- iconv("é", "UTF-8", "latin1")
  expect_identical(bge_download_raw(api, bge_upload(api, "latin", latin)$object_name), as.raw(c(0xc3, 0xa9)))
  expect_identical(bge_download_raw(api, bge_upload(api, "empty", raw())$object_name), raw())
  expect_error(bge_upload(api, "many", c("a", "b")), "data", class = "bge_error_argument")
  expect_error(bge_upload(api, "a/b", "x"), "filename", class = "bge_error_argument")
})

test_that("large files go in parts", {
  uploaded <- bge_upload_file(api, big, part_size = 256 * 1024, multipart_threshold = 1024)
  expect_equal(uploaded$parts, 4)
  expect_identical(bge_download_raw(api, uploaded$object_name), bytes)
})

test_that("folders and lists of files are uploaded", {
  dir <- file.path(folder, "reads")
  dir.create(file.path(dir, "more"), recursive = TRUE)
  writeLines("ACGT", file.path(dir, "a.fq"))
  writeLines("TT", file.path(dir, "b.fq"))
  writeLines("N", file.path(dir, "more", "c.fq"))
  uploaded <- bge_upload_dir(api, dir)
  expect_s3_class(uploaded, "data.frame")
  expect_equal(sort(basename(uploaded$object_name)), c("a.fq", "b.fq"))
  expect_equal(sum(uploaded$size), 8)
  expect_true(all(uploaded$verified))
  deep <- bge_upload_dir(api, dir, recursive = TRUE)
  expect_equal(sort(basename(deep$object_name)), c("a.fq", "b.fq", "more_c.fq"))
  named <- bge_batch_upload(api, data.frame(path = file.path(dir, c("a.fq", "b.fq")), filename = c("x", "y")))
  expect_equal(basename(named$object_name), c("x", "y"))

  error <- caught(bge_batch_upload(api, file.path(dir, c("a.fq", "no-such.fq"))))
  expect_s3_class(error, "bge_error")
  expect_length(error$details$files, 2)
})

test_that("nothing half-written is left behind, and nothing good is lost", {
  object <- bge_upload(api, "fragile", bytes)$object_name
  path <- file.path(folder, "fragile")
  writeLines("mine", path)
  local_fault(kind = "truncate", side = "store", method = "GET", count = 0, bytes = 1000)
  expect_error(bge_download(api, object, path, call_options = list(max_retries = 0)), class = "bge_error")
  expect_equal(readLines(path), "mine")
})

test_that("an unknown argument is not passed on", {
  requests <- recorder("*")
  expect_error(bge_upload_file(api, big, part_sise = 5), "part_size", class = "bge_error_argument")
  expect_error(bge_download(api, "object", folder, regoin = "domestic"), "region", class = "bge_error_argument")
  expect_length(requests(), 0)
})
