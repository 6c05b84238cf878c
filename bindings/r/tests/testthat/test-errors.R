# Failures are conditions of their kind, with the whole story.

test_that("a refusal of the platform tells everything", {
  local_fault(kind = "code", code = 41001, msg = "参数错误", data = list(field = "omics"), path = "/samples")
  error <- caught(bge_get_samples(api, omics = 2))
  expect_s3_class(error, c("bge_error_api", "bge_error", "error", "condition"), exact = TRUE)
  expect_equal(error$code, 41001)
  expect_equal(error$http_status, 200L)
  expect_equal(error$data, list(field = "omics"))
  expect_equal(error$details$msg, "参数错误")
  expect_equal(Encoding(error$details$msg), "UTF-8")
  expect_false(error$retryable)
  expect_match(conditionMessage(error), "get_samples.*41001.*参数错误")
  expect_equal(conditionCall(error), quote(bge_get_samples(api = api, omics = 2)))
})

test_that("when to come back, and what to do, are fields", {
  # a client of its own: whom a server has turned away does not come back before the time
  api <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  local_fault(kind = "status", status = 429, path = "/profile", count = 0, headers = list("Retry-After" = "3600"))
  error <- caught(bge_get_user(api))
  expect_equal(error$retry_after, 3600)
  api <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  local_fault(kind = "status", status = 500, path = "/samples", count = 0)
  error <- caught(bge_get_samples(api, call_options = list(max_retries = 0)))
  expect_identical(error$retry_after, NA_real_)
  error <- caught(bge_get_samples(api, limit = "x"))
  expect_type(error$hint, "character")
})

test_that("each kind of failure has its class", {
  quick <- list(timeout = 0.3, max_retries = 0)
  fails <- function(class, fault, call) {
    if (!is.null(fault)) do.call(local_fault, fault)
    error <- caught(call)
    expect_s3_class(error, c(class, "bge_error"), exact = FALSE)
    expect_match(class(error)[1], class)
    error
  }
  user <- function() bge_get_user(api, call_options = quick)
  expect_true(fails("bge_error_timeout", list(kind = "hang", path = "/profile"), user())$retryable)
  error <- fails("bge_error_http", list(kind = "status", status = 503, path = "/profile"), user())
  expect_equal(error$http_status, 503L)
  expect_true(error$retryable)
  expect_equal(fails("bge_error_auth", list(kind = "expired_token", path = "/profile"), bge_get_user(api))$code, 403)
  fails("bge_error_protocol", list(kind = "html", path = "/profile"), bge_get_user(api))
  fails("bge_error_transport", list(kind = "reset", path = "/profile"), user())
  fails("bge_error_argument", NULL, bge_get_samples(api, limit = "many"))
  fails("bge_error_io", NULL, bge_upload_file(api, file.path(tempdir(), "no-such-file")))
  refusal <- list(kind = "status", status = 403, xml = list(code = "AccessDenied"), side = "store")
  fails("bge_error_storage", refusal, bge_upload(api, "a", "b"))
  object <- bge_upload(api, "corrupt.txt", "0123456789")$object_name
  fails("bge_error_integrity", list(kind = "corrupt", side = "store", method = "GET", count = 0), {
    bge_download_raw(api, object, call_options = list(max_retries = 0))
  })
})

test_that("conditionCall is the user's function wherever the failure is made", {
  expect_equal(conditionCall(caught(bge_get_variants(api, "E-B1", character())))[[1]], quote(bge_get_variants))
  expect_equal(conditionCall(caught(bge_call_json(api, "no_such_call")))[[1]], quote(bge_call_json))
  expect_equal(conditionCall(caught(bge_get_user(1)))[[1]], quote(bge_get_user))
  expect_equal(conditionCall(caught(lapply("x", bge_get_sample, api = api)))[[1]], quote(bge_get_sample))
  expect_equal(conditionCall(caught(do.call(bge_get_sample, list(api, "x"))))[[1]], quote(bge_get_sample))
  expect_equal(conditionCall(caught(bge::bge_get_sample(api, "x"))), quote(bge::bge_get_sample(api = api, biosample_id = "x")))
  mine <- function(id) bge_get_sample(api, id)
  expect_equal(conditionCall(caught(mine("nobody's"))), quote(bge_get_sample(api = api, biosample_id = id)))
})

test_that("secrets are left out of calls and messages", {
  errors <- list(
    caught(bge_client("token-4711", timeuot = 1)),
    caught(bge_exchange_code(bge_oauth2("id", "secret-4711", endpoint = sandbox$endpoint), "code-4711", "http://x")),
    caught(bge_verify_id_meta(app, "idcard-4711", realname = "name-4711")),
    caught(bge_ferry_to_oss(app, "account", "password-4711", "P", -1)),
    caught(do.call(bge_client, list("token-4711", endpoint = 3)))
  )
  for (error in errors) {
    expect_s3_class(error, "bge_error")
    text <- c(conditionMessage(error), deparse(conditionCall(error)), utils::capture.output(print(error)))
    expect_equal(grep("4711", text, value = TRUE), character())
  }
})

test_that("each refusal has a request id of its own, to be quoted to the operators", {
  local_fault(kind = "status", status = 500, path = "/profile", count = 2)
  ids <- replicate(2, caught(bge_get_user(api, call_options = list(max_retries = 0)))$request_id)
  expect_match(ids, "^[0-9a-f]{32}$")
  expect_false(ids[1] == ids[2])
})

test_that("arguments that cannot be sent are refused before anything is", {
  requests <- recorder("*")
  expect_error(bge_get_variants(api, sandbox$biosample_id, c("rs1", NA)), "rsids.*NA", class = "bge_error_argument")
  expect_error(bge_get_samples(api, omics = integer()), "omics.*empty", class = "bge_error_argument")
  expect_error(bge_get_sample(api, c("a", "b")), "biosample_id.*one value", class = "bge_error_argument")
  expect_error(bge_get_samples(api, limit = 2.5), "limit.*whole", class = "bge_error_argument")
  expect_error(bge_get_user(api, Inf), "named", class = "bge_error_argument")
  expect_error(bge_get_user(api, extra = list(x = Inf)), "x.*finite", class = "bge_error_argument")
  expect_error(bge_get_user(api, extra = list(x = mean)), "x.*function", class = "bge_error_argument")
  expect_error(bge_get_user(api, call_options = list(timeuot = 1)), "timeout", class = "bge_error_argument")
  expect_error(bge_get_samples(api, max_rows = 0), "max_rows", class = "bge_error_argument")
  expect_error(bge_get_samples(api, int64 = "integer"), "int64", class = "bge_error_argument")
  expect_error(bge_report_details(api, "E-B1", "no such domain"), "domain", class = "bge_error_argument")
  expect_length(requests(), 0)
})

test_that("messages speak of R, not of the library's own callers", {
  home <- withr::local_tempdir()
  withr::local_envvar(HOME = home)
  folder <- withr::local_tempdir()
  writeLines("a", file.path(folder, "a"))
  errors <- list(
    caught(bge_table(api, "get_samples", concurrency = 0)), caught(bge_table(api, "get_samples", rate_limit = -1)),
    caught(bge_table(api, "get_samples", strict = "x")), caught(bge_table(api, "get_samples", checkpoint_dir = 5)),
    caught(bge_get_user(api, call_options = list(timeout = "x"))), caught(bge_get_user(api, call_options = list(colour = 1))),
    caught(bge_get_user(api, call_options = list(headers = list(1)))), caught(bge_get_user(api, call_options = list(1))),
    caught(bge_open()), caught(bge_client("t", timeout = "x")), caught(bge_client("t", log = "loud")),
    caught(bge_request(api, "GET", "/a?b=c")), caught(bge_call_json(api, "upload", filename = "x")),
    caught(bge_oauth2_client(bge_oauth2("i", "s"), list(a = 1))), caught(bge_oauth2("i", "s", colour = 1)),
    caught(bge_batch_upload(api, file.path(folder, c("a", "b")))), caught(bge_get_samples(api, limit = "x"))
  )
  local_fault(kind = "html", path = "/profile", count = 0)
  errors <- c(errors, list(caught(bge_get_user(api))))
  for (error in errors) {
    expect_s3_class(error, "bge_error")
    words <- unlist(c(conditionMessage(error), error$details[c("message", "hint", "cause")]))
    expect_no_match(words, "JSON|_json|\\$\\.|\"\\$\"|NULL|BGE_ERR|api_|_t\\b")
  }
  # but the platform's own words stay
  local_fault(kind = "code", code = 41001, msg = "JSON: $.x", path = "/samples", count = 0)
  expect_match(conditionMessage(caught(bge_get_samples(api))), "JSON: $.x", fixed = TRUE)
})
