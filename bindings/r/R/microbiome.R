# Abundances of a metagenome.

#' The abundance of each taxon of a biosample
#'
#' `GET /microbiome/taxon_abundance`. For tokens of authorization codes.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param biosample_id Biosample id.
#' @param taxon_ids Taxon ids, such as txid815: a vector.
#' @return A data frame (see [bge_paging]) with the columns `biosample_id` (character), `sample_info_sample_time`
#'   (POSIXct), `sample_info_biosample_site` (character), `taxonomy_taxon_id` (character), `taxonomy_taxon_name`
#'   (character), `taxonomy_rank` (character), `taxonomy_lineage` (character), `taxonomy_coding_system` (character),
#'   `observation_value` (double, percent), `observation_unit` (character), `observation_type` (character),
#'   `background_reference_cohort` (character), `background_mean` (double, percent), `background_freq` (double),
#'   `background_rank_ratio` (character), `background_background` (list), `platform_labels` (list).
#' @seealso [bge_abundance_matrix()] for a cohort as a matrix, [bge_table()] for its rows.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   taxa <- bge_get_taxon_abundance(sandbox$user, sandbox$meta_biosample_id, limit = 200)
#'   head(taxa[order(-taxa$observation_value), c("taxonomy_taxon_name", "observation_value")])
#' }
bge_get_taxon_abundance <- function(
    api, biosample_id, ..., taxon_ids = NULL, next_page = NULL, limit = NULL, all_pages = TRUE, max_pages = Inf,
    max_rows = Inf, simplify = TRUE, int64 = getOption("bge.int64", "double"), call_options = NULL) {
  given <- list(biosample_id = biosample_id, taxon_ids = taxon_ids, next_page = next_page, limit = limit, ...)
  call_pages(api, "get_taxon_abundance", given, paging(all_pages, max_pages, max_rows, simplify, int64), call_options)
}

#' The abundance of each function of a biosample
#'
#' `GET /microbiome/func_abundance`. For tokens of authorization codes.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param biosample_id Biosample id.
#' @param catalog One of go, ko, eggnog, pfam, kegg-pwy, kegg-mdl, level4ec, metacyc-rxn or metacyc-pwy.
#' @param ids Function ids: a vector.
#' @return A data frame (see [bge_paging]) with the columns `biosample_id` (character), `sample_info_sample_time`
#'   (POSIXct), `sample_info_biosample_site` (character), `data_element_id` (character), `coding_id` (character),
#'   `coding_system` (character), `observation_value` (double, percent), `observation_unit` (character),
#'   `observation_type` (character), `platform_labels` (list).
#' @seealso [bge_abundance_matrix()] for a cohort as a matrix, [bge_table()] for its rows.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   pathways <- bge_get_func_abundance(sandbox$user, sandbox$meta_biosample_id, "kegg-pwy")
#'   head(pathways[c("coding_id", "observation_value")])
#' }
bge_get_func_abundance <- function(
    api, biosample_id, catalog, ..., ids = NULL, next_page = NULL, limit = NULL, all_pages = TRUE, max_pages = Inf,
    max_rows = Inf, simplify = TRUE, int64 = getOption("bge.int64", "double"), call_options = NULL) {
  given <- list(biosample_id = biosample_id, catalog = catalog, ids = ids, next_page = next_page, limit = limit, ...)
  call_pages(api, "get_func_abundance", given, paging(all_pages, max_pages, max_rows, simplify, int64), call_options)
}

#' The abundance of each gene of a gut biosample
#'
#' `GET /microbiome/gene_abundance`. For tokens of authorization codes.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param biosample_id Biosample id.
#' @param catalog IGC_9.9M or UniRef90_HUMAnN2_0.11.
#' @param data_type `"list"` for rows, `"file"` for the file of all genes; UniRef90_HUMAnN2_0.11 has the file only.
#' @param ids Gene ids: a vector.
#' @return A data frame (see [bge_paging]) with the columns `biosample_id` (character), `sample_info_sample_time`
#'   (POSIXct), `sample_info_biosample_site` (character), `igc_gene_igc_gene_id` (character),
#'   `igc_gene_igc_gene_name` (character), `igc_gene_coding_system` (character),
#'   `igc_gene_annotation_kegg_annotation` (character), `igc_gene_annotation_eggnog_annotation` (character),
#'   `igc_gene_annotation_phylum` (character), `igc_gene_annotation_genus` (character),
#'   `igc_gene_annotation_gene_completeness` (character), `igc_gene_annotation_gene_length` (double, base pairs),
#'   `observation_value` (double, percent), `observation_unit` (character), `observation_type` (character),
#'   `observation_software` (character), `platform_labels` (list).
#'   For a file, a list whose `result` says what it is called in the object store: [bge_download()] fetches it.
#' @seealso [bge_abundance_matrix()] for a cohort as a matrix, [bge_table()] for its rows.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   id <- sandbox$meta_biosample_id
#'   genes <- bge_get_gene_abundance(sandbox$user, id, "IGC_9.9M", "list", limit = 1000)
#'   summary(genes$igc_gene_annotation_gene_length)
#'   # all genes as a file
#'   file <- bge_get_gene_abundance(sandbox$user, id, "IGC_9.9M", "file")
#'   file$result[[1]]$object_name
#' }
bge_get_gene_abundance <- function(
    api, biosample_id, catalog, data_type, ..., ids = NULL, next_page = NULL, limit = NULL, all_pages = TRUE,
    max_pages = Inf, max_rows = Inf, simplify = TRUE, int64 = getOption("bge.int64", "double"), call_options = NULL) {
  given <- list(
    biosample_id = biosample_id, catalog = catalog, data_type = data_type, ids = ids, next_page = next_page,
    limit = limit, ...
  )
  if (identical(data_type, "file")) return(call_value(api, "get_gene_abundance", given, simplify, call_options))
  call_pages(api, "get_gene_abundance", given, paging(all_pages, max_pages, max_rows, simplify, int64), call_options)
}
