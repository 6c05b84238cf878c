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

test_that("an upload's result says which path became which object", {
  dir <- file.path(folder, "paths")
  dir.create(file.path(dir, "b", "c"), recursive = TRUE)
  inside <- c("z.txt", "b/y.txt", "b/c/x.txt")
  for (name in inside) writeLines(name, file.path(dir, name))
  expect_identical(bge_upload_file(api, file.path(dir, "z.txt"), filename = "other")$path, file.path(dir, "z.txt"))
  all <- bge_upload_dir(api, paste0(dir, "/"), recursive = TRUE, separator = "+")
  expect_named(all, c("path", "object_name", "size", "crc64", "etag", "parts", "verified"))
  expect_setequal(all$path, file.path(dir, inside))
  for (i in 1:3) {
    expect_identical(bge_download_raw(api, all$object_name[i]), readBin(all$path[i], "raw", 99), label = all$path[i])
    expect_equal(basename(all$object_name[i]), gsub("/", "+", substring(all$path[i], nchar(dir) + 2), fixed = TRUE))
  }
  paths <- file.path(dir, rev(inside))
  named <- bge_batch_upload(api, paths)
  expect_identical(named$path, paths)
  expect_identical(basename(named$object_name), basename(paths))
})

test_that("several objects are downloaded in one call, into a folder or to paths", {
  objects <- vapply(1:9, function(i) bge_upload(api, paste0("many-", i), strrep("x", i))$object_name, "")
  dir <- file.path(folder, "several", "deep")
  got <- bge_download_dir(api, objects, dir)
  expect_s3_class(got, "data.frame")
  expect_named(got, c("object_name", "path", "size", "crc64", "verified"))
  expect_identical(got$object_name, objects)
  expect_identical(got$path, file.path(dir, paste0("many-", 1:9)))
  expect_equal(file.size(got$path), 1:9)
  expect_equal(got$size, 1:9)
  paths <- file.path(folder, c("p1", "p2"))
  expect_identical(bge_download(api, objects[2:1], paths)$path, paths)
  expect_equal(file.size(paths), 2:1)
  expect_identical(bge_download(api, objects[3:4], dir)$path, file.path(dir, c("many-3", "many-4")))
  expect_equal(dim(bge_download(api, character(), dir)), c(0L, 5L))
  requests <- recorder("*")
  expect_error(bge_download(api, objects[1:3], paths), "one path for each", class = "bge_error_argument")
  expect_error(bge_download(api, objects[1], paths), "one path", class = "bge_error_argument")
  expect_error(bge_download(api, objects[c(1, 1)], dir), "several objects", class = "bge_error_argument")
  expect_error(bge_download(api, c(objects[1], NA), paths), "NA", class = "bge_error_argument")
  expect_length(requests(), 0)
})

test_that("of several downloads the good ones come, and the failure tells of each", {
  object <- bge_upload(api, "good", "good")$object_name
  dir <- file.path(folder, "some")
  error <- caught(bge_download_dir(api, c(object, paste0(object, "-bad")), dir))
  expect_s3_class(error, "bge_error")
  expect_match(conditionMessage(error), "1 of 2 objects")
  expect_identical(error$files$verified, c(TRUE, NA))
  expect_identical(is.na(error$files$message), c(TRUE, FALSE))
  expect_identical(list.files(dir, all.files = TRUE, no.. = TRUE), "good")
})

test_that("a file that is there stays with overwrite = FALSE", {
  object <- bge_upload(api, "new", "new")$object_name
  path <- file.path(folder, "new")
  writeLines("mine", path)
  requests <- recorder("*")
  for (refused in list(
    function() bge_download(api, object, path, overwrite = FALSE),
    function() bge_download(api, object, folder, overwrite = FALSE),
    function() bge_download(api, c(object, paste0(object, "2")), folder, overwrite = FALSE),
    function() bge_download_dir(api, object, folder, overwrite = FALSE),
    function() bge_download_file(api, paste0(sandbox$endpoint, "/new?x=1"), folder, overwrite = FALSE)
  )) expect_error(refused(), "overwrite", class = "bge_error_argument")
  expect_length(requests(), 0)
  expect_equal(readLines(path), "mine")
  bge_download(api, object, path)
  expect_equal(file.size(path), 3)
})

test_that("bytes beyond what an integer counts come into memory", {
  size <- if (long) 2^31 + 17 else 2^20 + 17
  path <- withr::local_tempfile()
  connection <- file(path, "wb")
  seek(connection, size - 3, rw = "write")
  writeBin(as.raw(1:3), connection)
  close(connection)
  if (long) path <- bge_upload_file(api, path, filename = "huge")$object_name
  bytes <- if (long) bge_download_raw(api, path) else .Call(bge:::rbge_read_file, path, size)
  expect_equal(length(bytes), size)
  expect_identical(bytes[size - 0:3], as.raw(c(3, 2, 1, 0)))
  # room for more than an integer counts is made, and a file that is shorter is none
  expect_null(.Call(bge:::rbge_read_file, path, 2^31 + 2 * size))
})

test_that("a download of more bytes than an integer counts comes into memory whole", {
  free <- grep("^MemAvailable:", readLines("/proc/meminfo"), value = TRUE)
  skip_if(length(free) == 0 || as.numeric(gsub("[^0-9]", "", free)) < 5e6, "there is too little memory")
  size <- 2^31 + 17
  # what the library would have put there
  really <- bge:::transfer
  withr::defer(utils::assignInNamespace("transfer", really, "bge"))
  utils::assignInNamespace("transfer", function(api, name, given, ...) {
    connection <- file(given$path, "wb")
    on.exit(close(connection))
    seek(connection, size - 3, rw = "write")
    writeBin(as.raw(1:3), connection)
  }, "bge")
  bytes <- bge_download_raw(api, "large")
  expect_equal(length(bytes), size)
  expect_identical(bytes[size - 0:3], as.raw(c(3, 2, 1, 0)))
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
