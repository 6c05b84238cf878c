# Cohorts as the objects that Bioconductor's packages take. Those packages are needed here only.

#' Cohorts for Bioconductor
#'
#' `bge_summarized_experiment()` makes a `SummarizedExperiment` of a cohort's taxa, functions, genes or genotypes;
#' `bge_phyloseq()` a `phyloseq` object of its taxa; `bge_variants_granges()` a `GRanges` of its sites, with the genotypes;
#' `bge_variants_vcf()` a `VCF` of the package VariantAnnotation, which `writeVcf()` writes to a file.
#'
#' They need the packages SummarizedExperiment, phyloseq, GenomicRanges or VariantAnnotation of Bioconductor (on Debian and
#' Ubuntu `r-bioc-summarizedexperiment` and so on), and say so where those are not installed.
#'
#' @inheritParams bge_abundance_matrix
#' @inheritParams bge_genotypes
#' @param what What is wanted of the samples.
#' @param catalog The catalog of functions or genes, see [bge_abundance_matrix()].
#' @param rank Only taxa of this rank. A `phyloseq` object must be of one rank: `"species"` unless given.
#' @param ... Further parameters of [bge_abundance_matrix()], [bge_function_matrix()], [bge_gene_matrix()] or
#'   [bge_genotypes()], by name, such as `taxon_ids`, `on_error` or `limit`.
#' @return
#' * `bge_summarized_experiment()`: a `SummarizedExperiment`. The assay is `abundance`, or for genotypes `GT`, `dosage` and
#'   `state`. `rowData()` are the features, for taxa with a column for each rank (`kingdom` to `species`), for genotypes the
#'   `sites`; `colData()` what [bge_get_samples()] tells of the samples. `metadata()` has the `unit`, the `source` (the
#'   call and the endpoint) and the `time`.
#' * `bge_phyloseq()`: a `phyloseq` object: `otu_table()` with taxa in rows, `tax_table()` with the ranks, and
#'   `sample_data()`. Samples without any rows are left out, with the warning that names them.
#' * `bge_variants_granges()`: a `GRanges` with a range for each site that has a place, on `GRCh38`, named by its rsID. Its
#'   columns are `REF`, `ALT`, `type`, and a matrix `GT` with a column for each sample.
#' * `bge_variants_vcf()`: a `CollapsedVCF` of the same sites, with `GT` and `FT` (`NOT_ASSAYED` where a site was not assayed).
#' @seealso [bge_abundance_matrix()] and [bge_genotypes()] for the same as matrices.
#' @name bge_bioconductor
#' @examples
#' # those packages take a while to load
#' sandbox <- if (interactive()) bge_sandbox()
#' has <- function(package) requireNamespace(package, quietly = TRUE)
#' if (!is.null(sandbox) && has("SummarizedExperiment")) {
#'   ids <- bge_get_samples(sandbox$user, omics = 2)$biosample_id[1:3]
#'   bge_summarized_experiment(sandbox$user, ids, "taxa", rank = "species")
#' }
#' if (!is.null(sandbox) && has("GenomicRanges")) {
#'   people <- bge_get_samples(sandbox$user, omics = 1)$biosample_id[1:3]
#'   bge_variants_granges(sandbox$user, people, c("rs762551", "rs333"))
#' }
NULL

on_debian <- function(package) {
  paste0('BiocManager::install("', package, '"), or on Debian apt-get install r-bioc-', tolower(package))
}

needs_bioconductor <- function(package, what, call) needs_package(package, what, call, on_debian(package))

#' @rdname bge_bioconductor
#' @export
bge_summarized_experiment <- function(
    api, biosample_ids, what = c("taxa", "functions", "genes", "genotypes"), ..., rank = NULL, catalog = NULL,
    rsids = NULL) {
  call <- shown_call(sys.call(), sys.function())
  what <- tryCatch(match.arg(what), error = function(e) {
    bad_argument("what", 'must be "taxa", "functions", "genes" or "genotypes"', call)
  })
  needs_bioconductor("SummarizedExperiment", "bge_summarized_experiment()", call)
  source <- c(
    taxa = "get_taxon_abundance", functions = "get_func_abundance", genes = "get_gene_abundance", genotypes = "get_variants"
  )[[what]]
  made <- switch(what,
    taxa = bge_abundance_matrix(api, biosample_ids, rank = rank, ...),
    functions = bge_function_matrix(api, biosample_ids, catalog, ...),
    genes = bge_gene_matrix(api, biosample_ids, if (is.null(catalog)) "IGC_9.9M" else catalog, ...),
    genotypes = bge_genotypes(api, biosample_ids, rsids, "GT", ...)
  )
  values <- bare_matrix(made)
  if (what == "genotypes") {
    assays <- list(GT = values, dosage = dosages(values), state = attr(made, "states"))
    features <- as.data.frame(attr(made, "sites"))
  } else {
    assays <- list(abundance = values)
    features <- as.data.frame(attr(made, "features"))
    if (what == "taxa") features <- cbind(features, ranks_of(features$lineage))
  }
  rownames(features) <- rownames(values)
  about <- samples_of(api, colnames(values), call)
  SummarizedExperiment::SummarizedExperiment(
    assays = assays, rowData = S4Vectors::DataFrame(features, check.names = FALSE),
    colData = S4Vectors::DataFrame(about, row.names = colnames(values), check.names = FALSE),
    metadata = list(unit = attr(made, "unit"), source = c(call = source, endpoint = as.list(api)$endpoint), time = Sys.time())
  )
}

#' @rdname bge_bioconductor
#' @export
bge_phyloseq <- function(api, biosample_ids, rank = "species", ...) {
  call <- shown_call(sys.call(), sys.function())
  needs_bioconductor("phyloseq", "bge_phyloseq()", call)
  made <- bge_abundance_matrix(api, biosample_ids, rank = rank, ...)
  values <- bare_matrix(made)
  # a sample of which nothing is known has no place among the others
  values <- values[, colSums(!is.na(values)) > 0, drop = FALSE]
  if (length(values) == 0) bad_argument("biosample_ids", "have no taxa at all", call)
  taxa <- as.matrix(ranks_of(attr(made, "features")$lineage))
  rownames(taxa) <- rownames(values)
  about <- samples_of(api, colnames(values), call)
  # sample_data() takes no lists and no times
  about <- data.frame(lapply(about[!vapply(about, is.list, NA)], function(column) {
    if (inherits(column, "POSIXct")) time_text(column) else column
  }), row.names = colnames(values))
  phyloseq::phyloseq(
    phyloseq::otu_table(values, taxa_are_rows = TRUE), phyloseq::tax_table(taxa), phyloseq::sample_data(about)
  )
}

#' @rdname bge_bioconductor
#' @export
bge_variants_granges <- function(api, biosample_ids, rsids, ...) {
  call <- shown_call(sys.call(), sys.function())
  needs_bioconductor("GenomicRanges", "bge_variants_granges()", call)
  made <- bge_genotypes(api, biosample_ids, rsids, "GT", ...)
  placed <- in_order(attr(made, "sites"))
  sites <- as.data.frame(attr(made, "sites"))[placed, ]
  ranges <- ranges_of(sites, rownames(made)[placed])
  S4Vectors::mcols(ranges) <- S4Vectors::DataFrame(REF = sites$reference, ALT = sites$alternate, type = sites$type)
  S4Vectors::mcols(ranges)$GT <- bare_matrix(made)[placed, , drop = FALSE]
  ranges
}

#' @rdname bge_bioconductor
#' @export
bge_variants_vcf <- function(api, biosample_ids, rsids, ...) {
  call <- shown_call(sys.call(), sys.function())
  needs_bioconductor("VariantAnnotation", "bge_variants_vcf()", call)
  made <- bge_genotypes(api, biosample_ids, rsids, "GT", ...)
  placed <- in_order(attr(made, "sites"))
  sites <- as.data.frame(attr(made, "sites"))[placed, ]
  gt <- bare_matrix(made)[placed, , drop = FALSE]
  states <- attr(made, "states")[placed, , drop = FALSE]
  gt[is.na(gt)] <- "./."
  ft <- ifelse(is.na(states), ".", ifelse(states == "not_assayed", "NOT_ASSAYED", "PASS"))
  alternates <- strsplit(sites$alternate, ",", fixed = TRUE)
  alternates[sites$alternate == "."] <- list(character())
  fixed <- S4Vectors::DataFrame(
    REF = Biostrings::DNAStringSet(sites$reference), QUAL = rep(NA_real_, nrow(sites)), FILTER = rep(".", nrow(sites))
  )
  # what is no sequence, such as <DEL>, stays text
  is_bases <- all(grepl("^[ACGTN]+$", unlist(alternates)))
  fixed$ALT <- if (is_bases) {
    IRanges::relist(Biostrings::DNAStringSet(unlist(alternates)), IRanges::PartitioningByEnd(cumsum(lengths(alternates))))
  } else {
    IRanges::CharacterList(alternates)
  }
  meta <- function(name, value) S4Vectors::DataFrame(Value = value, row.names = name)
  header <- VariantAnnotation::VCFHeader(samples = colnames(gt), header = IRanges::DataFrameList(
    fileformat = meta("fileformat", "VCFv4.3"), source = meta("source", paste0("libbge ", bge_version()[["library"]])),
    FORMAT = S4Vectors::DataFrame(
      Number = c("1", "1"), Type = c("String", "String"),
      Description = c("Genotype", "PASS, or NOT_ASSAYED where the site was not assayed"), row.names = c("GT", "FT")
    )
  ))
  VariantAnnotation::VCF(
    rowRanges = ranges_of(sites, sites$rsid), colData = S4Vectors::DataFrame(Samples = seq_len(ncol(gt)), row.names = colnames(gt)),
    exptData = list(header = header), fixed = fixed[c("REF", "ALT", "QUAL", "FILTER")], geno = S4Vectors::SimpleList(GT = gt, FT = ft)
  )
}

# ---- parts ----

bare_matrix <- function(x) matrix(x, nrow(x), ncol(x), dimnames = dimnames(x))

rank_names <- c(k = "kingdom", p = "phylum", c = "class", o = "order", f = "family", g = "genus", s = "species")

# k__Bacteria|p__Firmicutes|... as a data frame with a column for each rank; NA for what is below.
ranks_of <- function(lineage) {
  pieces <- strsplit(ifelse(is.na(lineage), "", lineage), "|", fixed = TRUE)
  columns <- lapply(names(rank_names), function(letter) {
    vapply(pieces, function(piece) {
      own <- piece[startsWith(piece, paste0(letter, "__"))]
      if (length(own) == 0 || nchar(own[1]) < 4) NA_character_ else substring(own[1], 4)
    }, "")
  })
  names(columns) <- rank_names
  data.frame(columns, stringsAsFactors = FALSE)
}

# What is known of the samples, in their order; a row of NA for those that the list does not have.
samples_of <- function(api, ids, call) {
  if (length(ids) == 0) return(data.frame(biosample_id = character()))
  about <- as.data.frame(bge_get_samples(api, biosample_ids = ids))
  about <- about[match(toupper(ids), toupper(about$biosample_id)), , drop = FALSE]
  about$biosample_id <- ids
  rownames(about) <- ids
  attributes(about)[c("count", "next_page")] <- NULL
  about
}

dosages <- function(gt) cells_of(list(gt = gt), "dosage")

# The sites that have a place, by it: chromosomes in the genome's order.
in_order <- function(sites) {
  number <- match(sub("^chr", "", sites$chromosome), c(1:22, "X", "Y", "M", "MT"))
  placed <- which(!is.na(sites$position) & !is.na(sites$reference))
  placed[order(number[placed], sites$chromosome[placed], sites$position[placed])]
}

ranges_of <- function(sites, names) {
  known <- unique(sites$chromosome)
  info <- GenomeInfoDb::Seqinfo(known, unname(grch38[known]), genome = if (length(known) > 0) "GRCh38" else character())
  GenomicRanges::GRanges(
    sites$chromosome, IRanges::IRanges(sites$position, width = nchar(sites$reference), names = names), seqinfo = info
  )
}

# The lengths of the chromosomes, in base pairs.
grch38 <- c(
  chr1 = 248956422, chr2 = 242193529, chr3 = 198295559, chr4 = 190214555, chr5 = 181538259, chr6 = 170805979,
  chr7 = 159345973, chr8 = 145138636, chr9 = 138394717, chr10 = 133797422, chr11 = 135086622, chr12 = 133275309,
  chr13 = 114364328, chr14 = 107043718, chr15 = 101991189, chr16 = 90338345, chr17 = 83257441, chr18 = 80373285,
  chr19 = 58617616, chr20 = 64444167, chr21 = 46709983, chr22 = 50818468, chrX = 156040895, chrY = 57227415,
  chrM = 16569
)
