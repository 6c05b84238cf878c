# The rows of many samples as one data frame, and as a matrix.

# a table has one column more
of_table <- function(name) c(declared(name), extra = "character")

cohort <- bge_get_samples(api, omics = 2)$biosample_id[1:6]
by_samples <- function(..., ids = cohort) bge_table(api, "get_taxon_abundance", biosample_id = ids, ...)

test_that("a cohort has the rows that its samples have one by one, in the order of the ids", {
  ids <- cohort[c(4, 1, 6, 2)]
  expect_silent(together <- by_samples(ids = ids, limit = 70, concurrency = 3))
  expect_equal(class(together), "data.frame")
  expect_equal(types(together), of_table("get_taxon_abundance"))
  expect_identical(unique(together$biosample_id), ids)
  expect_identical(attributes(together)$row.names, seq_len(1200L))
  one_by_one <- do.call(rbind, lapply(ids, function(id) bge_get_taxon_abundance(api, id, limit = 300)))
  expect_identical(together[names(one_by_one)], one_by_one[names(one_by_one)])
  expect_true(all(is.na(together$extra)))
})

test_that("every list call has its table", {
  variants <- bge_table(api, "get_variants", biosample_id = sandbox$biosample_id, rsids = c("rs762551", "rs333"))
  expect_equal(types(variants)[-1], of_table("get_variants"))
  expect_equal(variants$biosample_id, rep(sandbox$biosample_id, 2))
  expect_type(variants$is_assayed, "logical")
  expect_identical(
    variants$variant_position, bge_get_variants(api, sandbox$biosample_id, c("rs762551", "rs333"))$variant_position
  )
  samples <- bge_table(api, "get_samples", omics = 2, limit = 30)
  expect_equal(types(samples), of_table("get_samples"))
  expect_identical(samples$biosample_id, bge_get_samples(api, omics = 2)$biosample_id)
  functions <- bge_table(api, "get_func_abundance", biosample_id = cohort[1:2], catalog = "kegg-pwy")
  expect_identical(
    functions$coding_id[functions$biosample_id == cohort[2]], bge_get_func_abundance(api, cohort[2], "kegg-pwy")$coding_id
  )
  expect_identical(
    bge_table(app, "model_versions", model_id = sandbox$model_id, limit = 5)$version,
    bge_model_versions(app, sandbox$model_id)$version
  )
  expect_error(bge_table(api, "get_user"), class = "bge_error_argument")
  expect_error(bge_table(api, "no_such_call"), class = "bge_error_argument")
})

test_that("no samples, and samples of no rows, keep the types", {
  requests <- recorder("/microbiome/taxon_abundance")
  none <- by_samples(ids = character())
  expect_equal(dim(none), c(0L, 18L))
  expect_equal(types(none), of_table("get_taxon_abundance"))
  expect_length(requests(), 0)
  empty <- by_samples(taxon_ids = "txid0")
  expect_equal(types(empty), of_table("get_taxon_abundance"))
  expect_identical(attributes(empty)$row.names, integer())
  expect_length(requests(), 6)
})

test_that("all samples of a filter come", {
  everyone <- bge_table(api, "get_taxon_abundance", biosample_ids = "all", omics = 2, taxon_ids = "txid815")
  expect_identical(everyone$biosample_id, bge_get_samples(api, omics = 2)$biosample_id)
  expect_identical(unique(everyone$taxonomy_taxon_id), "txid815")
})

test_that("columns can be chosen", {
  two <- by_samples(ids = cohort[1], columns = c("observation_value", "taxonomy_taxon_id"))
  expect_named(two, c("observation_value", "taxonomy_taxon_id"))
  expect_identical(two$observation_value, bge_get_taxon_abundance(api, cohort[1])$observation_value)
  expect_error(by_samples(columns = "value"), "observation_value", class = "bge_error_argument")
  expect_error(by_samples(columns = character()), class = "bge_error_argument")
})

test_that("whole numbers follow int64, and lose no digit", {
  rows <- '{"statistics": {"variant_counting": 9007199254740993}}, {"statistics": {"variant_counting": -5}}, {}'
  local_data("/samples", page(rows))
  expect_warning(samples <- bge_table(api, "get_samples"), class = "bge_warning_int64")
  expect_identical(samples$statistics_variant_counting, c("9007199254740993", "-5", NA))
  expect_identical(samples$organism_code, rep(NA_real_, 3))
  expect_silent(samples <- bge_table(api, "get_samples", int64 = "character"))
  expect_identical(samples$statistics_variant_counting, c("9007199254740993", "-5", NA))
  expect_silent(samples <- bge_table(api, "get_samples", int64 = "integer64"))
  expect_s3_class(samples$statistics_variant_counting, "integer64")
  expect_identical(bit64::as.character.integer64(samples$statistics_variant_counting), c("9007199254740993", "-5", NA))
  expect_error(bge_table(api, "get_samples", int64 = "integer"), class = "bge_error_argument")
})

test_that("the integer that R takes for NA is not lost either", {
  local_data("/samples", page('{"statistics": {"variant_counting": -9223372036854775808}}, {"statistics": {"variant_counting": 7}}, {}'))
  expect_warning(samples <- bge_table(api, "get_samples", int64 = "integer64"), class = "bge_warning_int64")
  expect_identical(samples$statistics_variant_counting, c("-9223372036854775808", "7", NA))
})

test_that("values are those that the platform wrote, nulls and odd ones too", {
  local_data("/samples", page('
    {"biosample_id": "E-\\u4e2d\\u0000\\"x\\"", "primary": true, "statistics": {"depth": 1e-7}, "files": [{"name": "a"}]},
    {"biosample_id": "", "primary": false, "statistics": {"depth": -2.5}},
    {"biosample_id": null, "primary": "yes", "organism": {"code": 3}}'))
  read <- told(bge_table(api, "get_samples"))
  samples <- read$value
  expect_length(read$warnings, 1)
  expect_s3_class(read$warnings[[1]], "bge_warning_misfit")
  expect_match(conditionMessage(read$warnings[[1]]), "^1 ")
  expect_identical(samples$biosample_id, c("E-\u4e2d\ufffd\"x\"", "", NA))
  expect_identical(samples$primary, c(TRUE, FALSE, NA))
  expect_identical(samples$statistics_depth, c(1e-7, -2.5, NA))
  expect_identical(samples$organism_code, c(NA, NA, 3))
  expect_identical(is.na(samples$extra), c(FALSE, TRUE, FALSE))
  expect_identical(bge:::parse_json(samples$extra[1]), list(files = list(list(name = "a"))))
  expect_identical(bge:::parse_json(samples$extra[3]), list(primary = "yes"))
  expect_error(bge_table(api, "get_samples", strict = TRUE), class = "bge_error_protocol")
  expect_equal(Encoding(samples$biosample_id[1]), "UTF-8")
})

test_that("a sample that fails is an error with what came before", {
  error <- caught(by_samples(ids = c(cohort[1:2], sandbox$other_biosample_id, cohort[3]), limit = 100))
  expect_s3_class(error, "bge_error_api")
  expect_equal(error$code, 41303)
  expect_equal(error$details$biosample_id, sandbox$other_biosample_id)
  expect_identical(unique(error$rows$biosample_id), cohort[1:2])
  expect_equal(types(error$rows), of_table("get_taxon_abundance"))
  expect_match(conditionMessage(error), "600 rows have arrived")
  expect_equal(as.character(conditionCall(error)[[1]]), "bge_table")
})

test_that("samples that fail can be skipped", {
  ids <- c(cohort[1], sandbox$other_biosample_id, cohort[2], "E-NOBODY")
  read <- told(by_samples(ids = ids, on_error = "skip"))
  expect_length(read$warnings, 1)
  expect_s3_class(read$warnings[[1]], c("bge_warning_skipped", "bge_warning"), exact = FALSE)
  expect_match(conditionMessage(read$warnings[[1]]), paste0(sandbox$other_biosample_id, ", E-NOBODY"))
  expect_identical(unique(read$value$biosample_id), cohort[1:2])
  failed <- attr(read$value, "failed")
  expect_identical(failed$biosample_id, c(sandbox$other_biosample_id, "E-NOBODY"))
  expect_identical(failed$rows, c(0, 0))
  expect_s3_class(failed$error[[1]], "bge_error_api")
  expect_equal(failed$error[[1]]$code, 41303)
  expect_identical(failed$message[1], conditionMessage(failed$error[[1]]))
  expect_identical(read$warnings[[1]]$failed, failed)
  # nothing is skipped when nothing fails
  expect_silent(fine <- by_samples(ids = cohort[1], on_error = "skip"))
  expect_null(attr(fine, "failed"))
  expect_error(by_samples(on_error = "ignore"), class = "bge_error_argument")
})

test_that("the switches reach the library", {
  expect_error(by_samples(concurrency = 0), "concurrency", class = "bge_error_argument")
  expect_error(by_samples(prefetch = -1), "prefetch", class = "bge_error_argument")
  expect_error(by_samples(rate_limit = 0), "rate_limit", class = "bge_error_argument")
  expect_error(by_samples(strict = "yes"), "strict", class = "bge_error_argument")
  expect_error(by_samples(call_options = list(no_such = 1)), "no_such", class = "bge_error_argument")
  expect_error(by_samples(ids = c(cohort[1], NA)), "biosample_id", class = "bge_error_argument")
  requests <- recorder("/microbiome/taxon_abundance")
  by_samples(ids = cohort[1:2], call_options = list(headers = c("X-From" = "a table")))
  expect_gte(length(requests()), 2)
})

test_that("a folder of checkpoints spares the requests of finished samples", {
  folder <- withr::local_tempdir()
  first <- by_samples(limit = 100, checkpoint_dir = folder)
  requests <- recorder("/microbiome/taxon_abundance")
  again <- by_samples(limit = 100, checkpoint_dir = folder)
  expect_identical(again, first)
  expect_length(requests(), 0)
})

test_that("a closed client has no tables", {
  client <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  bge_close(client)
  expect_error(bge_table(client, "get_samples"), class = "bge_error_closed")
})

# ---- streams for other packages ----

test_that("a package that is not there is named", {
  local_own(has_package = function(name) FALSE)
  for (as in c("nanoarrow", "arrow")) {
    error <- caught(by_samples(as = as))
    expect_s3_class(error, "bge_error_unsupported")
    expect_match(conditionMessage(error), sprintf('install.packages("%s")', as), fixed = TRUE)
  }
  expect_error(by_samples(as = "tibble"), class = "bge_error_argument")
})

test_that("a stream is handed over whole, to be read and released by another package", {
  folder <- withr::local_tempdir()
  file.copy(test_path("consumer.c"), folder)
  built <- callr::rcmd(
    "SHLIB", "consumer.c",
    wd = folder, env = c(callr::rcmd_safe_env(), PKG_CPPFLAGS = paste0("-I", system.file("include", package = "bge")))
  )
  expect_equal(built$status, 0)
  library <- dyn.load(file.path(folder, paste0("consumer", .Platform$dynlib.ext)))
  withr::defer(dyn.unload(library[["path"]]))
  count_rows <- function(stream) .Call(getNativeSymbolInfo("count_rows", library), stream)

  local_own(
    has_package = function(name) TRUE,
    nanoarrow_room = function() .Call(bge:::rbge_stream_room),
    arrow_reader = function(stream) structure(list(stream), class = "reader")
  )
  stream <- by_samples(ids = c(cohort[1:2], sandbox$other_biosample_id), on_error = "skip", as = "nanoarrow")
  gc()
  expect_equal(nrow(attr(stream, "report")()$failed), 0)
  expect_equal(count_rows(stream), c(600, 18))
  report <- attr(stream, "report")()
  expect_identical(report$failed$biosample_id, sandbox$other_biosample_id)
  expect_identical(report$misfits, 0)

  reader <- by_samples(ids = cohort[3], as = "arrow")
  expect_s3_class(reader, "reader")
  expect_equal(count_rows(reader[[1]]), c(300, 18))
  error <- bge:::json_failure(count_rows(by_samples(ids = sandbox$other_biosample_id, as = "nanoarrow")))
  expect_equal(error[c("name", "code")], list(name = "BGE_ERR_API", code = 41303))
  expect_error(by_samples(as = "arrow", columns = "extra"), class = "bge_error_argument")
})

test_that("a stream is handed over once", {
  open <- function() .Call(bge:::rbge_table_open, api$handle, "get_samples", "{}")
  table <- open()
  .Call(bge:::rbge_table_hand_over, table, .Call(bge:::rbge_stream_room))
  expect_s3_class(.Call(bge:::rbge_table_hand_over, table, .Call(bge:::rbge_stream_room)), "bge_failure")
  expect_s3_class(.Call(bge:::rbge_table_next, table, 50L, 1L), "bge_failure")
  expect_error(.Call(bge:::rbge_table_hand_over, open(), NULL), "no room")
})

# ---- lifetimes ----

# A table under way, with one piece taken.
under_way <- function(...) {
  table <- .Call(bge:::rbge_table_open, api$handle, "get_taxon_abundance", bge:::to_json(list(biosample_id = I(cohort), limit = 5)))
  while (is.null(piece <- .Call(bge:::rbge_table_next, table, 50L, 1:2))) NULL
  stopifnot(is.list(piece))
  table
}

test_that("a table that is left half-way ends", {
  for (round in 1:5) {
    table <- under_way()
    if (round %% 2) .Call(bge:::rbge_close, table)
    rm(table)
    gc()
  }
  expect_equal(nrow(by_samples(ids = cohort[1])), 300)
})

test_that("a forked child leaves its parent's table alone", {
  withr::local_envvar("_R_CHECK_LIMIT_CORES_" = "false")
  table <- under_way()
  child <- parallel::mcparallel({
    outcome <- class(.Call(bge:::rbge_table_next, table, 50L, 1:2))
    rm(table)
    gc()
    list(outcome, nrow(by_samples(ids = cohort[1])))
  })
  expect_identical(parallel::mccollect(child)[[1]], list("bge_failure", 300L))
  rest <- bge:::read_pieces(table, 1:2, NULL, NULL)
  expect_gt(length(rest$rows), 0)
  expect_null(rest$problem)
})

test_that("reading a table survives a collection at every allocation", {
  local_data("/samples", page('{"biosample_id": "E-\\u4e2d\\u0000", "primary": true, "files": [{"a": 1}]},
    {"primary": false, "statistics": {"depth": 1.5, "variant_counting": -9223372036854775808}, "organism": {"code": 5}}'))
  read <- function() {
    table <- .Call(bge:::rbge_table_open, api$handle, "get_samples", "{}")
    schema <- .Call(bge:::rbge_table_schema, table)
    wanted <- match(c("biosample_id", "primary", "statistics_depth", "statistics_variant_counting", "extra"), schema$names)
    while (is.null(piece <- .Call(bge:::rbge_table_next, table, 50L, wanted))) NULL
    .Call(bge:::rbge_close, table)
    piece
  }
  expected <- read()
  expect_identical(expected$columns[[4]], c(NA, "-9223372036854775808"))
  expect_identical(tortured(read), expected)
})
