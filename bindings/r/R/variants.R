# Variants of a genome.

#' The variants of a biosample at given rsIDs
#'
#' `GET /variants`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param biosample_id Biosample id.
#' @param rsids rsIDs, such as `c("rs762551", "rs333")`; more than 100 are fetched in pieces.
#' @return A data frame (see [bge_paging]) with the columns `variant_id` (character), `alternate_id` (list),
#'   `is_assayed` (logical), `is_genotyped` (logical), `is_no_call` (logical), `batch_no` (double),
#'   `coordinate_system` (double), `variant_chromosome` (character), `variant_position` (double), `variant_type`
#'   (character), `variant_genotype` (character), `variant_reference_base` (character), `variant_alternate_base`
#'   (list), `variant_call_gt` (character), `variant_call_dp` (double), `variant_call_gq` (double), `variant_call_ad`
#'   (list), `variant_call_pl` (character), `variant_information_an` (double), `variant_information_dp` (double),
#'   `variant_information_site_quality` (double), `variant_information_frequency` (list), `genomic_context_gene`
#'   (list), `source_tag_assembly_synonym` (character), `source_tag_dbsnp_build` (double), `source_update_time`
#'   (POSIXct), `source_pipeline_version` (character).
#'
#'   `variant_position` is 1-based on GRCh38, as in VCF and dbSNP, whatever `coordinate_system` is called. A site that was
#'   not assayed has `is_assayed` `FALSE` and no position; one that was assayed and could not be called has `is_no_call`
#'   `TRUE`; one that is called as the reference has the GT `0/0` and no `variant_alternate_base`.
#' @seealso [bge_genotypes()] for a cohort, [bge_professional_variant()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   variants <- bge_get_variants(sandbox$user, sandbox$biosample_id, c("rs762551", "rs333"))
#'   variants[c("variant_id", "variant_chromosome", "variant_position", "variant_genotype")]
#' }
bge_get_variants <- function(
    api, biosample_id, rsids, ..., simplify = TRUE, int64 = getOption("bge.int64", "double"), call_options = NULL) {
  call_rows(api, "get_variants", list(biosample_id = biosample_id, rsids = rsids, ...), simplify, int64, call_options)
}

#' Variants in regions of the genome
#'
#' `POST /professional/variant`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id.
#' @param only_variant_site Leave out sites equal to the reference: `TRUE` or `FALSE`; TRUE unless given.
#' @param regions At most 5000 regions: a data frame of `chromosome`, `start`, `end` (0-based, half open), or a vector such
#'   as `"chr15:74749000-74750000"`, or a `GRanges` of the package GenomicRanges (1-based and closed, as they are).
#' @param bed_file Path of a zipped BED file.
#' @return A list: `biosample_id`, `only_variant_site`, `region_count`, `count`, and the variants in `result`, a list for
#'   each of them.
#' @seealso [bge_genotypes()] for a cohort, [bge_get_variants()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   regions <- data.frame(chromosome = "chr15", start = 74749000, end = 74750000)
#'   bge_professional_variant(sandbox$user, sandbox$biosample_id, regions = regions)$count
#' }
bge_professional_variant <- function(
    api, biosample_id, ..., only_variant_site = NULL, regions = NULL, bed_file = NULL, simplify = TRUE,
    call_options = NULL) {
  regions <- as_regions(regions)
  given <- list(
    biosample_id = biosample_id, only_variant_site = only_variant_site, regions = regions, bed_file = bed_file,
    ...
  )
  call_value(api, "professional_variant", given, simplify, call_options, bytes = TRUE)
}

# A GRanges as the platform counts: from 0 on, and without its end.
as_regions <- function(regions) {
  if (!inherits(regions, "GenomicRanges")) return(regions)
  plain <- as.data.frame(regions)
  data.frame(chromosome = as.character(plain$seqnames), start = plain$start - 1, end = plain$end)
}
