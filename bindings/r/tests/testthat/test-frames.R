# Lists as data frames: declared columns, their types, and digits.

test_that("columns are those that are declared, for rows, no rows, and rows of nulls", {
  taxa <- bge_get_taxon_abundance(api, sandbox$meta_biosample_id, limit = 100)
  expect_equal(types(taxa), declared("get_taxon_abundance"))
  expect_equal(class(taxa), "data.frame")
  expect_equal(nrow(taxa), 300)

  none <- bge_get_taxon_abundance(api, sandbox$meta_biosample_id, taxon_ids = "txid0")
  expect_equal(types(none), declared("get_taxon_abundance"))
  expect_equal(nrow(none), 0)
  expect_identical(attributes(none)$row.names, integer())

  local_data("/samples", page('{"status": null, "organism": {"code": null}, "primary": null}, {}'))
  empty <- bge_get_samples(api)
  expect_equal(types(empty), declared("get_samples"))
  expect_equal(nrow(empty), 2)
  flat <- empty[vapply(empty, Negate(is.list), NA)]
  expect_true(all(is.na(flat)))
  expect_true(all(vapply(empty$project, is.null, NA)))
})

test_that("values are those that the platform wrote", {
  json <- bge_call_json(api, "get_taxon_abundance", biosample_id = sandbox$meta_biosample_id, limit = 300)
  rows <- jsonlite::fromJSON(json, simplifyVector = FALSE)$result
  taxa <- bge_get_taxon_abundance(api, sandbox$meta_biosample_id, limit = 70)
  expect_identical(taxa$taxonomy_taxon_id, vapply(rows, function(row) row$taxonomy$taxon_id, ""))
  expect_identical(taxa$observation_value, vapply(rows, function(row) as.double(row$observation$value), 0))
  expect_identical(taxa$taxonomy_lineage, vapply(rows, function(row) row$taxonomy$lineage, ""))
  expect_equal(taxa$background_background[[5]], rows[[5]]$background$background)

  variants <- bge_get_variants(api, sandbox$biosample_id, c("rs762551", "rs333"))
  json <- bge_call_json(api, "get_variants", biosample_id = sandbox$biosample_id, rsids = c("rs762551", "rs333"))
  rows <- jsonlite::fromJSON(json, simplifyVector = FALSE)
  expect_equal(types(variants), declared("get_variants"))
  expect_identical(variants$variant_position, vapply(rows, function(row) as.double(row$variant$position), 0))
  expect_identical(variants$variant_genotype, vapply(rows, function(row) row$variant$genotype, ""))
  expect_identical(variants$variant_call_ad[[1]], unlist(rows[[1]]$variant$call$AD))
  expect_equal(nrow(bge_get_variants(api, sandbox$biosample_id, paste0("rs", 1:230))), 230)
})

test_that("text is marked as UTF-8", {
  samples <- bge_get_samples(api, limit = 1, all_pages = FALSE)
  expect_equal(Encoding(samples$status_display), "UTF-8")
  expect_match(samples$status_display, "\\p{Han}", perl = TRUE)
})

test_that("whole numbers beyond 2^53 lose no digit", {
  rows <- '{"statistics": {"variant_counting": 9007199254740993}}, {"statistics": {"variant_counting": 5}}, {}'
  local_data("/samples", page(rows))
  expect_warning(samples <- bge_get_samples(api), class = "bge_warning_int64")
  expect_identical(samples$statistics_variant_counting, c("9007199254740993", "5", NA))
  expect_silent(samples <- bge_get_samples(api, int64 = "character"))
  expect_identical(samples$statistics_variant_counting, c("9007199254740993", "5", NA))
  expect_identical(samples$organism_code, rep(NA_character_, 3))
  expect_silent(samples <- bge_get_samples(api, int64 = "integer64"))
  expect_s3_class(samples$statistics_variant_counting, "integer64")
  expect_identical(bit64::as.character.integer64(samples$statistics_variant_counting), c("9007199254740993", "5", NA))
  expect_identical(bit64::as.integer64(c(NA, NA, NA)), samples$organism_code)
})

test_that("whole numbers beyond 64 bits lose none either, and a column of other numbers stays one", {
  rows <- '{"statistics": {"variant_counting": 3, "depth": 31.25}},
           {"statistics": {"variant_counting": 18446744073709551616, "depth": -9007199254740992}},
           {"statistics": {"depth": 1e-7}}'
  local_data("/samples", page(rows))
  for (int64 in c("integer64", "double")) {
    warning <- expect_warning(samples <- bge_get_samples(api, int64 = int64), class = "bge_warning_int64")
    expect_identical(warning$columns, "statistics_variant_counting")
    expect_identical(samples$statistics_variant_counting, c("3", "18446744073709551616", NA))
    expect_identical(samples$statistics_depth, c(31.25, -9007199254740992, 1e-7))
  }
  expect_match(conditionMessage(told(bge_get_samples(api, int64 = "integer64"))$warnings[[1]]), "2^63", fixed = TRUE)
  # what a double cannot hold is kept beside it
  control("DELETE", "faults")
  local_data("/samples", page('{"statistics": {"depth": -9007199254740993}}, {"statistics": {"depth": 2}}'))
  expect_warning(samples <- bge_get_samples(api), class = "bge_warning_misfit")
  expect_identical(samples$statistics_depth, c(NA, 2))
  expect_identical(samples$statistics_depth_as_sent, c("-9007199254740993", NA))
})

test_that("a column is of one type over all pages", {
  local_fault(
    kind = "status", status = 200, path = "/samples", content_type = "application/json", query = "*page=1*",
    body = paste0('{"code": 0, "data": ', page('{"statistics": {"variant_counting": 7}}', "2"), "}")
  )
  local_fault(
    kind = "status", status = 200, path = "/samples", content_type = "application/json", query = "*page=2*",
    body = paste0('{"code": 0, "data": ', page('{"statistics": {"variant_counting": 9007199254740995}, "new": {"a": 1}}'), "}")
  )
  expect_warning(samples <- bge_get_samples(api), class = "bge_warning_int64")
  expect_identical(samples$statistics_variant_counting, c("7", "9007199254740995"))
  expect_identical(samples$new, list(NULL, list(a = 1L)))
})

test_that("what is not declared comes too", {
  local_data("/samples", page('{"biosample_id": "E-B1", "files": [{"name": "a"}], "score": 1, "organism": {"code": 1, "note": "n"}},
    {"biosample_id": "E-B2", "score": 2.5, "big": 9007199254740993}, {"status_code": 7}, "odd"'))
  samples <- bge_get_samples(api)
  expect_identical(samples$biosample_id, c("E-B1", "E-B2", NA, NA))
  expect_identical(samples$files, list(list(list(name = "a")), NULL, NULL, NULL))
  expect_identical(samples$score, c(1, 2.5, NA, NA))
  expect_identical(samples$organism_note, c("n", NA, NA, NA))
  expect_identical(samples$big, c(NA, "9007199254740993", NA, NA))
  expect_identical(samples$value, c(NA, NA, NA, "odd"))
  # a name that is taken already
  expect_identical(samples$status_code.1, c(NA, NA, 7, NA))
  expect_identical(samples$status_code, rep(NA_real_, 4))
})

test_that("a value of another type than declared is kept beside its column, with a warning", {
  local_data("/samples", page('{"biosample_id": 12, "primary": "yes", "statistics": {"depth": "31", "variant_counting": 2.5}},
    {"biosample_id": true, "primary": false, "statistics": {"depth": 4, "variant_counting": 5.0}}'))
  expect_warning(samples <- bge_get_samples(api), "6 values", class = "bge_warning_misfit")
  expect_identical(samples$biosample_id, c(NA_character_, NA))
  expect_identical(samples$biosample_id_as_sent, list(12L, TRUE))
  expect_identical(samples$primary, c(NA, FALSE))
  expect_identical(samples$primary_as_sent, c("yes", NA))
  expect_identical(samples$statistics_depth, c(NA, 4))
  expect_identical(samples$statistics_depth_as_sent, c("31", NA))
  expect_identical(samples$statistics_variant_counting, c(NA_real_, NA))
  expect_identical(samples$statistics_variant_counting_as_sent, c(2.5, 5))
})

test_that("an answer that has no rows is the platform's fault, and an empty one is no fault", {
  for (data in c('{"count": 0}', '{"result": 5}', '"x"', "[1]")) {
    local_data("/samples", data)
    error <- caught(bge_get_samples(api))
    expect_s3_class(error, "bge_error_protocol")
    control("DELETE", "faults")
  }
  local_data("/samples/external_ids", "null")
  expect_equal(dim(bge_externals(api, "P", 1, "x")), c(0L, 4L))
})

test_that("names and texts with escapes are read", {
  local_data("/samples", page('{"biosample\\u005fid": "a\\u0000b\\ud800c\\u4e2d", "organism": {"\\u0063ode": 3}}'))
  expect_warning(samples <- bge_get_samples(api), "1 value is", class = "bge_warning_misfit")
  expect_identical(samples$biosample_id_as_sent, "a\ufffdb\ufffdc\u4e2d")
  expect_identical(samples$organism_code, 3)
  control("DELETE", "faults")
  local_data("/samples", page('{"biosample_id": "\\u4e2d\\ud83d\\ude00\\u0000\\"\\\\u0000"}'))
  expect_identical(bge_get_samples(api)$biosample_id, "\u4e2d\U0001F600\ufffd\"\\u0000")
})

test_that("a file of genes is not a list of genes", {
  file <- bge_get_gene_abundance(api, sandbox$meta_biosample_id, "IGC_9.9M", "file")
  expect_equal(file$result[[1]]$file_format, "tsv")
  genes <- bge_get_gene_abundance(api, sandbox$meta_biosample_id, "IGC_9.9M", "list", limit = 1000)
  expect_equal(types(genes), declared("get_gene_abundance"))
  expect_equal(nrow(genes), 2400)
  expect_identical(genes$igc_gene_igc_gene_id[2400], "igc_2400")
})

test_that("20,000 rows are read in a moment", {
  json <- bge_call_json(api, "get_taxon_abundance", biosample_id = sandbox$meta_biosample_id, limit = 200)
  rows <- sub("\\][^]]*$", "", sub("^.*?\"result\": *\\[", "", json, perl = TRUE))
  text <- page(paste(rep(rows, 100), collapse = ","))
  seconds <- system.time(read <- .Call(bge:::rbge_rows, "get_taxon_abundance", text))[["elapsed"]]
  expect_equal(sum(vapply(read$pieces, function(piece) piece$rows, 0)), 20000)
  expect_lt(seconds, 20)
})

test_that("reading survives a collection at every allocation", {
  text <- page('{"biosample_id": "E-\\u4e2d", "files": [{"a": 1}], "organism": {"code": 9007199254740993, "note": "n"}},
    {"primary": "bad", "c1": 1, "c2": 2, "c3": 3, "c4": 4, "c5": 5, "c6": 6, "c7": 7, "c8": [1, 2], "c9": "x"},
    {"statistics": {"depth": 1.5}, "organism": null, "project": [{"x": [1, "a"]}]}, 5', '"token"')
  read <- function() {
    page <- .Call(bge:::rbge_rows, "get_samples", text)
    pieces <- rep(list(page$pieces[[1]]$columns[[match("organism_code", page$names)]]), 2)
    list(
      page, .Call(bge:::rbge_json_get, text, "/next_page"),
      lapply(0:2, function(wish) .Call(bge:::rbge_join, pieces, 3L, wish))
    )
  }
  expected <- read()
  expect_identical(expected[[3]][[1]], rep(c("9007199254740993", NA, NA, NA), 2))
  expect_identical(tortured(read), expected)
})

test_that("integer64 is refused where nothing could show it", {
  local_own(has_package = function(name) FALSE)
  requests <- recorder("*")
  for (call in list(
    function() bge_get_samples(api, int64 = "integer64"), function() bge_table(api, "get_samples", int64 = "integer64"),
    function() bge_externals(api, "P", 1, "x", int64 = "integer64")
  )) {
    error <- caught(call())
    expect_s3_class(error, "bge_error_unsupported")
    expect_match(conditionMessage(error), "bit64")
  }
  expect_length(requests(), 0)
})

test_that("integer64 prints its digits in a session that has not attached bit64", {
  printed <- in_new_process(function(endpoint, token) {
    samples <- bge::bge_get_samples(bge::bge_client(token, endpoint = endpoint), max_rows = 3, int64 = "integer64")
    c(samples$statistics_variant_counting[1:2], capture.output(print(samples$organism_code)))
    capture.output(print(samples$organism_code))
  }, list(sandbox$endpoint, sandbox$access_token))
  expect_match(paste(printed, collapse = " "), "integer64.* 1 ")
})

test_that("ids are always character", {
  local_data("/data_item/batch_retrieve", page('{"data_item_id": 5, "namespace": "x"}, {"data_item_id": 9007199254740993}, {}'))
  for (int64 in c("double", "character", "integer64")) {
    expect_silent(items <- bge_get_data_items(api, "demo", "E-B1", collection_id = "c", int64 = int64))
    expect_identical(items$data_item_id, c("5", "9007199254740993", NA))
    expect_silent(items <- bge_table(api, "get_data_items", biosample_id = "E-B1", namespace = "x", collection_id = "c", int64 = int64))
    expect_identical(items$data_item_id, c("5", "9007199254740993", NA))
  }
  control("DELETE", "faults")
  local_data("/data_item/batch_retrieve", page(""))
  expect_identical(bge_get_data_items(api, "demo", "E-B1", collection_id = "c")$data_item_id, character())
})

test_that("empty arrays combine with the column's others", {
  local_data("/samples", page('
    {"sequencing": {"platform": [], "read_type": ["a"], "instrument_model": []}, "project": [], "numbers": [], "flags": [], "wide": []},
    {"sequencing": {"platform": ["x", "y"], "read_type": null}, "project": [{"a": 1}], "numbers": [1, 2.5], "flags": [true], "wide": []}, {}'))
  for (samples in list(bge_get_samples(api), bge_table(api, "get_samples"))) {
    expect_identical(samples$sequencing_platform, list(character(), c("x", "y"), NULL))
    expect_identical(samples$sequencing_read_type, list("a", NULL, NULL))
    expect_identical(samples$sequencing_instrument_model, list(character(), NULL, NULL))
    expect_identical(samples$project, list(list(), list(list(a = 1L)), NULL))
  }
  samples <- bge_get_samples(api)
  expect_identical(samples$numbers, list(double(), c(1, 2.5), NULL))
  expect_identical(samples$flags, list(logical(), TRUE, NULL))
  expect_identical(samples$wide, list(character(), character(), NULL))
})

test_that("a list and a table give the same columns", {
  samples <- bge_get_samples(api, limit = 50)
  expect_identical(bge_table(api, "get_samples")[names(samples)], data.frame(samples), ignore_attr = TRUE)
  variants <- bge_get_variants(api, sandbox$biosample_id, paste0("rs", 1:50))
  same <- bge_table(api, "get_variants", biosample_id = sandbox$biosample_id, rsids = paste0("rs", 1:50))
  expect_identical(lapply(same[names(variants)], identity), lapply(variants, identity))
})

test_that("tibbles come on demand", {
  withr::local_options(bge.tibble = TRUE)
  samples <- bge_get_samples(api, limit = 10, all_pages = FALSE)
  expect_s3_class(samples, c("tbl_df", "tbl", "data.frame"), exact = TRUE)
  expect_equal(attr(samples, "next_page"), 2)
  expect_s3_class(bge_table(api, "get_samples"), "tbl_df")
  expect_s3_class(bge_get_samples(api, max_rows = 3), "tbl_df")
  local_own(has_package = function(name) FALSE)
  expect_error(bge_get_samples(api), "tibble", class = "bge_error_unsupported")
})
