#' bge: the BGE open omics platform
#'
#' Samples, variants, microbiome profiles, data streams, models, reports and files of the BGE open omics platform.
#'
#' Make a client with [bge_open()] (credentials from the environment or a stored profile), [bge_client()] (an access
#' token) or [bge_login()] (a browser), and give it to the functions for the platform's calls: lists come as data frames
#' with declared, typed columns, everything else as lists.
#'
#' @section Options:
#' * `bge.progress`: `FALSE` turns progress bars off; they are shown in interactive sessions only, with the package cli.
#' * `bge.int64`: the default of the argument `int64`, see [bge_paging].
#' * `bge.times`: `"POSIXct"` unless given; `"character"` leaves times the text that the platform wrote.
#' * `bge.tibble`: `TRUE` makes tibbles (of the package tibble) instead of data frames.
#' @section 中文:
#' The most used functions have pages in Chinese: [`bge_open-zh`], [`bge_login-zh`], [`bge_get_samples-zh`],
#' [`bge_get_variants-zh`], [`bge_get_taxon_abundance-zh`], [`bge_table-zh`], [`bge_abundance_matrix-zh`],
#' [`bge_genotypes-zh`], [`bge_upload_file-zh`], [`bge_download-zh`], [`bge_error-zh`].
#' @keywords internal
#' @useDynLib bge, .registration = TRUE
#' @importFrom jsonlite toJSON unbox
"_PACKAGE"

# What the session keeps: the endpoint table once it has been read, the sandbox once it has been started, and links to
# paths that are not UTF-8.
the <- new.env(parent = emptyenv())
the$aliases <- list()

.onLoad <- function(libname, pkgname) {
  versions <- .Call(rbge_abi_versions)
  major <- versions %/% 65536L
  minor <- versions %% 65536L
  if (major[1] != major[2] || minor[2] < minor[1]) {
    stop(sprintf(paste(
      "the package bge was built for version %d.%d of libbge's interface,",
      "and the library that was loaded has %d.%d: install the package again"
    ), major[1], minor[1], major[2], minor[2]), call. = FALSE)
  }
}
