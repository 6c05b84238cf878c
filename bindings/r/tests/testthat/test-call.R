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
    api, extra = list(
      w = 0.1, b = 1e-7, c = 9007199254740993, d = 1 / 3, e = 123456789012, f = -5L,
      g = bit64::as.integer64("9007199254740993"), h = 2^60
    )
  ))
  expect_equal(as.double(got[c("w", "b", "d", "h")]), c(w = 0.1, b = 1e-7, d = 1 / 3, h = 2^60), ignore_attr = TRUE)
  expect_equal(got[["w"]], "0.1")
  expect_equal(got[["e"]], "123456789012")
  expect_equal(got[["f"]], "-5")
  expect_equal(got[["g"]], "9007199254740993")
})

test_that("further parameters are passed through", {
  got <- sent("/profile", bge_get_user(
    api, extra = list(colour = "蓝", flag = FALSE, several = c("x", "y"), nested = list(a = 1, b = list("c")))
  ))
  expect_equal(unname(got[names(got) == "several"]), c("x", "y"))
  expect_equal(got[["colour"]], "蓝")
  expect_equal(got[["flag"]], "False")
  expect_equal(jsonlite::fromJSON(got[["nested"]], simplifyVector = FALSE), list(a = 1L, b = list("c")))
  # a name that begins one of ours is still the platform's
  expect_equal(sent("/samples", caught(bge_get_samples(api, extra = list(omic = "3"))))[["omic"]], "3")
})

test_that("a parameter that nobody knows is passed on with a warning, and without one in extra", {
  warning <- expect_warning(
    got <- sent("/samples", bge_get_samples(api, project_id = "P-1", limit = 1, max_rows = 1)),
    "project_id \\(did you mean project_ids\\?\\) is no argument of get_samples", class = "bge_warning_unknown_argument"
  )
  expect_equal(got[["project_id"]], "P-1")
  expect_equal(warning$arguments, "project_id")
  expect_equal(conditionCall(warning)[[1]], quote(bge_get_samples))
  expect_silent(got <- sent("/samples", bge_get_samples(api, extra = list(project_id = "P-1"), limit = 1, max_rows = 1)))
  expect_equal(got[["project_id"]], "P-1")
  expect_false("extra" %in% names(got))
  unknown <- function(code, text) expect_warning(try(code, silent = TRUE), text, class = "bge_warning_unknown_argument")
  unknown(bge_table(api, "get_samples", omic = 2), "did you mean omics")
  unknown(bge_table(api, "get_samples", concurency = 2), "did you mean concurrency")
  unknown(bge_table(api, "get_taxon_abundance", biosample_ids = "all", omic = 2, taxon_ids = "txid0"), "did you mean omics")
  unknown(bge_abundance_matrix(api, sandbox$meta_biosample_id, taxon_id = "txid815"), "did you mean taxon_ids")
  unknown(bge_get_samples(api, max_row = 3), "did you mean max_rows")
  unknown(bge_get_samples(api, quite_different = 3), "^quite_different is no argument")
  unknown(bge_call_json(api, "get_user", colour = 1, shade = 2), "colour, shade are no arguments")
  unknown(bge_get_user(api, colour = 1), "colour")
  # what is made of parameters of its own has none that is unknown
  expect_silent(bge_invoke_model(api, sandbox$model_id, depth = 3))
  expect_silent(bge_send_sms(app, "pay_code", 13800000000, pay_code = "1"))
  expect_silent(bge_request(api, "GET", "/profile", colour = 1))
  expect_silent(bge_get_user(api, extra = list()))
  expect_silent(bge_table(api, "get_samples", limit = 30, extra = list(colour = "blue")))
  expect_error(bge_get_user(api, extra = "x"), "extra", class = "bge_error_argument")
  expect_error(bge_get_user(api, extra = list(1)), "extra", class = "bge_error_argument")
  expect_error(bge_get_samples(api, omics = 2, extra = list(omics = 3)), "twice", class = "bge_error_argument")
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
                           "exact": 9007199254740992, "less": -9007199254740993, "text": "9007199254740993",
                           "quoted\\"9007199254740993": [0.1234567890123456789, 1e-1234567890123456],
                           "few": [9007199254740992, 0.5, null], "deep": [{"a": [12345678901234567890]}, null]}')
  user <- bge_get_user(api)
  expect_identical(user$id, "9007199254740993")
  expect_identical(user$ids, c("1", "18446744073709551615"))
  expect_identical(user$exact, 2^53)
  expect_identical(user$less, "-9007199254740993")
  expect_identical(user$text, "9007199254740993")
  expect_identical(user[['quoted"9007199254740993']], c(0.1234567890123456789, 0))
  expect_identical(user$few, c(2^53, 0.5, NA))
  expect_identical(user$deep, list(list(a = "12345678901234567890"), NULL))
})

test_that("what no string of R's can hold is replaced", {
  local_data("/profile", '{"a": "x\\u0000y", "b": "\\ud800\\\\u0000", "c": "\\ud83d\\ude00", "d": "\\\\\\ude00"}')
  user <- bge_get_user(api)
  expect_identical(user[c("a", "b", "c", "d")], list(
    a = "x\ufffdy", b = "\ufffd\\u0000", c = "\U0001F600", d = "\\\ufffd"
  ))
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

test_that("a wait that the platform asks for is told, once", {
  local_fault(kind = "status", status = 429, path = "/profile", count = 1, headers = list("Retry-After" = "1"))
  said <- told(user <- bge_get_user(api))
  expect_equal(user$username, "zhangsan")
  expect_length(said$messages, 1)
  expect_s3_class(said$messages[[1]], "bge_message_waiting")
  expect_match(conditionMessage(said$messages[[1]]), "waiting.*429")
  expect_gte(said$messages[[1]]$seconds, 1)
  local_fault(kind = "status", status = 429, path = "/samples", count = 1, headers = list("Retry-After" = "1"))
  expect_message(bge_get_samples(api), class = "bge_message_waiting")
  local_fault(kind = "status", status = 429, path = "/samples", count = 1, headers = list("Retry-After" = "1"))
  expect_message(bge_table(api, "get_samples"), class = "bge_message_waiting")
  # a client with a log of its own tells it there
  log <- withr::local_tempfile()
  client <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint, log_file = log, log = "info")
  local_fault(kind = "status", status = 429, path = "/profile", count = 1, headers = list("Retry-After" = "1"))
  expect_silent(bge_get_user(client))
  expect_match(paste(readLines(log), collapse = " "), "429")
})
