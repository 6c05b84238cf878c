# Reports on a whole genome.

#' The collection of reports on a biosample
#'
#' `GET /wgs/report/collection`. For tokens of authorization codes.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id, sent as given.
#' @return A list: `report_collection_id`, `report_collection_type`, `biosample_id`, `create_timestamp`.
#' @seealso [bge_report_details()], [bge_report_detail()], [bge_dictionaries()], [bge_merit_cards()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   bge_report_collection(sandbox$user, sandbox$biosample_id)$report_collection_type
#' }
bge_report_collection <- function(api, biosample_id, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "report_collection", list(biosample_id = biosample_id, ...), simplify, call_options)
}

#' The reports of one domain
#'
#' `GET /wgs/report/details`. For tokens of authorization codes.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id, sent as given.
#' @param domain Report domain: `"traits"`, `"pgx"`, `"common_disease_risk"`, `"genetic_disease_mendelian"`,
#'   `"genetic_disease_risk"`.
#' @return A list: `total`, and `list`, the reports: each with `report_id`, `title`, `result` and others.
#' @seealso [bge_report_collection()], [bge_report_detail()], [bge_dictionaries()], [bge_merit_cards()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_report_details(sandbox$user, sandbox$biosample_id, "traits")$total
bge_report_details <- function(api, biosample_id, domain, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "report_details", list(biosample_id = biosample_id, domain = domain, ...), simplify, call_options)
}

#' One report
#'
#' `GET /wgs/report/detail`. For tokens of authorization codes.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id, sent as given.
#' @param domain_version Report domain and version: `"traits_v1"`, `"genetic_disease_mendelian_v1"`, `"pgx_v1"`,
#'   `"pgx_v2"`, `"common_disease_risk_v1"`, `"common_disease_risk_v2"`, `"genetic_disease_risk_v1"`,
#'   `"vitamin_d_v1"`.
#' @param report_id Report id.
#' @return A list: `report_id`, `domain_version`, `biosample_id`, `title`, `result`, `score`, `description`, and `evidence`, a
#'   list.
#' @seealso [bge_report_collection()], [bge_report_details()], [bge_dictionaries()], [bge_merit_cards()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   traits <- bge_report_details(sandbox$user, sandbox$biosample_id, "traits")
#'   id <- traits$list[[1]]$report_id
#'   report <- bge_report_detail(sandbox$user, sandbox$biosample_id, "traits_v1", id)
#'   str(report, max.level = 1)
#' }
bge_report_detail <- function(
    api, biosample_id, domain_version, report_id, ..., simplify = TRUE, call_options = NULL) {
  given <- list(biosample_id = biosample_id, domain_version = domain_version, report_id = report_id, ...)
  call_value(api, "report_detail", given, simplify, call_options)
}

#' The dictionaries that reports refer to
#'
#' `GET /wgs/dictionaries`. For tokens of authorization codes.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id, sent as given.
#' @return A list of entries: each with `domain`, `domain_version`, `code`, `name`.
#' @seealso [bge_report_collection()], [bge_report_details()], [bge_report_detail()], [bge_merit_cards()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) length(bge_dictionaries(sandbox$user, sandbox$biosample_id))
bge_dictionaries <- function(api, biosample_id, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "dictionaries", list(biosample_id = biosample_id, ...), simplify, call_options)
}

#' The merit cards of a biosample
#'
#' `GET /wgs/merit-cards`. For tokens of authorization codes.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id, sent as given.
#' @return A list of cards: each with `card_id`, `name`, `description`, `rank_percent`.
#' @seealso [bge_report_collection()], [bge_report_details()], [bge_report_detail()], [bge_dictionaries()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) length(bge_merit_cards(sandbox$user, sandbox$biosample_id))
bge_merit_cards <- function(api, biosample_id, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "merit_cards", list(biosample_id = biosample_id, ...), simplify, call_options)
}
