# What is sent, and how answers that are no lists come.

# the parameters of the last request to `path`
sent <- function(path, call) {
  requests <- recorder(path)
  force(call)
  last <- utils::tail(requests(), 1)[[1]]
  fields <- if (last$method == "GET") last$query_pairs else last$form_pairs
  stats::setNames(vapply(fields, function(pair) pair[[2]], ""), vapply(fields, function(pair) pair[[1]], ""))
}

test_that("arguments reach the platform as it wants them", {
  got <- sent("/samples", bge_get_samples(
    api, omics = 1:2, biosample_ids = c("e-b1", "e-b2"), data_availability = TRUE, project_ids = factor("P-1"),
    limit = 1e2
  ))
  expect_equal(got[["omics"]], "1,2")
  expect_equal(got[["biosample_ids"]], "E-B1,E-B2")
  expect_equal(got[["data_availability"]], "True")
  expect_equal(got[["project_ids"]], "P-1")
  expect_equal(got[["limit"]], "100")
  got <- sent("/stream/range", caught(bge_get_range_stream(
    api, "element", start_time = as.Date("2021-03-02"), end_time = as.POSIXct("2021-03-02 10:00:00", tz = "Etc/GMT-8")
  )))
  expect_equal(got[["start_time"]], "2021-03-02")
  expect_equal(got[["end_time"]], "2021-03-02T02:00:00Z")
})

test_that("numbers keep their digits on their way", {
  got <- sent("/profile", bge_get_user(
    api, w = 0.1, b = 1e-7, c = 9007199254740993, d = 1 / 3, e = 123456789012, f = -5L,
    g = bit64::as.integer64("9007199254740993"), h = 2^60
  ))
  expect_equal(as.double(got[c("w", "b", "d", "h")]), c(w = 0.1, b = 1e-7, d = 1 / 3, h = 2^60), ignore_attr = TRUE)
  expect_equal(got[["w"]], "0.1")
  expect_equal(got[["e"]], "123456789012")
  expect_equal(got[["f"]], "-5")
  expect_equal(got[["g"]], "9007199254740993")
})

test_that("further parameters are passed through", {
  got <- sent("/profile", bge_get_user(
    api, colour = "蓝", flag = FALSE, several = c("x", "y"), nested = list(a = 1, b = list("c"))
  ))
  expect_equal(unname(got[names(got) == "several"]), c("x", "y"))
  expect_equal(got[["colour"]], "蓝")
  expect_equal(got[["flag"]], "False")
  expect_equal(jsonlite::fromJSON(got[["nested"]], simplifyVector = FALSE), list(a = 1L, b = list("c")))
  # a name that begins one of ours is still the platform's
  expect_equal(sent("/samples", caught(bge_get_samples(api, omic = "3")))[["omic"]], "3")
})

test_that("a parameter that R would take for another one is refused", {
  expect_error(
    bge_invoke_model(api, sandbox$model_id, model = "forest"), "model is taken by R for model_id",
    class = "bge_error_argument"
  )
  answer <- bge_request(api, "GET", paste0("/model/", sandbox$model_id), model = "forest")
  expect_equal(answer$model_data$params$model, "forest")
})

test_that("structures are sent as JSON text", {
  regions <- data.frame(chromosome = c("chr15", "chr1"), start = c(74749000, 5), end = c(74750000, 6))
  got <- sent("/professional/variant", answer <- bge_professional_variant(api, sandbox$biosample_id, regions = regions))
  expect_equal(jsonlite::fromJSON(got[["regions"]]), regions, ignore_attr = TRUE)
  expect_equal(answer$region_count, 2)
  got <- sent("/professional/variant", bge_professional_variant(api, sandbox$biosample_id, regions = "chr15:1-2"))
  expect_equal(got[["regions"]], '["chr15:1-2"]')
})

test_that("answers come as lists, and raw", {
  user <- bge_get_user(api)
  expect_equal(user$nickname, "张三")
  expect_null(user$avatar)
  json <- bge_call_json(api, "get_sample", biosample_id = sandbox$meta_biosample_id)
  raw <- bge_get_sample(api, sandbox$meta_biosample_id, simplify = FALSE)
  expect_equal(raw, jsonlite::fromJSON(json, simplifyVector = FALSE))
  expect_equal(bge_request(api, "GET", paste0("/samples/", sandbox$meta_biosample_id), simplify = FALSE), raw)
  expect_true(bge_alive(api))
})

test_that("JSON of every shape is read as jsonlite reads it", {
  json <- '{"a": [1, 2.5, null], "b": ["x", null], "c": [true, null], "d": [], "e": {}, "f": [[1, 2], [3]],
            "g": "\\u00e9\\ud83d\\ude00\\n\\"\\\\/", "h": [1, "x"], "i": -0.5e-3, "j": null,
            "k": [{"l": 1}, {"l": "二"}], "m": 2147483648, "n": 1e400, "\\u540d": true}'
  local_data("/profile", json)
  expect_equal(bge_get_user(api, simplify = FALSE), jsonlite::fromJSON(json, simplifyVector = FALSE))
  simple <- bge_get_user(api)
  expect_identical(simple$a, c(1, 2.5, NA))
  expect_identical(simple$b, c("x", NA))
  expect_identical(simple$c, c(TRUE, NA))
  expect_identical(simple$f, list(1:2, 3L))
  expect_identical(simple$h, list(1L, "x"))
  expect_identical(simple$g, "\u00e9\U0001F600\n\"\\/")
})

test_that("numbers that a double cannot hold come as text", {
  local_data("/profile", '{"id": 9007199254740993, "ids": [1, 18446744073709551615],
                           "exact": 9007199254740992, "less": -9007199254740993}')
  user <- bge_get_user(api)
  expect_identical(user$id, "9007199254740993")
  expect_identical(user$ids, c("1", "18446744073709551615"))
  expect_identical(user$exact, 2^53)
  expect_identical(user$less, "-9007199254740993")
})

test_that("numbers are read, and written, with all of their digits", {
  local_data("/profile", '{"x": 2.18932050758568e-10}')
  expect_identical(bge_get_user(api)$x, 2.18932050758568e-10)
  expect_identical(
    bge:::number_text(c(0.1, 1 / 3, 100, 1e22, 5e-324)),
    c("0.1", "0.3333333333333333", "100", "1e+22", "4.94065645841247e-324")
  )
})

test_that("calls without a result give NULL, invisibly", {
  sample <- bge_register_sample(writable$user, "improved", 1, writable$project_id)
  result <- withVisible(bge_improve_sample(writable$user, sample$biosample_id, library_strategy = "WGS"))
  expect_null(result$value)
  expect_false(result$visible)
  expect_null(bge_send_sms(app, "pay_code", 13800000000, pay_code = "1"))
})

test_that("a write is never repeated", {
  requests <- recorder("/samples/register")
  local_fault(kind = "status", status = 500, path = "/samples/register", count = 0)
  expect_error(bge_register_sample(api, "once", 1, sandbox$project_id), class = "bge_error_http")
  expect_length(requests(), 1)
})

test_that("a model runs with parameters of its own, and slow ones are waited for", {
  answer <- bge_invoke_model(api, sandbox$model_id, biosample_id = sandbox$meta_biosample_id, depth = 3)
  expect_equal(answer$model_data$params$depth, "3")
  started <- bge_invoke_model(api, "slow-model")
  expect_equal(bge_wait_task(api, started$task_id)$progress, "SUCCESS")
  failing <- bge_invoke_model(api, "failing-model")
  error <- caught(bge_wait_task(api, failing$task_id))
  expect_s3_class(error, "bge_error_api")
  expect_equal(error$data$task_id, failing$task_id)
})
