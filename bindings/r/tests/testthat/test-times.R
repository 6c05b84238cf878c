# Times are POSIXct, with their fractions; text on demand.

stream <- function(...) sprintf('{"stream_id": "s%d", "stream_generate_time": %s}', seq_along(c(...)), c(...))

test_that("times of every form that the platform writes are instants in UTC", {
  forms <- c(
    '"2021-03-04T15:17:23+0800"', '"2021-03-04T15:17:23.5+08:00"', '"2019-12-23T23:10:30Z"', '"2017-07-01"', '"1970-01"',
    '"1969"', '"2021-04-01 10:11:00.123456"', '"2020-02-29T23:59:59-0130"', "null", '""'
  )
  local_data("/stream/range", page(paste(stream(forms), collapse = ",")))
  expect_silent(got <- bge_get_range_stream(api, "e", all_pages = FALSE)$stream_generate_time)
  expect_s3_class(got, "POSIXct")
  expect_equal(attr(got, "tzone"), "UTC")
  expect_equal(as.double(got), c(
    1614842243, 1614842243.5, 1577142630, 1498867200, 0, -31536000, 1617271860.123456, 1583026199, NA, NA
  ), tolerance = 1e-15)
  expect_equal(format(got[7], "%H:%M:%OS6"), "10:11:00.123456")
})

test_that("what is no time is kept beside the column", {
  local_data("/stream/range", page(paste(stream(c('"soon"', '"2021-02-29"', '"2021-02-28"')), collapse = ",")))
  warning <- expect_warning(got <- bge_get_range_stream(api, "e", all_pages = FALSE), "2 values", class = "bge_warning_misfit")
  expect_equal(is.na(got$stream_generate_time), c(TRUE, TRUE, FALSE))
  expect_identical(got$stream_generate_time_as_sent, c("soon", "2021-02-29", NA))
})

test_that("text stays text on demand", {
  as_posix <- bge_get_samples(api, limit = 5, max_rows = 5)
  withr::local_options(bge.times = "character")
  as_text <- bge_get_samples(api, limit = 5, max_rows = 5)
  expect_type(as_text$update_time, "character")
  expect_match(as_text$update_time, "^[0-9-]+T[0-9:]+\\+0000$")
  expect_identical(as.POSIXct(as_text$update_time, format = "%Y-%m-%dT%H:%M:%S%z", tz = "UTC"), as_posix$update_time)
  expect_type(bge_table(api, "get_samples")$update_time, "character")
  options(bge.times = "POSIXlt")
  expect_error(bge_get_samples(api), "bge.times", class = "bge_error_argument")
})

test_that("seconds since 1970 are times, too, and a table has what a list has", {
  versions <- bge_model_versions(api, sandbox$model_id)
  expect_s3_class(versions$create_time, "POSIXct")
  expect_true(all(versions$create_time > as.POSIXct("2015-01-01", tz = "UTC")))
  expect_identical(bge_table(api, "model_versions", model_id = sandbox$model_id)$create_time, versions$create_time)
})

test_that("fractions of seconds survive on their way out and back", {
  time <- as.POSIXct("2021-03-02 10:00:00.123456", tz = "UTC")
  element <- "024a0f5c-c7e4-11e9-bfed-00163e104c79"
  requests <- recorder("/datamall/phenotype/write")
  bge_write_phenotype(app, sandbox$biosample_id, element, time, list(value = 1), duplicate_enabled = TRUE)
  expect_match(requests()[[1]]$form$stream_generate_time, "2021-03-02T10:00:00.123456Z", fixed = TRUE)
  expect_identical(
    bge:::time_text(as.POSIXct(c(0.5, 1e9, 1e9 + 0.9999999, NA, -0.25), origin = "1970-01-01")),
    c("1970-01-01T00:00:00.5Z", "2001-09-09T01:46:40Z", "2001-09-09T01:46:41Z", NA, "1969-12-31T23:59:59.75Z")
  )
  expect_equal(as.double(bge:::parse_time(bge:::time_text(time))), as.double(time), tolerance = 1e-15)
})

test_that("days are those of R's own calendar", {
  days <- seq(as.Date("1599-12-30"), as.Date("2400-03-02"), by = 5)
  expect_identical(as.double(bge:::parse_time(format(days))), as.double(days) * 86400)
})
