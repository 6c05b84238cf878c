# Genotypes of a cohort: four states of a site, and alleles that differ from sample to sample.

row <- function(rsid, place = NULL, alleles = NULL, gt = NULL, assayed = "true", no_call = "false") {
  number <- function(x) if (is.null(x)) "null" else x
  variant <- if (is.null(place)) {
    '{"chromosome": null, "position": null, "reference_base": null, "alternate_base": null, "call": null}'
  } else {
    sprintf(
      '{"chromosome": "chr1", "position": %s, "type": "snp", "reference_base": "%s", "alternate_base": [%s], "call": {"GT": %s}}',
      format(place, scientific = FALSE), alleles[1], paste0('"', alleles[-1], '"', recycle0 = TRUE, collapse = ","),
      if (is.null(gt)) "null" else paste0('"', gt, '"')
    )
  }
  ids <- paste0('"', rsid, '"', collapse = ",")
  sprintf('{"alternate_id": [%s], "is_assayed": %s, "is_no_call": %s, "variant": %s}', ids, assayed, no_call, variant)
}

local_cohort <- function(samples, .env = parent.frame()) {
  for (id in names(samples)) {
    local_fault(
      kind = "status", status = 200, path = "/variants", count = 0, query = paste0("*biosample_id=", id, "*"),
      content_type = "application/json", .env = .env,
      body = sprintf('{"code": 0, "data": [%s]}', paste(samples[[id]], collapse = ","))
    )
  }
}

samples <- list(
  "E-A" = c(
    row("rs1", 100, c("A", "T"), "0/1"), row("rs2", 200, "G", "0/0"), row("rs3", 300, "C", NULL, no_call = "true"),
    row("rs4", assayed = "false"), row("rs5", 500, c("CA", "C"), "0/1"), row("rs7", 701, c("A", "G"), "1/1"), row("rs7", 7e5, "T", "0/0")
  ),
  "E-B" = c(
    row("rs1", 100, c("A", "C"), "1/1"), row("rs2", assayed = "false"), row("rs3", 300, "C", "0/0"),
    row("rs4", assayed = "false"), row("rs5", 500, c("CAA", "C", "CA"), "1|2"), row("rs7", assayed = "false")
  ),
  "E-C" = character(),
  "E-D" = c(row(c("rs0", "rs1"), 100, c("A", "T"), "1"), row("rs3", 300, "C", "./."), row("rs5", 500, c("CA", "C"), "./1"))
)
rsids <- c("rs5", "rs1", "rs2", "rs3", "rs4", "rs6", "rs7")
ids <- c("E-A", "e-b", "E-C", "E-D")
names_of_rows <- c("rs5", "rs1", "rs2", "rs3", "rs4", "rs6", "rs7@chr1:701", "rs7@chr1:700000")

genotypes <- function(as) {
  suppressWarnings(bge_genotypes(api, ids, rsids, as = as), classes = "bge_warning_no_rows")
}
plain <- function(x) matrix(x, nrow(x), dimnames = dimnames(x))
expected <- function(...) matrix(c(...), 8, byrow = TRUE, dimnames = list(names_of_rows, ids))

test_that("alleles of different samples are merged, and their numbers with them", {
  local_cohort(samples)
  warning <- expect_warning(gt <- bge_genotypes(api, ids, rsids, as = "GT"), "E-C", class = "bge_warning_no_rows")
  expect_identical(warning$biosample_ids, "E-C")
  expect_identical(plain(gt), expected(
    # C>CA is the first alternate of rs5 (CAA>CA, as the shorter reference is extended), CAA>C the second
    "0/1", "2|1", NA, "./1",
    "0/1", "2/2", NA, "1",
    "0/0", NA, NA, NA,
    "./.", "0/0", NA, "./.",
    NA, NA, NA, NA,
    NA, NA, NA, NA,
    "1/1", NA, NA, NA,
    "0/0", NA, NA, NA
  ))
  expect_identical(attr(gt, "sites"), data.frame(
    rsid = sub("@.*", "", names_of_rows), chromosome = c(rep("chr1", 4), NA, NA, "chr1", "chr1"),
    position = c(500, 100, 200, 300, NA, NA, 701, 7e5), reference = c("CAA", "A", "G", "C", NA, NA, "A", "T"),
    alternate = c("CA,C", "T,C", ".", ".", NA, NA, "G", "."), type = c(rep("snp", 4), NA, NA, "snp", "snp")
  ))
})

test_that("bases and dosages follow from them", {
  local_cohort(samples)
  expect_identical(plain(genotypes("alleles")), expected(
    "CAA/CA", "C|CA", NA, "./CA",
    "A/T", "C/C", NA, "T",
    "G/G", NA, NA, NA,
    "./.", "C/C", NA, "./.",
    NA, NA, NA, NA,
    NA, NA, NA, NA,
    "G/G", NA, NA, NA,
    "T/T", NA, NA, NA
  ))
  expect_identical(plain(genotypes("dosage")), expected(
    1L, 2L, NA, NA, 1L, 2L, NA, 1L, 0L, NA, NA, NA, NA, 0L, NA, NA, NA, NA, NA, NA, NA, NA, NA, NA, 2L, NA, NA, NA, 0L, NA, NA, NA
  ))
})

test_that("the four states of a site are kept apart", {
  local_cohort(samples)
  no <- "not_assayed"
  for (as in c("alleles", "GT", "dosage")) {
    expect_identical(attr(genotypes(as), "states"), expected(
      "alternate", "alternate", NA, "alternate",
      "alternate", "alternate", NA, "alternate",
      "reference", no, NA, NA,
      "no_call", "reference", NA, "no_call",
      no, no, NA, NA,
      NA, NA, NA, NA,
      "alternate", no, NA, NA,
      "reference", no, NA, NA
    ))
  }
})

test_that("a cohort of the sandbox has what its samples have one by one", {
  people <- bge_get_samples(api, omics = 1)$biosample_id[1:5]
  asked <- c("rs762551", "rs333", "rs429358", paste0("rs", 1000:1120))
  expect_silent(gt <- bge_genotypes(api, people, asked, "GT"))
  expect_identical(rownames(gt), asked)
  for (id in people) {
    one <- bge_get_variants(api, id, asked)
    expect_identical(unname(is.na(gt[, id])), is.na(one$variant_call_gt))
    expect_identical(unname(attr(gt, "states")[, id] == "not_assayed"), !one$is_assayed)
    called <- bge_genotypes(api, id, asked)[, 1]
    expect_identical(unname(called[!is.na(called)]), one$variant_genotype[!is.na(one$variant_genotype)])
  }
  expect_identical(attr(gt, "sites")$position[1], 74749576)
})

test_that("a sample that fails can be skipped, and what cannot be asked is refused", {
  people <- c(bge_get_samples(api, omics = 1)$biosample_id[1], sandbox$other_biosample_id)
  read <- told(bge_genotypes(api, people, "rs762551", on_error = "skip"))
  expect_length(read$warnings, 1)
  expect_s3_class(read$warnings[[1]], "bge_warning_skipped")
  expect_identical(unname(is.na(read$value[1, ])), c(FALSE, TRUE))
  expect_identical(attr(read$value, "failed")$biosample_id, people[2])
  requests <- recorder("*")
  expect_error(bge_genotypes(api, people[1], c("rs1", "rs1")), "more than once", class = "bge_error_argument")
  expect_error(bge_genotypes(api, people[c(1, 1)], "rs1"), "more than once", class = "bge_error_argument")
  expect_error(bge_genotypes(api, people, character()), "rsids", class = "bge_error_argument")
  expect_error(bge_genotypes(api, people, "rs1", as = "vcf"), "dosage", class = "bge_error_argument")
  expect_length(requests(), 0)
})

test_that("a large cohort is put together in a moment", {
  n <- 300
  rows <- data.frame(
    is_assayed = TRUE, is_no_call = FALSE, variant_chromosome = "chr1", variant_position = rep(seq_len(n), each = n),
    variant_type = "snp", variant_reference_base = "A", variant_call_gt = c("0/1", "1/1", "0/0"),
    rsid = paste0("rs", rep(seq_len(n), each = n)), sample = seq_len(n)
  )
  rows$variant_alternate_base <- list("T", c("C", "T"), character())
  seconds <- system.time(calls <- bge:::fill_calls(bge:::merge_sites(rows, paste0("rs", seq_len(n))), paste0("E-", seq_len(n))))
  expect_lt(seconds[["elapsed"]], 20)
  expect_identical(unname(calls$gt[5, 1:3]), c("0/1", "2/2", "0/0"))
})
