# Objects of Bioconductor's packages, where those are installed. The last of the tests: with those packages loaded every collection
# of a test after it would take its time.

cohort <- bge_get_samples(api, omics = 2)$biosample_id[1:4]
people <- bge_get_samples(api, omics = 1)$biosample_id[1:3]
rsids <- c("rs762551", "rs333", "rs429358", "rs9")

test_that("a package that is not there is named, before anything is sent", {
  local_own(has_package = function(name) FALSE)
  requests <- recorder("*")
  for (call in list(
    function() bge_summarized_experiment(api, cohort), function() bge_phyloseq(api, cohort), function() bge_biom(api, cohort),
    function() bge_variants_granges(api, people, rsids), function() bge_variants_vcf(api, people, rsids)
  )) {
    error <- caught(call())
    expect_s3_class(error, "bge_error_unsupported")
    expect_match(conditionMessage(error), "BiocManager::install.*r-bioc-")
  }
  expect_length(requests(), 0)
})

test_that("lineages are split by rank", {
  got <- bge:::ranks_of(c("k__Bacteria|p__Firmicutes|c__|g__X y|s__X y z", NA, "f__F", ""))
  expect_identical(names(got), c("kingdom", "phylum", "class", "order", "family", "genus", "species"))
  expect_identical(got$kingdom, c("Bacteria", NA, NA, NA))
  expect_identical(got$class, rep(NA_character_, 4))
  expect_identical(got$family, c(NA, NA, "F", NA))
  expect_identical(got$species, c("X y z", NA, NA, NA))
})

test_that("a SummarizedExperiment has the assay, the features by rank, and the samples", {
  skip_if_not_installed("SummarizedExperiment")
  taxa <- bge_summarized_experiment(api, cohort, "taxa", rank = "species", limit = 500)
  matrix <- bge_abundance_matrix(api, cohort, rank = "species")
  expect_equal(SummarizedExperiment::assay(taxa, "abundance"), bge:::bare_matrix(matrix))
  rows <- SummarizedExperiment::rowData(taxa)
  expect_identical(rows$lineage, attr(matrix, "features")$lineage)
  expect_identical(rows$species, sub("^.*s__", "", rows$lineage))
  columns <- SummarizedExperiment::colData(taxa)
  expect_identical(rownames(columns), cohort)
  expect_s3_class(columns$update_time, "POSIXct")
  about <- S4Vectors::metadata(taxa)
  expect_identical(about$unit, "percent")
  expect_identical(about$source, c(call = "get_taxon_abundance", endpoint = sandbox$endpoint))
  functions <- bge_summarized_experiment(api, cohort[1:2], "functions", catalog = "kegg-pwy")
  expect_equal(SummarizedExperiment::assay(functions), bge:::bare_matrix(bge_function_matrix(api, cohort[1:2], "kegg-pwy")))
  genotypes <- bge_summarized_experiment(api, people, "genotypes", rsids = rsids)
  expect_identical(SummarizedExperiment::assayNames(genotypes), c("GT", "dosage", "state"))
  expect_identical(SummarizedExperiment::assay(genotypes, "dosage"), bge:::bare_matrix(bge_genotypes(api, people, rsids, "dosage")))
  expect_error(bge_summarized_experiment(api, cohort, "proteins"), "genotypes", class = "bge_error_argument")
})

test_that("a phyloseq object has taxa of one rank, and can be ordinated", {
  skip_if_not_installed("phyloseq")
  object <- bge_phyloseq(api, cohort, limit = 500)
  matrix <- bge_abundance_matrix(api, cohort, rank = "species")
  expect_equal(methods::as(phyloseq::otu_table(object), "matrix"), bge:::bare_matrix(matrix))
  expect_identical(phyloseq::sample_names(object), cohort)
  expect_identical(phyloseq::rank_names(object)[7], "species")
  expect_identical(unname(methods::as(phyloseq::tax_table(object), "matrix")[, "genus"]), sub("^.*g__(.*)[|]s__.*$", "\\1", attr(matrix, "features")$lineage))
  expect_equal(dim(phyloseq::ordinate(object, "PCoA", "bray")$vectors)[1], 4)
  # nothing is known of a sample without rows
  local_fault(
    kind = "status", status = 200, path = "/microbiome/taxon_abundance", count = 0, content_type = "application/json",
    query = paste0("*biosample_id=", cohort[2], "*"), body = '{"code": 0, "data": [], "pagination": {"count": 0, "page": 1}}'
  )
  expect_warning(object <- bge_phyloseq(api, cohort, limit = 500), cohort[2], class = "bge_warning_no_rows")
  expect_identical(phyloseq::sample_names(object), cohort[-2])
})

test_that("a BIOM file has the values, the ranks and the samples", {
  file <- withr::local_tempfile(fileext = ".biom")
  expect_identical(withVisible(bge_biom(api, cohort, rank = "species", limit = 500, file = file)), list(value = file, visible = FALSE))
  matrix <- bge_abundance_matrix(api, cohort, rank = "species", limit = 500)
  text <- jsonlite::fromJSON(file, simplifyDataFrame = FALSE)
  expect_identical(text$shape, dim(matrix))
  values <- matrix(0, nrow(matrix), ncol(matrix))
  values[text$data[, 1:2] + 1] <- text$data[, 3]
  expect_identical(values, unname(bge:::bare_matrix(matrix)))
  expect_identical(c(text$unit, text$source$call), c("percent", "get_taxon_abundance"))
  expect_identical(text$rows[[1]]$metadata$taxonomy[c(1, 7)], c("k__Bacteria", attr(matrix, "features")$taxon_name[1]))

  functions <- withr::local_tempfile()
  bge_biom(api, cohort[1:2], "functions", catalog = "kegg-pwy", file = functions)
  expect_identical(jsonlite::fromJSON(functions)$type, "Function table")
  # one rank of a lineage is a list still; what is not known is said, and a sample without rows is not there
  row <- function(value) sprintf(
    '{"taxonomy": {"taxon_id": "t%d", "rank": "kingdom", "lineage": "k__Bacteria"}, "observation": {"value": %s}}', 1:2, value
  )
  page <- function(id, rows, page = "*page=1*") local_fault(
    kind = "status", status = 200, path = "/microbiome/taxon_abundance", count = 0, content_type = "application/json",
    query = paste0("*biosample_id=", id, page), .env = parent.frame(),
    body = sprintf('{"code": 0, "data": [%s], "pagination": {"count": %d, "page": 1}}', paste(rows, collapse = ","), length(rows))
  )
  page(cohort[1], row(c("1e-7", "null")))
  page(cohort[2], row(c("0", "2.5")))
  for (id in cohort[1:3]) page(id, character(), "*")
  expect_warning(
    expect_warning(bge_biom(api, cohort[1:3], file = file), class = "bge_warning_unknown_values"), cohort[3], class = "bge_warning_no_rows"
  )
  text <- jsonlite::fromJSON(file, simplifyVector = FALSE)
  expect_identical(vapply(text$columns, `[[`, "", "id"), cohort[1:2])
  expect_identical(text$data, list(list(0L, 0L, 1e-7), list(1L, 1L, 2.5)))
  expect_identical(text$rows[[1]]$metadata$taxonomy, list("k__Bacteria"))
  expect_error(bge_biom(api, cohort[3], file = file), "no taxa", class = "bge_error_argument") |> expect_warning(class = "bge_warning_no_rows")
})

test_that("biomformat reads it", {
  skip_if_not_installed("biomformat")
  object <- bge_biom(api, cohort, rank = "species", limit = 500)
  matrix <- bge_abundance_matrix(api, cohort, rank = "species", limit = 500)
  expect_equal(methods::as(biomformat::biom_data(object), "matrix"), bge:::bare_matrix(matrix))
  expect_identical(biomformat::sample_metadata(object)$omic_display, rep("metagenomics", 4))
  expect_identical(biomformat::observation_metadata(object)$taxonomy7, attr(matrix, "features")$taxon_name)
})

test_that("sites are a GRanges in the genome's order, 1-based", {
  skip_if_not_installed("GenomicRanges")
  ranges <- bge_variants_granges(api, people, rsids)
  expect_identical(names(ranges), c("rs333", "rs762551", "rs429358"))
  expect_identical(as.data.frame(ranges)$start, c(46373452L, 74749576L, 44908684L))
  expect_identical(as.data.frame(ranges)$width, c(36L, 1L, 1L))
  expect_identical(unique(GenomeInfoDb::genome(ranges)), "GRCh38")
  gt <- bge_genotypes(api, people, rsids, "GT")
  expect_identical(S4Vectors::mcols(ranges)$GT, bge:::bare_matrix(gt)[names(ranges), ])
  # and the other way round
  regions <- GenomicRanges::GRanges(c("chr15", "chr1"), IRanges::IRanges(c(74749001, 6), c(74750000, 7)))
  requests <- recorder("/professional/variant")
  expect_equal(bge_professional_variant(api, people[1], regions = regions)$region_count, 2)
  expect_equal(
    jsonlite::fromJSON(requests()[[1]]$form$regions),
    data.frame(chromosome = c("chr15", "chr1"), start = c(74749000, 5), end = c(74750000, 7)), ignore_attr = TRUE
  )
})

test_that("a VCF is written and read again", {
  skip_if(!long, "VariantAnnotation takes its time to load: a long test")
  skip_if_not_installed("VariantAnnotation")
  vcf <- bge_variants_vcf(api, people, rsids)
  file <- withr::local_tempfile(fileext = ".vcf")
  suppressWarnings(VariantAnnotation::writeVcf(vcf, file))
  lines <- readLines(file)
  expect_identical(lines[1], "##fileformat=VCFv4.3")
  expect_true('##contig=<ID=chr15,length=101991189,assembly="GRCh38">' %in% lines)
  again <- VariantAnnotation::readVcf(file, "GRCh38")
  expect_identical(VariantAnnotation::geno(again)$GT, VariantAnnotation::geno(vcf)$GT)
  gt <- bge_genotypes(api, people, rsids, "GT")
  expect_identical(VariantAnnotation::geno(again)$GT["rs762551", ], gt["rs762551", ])
  expect_identical(as.character(unlist(VariantAnnotation::alt(again)[[which(rownames(again) == "rs762551")]])), "A")
})
