# Genotypes of a cohort: sites in rows, samples in columns.

#' The genotypes of a cohort at given rsIDs
#'
#' The variants of many biosamples as one matrix, read by [bge_table()]. Samples may carry different alternates at one
#' site: they are merged, and the numbers of the alleles with them.
#'
#' @inheritParams bge_table
#' @inheritParams bge_abundance_matrix
#' @param rsids rsIDs, such as `c("rs762551", "rs333")`: a vector without duplicates, the matrix's rows in this order.
#' @param as What stands in a cell: `"alleles"`, the bases (`"C/A"`); `"GT"`, their numbers (`"0/1"`), of the alleles in
#'   `sites`; `"dosage"`, how many alleles are not the reference's.
#' @param ... Further parameters of [bge_get_variants()], by name.
#' @return A matrix with a row for each site and a column for each sample; character, or integer for `"dosage"`. A row is
#'   named by its rsID; an rsID with several places has a row for each, named such as `rs1@chr2:300`. An rsID that no
#'   sample knows has a row of `NA`. Attributes:
#'   * `sites`: a data frame with a row for each row: `rsid`, `chromosome`, `position` (1-based, on GRCh38, as in VCF and
#'     dbSNP), `reference`, `alternate` (separated by commas; `"."` where nobody carries one), `type`.
#'   * `states`: a matrix of the same shape, which keeps apart what a cell cannot: `"alternate"` (called, with an
#'     alternate), `"reference"` (called, as the reference), `"no_call"` (assayed, and not called), `"not_assayed"`, and
#'     `NA` where the platform has no row.
#'   * `failed`: of the samples that were skipped, as in [bge_table()].
#'
#'   A no-call is `"./."` for `"alleles"` and `"GT"`, and `NA` for `"dosage"`; what was not assayed is `NA`. A sample without
#'   any rows is all `NA`, and a warning of class `bge_warning_no_rows` names it.
#' @seealso [bge_get_variants()] for all that is known about one sample's variants; [bge_variants_granges()] and
#'   [bge_variants_vcf()] for Bioconductor.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   ids <- bge_get_samples(sandbox$user, omics = 1)$biosample_id[1:4]
#'   genotypes <- bge_genotypes(sandbox$user, ids, c("rs762551", "rs333", "rs4988235"))
#'   genotypes
#'   attr(genotypes, "sites")
#'   table(attr(genotypes, "states"))
#'   bge_genotypes(sandbox$user, ids, "rs762551", as = "dosage")
#' }
bge_genotypes <- function(
    api, biosample_ids, rsids, as = c("alleles", "GT", "dosage"), ..., concurrency = NULL, prefetch = NULL,
    on_error = "stop", rate_limit = NULL, checkpoint_dir = NULL, strict = NULL, call_options = NULL) {
  call <- shown_call(sys.call(), sys.function())
  wish <- tryCatch(match.arg(as), error = function(e) bad_argument("as", 'must be "alleles", "GT" or "dosage"', call))
  switches <- table_switches(
    concurrency = concurrency, prefetch = prefetch, on_error = on_error, rate_limit = rate_limit,
    checkpoint_dir = checkpoint_dir, strict = strict, call_options = call_options, call = call
  )
  calls <- cohort_calls(api, biosample_ids, rsids, list(...), switches, call)
  out <- cells_of(calls, wish)
  attr(out, "sites") <- data_frame(calls$sites, length(calls$sites$rsid), call)
  attr(out, "states") <- calls$states
  attr(out, "failed") <- calls$failed
  out
}

# ---- the calls of a cohort ----

# `sites`, and matrices of `states` and of `gt`, the latter with the numbers of the sites' alleles.
cohort_calls <- function(api, biosample_ids, rsids, given, switches, call) {
  ids <- cohort_ids(biosample_ids, call)
  if (!is.character(rsids) && !is.factor(rsids) || length(rsids) == 0 || anyNA(rsids)) {
    bad_argument("rsids", "must be a character vector without NA", call)
  }
  rsids <- as.character(rsids)
  if (anyDuplicated(rsids)) bad_argument("rsids", "holds the same rsID more than once", call)
  columns <- c(
    "biosample_id", "alternate_id", "is_assayed", "is_no_call", "variant_chromosome", "variant_position", "variant_type",
    "variant_reference_base", "variant_alternate_base", "variant_call_gt"
  )
  table <- open_table(api, "get_variants", c(list(biosample_id = ids, rsids = rsids), given), switches, call)
  on.exit(.Call(rbge_close, table))
  rows <- read_table(table, "get_variants", columns, 0L, call, api, plain = TRUE)
  failed <- attr(rows, "failed")
  as_sent <- toupper(ids)
  is_failed <- as_sent %in% toupper(failed$biosample_id)
  tell_without(ids[!as_sent %in% toupper(rows$biosample_id) & !is_failed], call)
  rows$rsid <- requested_id(rows$alternate_id, rsids)
  rows$sample <- match(toupper(rows$biosample_id), as_sent)
  lost <- is.na(rows$rsid) | is.na(rows$sample)
  if (any(lost)) warn("misfit", paste(sum(lost), "rows name no rsID that was asked for, or no sample: they are left out"), call)
  merged <- merge_sites(rows[!lost & !is_failed[rows$sample], ], rsids)
  out <- fill_calls(merged, ids)
  out$failed <- failed
  out
}

# Of a row's rsIDs the first that was asked for.
requested_id <- function(ids, rsids) {
  first <- vapply(ids, function(names) c(names[names %in% rsids], NA_character_)[1], "")
  if (length(ids) == 0) character() else first
}

# The rows, each with the place of its `site`, and the sites in the order of the rsIDs. A row without a position (it was not
# assayed) belongs to every site of its rsID.
merge_sites <- function(rows, rsids) {
  placed <- !is.na(rows$variant_position)
  place <- paste(rows$rsid, rows$variant_chromosome, rows$variant_position, sep = "\r")
  firsts <- which(placed & !duplicated(ifelse(placed, place, NA)))
  firsts <- firsts[order(match(rows$rsid[firsts], rsids), rows$variant_position[firsts])]
  unplaced <- setdiff(rsids, rows$rsid[firsts])
  sites <- list(
    rsid = c(rows$rsid[firsts], unplaced), chromosome = c(rows$variant_chromosome[firsts], rep(NA_character_, length(unplaced))),
    position = c(rows$variant_position[firsts], rep(NA_real_, length(unplaced))),
    type = c(rows$variant_type[firsts], rep(NA_character_, length(unplaced))), key = c(place[firsts], rep(NA, length(unplaced)))
  )
  at <- order(match(sites$rsid, rsids))
  sites <- lapply(sites, function(column) column[at])
  # which rows are of which site
  rows$place <- ifelse(placed, place, NA)
  own <- match(rows$place, sites$key)
  own[!placed] <- NA
  everywhere <- lapply(which(!placed), function(i) which(sites$rsid == rows$rsid[i]))
  pairs <- data.frame(
    row = c(which(placed), rep(which(!placed), lengths(everywhere))), site = c(own[placed], unlist(everywhere))
  )
  list(rows = rows, sites = sites, pairs = pairs)
}

# The alleles of each site, and each sample's numbers of them.
fill_calls <- function(merged, ids) {
  rows <- merged$rows
  sites <- merged$sites
  pairs <- merged$pairs
  count <- length(sites$rsid)
  sites$reference <- sites$alternate <- rep(NA_character_, count)
  own <- vapply(rows$variant_alternate_base, function(bases) paste(unlist(bases), collapse = ","), "")
  alleles <- paste(rows$variant_reference_base, own, sep = "\r")
  gt <- rows$variant_call_gt[pairs$row]
  by_site <- split(seq_len(nrow(pairs)), factor(pairs$site, seq_len(count)))
  for (site in seq_len(count)) {
    mine <- by_site[[site]]
    row <- pairs$row[mine]
    kinds <- unique(alleles[row])
    of_kind <- row[match(kinds, alleles[row])]
    all <- merged_alleles(rows$variant_reference_base[of_kind], rows$variant_alternate_base[of_kind])
    sites$reference[site] <- all$reference
    if (!is.na(all$reference)) sites$alternate[site] <- if (length(all$alternates) > 0) paste(all$alternates, collapse = ",") else "."
    for (k in seq_along(kinds)) {
      if (identical(all$numbers[[k]], seq_along(all$numbers[[k]]))) next
      others <- mine[alleles[row] == kinds[k]]
      gt[others] <- renumbered(gt[others], all$numbers[[k]])
    }
  }
  # a row that is there twice counts once
  cell <- cbind(pairs$site, rows$sample[pairs$row])
  once <- !duplicated(cell)
  fill <- function(values) {
    out <- matrix(NA_character_, count, length(ids), dimnames = list(row_names(sites), ids))
    out[cell[once, , drop = FALSE]] <- values[once]
    out
  }
  states <- states_of(rows$is_assayed[pairs$row], rows$is_no_call[pairs$row], gt)
  gt[states %in% "no_call" & !grepl("^[./|]+$", gt)] <- "./."
  gt[!states %in% c("alternate", "reference", "no_call")] <- NA
  list(sites = sites[c("rsid", "chromosome", "position", "reference", "alternate", "type")], states = fill(states), gt = fill(gt))
}

states_of <- function(is_assayed, is_no_call, gt) {
  states <- ifelse(is.na(gt), NA, ifelse(grepl("[1-9]", gt), "alternate", "reference"))
  states[is_no_call %in% TRUE | (!is.na(gt) & !grepl("[0-9]", gt))] <- "no_call"
  states[is_assayed %in% FALSE] <- "not_assayed"
  as.character(states)
}

# GTs with the numbers of a site's alternates for those of a row's own.
renumbered <- function(gt, numbers) {
  known <- unique(gt[!is.na(gt)])
  fresh <- vapply(known, function(one) {
    old <- strsplit(one, "[/|]")[[1]]
    number <- suppressWarnings(as.integer(old))
    is_alternate <- !is.na(number) & number > 0
    old[is_alternate] <- numbers[number[is_alternate]]
    old[is.na(old)] <- "."
    paste(old, collapse = if (grepl("|", one, fixed = TRUE)) "|" else "/")
  }, "")
  unname(fresh[match(gt, known)])
}

row_names <- function(sites) {
  several <- sites$rsid %in% sites$rsid[duplicated(sites$rsid)]
  ifelse(several, paste0(sites$rsid, "@", sites$chromosome, ":", format(sites$position, scientific = FALSE, trim = TRUE)), sites$rsid)
}

# One reference and the alternates of all rows beside it. A row with a shorter reference (an indel of another sample) has
# its alleles extended. `numbers` says of each row which of the site's alternates its own are.
merged_alleles <- function(references, alternates) {
  known <- references[!is.na(references)]
  reference <- if (length(known) > 0) known[which.max(nchar(known))] else NA_character_
  extended <- Map(function(own, bases) {
    bases <- as.character(unlist(bases))
    bases <- bases[!is.na(bases) & nzchar(bases) & bases != "."]
    if (is.na(own) || !startsWith(reference, own)) return(bases)
    paste0(bases, rep(substring(reference, nchar(own) + 1), length(bases)))
  }, references, alternates)
  all <- unique(unlist(extended))
  list(reference = reference, alternates = all, numbers = lapply(unname(extended), match, all))
}

# ---- cells ----

cells_of <- function(calls, wish) {
  if (wish == "GT") return(calls$gt)
  if (wish == "dosage") {
    known <- unique(as.vector(calls$gt))
    counts <- vapply(strsplit(known, "[/|]"), function(alleles) {
      if (anyNA(alleles) || any(alleles == ".")) NA_integer_ else sum(alleles != "0")
    }, 0L)
    return(matrix(counts[match(calls$gt, known)], nrow(calls$gt), dimnames = dimnames(calls$gt)))
  }
  out <- calls$gt
  for (site in which(rowSums(!is.na(calls$gt)) > 0)) {
    alleles <- c(calls$sites$reference[site], strsplit(calls$sites$alternate[site], ",", fixed = TRUE)[[1]])
    known <- unique(calls$gt[site, ])
    out[site, ] <- vapply(known, bases_of, "", alleles)[match(calls$gt[site, ], known)]
  }
  out
}

bases_of <- function(gt, alleles) {
  if (is.na(gt)) return(NA_character_)
  numbers <- strsplit(gt, "[/|]")[[1]]
  bases <- ifelse(numbers == ".", ".", alleles[suppressWarnings(as.integer(numbers)) + 1L])
  paste(bases, collapse = if (grepl("|", gt, fixed = TRUE)) "|" else "/")
}
