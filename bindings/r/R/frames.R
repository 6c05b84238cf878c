# Lists of rows as data frames with declared, typed columns.

column_types <- c(string = 1L, float64 = 2L, int64 = 3L, boolean = 4L, json = 5L)

# The columns that the table declares for a call, as the C code wants them.
schema_of <- function(row) {
  columns <- row$columns
  paths <- vapply(columns, function(column) column$path, "")
  pieces <- strsplit(sub("^/", "", paths), "/", fixed = TRUE)
  list(
    names = vapply(columns, function(column) column$name, ""),
    types = unname(column_types[vapply(columns, function(column) column$type, "")]),
    # "~1" and "~0" stand for "/" and "~" in a JSON pointer
    paths = lapply(pieces, function(piece) gsub("~0", "~", gsub("~1", "/", piece, fixed = TRUE), fixed = TRUE))
  )
}

int64_wish <- function(int64, call) {
  wish <- match(int64, c("double", "character", "integer64")) - 1L
  if (length(wish) != 1 || is.na(wish)) {
    bad_argument("int64", 'must be "double", "character" or "integer64"', call)
  }
  wish
}

# A data frame of the pieces that rbge_read_page gave, one for each page.
build_frame <- function(pieces, schema, int64, call = NULL) {
  counts <- vapply(pieces, function(piece) piece$rows, 0)
  columns <- lapply(seq_along(schema$names), function(i) {
    .Call(rbge_join, lapply(pieces, function(piece) piece$columns[[i]]), schema$types[i], int64)
  })
  names(columns) <- schema$names
  beyond <- schema$names[schema$types %in% column_types[c("float64", "int64")] & vapply(columns, is.character, NA)]
  if (length(beyond) > 0 && int64 != 1L) {
    warn("int64", paste0(
      "whole numbers beyond 2^", if (int64 == 0L) 53 else 63, " in ", paste(beyond, collapse = ", "),
      ": given as character, so that no digit is lost"
    ), call, columns = beyond)
  }
  extras <- join_extras(pieces, counts)
  names(extras) <- utils::tail(make.unique(c(names(columns), names(extras))), length(extras))
  misfits <- sum(vapply(pieces, function(piece) piece$misfits, 0))
  if (misfits > 0) {
    warn("misfit", paste0(
      misfits, " values are not of their column's declared type: they are NA there, and kept in ",
      paste(grep("_as_sent$", names(extras), value = TRUE), collapse = ", ")
    ), call)
  }
  data_frame(c(columns, extras), sum(counts))
}

# What was not declared, over all pages: vectors where every row has one value of one kind, else list columns.
join_extras <- function(pieces, counts) {
  names <- unique(unlist(lapply(pieces, function(piece) names(piece$extras))))
  before <- c(0, cumsum(counts))
  extras <- lapply(names, function(name) {
    column <- vector("list", sum(counts))
    for (i in seq_along(pieces)) {
      values <- pieces[[i]]$extras[[name]]
      if (!is.null(values)) column[before[i] + seq_along(values)] <- values
    }
    as_vector(column)
  })
  names(extras) <- names
  extras
}

as_vector <- function(column) {
  is_given <- !vapply(column, is.null, NA)
  given <- column[is_given]
  kind <- unique(vapply(given, function(value) if (is.numeric(value)) "double" else typeof(value), ""))
  if (length(kind) != 1 || kind == "list" || any(lengths(given) != 1)) return(column)
  out <- rep(as.vector(NA, kind), length(column))
  out[is_given] <- unlist(given)
  out
}

data_frame <- function(columns, rows) {
  structure(columns, row.names = .set_row_names(rows), class = "data.frame")
}

# The first rows, with compact row names.
first_rows <- function(frame, rows) {
  data_frame(lapply(as.list(frame), function(column) column[seq_len(rows)]), rows)
}
