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

# The rows of a page, as the library gives them: `names` and `types` of the columns, and `pieces` of `rows` and `columns`.
rows_of_page <- function(name, text, call) {
  page <- .Call(rbge_rows, name, text)
  if (inherits(page, "bge_failure")) {
    # the page is the platform's, not the user's
    page$name <- "BGE_ERR_PROTOCOL"
    page$message <- paste0(name, ": the answer has no list of rows (", sub("^[a-z_]+: ", "", page$message), ")")
  }
  checked(page, call)
}

# The columns of a list: those that are declared, and `extra`.
list_schema <- function(name, call) {
  row <- endpoint_table()[[name]]
  page <- rows_of_page(name, "[]", call)
  schema <- declared_kinds(list(names = page$names, types = page$types), name)
  schema$wanted <- which(schema$names %in% c(schema_of(row)$names, "extra"))
  schema[c("names", "types", "kinds", "units")] <- lapply(schema[c("names", "types", "kinds", "units")], `[`, schema$wanted)
  schema
}

# What the columns of a stream are declared as; there, what is nested is JSON text.
declared_kinds <- function(schema, name) {
  declared <- schema_of(endpoint_table()[[name]])
  at <- match(schema$names, declared$names)
  schema$kinds <- ifelse(is.na(at), "string", declared$kinds[at])
  schema$units <- ifelse(is.na(at), "", declared$units[at])
  schema$paths <- stats::setNames(declared$paths, declared$names)
  schema
}

# A data frame of pieces, one of each page or batch. `schema` has the columns' `names`, `types` (what the pieces hold) and
# `kinds` (what they are declared as), and the `paths` of the declared ones. `spreads` makes columns of what is in `extra`.
build_frame <- function(pieces, schema, int64, call = NULL, spreads = FALSE) {
  rows <- sum(vapply(pieces, function(piece) piece$rows, 0))
  columns <- lapply(seq_along(schema$names), function(i) {
    # ids are names, not numbers
    wish <- if (is_id(schema$names[i])) 1L else int64
    .Call(rbge_join, lapply(pieces, function(piece) piece$columns[[i]]), schema$types[i], wish)
  })
  names(columns) <- schema$names
  extras <- extra_columns(columns$extra, schema, rows, spreads)
  if (spreads) columns$extra <- NULL
  columns <- with_large(columns, extras, schema)
  is_whole <- schema$kinds == "int64" & !is_id(schema$names)
  beyond <- schema$names[is_whole & vapply(columns[schema$names], is.character, NA)]
  if (length(beyond) > 0 && int64 != 1L) {
    warn("int64", paste0(
      "whole numbers beyond 2^", if (int64 == 0L) 53 else 63, " in ", paste(beyond, collapse = ", "),
      ": given as character, so that no digit is lost"
    ), call, columns = beyond)
  }
  is_nested <- schema$names[schema$kinds == "json"]
  columns[is_nested] <- lapply(columns[is_nested], list_column)
  extras <- if (spreads) lapply(extras[!names(extras) %in% attr(columns, "taken")], function(column) as_vector(settle(column))) else list()
  attr(columns, "taken") <- NULL
  if (wants_times(call)) {
    for (name in schema$names[is_time(schema$names) & (schema$kinds == "string" | is_seconds(schema))]) {
      sent <- columns[[name]]
      columns[[name]] <- if (is.character(sent)) parse_time(sent) else as_time(as.double(sent))
      lost <- is.na(columns[[name]]) & !is.na(sent) & nzchar(sent)
      if (any(lost)) extras[[paste0(name, "_as_sent")]] <- ifelse(lost, sent, NA)
    }
  }
  misfits <- extras[grepl("_as_sent$", names(extras))]
  names(extras) <- utils::tail(make.unique(c(names(columns), names(extras))), length(extras))
  if (length(misfits) > 0) {
    count <- sum(vapply(misfits, function(column) sum(if (is.list(column)) lengths(column) > 0 else !is.na(column)), 0))
    warn("misfit", paste0(
      count, if (count == 1) " value is not of its" else " values are not of their", " column's declared type: NA there, and kept in ",
      paste(grep("_as_sent$", names(extras), value = TRUE), collapse = ", ")
    ), call)
  }
  data_frame(c(columns, extras), rows, call)
}

# What the declared columns of a list do not hold, as columns: members that are not declared by the names on their path,
# values of an unexpected type by their column's name and `_as_sent`. Of a table only large numbers are wanted.
extra_columns <- function(texts, schema, rows, spreads) {
  at <- if (spreads) which(!is.na(texts)) else grep("[0-9]{19}", texts)
  if (length(at) == 0) return(list())
  declared <- vapply(schema$paths, paste, "", collapse = "\r")
  above <- unique(unlist(lapply(schema$paths, function(path) {
    vapply(seq_along(path)[-length(path)], function(n) paste(path[seq_len(n)], collapse = "\r"), "")
  })))
  columns <- list()
  put <- function(name, at, values) {
    if (is.null(columns[[name]])) columns[[name]] <<- vector("list", rows)
    columns[[name]][at] <<- values
  }
  visit <- function(values, at, path) {
    for (name in unique(unlist(lapply(values, names)))) {
      has <- vapply(values, function(value) name %in% names(value), NA)
      inside <- lapply(values[has], `[[`, name)
      here <- at[has]
      whole <- paste(c(path, name), collapse = "\r")
      is_object <- vapply(inside, function(value) is.list(value) && !is.null(names(value)), NA)
      goes_on <- is_object & whole %in% above
      if (any(goes_on)) visit(inside[goes_on], here[goes_on], c(path, name))
      if (all(goes_on)) next
      misfits <- whole %in% declared
      put(paste0(gsub("\r", "_", whole, fixed = TRUE), if (misfits) "_as_sent"), here[!goes_on], inside[!goes_on])
    }
  }
  values <- lapply(read_all(texts[at]), simple)
  is_object <- vapply(values, function(value) is.list(value) && !is.null(names(value)), NA)
  if (any(!is_object)) put("value", at[!is_object], values[!is_object])
  visit(values[is_object], at[is_object], character())
  columns
}

# Whole numbers beyond 64 bits stand in `extra`: their columns become text, with them. `taken` names what was moved.
with_large <- function(columns, extras, schema) {
  for (name in schema$names[schema$kinds == "int64"]) {
    own <- paste0(paste(schema$paths[[name]], collapse = "_"), "_as_sent")
    sent <- extras[[own]]
    is_large <- vapply(sent, function(value) is.character(value) && length(value) == 1 && grepl("^-?[0-9]{19,}$", value), NA)
    if (length(sent) == 0 || !any(is_large) || !all(is_large | lengths(sent) == 0)) next
    text <- columns[[name]]
    if (inherits(text, "integer64")) text <- .Call(rbge_int64_text, unclass(text))
    if (is.double(text)) {
      numbers <- text
      text <- rep(NA_character_, length(numbers))
      text[!is.na(numbers)] <- number_text(numbers[!is.na(numbers)])
    }
    text[is_large] <- unlist(sent[is_large])
    columns[[name]] <- text
    attr(columns, "taken") <- c(attr(columns, "taken"), own)
  }
  columns
}

is_seconds <- function(schema) schema$kinds == "int64" & schema$units %in% "seconds since 1970"

# What is nested, as a list: of JSON texts, of which each is read once.
list_column <- function(column) {
  texts <- unique(column[!is.na(column)])
  settle(lapply(read_all(texts), simple)[match(column, texts)])
}

# The values of many JSON texts.
read_all <- function(texts) {
  if (length(texts) == 0) return(list())
  parse_json(paste0("[", paste(texts, collapse = ","), "]"), simplify = FALSE)
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
