# Abundances of a cohort as a BIOM file, and as the object that the package biomformat makes of one.

#' A cohort's abundances as BIOM
#'
#' The taxa, functions or genes of a cohort in BIOM 1.0, which QIIME 2, phyloseq and many others read: a sparse table with
#' what is known of the features and of the samples.
#'
#' @inheritParams bge_abundance_matrix
#' @param what What is wanted of the samples.
#' @param ... Further parameters of [bge_abundance_matrix()], [bge_function_matrix()] or [bge_gene_matrix()], by name.
#' @param rank Only taxa of this rank, such as `"species"`; all ranks unless given.
#' @param catalog The catalog of functions or genes, see [bge_abundance_matrix()].
#' @param file A path to write the table to; what was there is replaced. `write_biom()` of biomformat keeps four decimal
#'   places of a value only: a file that is written here has all digits.
#' @return Without `file` an object of class `biom`, for which the package biomformat is needed (on Debian and Ubuntu
#'   `r-bioc-biomformat`): `biomformat::biom_data()` are the values, `observation_metadata()` the features, for taxa with the
#'   lineage split by rank as `taxonomy`, `sample_metadata()` what [bge_get_samples()] tells of the samples. With `file` its
#'   path, invisibly.
#'
#'   Samples without any rows are left out, with the warning that names them: they are no samples of zeros. A value that
#'   the platform left out is left out with a warning of class `bge_warning_unknown_values`: BIOM has no word for it. The
#'   table's `unit` and its `source` stand beside the format's own members.
#' @seealso [bge_phyloseq()] and [bge_summarized_experiment()]; `bge extract … -o profile.biom` for cohorts that are larger
#'   than memory.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   ids <- bge_get_samples(sandbox$user, omics = 2)$biosample_id[1:3]
#'   file <- tempfile(fileext = ".biom")
#'   bge_biom(sandbox$user, ids, rank = "species", file = file)
#'   file.size(file)
#' }
bge_biom <- function(
    api, biosample_ids, what = c("taxa", "functions", "genes"), ..., rank = NULL, catalog = NULL, file = NULL) {
  call <- shown_call(sys.call(), sys.function())
  what <- tryCatch(match.arg(what), error = function(e) bad_argument("what", 'must be "taxa", "functions" or "genes"', call))
  if (is.null(file)) {
    needs_bioconductor("biomformat", "bge_biom() without a file", call)
    path <- tempfile(fileext = ".biom")
    on.exit(unlink(path))
  } else {
    if (!is.character(file) || length(file) != 1 || is.na(file)) bad_argument("file", "must be one path", call)
    path <- path_bytes(file)
  }
  made <- switch(what,
    taxa = bge_abundance_matrix(api, biosample_ids, rank = rank, ...),
    functions = bge_function_matrix(api, biosample_ids, catalog, ...),
    genes = bge_gene_matrix(api, biosample_ids, if (is.null(catalog)) "IGC_9.9M" else catalog, ...)
  )
  text <- biom_text(made, what, api, call)
  connection <- base::file(path, "wb")
  tryCatch(writeLines(text, connection, useBytes = TRUE), finally = close(connection))
  if (is.null(file)) biomformat::read_biom(path) else invisible(file)
}

biom_tables <- list(
  taxa = c(type = "Taxon table", call = "get_taxon_abundance"),
  functions = c(type = "Function table", call = "get_func_abundance"),
  genes = c(type = "Gene table", call = "get_gene_abundance")
)

# The lines of the file.
biom_text <- function(made, what, api, call) {
  values <- bare_matrix(made)
  # a sample of which nothing is known has no place among the others
  values <- values[, colSums(!is.na(values)) > 0, drop = FALSE]
  if (length(values) == 0) bad_argument("biosample_ids", paste("have no", what, "at all"), call)
  if (anyNA(values)) {
    warn("unknown_values", paste(sum(is.na(values)), "values are not known, and left out: BIOM has no word for that"), call)
  }
  # by features, as the matrix is not stored
  at <- which(t(!is.na(values) & values != 0), arr.ind = TRUE, useNames = FALSE)
  cells <- sprintf("[%d,%d,%s]", at[, 2] - 1L, at[, 1] - 1L, number_text(values[at[, 2:1, drop = FALSE]]))
  head <- list(
    id = biom_tables[[what]][["call"]], format = "Biological Observation Matrix 1.0.0", format_url = "http://biom-format.org",
    type = biom_tables[[what]][["type"]], generated_by = paste0("libbge ", bge_version()[["library"]]), date = time_text(Sys.time()),
    matrix_type = "sparse", matrix_element_type = "float", shape = I(dim(values)), unit = if (!is.na(attr(made, "unit"))) attr(made, "unit"),
    source = list(call = biom_tables[[what]][["call"]], endpoint = as.list(api)$endpoint)
  )
  members <- function(ids, about) {
    lines <- vapply(seq_along(ids), function(i) {
      to_json(list(id = ids[i], metadata = about[[i]]))
    }, "")
    paste(lines, collapse = ",\n")
  }
  features <- as.list(attr(made, "features"))
  if (what == "taxa") {
    features <- list(
      taxonomy = strsplit(features$lineage, "|", fixed = TRUE), taxon_name = features$taxon_name, rank = features$rank
    )
  } else {
    features[[1]] <- NULL
  }
  about <- samples_of(api, colnames(values), call)
  about <- about[!vapply(about, is.list, NA)]
  about[] <- lapply(about, function(column) if (inherits(column, "POSIXct")) time_text(column) else column)
  c(
    sub("\\}$", ",", to_json(head)),
    '"rows": [', members(rownames(values), records(features)),
    '],\n"columns": [', members(colnames(values), records(about)),
    '],\n"data": [', paste(cells, collapse = ",\n"), "]}"
  )
}

# Columns as a list for each row; what is not known is null.
records <- function(columns) {
  count <- if (length(columns) == 0) 0 else length(columns[[1]])
  lapply(seq_len(count), function(i) {
    lapply(columns, function(column) {
      value <- column[[i]]
      if (length(value) > 1 || is.list(column)) I(value) else if (is.na(value)) NULL else value
    })
  })
}
