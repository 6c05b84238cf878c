# Transfers in bounded memory.

test_that("a large download does not grow R's memory", {
  folder <- withr::local_tempdir()
  path <- file.path(folder, "large")
  size <- if (long) 1024^3 else 192 * 1024^2
  expect_equal(system2("truncate", c("-s", format(size, scientific = FALSE), shQuote(path))), 0L)
  grown <- in_new_process(function(path, endpoint, token) {
    library(bge)
    peak <- function() as.double(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
    api <- bge_client(token, endpoint = endpoint)
    bge_download_raw(api, bge_upload(api, "small", "x")$object_name)
    before <- peak()
    object <- bge_upload_file(api, path)
    after_upload <- peak()
    back <- bge_download(api, object$object_name, paste0(path, ".back"))
    list(before = before, up = after_upload, down = peak(), same = object$crc64 == back$crc64, size = back$size)
  }, list(path, sandbox$endpoint, sandbox$access_token))
  expect_true(grown$same)
  expect_equal(grown$size, size)
  # MiB; the parts under way are all that is held
  expect_lt(grown$down - grown$before, 64)
})
