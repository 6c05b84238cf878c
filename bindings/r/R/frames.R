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
    kinds = vapply(columns, function(column) column$type, ""),
    units = vapply(columns, function(column) c(column$unit, "")[1], ""),
    # "~1" and "~0" stand for "/" and "~" in a JSON pointer
    paths = lapply(pieces, function(piece) gsub("~0", "~", gsub("~1", "/", piece, fixed = TRUE), fixed = TRUE))
  )
}

int64_wish <- function(int64, call) {
  wish <- match(int64, c("double", "character", "integer64")) - 1L
  if (length(wish) != 1 || is.na(wish)) {
    bad_argument("int64", 'must be "double", "character" or "integer64"', call)
  }
  # without its methods loaded an integer64 prints and computes as another number
  if (wish == 2L) needs_package("bit64", 'int64 = "integer64"', call)
  wish
}

has_package <- function(name) requireNamespace(name, quietly = TRUE)

needs_package <- function(name, what, call, install = paste0('install.packages("', name, '")')) {
  if (has_package(name)) return(invisible())
  stop(bge_condition(own_failure("BGE_ERR_UNSUPPORTED", paste0(
    what, " needs the package ", name, ", which is not installed: ", install
  )), call))
}

is_id <- function(name) grepl("(^|_)id$", name)

# A data frame of the pieces that the C code gave: one for each page or batch, with a vector for each column.
# `schema` has the columns' `names`, `types` (what the pieces hold) and `kinds` (what they are declared as).
build_frame <- function(pieces, schema, int64, call = NULL) {
  counts <- vapply(pieces, function(piece) piece$rows, 0)
  rows <- sum(counts)
  columns <- lapply(seq_along(schema$names), function(i) {
    # ids are names, not numbers
    wish <- if (is_id(schema$names[i])) 1L else int64
    .Call(rbge_join, lapply(pieces, function(piece) piece$columns[[i]]), schema$types[i], wish)
  })
  names(columns) <- schema$names
  is_whole <- schema$kinds == "int64" & !is_id(schema$names)
  beyond <- schema$names[is_whole & vapply(columns, is.character, NA)]
  if (length(beyond) > 0 && int64 != 1L) {
    warn("int64", paste0(
      "whole numbers beyond 2^", if (int64 == 0L) 53 else 63, " in ", paste(beyond, collapse = ", "),
      ": given as character, so that no digit is lost"
    ), call, columns = beyond)
  }
  columns[schema$kinds == "json"] <- lapply(columns[schema$kinds == "json"], list_column)
  extras <- join_extras(pieces, counts)
  misfits <- sum(vapply(pieces, function(piece) piece$misfits, 0))
  if (wants_times(call)) {
    for (name in schema$names[is_time(schema$names) & (schema$kinds == "string" | is_seconds(schema))]) {
      sent <- columns[[name]]
      columns[[name]] <- if (is.character(sent)) parse_time(sent) else as_time(as.double(sent))
      lost <- is.na(columns[[name]]) & !is.na(sent) & nzchar(sent)
      if (any(lost)) {
        extras[[paste0(name, "_as_sent")]] <- ifelse(lost, sent, NA)
        misfits <- misfits + sum(lost)
      }
    }
  }
  names(extras) <- utils::tail(make.unique(c(names(columns), names(extras))), length(extras))
  if (misfits > 0) {
    warn("misfit", paste0(
      misfits, " values are not of their column's declared type: they are NA there, and kept in ",
      paste(grep("_as_sent$", names(extras), value = TRUE), collapse = ", ")
    ), call)
  }
  data_frame(c(columns, extras), rows, call)
}

is_seconds <- function(schema) schema$kinds == "int64" & schema$units %in% "seconds since 1970"

# What is nested, as a list: of R's values already, or of JSON texts (each is read once).
list_column <- function(column) {
  if (is.character(column)) {
    texts <- unique(column[!is.na(column)])
    column <- lapply(texts, parse_json)[match(column, texts)]
  }
  settle(column)
}

# Empty arrays in a column are vectors of the kind that the others have, so that they combine.
settle <- function(column) {
  is_empty <- lengths(column) == 0 & vapply(column, function(x) is.list(x) && is.null(names(x)), NA)
  if (!any(is_empty)) return(column)
  kinds <- unique(vapply(column[lengths(column) > 0], typeof, ""))
  empty <- if (all(kinds == "character")) {
    character()
  } else if (all(kinds %in% c("integer", "double"))) {
    if ("double" %in% kinds) double() else integer()
  } else if (all(kinds == "logical")) {
    logical()
  } else {
    list()
  }
  column[is_empty] <- list(empty)
  column
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
    as_vector(settle(column))
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

# As a tibble with options(bge.tibble = TRUE).
data_frame <- function(columns, rows, call = NULL) {
  frame <- structure(columns, row.names = .set_row_names(rows), class = "data.frame")
  if (!isTRUE(getOption("bge.tibble"))) return(frame)
  needs_package("tibble", "options(bge.tibble = TRUE)", call)
  class(frame) <- c("tbl_df", "tbl", "data.frame")
  frame
}

# The first rows, with compact row names.
first_rows <- function(frame, rows) {
  data_frame(lapply(as.list(frame), function(column) column[seq_len(rows)]), rows)
}
