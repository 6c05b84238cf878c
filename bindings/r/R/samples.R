# Biosamples.

#' The biosamples that the token may see
#'
#' `GET /samples`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param biosample_ids Biosample ids: a vector.
#' @param biosample_sites Sampling sites, 1 to 15: a vector.
#' @param omics 1 genomics, 2 metagenomics: a vector.
#' @param project_ids Project ids: a vector.
#' @param organisms Organisms, 1 to 3: a vector.
#' @param data_availability Only samples with (or without) data: `TRUE` or `FALSE`.
#' @param statuses Status codes: a vector.
#' @param require_files Also list each sample's files: `TRUE` or `FALSE`.
#' @return A data frame (see [bge_paging]) with the columns `biosample_id` (character), `update_time` (POSIXct),
#'   `sample_collection_time` (POSIXct), `organism_code` (double), `organism_display` (character),
#'   `sequencing_platform` (list), `sequencing_sequencing_time` (list), `sequencing_instrument_model` (list),
#'   `sequencing_read_type` (list), `project` (list), `data_availability` (logical), `status_code` (double),
#'   `status_display` (character), `primary` (logical), `biosample_site_code` (double), `biosample_site_display`
#'   (character), `omic_code` (double), `omic_display` (character), `statistics_human_contamination` (double),
#'   `statistics_depth` (double), `statistics_variant_counting` (double), `statistics_base_pairs` (double),
#'   `statistics_coverage` (double).
#'
#'   Each code (of the organism, the status, the site, the omics) has its name in the `_display` column beside it.
#'   `statistics_depth` is the mean depth of a genome, `statistics_coverage` the share of it that is covered,
#'   `statistics_base_pairs` the bases read, `statistics_human_contamination` the share of human reads in a
#'   metagenome. `project` is a list of `project_id`, `project_name` and `public_description`.
#' @seealso [bge_get_sample()], [bge_externals()], [bge_register_sample()], [bge_improve_sample()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   samples <- bge_get_samples(sandbox$user, omics = 2)
#'   head(samples[c("biosample_id", "omic_display", "status_display")])
#' }
bge_get_samples <- function(
    api, ..., biosample_ids = NULL, biosample_sites = NULL, omics = NULL, project_ids = NULL, organisms = NULL,
    data_availability = NULL, statuses = NULL, require_files = NULL, next_page = NULL, limit = NULL,
    all_pages = TRUE, max_pages = Inf, max_rows = Inf, simplify = TRUE, int64 = getOption("bge.int64", "double"),
    call_options = NULL) {
  given <- list(
    biosample_ids = biosample_ids, biosample_sites = biosample_sites, omics = omics, project_ids = project_ids,
    organisms = organisms, data_availability = data_availability, statuses = statuses,
    require_files = require_files, next_page = next_page, limit = limit, ...
  )
  call_pages(api, "get_samples", given, paging(all_pages, max_pages, max_rows, simplify, int64), call_options)
}

#' One biosample
#'
#' `GET /samples/{biosample_id}`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id.
#' @param require_files Also list the sample's files: `TRUE` or `FALSE`.
#' @return A list, as a row of [bge_get_samples()] but nested: `biosample_id`, `update_time`, `sample_collection_time`,
#'   `organism`, `status`, `biosample_site`, `omic` (each with `code` and `display`), `sequencing`, `project`,
#'   `data_availability`, `primary`, `statistics`; with `require_files` also `files`.
#' @seealso [bge_get_samples()], [bge_externals()], [bge_register_sample()], [bge_improve_sample()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_get_sample(sandbox$user, sandbox$biosample_id)$organism
bge_get_sample <- function(api, biosample_id, ..., require_files = NULL, simplify = TRUE, call_options = NULL) {
  given <- list(biosample_id = biosample_id, require_files = require_files, ...)
  call_value(api, "get_sample", given, simplify, call_options)
}

#' The biosample ids of the lab's own sample ids
#'
#' `GET /samples/external_ids`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param project_id Project id.
#' @param biosample_site Sampling site, 1 to 15.
#' @param external_ids The lab's own sample ids: a vector.
#' @return A data frame (see [bge_paging]) with the columns `external_sample_id` (character), `biosample_id`
#'   (character), `project_id` (character), `biosample_site` (double).
#' @seealso [bge_get_samples()], [bge_get_sample()], [bge_register_sample()], [bge_improve_sample()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   id <- paste0("tube-", Sys.getpid())
#'   bge_register_sample(sandbox$user, id, 1, sandbox$project_id, duplicate_enabled = TRUE)
#'   bge_externals(sandbox$user, sandbox$project_id, 1, id)
#' }
bge_externals <- function(
    api, project_id, biosample_site, external_ids, ..., simplify = TRUE, int64 = getOption("bge.int64", "double"),
    call_options = NULL) {
  given <- list(project_id = project_id, biosample_site = biosample_site, external_ids = external_ids, ...)
  call_rows(api, "externals", given, simplify, int64, call_options)
}

#' Registers a biosample
#'
#' Never repeated on its own, so that no sample is registered twice.
#'
#' `POST /samples/register`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param external_sample_id The lab's own sample id.
#' @param biosample_site Sampling site, 1 to 15.
#' @param project_id Project id.
#' @param duplicate_enabled `TRUE` allows an `external_sample_id` once more; `FALSE` on the platform.
#' @return A list with the new `biosample_id`.
#' @seealso [bge_get_samples()], [bge_get_sample()], [bge_externals()], [bge_improve_sample()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   bge_register_sample(sandbox$user, paste0("lab-", Sys.getpid()), 1, sandbox$project_id)
#' }
bge_register_sample <- function(
    api, external_sample_id, biosample_site, project_id, ..., duplicate_enabled = NULL, simplify = TRUE,
    call_options = NULL) {
  given <- list(
    external_sample_id = external_sample_id, biosample_site = biosample_site, project_id = project_id,
    duplicate_enabled = duplicate_enabled, ...
  )
  call_value(api, "register_sample", given, simplify, call_options)
}

#' Adds facts to a biosample
#'
#' A field once set stays. With no field to set nothing is sent.
#'
#' `POST /samples/improve`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id.
#' @param library_id Sequencing library id.
#' @param library_strategy Library strategy, such as WGS.
#' @param library_source Library source, such as GENOMIC.
#' @return `NULL`, invisibly.
#' @seealso [bge_get_samples()], [bge_get_sample()], [bge_externals()], [bge_register_sample()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   sample <- bge_register_sample(sandbox$user, paste0("new-", Sys.getpid()), 1, sandbox$project_id)
#'   bge_improve_sample(sandbox$user, sample$biosample_id, library_strategy = "WGS")
#' }
bge_improve_sample <- function(
    api, biosample_id, ..., library_id = NULL, library_strategy = NULL, library_source = NULL, call_options = NULL) {
  given <- list(
    biosample_id = biosample_id, library_id = library_id, library_strategy = library_strategy,
    library_source = library_source, ...
  )
  invisible(call_value(api, "improve_sample", given, TRUE, call_options))
}
