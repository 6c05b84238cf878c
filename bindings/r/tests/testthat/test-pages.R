# Walking through pages.

test_that("all pages come by default, in their order, and limit is the size of one page", {
  requests <- recorder("/samples")
  samples <- bge_get_samples(api, limit = 30)
  expect_equal(nrow(samples), 200)
  expect_equal(anyDuplicated(samples$biosample_id), 0L)
  expect_equal(attr(samples, "count"), 200)
  expect_null(attr(samples, "next_page"))
  pages <- vapply(requests(), function(request) request$query$page, "")
  expect_equal(sort(as.integer(pages)), 1:7)
  expect_true(all(vapply(requests(), function(request) request$query$limit, "") == "30"))
  expect_identical(samples, bge_get_samples(api, limit = 200))
})

test_that("each style of paging ends where it should, without a warning", {
  expect_silent(taxa <- bge_get_taxon_abundance(api, sandbox$meta_biosample_id, limit = 150))
  expect_equal(nrow(taxa), 300)
  expect_silent(functions <- bge_get_func_abundance(api, sandbox$meta_biosample_id, "kegg-pwy", limit = 7))
  expect_identical(functions, bge_get_func_abundance(api, sandbox$meta_biosample_id, "kegg-pwy", limit = 1000))
  expect_silent(versions <- bge_model_versions(api, sandbox$model_id, limit = 5))
  expect_gte(nrow(versions), 23)
  # the platform may give fewer rows than it is asked for
  local_option(page_cap = 40)
  expect_equal(nrow(bge_get_taxon_abundance(api, sandbox$meta_biosample_id, limit = 300)), 300)
})

test_that("one page can be asked for, and the walk taken up from it", {
  all <- bge_get_samples(api, limit = 80)
  expect_silent(first <- bge_get_samples(api, limit = 80, all_pages = FALSE))
  expect_equal(nrow(first), 80)
  expect_equal(attr(first, "next_page"), 2)
  rest <- bge_get_samples(api, limit = 80, next_page = attr(first, "next_page"))
  expect_equal(c(first$biosample_id, rest$biosample_id), all$biosample_id)

  genes <- bge_get_gene_abundance(api, sandbox$meta_biosample_id, "IGC_9.9M", "list", limit = 1000, all_pages = FALSE)
  token <- attr(genes, "next_page")
  expect_type(token, "character")
  rest <- bge_get_gene_abundance(api, sandbox$meta_biosample_id, "IGC_9.9M", "list", limit = 1000, next_page = token)
  expect_equal(c(nrow(genes), nrow(rest)), c(1000, 1400))
})

test_that("a walk that the caller bounds is no reason to warn, and says where to go on", {
  expect_silent(samples <- bge_get_samples(api, limit = 30, max_pages = 2))
  expect_equal(nrow(samples), 60)
  expect_equal(attr(samples, "next_page"), 3)
  expect_null(attr(samples, "skip_rows"))

  expect_silent(samples <- bge_get_samples(api, limit = 30, max_rows = 75))
  expect_equal(nrow(samples), 75)
  expect_equal(attributes(samples)[c("next_page", "skip_rows")], list(next_page = 3, skip_rows = 15))
  rest <- bge_get_samples(api, limit = 30, next_page = 3)
  expect_equal(c(samples$biosample_id, rest$biosample_id[-(1:15)]), bge_get_samples(api)$biosample_id)

  expect_silent(samples <- bge_get_samples(api, limit = 50, max_pages = 4, max_rows = 200))
  expect_equal(nrow(samples), 200)
  expect_silent(taxa <- bge_get_taxon_abundance(api, sandbox$meta_biosample_id, limit = 100, max_pages = 3))
  expect_equal(nrow(taxa), 300)
  expect_silent(taxa <- bge_get_taxon_abundance(api, sandbox$meta_biosample_id, limit = 100, max_rows = 200))
  expect_equal(dim(taxa), c(200L, 17L))
})

test_that("a failure on the way gives what has arrived, and where to go on", {
  local_fault(kind = "code", code = 41001, msg = "参数错误", path = "/samples", query = "*page=3*", count = 0)
  error <- caught(bge_get_samples(api, limit = 60))
  expect_s3_class(error, c("bge_error_api", "bge_error"), exact = FALSE)
  expect_equal(nrow(error$rows), 120)
  expect_equal(error$next_page, 3)
  expect_match(conditionMessage(error), "120 rows")
  expect_equal(conditionCall(error), quote(bge_get_samples(api = api, limit = 60)))
  control("DELETE", "faults")
  rest <- bge_get_samples(api, limit = 60, next_page = error$next_page)
  expect_equal(c(error$rows$biosample_id, rest$biosample_id), bge_get_samples(api)$biosample_id)
})

test_that("a page that fails once in passing is simply asked for again", {
  local_fault(kind = "status", status = 502, path = "/samples", query = "*page=2*")
  expect_equal(nrow(bge_get_samples(api, limit = 100)), 200)
})

test_that("a platform that leads in circles is an error, not an endless walk", {
  local_option(repeat_page_token = TRUE)
  error <- caught(bge_get_samples(api, limit = 50))
  expect_s3_class(error, "bge_error_protocol")
  expect_gte(nrow(error$rows), 50)
})

test_that("simplify = FALSE gives the rows as lists, of all pages", {
  raw <- bge_get_samples(api, limit = 60, simplify = FALSE)
  json <- bge_call_json(api, "get_samples", limit = 200)
  expect_equal(raw$result, jsonlite::fromJSON(json, simplifyVector = FALSE)$result)
  expect_equal(raw$count, 200)
  expect_null(raw$next_page)
  expect_silent(raw <- bge_get_samples(api, limit = 60, max_rows = 70, simplify = FALSE))
  expect_length(raw$result, 70)
  expect_equal(raw[c("next_page", "skip_rows")], list(next_page = 2, skip_rows = 10))
  expect_equal(bge_get_variants(api, sandbox$biosample_id, "rs333", simplify = FALSE)[[1]]$variant$chromosome, "chr3")
})

test_that("bars are shown at a console only", {
  script <- withr::local_tempfile(fileext = ".R")
  writeLines(c(
    "library(bge)", "options(cli.progress_show_after = 0, cli.dynamic = TRUE, cli.progress_clear = FALSE)",
    sprintf("api <- bge_client('%s', endpoint = '%s')", sandbox$access_token, sandbox$endpoint),
    "invisible(bge_get_samples(api, limit = 20))", "invisible(bge_upload(api, 'bar.txt', raw(1000)))"
  ), script)
  r <- file.path(R.home("bin"), "R")
  output <- function(...) {
    withr::local_envvar(R_LIBS = paste(.libPaths(), collapse = ":"))
    flags <- c("--no-save", "--no-readline", "--no-echo", ...)
    suppressWarnings(system2(r, flags, stdin = script, stdout = TRUE, stderr = TRUE))
  }
  # slow enough for a bar of bytes to be drawn
  local_option(latency = 100)
  shown <- paste(output("--interactive"), collapse = "\n")
  expect_match(shown, "get_samples [0-9]+ rows")
  expect_match(shown, "upload .*kB")
  expect_equal(grep("rows|upload", output(), value = TRUE), character())
})
