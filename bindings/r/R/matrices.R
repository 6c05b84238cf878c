# Abundances of a cohort as matrices: features in rows, samples in columns.

#' The features-by-samples matrix of a cohort
#'
#' The abundances of all taxa, functions or genes in many biosamples as one numeric matrix, read by [bge_table()].
#'
#' @inheritParams bge_table
#' @param biosample_ids Biosample ids: a vector without duplicates. They are the matrix's columns, in this order.
#' @param ... Further parameters of [bge_get_taxon_abundance()], [bge_get_func_abundance()] or
#'   [bge_get_gene_abundance()], by name, such as `limit`, the rows of one page.
#' @param rank Only taxa of this rank, such as `"species"` or `"genus"`; all ranks unless given. Abundances of different
#'   ranks contain each other: only those of one rank add up.
#' @param catalog Of functions: `"go"`, `"ko"`, `"eggnog"`, `"pfam"`, `"kegg-pwy"`, `"kegg-mdl"`, `"level4ec"`,
#'   `"metacyc-rxn"` or `"metacyc-pwy"`. Of genes: `"IGC_9.9M"`.
#' @param value The numeric column of the list whose values stand in the cells: `observation_value`, the abundance in
#'   percent, unless given.
#' @param taxon_ids Taxon ids, such as txid815: a vector; all taxa unless given.
#' @param ids Function or gene ids: a vector; all of them unless given.
#' @return A numeric matrix with a row for each feature that any sample has, named by its id, in the order in which they
#'   come first; and a column for each sample. A feature that a sample does not have is 0. Several rows of one feature in
#'   one sample are added up. A value that the platform left out is `NA`.
#'
#'   A sample without any rows is not a sample of zeros: its column is `NA`, and a warning of class `bge_warning_no_rows`
#'   names it (`biosample_ids`). The column of a sample that was skipped is `NA`, too. Attributes:
#'   * `features`: a data frame with a row for each row of the matrix. Of taxa: `taxon_id`, `taxon_name`, `rank`,
#'     `lineage`. Of functions: `id`, `system`, `data_element_id`. Of genes: `gene_id`, `gene_name`, `system`, `kegg`,
#'     `eggnog`, `phylum`, `genus`, `completeness`, `length` (base pairs).
#'   * `unit`: the unit of the values, as the platform names it.
#'   * `failed`: of the samples that were skipped, as in [bge_table()].
#' @seealso [bge_genotypes()] for variants; [bge_summarized_experiment()] and [bge_phyloseq()] for Bioconductor.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   ids <- bge_get_samples(sandbox$user, omics = 2)$biosample_id[1:3]
#'   abundance <- bge_abundance_matrix(sandbox$user, ids, rank = "species", limit = 500)
#'   dim(abundance)
#'   abundance[1:3, ]
#'   attr(abundance, "features")[1:3, c("taxon_name", "lineage")]
#'   pathways <- bge_function_matrix(sandbox$user, ids, "kegg-pwy")
#'   genes <- bge_gene_matrix(sandbox$user, ids[1:2], limit = 1000)
#' }
bge_abundance_matrix <- function(
    api, biosample_ids, ..., rank = NULL, value = "observation_value", taxon_ids = NULL, concurrency = NULL,
    prefetch = NULL, on_error = "stop", rate_limit = NULL, checkpoint_dir = NULL, strict = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  switches <- table_switches(
    concurrency = concurrency, prefetch = prefetch, on_error = on_error, rate_limit = rate_limit,
    checkpoint_dir = checkpoint_dir, strict = strict, call_options = call_options, call = call
  )
  if (!is.null(rank) && (!is.character(rank) || length(rank) != 1 || is.na(rank))) {
    bad_argument("rank", "must be one rank, such as \"species\"", call)
  }
  features <- c(
    taxon_id = "taxonomy_taxon_id", taxon_name = "taxonomy_taxon_name", rank = "taxonomy_rank", lineage = "taxonomy_lineage"
  )
  keep <- if (!is.null(rank)) function(rows) of_rank(rows, rank, call)
  abundances(api, "get_taxon_abundance", biosample_ids, list(taxon_ids = taxon_ids, ...), value, features, keep, switches, call)
}

#' @rdname bge_abundance_matrix
#' @export
bge_function_matrix <- function(
    api, biosample_ids, catalog, ..., value = "observation_value", ids = NULL, concurrency = NULL, prefetch = NULL,
    on_error = "stop", rate_limit = NULL, checkpoint_dir = NULL, strict = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  switches <- table_switches(
    concurrency = concurrency, prefetch = prefetch, on_error = on_error, rate_limit = rate_limit,
    checkpoint_dir = checkpoint_dir, strict = strict, call_options = call_options, call = call
  )
  features <- c(id = "coding_id", system = "coding_system", data_element_id = "data_element_id")
  given <- list(catalog = catalog, ids = ids, ...)
  abundances(api, "get_func_abundance", biosample_ids, given, value, features, NULL, switches, call)
}

#' @rdname bge_abundance_matrix
#' @export
bge_gene_matrix <- function(
    api, biosample_ids, catalog = "IGC_9.9M", ..., value = "observation_value", ids = NULL, concurrency = NULL,
    prefetch = NULL, on_error = "stop", rate_limit = NULL, checkpoint_dir = NULL, strict = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  switches <- table_switches(
    concurrency = concurrency, prefetch = prefetch, on_error = on_error, rate_limit = rate_limit,
    checkpoint_dir = checkpoint_dir, strict = strict, call_options = call_options, call = call
  )
  note <- "igc_gene_annotation_"
  features <- c(
    gene_id = "igc_gene_igc_gene_id", gene_name = "igc_gene_igc_gene_name", system = "igc_gene_coding_system",
    kegg = paste0(note, "kegg_annotation"), eggnog = paste0(note, "eggnog_annotation"), phylum = paste0(note, "phylum"),
    genus = paste0(note, "genus"), completeness = paste0(note, "gene_completeness"), length = paste0(note, "gene_length")
  )
  given <- list(catalog = catalog, data_type = "list", ids = ids, ...)
  abundances(api, "get_gene_abundance", biosample_ids, given, value, features, NULL, switches, call)
}

of_rank <- function(rows, rank, call) {
  known <- unique(rows$taxonomy_rank[!is.na(rows$taxonomy_rank)])
  if (length(known) > 0 && !tolower(rank) %in% tolower(known)) {
    bad_argument("rank", paste0("is that of no taxon here; there are ", paste(known, collapse = ", ")), call)
  }
  rows[tolower(rows$taxonomy_rank) %in% tolower(rank), , drop = FALSE]
}

# ---- what the three of them are made of ----

# `features` are the columns that describe a row of the matrix, the first of them its name; `keep` gives the rows to use.
abundances <- function(api, name, biosample_ids, given, value, features, keep, switches, call) {
  check_value_column(value, endpoint(name, call), call)
  ids <- cohort_ids(biosample_ids, call)
  as_sent <- toupper(ids)
  wanted <- unique(c("biosample_id", features, value, "observation_unit"))
  table <- open_table(api, name, c(list(biosample_id = ids), given), switches, call)
  on.exit(.Call(rbge_close, table))
  rows <- read_table(table, name, wanted, 0L, call, api, plain = TRUE)
  failed <- attr(rows, "failed")
  without <- ids[!as_sent %in% toupper(rows$biosample_id)]
  if (!is.null(keep)) rows <- keep(rows)
  out <- spread(rows, features[[1]], value, as_sent, call)
  colnames(out) <- ids
  out[, ids %in% without] <- NA
  out[, as_sent %in% toupper(failed$biosample_id)] <- NA
  tell_without(setdiff(without, ids[as_sent %in% toupper(failed$biosample_id)]), call)
  first <- match(rownames(out), rows[[features[[1]]]])
  attr(out, "features") <- data_frame(stats::setNames(lapply(features, function(column) rows[[column]][first]), names(features)), nrow(out), call)
  attr(out, "unit") <- rows$observation_unit[1]
  attr(out, "failed") <- failed
  out
}

cohort_ids <- function(biosample_ids, call) {
  ids <- sample_ids(biosample_ids, "biosample_ids", call)
  if (anyDuplicated(toupper(ids))) bad_argument("biosample_ids", "holds the same sample more than once", call)
  ids
}

check_value_column <- function(value, row, call) {
  is_number <- vapply(row$columns, function(column) column$type %in% c("float64", "int64"), NA)
  numeric <- vapply(row$columns[is_number], function(column) column$name, "")
  if (!is.character(value) || length(value) != 1 || !value %in% numeric) {
    bad_argument("value", paste("must be one of", paste(numeric, collapse = ", ")), call)
  }
}

tell_without <- function(ids, call) {
  if (length(ids) == 0) return(invisible())
  shown <- utils::head(ids, 5)
  warn("no_rows", paste0(
    length(ids), if (length(ids) == 1) " sample has" else " samples have", " no rows at all, and NA in the result: ",
    paste(shown, collapse = ", "), if (length(ids) > length(shown)) ", ..."
  ), call, biosample_ids = ids)
}

# Rows of (sample, feature, value) as a matrix with a column for each of `ids`.
spread <- function(rows, feature, value, ids, call) {
  names <- rows[[feature]]
  known <- unique(names[!is.na(names)])
  at <- match(names, known) + length(known) * (match(toupper(rows$biosample_id), ids) - 1)
  values <- as.double(rows[[value]])
  lost <- sum(is.na(at))
  if (lost > 0) {
    warn("misfit", paste(lost, "rows name no feature, or none of the samples: they are not in the matrix"), call)
    values <- values[!is.na(at)]
    at <- at[!is.na(at)]
  }
  out <- matrix(0, length(known), length(ids), dimnames = list(known, ids))
  cells <- unique(at)
  if (length(cells) < length(at)) values <- as.vector(rowsum(values, match(at, cells), reorder = FALSE))
  out[cells] <- values
  out
}
