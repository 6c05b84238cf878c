# The rows of many samples as matrices.

cohort <- bge_get_samples(api, omics = 2)$biosample_id[1:6]

taxon_row <- function(taxon, value, sample = NULL) {
  info <- if (is.null(sample)) "" else sprintf('"sample_info": {"biosample_id": "%s"}, ', sample)
  sprintf('{%s"taxonomy": {"taxon_id": "%s"}, "observation": {"value": %s}}', info, taxon, value)
}

# A matrix without its attributes.
bare <- function(x) matrix(x, nrow(x), ncol(x), dimnames = dimnames(x))

test_that("the matrix has taxa in rows and the samples in their order in columns", {
  ids <- rev(cohort)
  expect_silent(abundance <- bge_abundance_matrix(api, ids, limit = 120))
  expect_type(abundance, "double")
  expect_identical(colnames(abundance), ids)
  for (id in ids) {
    taxa <- bge_get_taxon_abundance(api, id)
    column <- abundance[, id]
    expect_identical(unname(column[taxa$taxonomy_taxon_id]), taxa$observation_value)
    expect_equal(sum(column), sum(taxa$observation_value))
  }
  means <- bge_abundance_matrix(api, cohort[2], value = "background_mean", taxon_ids = c("txid815", "txid817"))
  expect_identical(dimnames(means), list(c("txid815", "txid817"), cohort[2]))
  taxa <- bge_get_taxon_abundance(api, cohort[2], taxon_ids = c("txid815", "txid817"))
  expect_identical(unname(means[taxa$taxonomy_taxon_id, 1]), taxa$background_mean)
})

test_that("absent is 0, left out is NA, several rows of a taxon add up, a sample without rows is unknown", {
  answers <- list(
    "E-M1" = c(taxon_row("txid2", 1.5), taxon_row("txid1", "null"), taxon_row("txid2", 2)),
    "E-M2" = taxon_row("txid3", 4, "E-M2"),
    "E-M3" = character()
  )
  for (id in names(answers)) {
    rows <- answers[[id]]
    for (number in if (length(rows) > 0) 1:2 else 1) {
      body <- sprintf(
        '{"code": 0, "data": [%s], "pagination": {"count": %d, "page": %d}}',
        if (number == 1) paste(rows, collapse = ",") else "", length(rows), number
      )
      local_fault(
        kind = "status", status = 200, path = "/microbiome/taxon_abundance", count = 0,
        query = sprintf("*biosample_id=%s*page=%d*", id, number), content_type = "application/json", body = body
      )
    }
  }
  warning <- expect_warning(
    abundance <- bge_abundance_matrix(api, c("E-M3", "e-m1", "E-M2")), "no rows at all.*E-M3", class = "bge_warning_no_rows"
  )
  expect_identical(warning$biosample_ids, "E-M3")
  expect_identical(bare(abundance), matrix(
    c(NA, NA, NA, 3.5, NA, 0, 0, 0, 4), 3,
    dimnames = list(c("txid2", "txid1", "txid3"), c("E-M3", "e-m1", "E-M2"))
  ))
  expect_warning(none <- bge_abundance_matrix(api, "E-M3"), class = "bge_warning_no_rows")
  expect_identical(bare(none), matrix(0, 0, 1, dimnames = list(NULL, "E-M3")))
  expect_silent(none <- bge_abundance_matrix(api, character()))
  expect_identical(dim(none), c(0L, 0L))
  expect_named(attr(none, "features"), c("taxon_id", "taxon_name", "rank", "lineage"))
})

test_that("a sample that was skipped is unknown, not empty", {
  ids <- c(cohort[1], sandbox$other_biosample_id)
  read <- told(bge_abundance_matrix(api, ids, on_error = "skip"))
  abundance <- read$value
  expect_length(read$warnings, 1)
  expect_s3_class(read$warnings[[1]], "bge_warning_skipped")
  expect_true(all(is.na(abundance[, 2])))
  expect_false(anyNA(abundance[, 1]))
  expect_identical(attr(abundance, "failed")$biosample_id, sandbox$other_biosample_id)
  expect_error(bge_abundance_matrix(api, ids), class = "bge_error_api")
})

test_that("what cannot be a matrix is refused before anything is sent", {
  requests <- recorder("/microbiome/taxon_abundance")
  expect_error(bge_abundance_matrix(api, cohort[c(1, 1)]), "more than once", class = "bge_error_argument")
  expect_error(bge_abundance_matrix(api, cohort, value = "taxonomy_rank"), "observation_value", class = "bge_error_argument")
  expect_error(bge_abundance_matrix(api, 1:3), class = "bge_error_argument")
  expect_length(requests(), 0)
})

test_that("features stand beside their rows, and one rank can be chosen", {
  all <- bge_abundance_matrix(api, cohort[1:3])
  features <- attr(all, "features")
  expect_identical(features$taxon_id, rownames(all))
  expect_identical(attr(all, "unit"), "percent")
  taxa <- bge_get_taxon_abundance(api, cohort[2])
  expect_identical(features$lineage[match(taxa$taxonomy_taxon_id, features$taxon_id)], taxa$taxonomy_lineage)
  species <- bge_abundance_matrix(api, cohort[1:3], rank = "Species")
  expect_identical(rownames(species), features$taxon_id[features$rank == "species"])
  expect_identical(bare(species), bare(all[features$rank == "species", ]))
  expect_identical(unique(attr(species, "features")$rank), "species")
  expect_error(bge_abundance_matrix(api, cohort[1], rank = "kingdom"), "family, species", class = "bge_error_argument")
  expect_error(bge_abundance_matrix(api, cohort[1], rank = 1), "rank", class = "bge_error_argument")
  withr::local_options(bge.tibble = TRUE)
  expect_s3_class(attr(bge_abundance_matrix(api, cohort[1]), "features"), "tbl_df")
})

test_that("functions and genes have matrices, too", {
  functions <- bge_function_matrix(api, cohort[2:1], "kegg-pwy")
  for (id in cohort[2:1]) {
    rows <- bge_get_func_abundance(api, id, "kegg-pwy")
    expect_identical(unname(functions[rows$coding_id, id]), rows$observation_value)
    expect_equal(sum(functions[, id]), sum(rows$observation_value))
  }
  expect_named(attr(functions, "features"), c("id", "system", "data_element_id"))
  expect_identical(attr(functions, "features")$id, rownames(functions))
  some <- bge_function_matrix(api, cohort[1], "kegg-pwy", ids = rownames(functions)[3:4])
  expect_setequal(rownames(some), rownames(functions)[3:4])
  genes <- bge_gene_matrix(api, cohort[1], ids = c("igc_3", "igc_1"), limit = 1000)
  rows <- bge_get_gene_abundance(api, cohort[1], "IGC_9.9M", "list", ids = c("igc_3", "igc_1"))
  expect_identical(unname(genes[rows$igc_gene_igc_gene_id, 1]), rows$observation_value)
  expect_identical(attr(genes, "features")$length, rows$igc_gene_annotation_gene_length[match(rownames(genes), rows$igc_gene_igc_gene_id)])
})
