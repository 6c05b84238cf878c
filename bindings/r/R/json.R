# Arguments to JSON, and answers to R, by jsonlite; numbers keep all of their digits in both directions.

# A JSON text: objects as named lists, arrays as lists, or as vectors where `simplify` and one kind of values allow it.
# Whole numbers beyond 2^53 become text.
parse_json <- function(text, simplify = TRUE) {
  has_large <- grepl(large_number, text, perl = TRUE, useBytes = TRUE)
  if (has_large) text <- mark_large(text)
  if (grepl("\\\\u(?:0000|[dD][89a-fA-F])", text, perl = TRUE, useBytes = TRUE)) text <- without_odd_escapes(text)
  Encoding(text) <- "UTF-8"
  value <- jsonlite::parse_json(text, simplifyVector = FALSE)
  if (simplify) value <- simple(value)
  if (has_large) unmark_large(value) else value
}

# What stands before a whole number of 16 digits or more until it is known whether a double holds it.
large_mark <- "\001large\002"
large_number <- "(?<![0-9.eE+-])-?[0-9]{16,}(?![0-9.eE])"

mark_large <- function(text) {
  gsub(
    paste0('"(?:[^"\\\\]++|\\\\.)*+"(*SKIP)(*FAIL)|(', large_number, ")"), '"\\\\u0001large\\\\u0002\\1"', text,
    perl = TRUE, useBytes = TRUE
  )
}

unmark_large <- function(x) {
  if (is.list(x)) return(lapply(x, unmark_large))
  if (!is.character(x) || !any(startsWith(x, large_mark), na.rm = TRUE)) return(x)
  x <- sub(large_mark, "", x, fixed = TRUE)
  if (any(is_beyond(x), na.rm = TRUE)) x else as.double(x)
}

is_beyond <- function(digits) {
  is_whole <- grepl("^-?[0-9]+$", digits)
  digits <- sub("^-?0*", "", digits)
  is_whole & (nchar(digits) > 16 | (nchar(digits) == 16 & digits > "9007199254740992"))
}

# What no R string can hold (U+0000, half of a surrogate pair) becomes U+FFFD, the replacement character.
without_odd_escapes <- function(text) {
  gsub(paste0(
    "\\\\\\\\(*SKIP)(*FAIL)|", # a backslash that is escaped begins no escape
    "\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}(*SKIP)(*FAIL)|", # a whole pair
    "\\\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
  ), "\\\\ufffd", text, perl = TRUE, useBytes = TRUE)
}

# Arrays of single values of one kind as vectors.
simple <- function(x) {
  if (!is.list(x)) return(x)
  if (!is.null(names(x))) return(lapply(x, simple))
  if (length(x) == 0) return(x)
  kinds <- vapply(x, kind_of, "")
  kind <- unique(kinds[kinds != "null"])
  if (length(kind) != 1 && !(length(kind) == 0) || identical(kind, "list")) return(lapply(x, simple))
  if (length(kind) == 0) return(x)
  if (kind == "number" && any(vapply(x, is.character, NA))) x <- lapply(x, large_text)
  x[kinds == "null"] <- NA
  unlist(x)
}

kind_of <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x)) return("list")
  if (is.numeric(x) || (is.character(x) && startsWith(x, large_mark))) return("number")
  typeof(x)
}

# Numbers beside one that is marked are marked, too: the vector is text, or of doubles, as a whole.
large_text <- function(x) if (is.numeric(x)) paste0(large_mark, number_text(x)) else x

# The shortest text of each number that reads back as the same number.
number_text <- function(x) {
  if (inherits(x, "integer64")) return(.Call(rbge_int64_text, unclass(x)))
  text <- character(length(x))
  for (digits in c(17, 16, 15)) {
    shorter <- sprintf("%.*g", digits, as.double(x))
    same <- as.double(shorter) == x
    text[same] <- shorter[same]
  }
  whole <- abs(x) < 2^53 & x == floor(x)
  text[whole] <- sprintf("%.0f", x[whole])
  text
}

# The elements of an atomic vector as JSON; `problem` is called with what is wrong.
element_json <- function(x, problem) {
  if (inherits(x, "factor")) x <- as.character(x)
  if (inherits(x, "Date")) x <- format(x, "%Y-%m-%d")
  if (inherits(x, "POSIXt")) x <- time_text(x)
  if (anyNA(x)) problem("holds NA: leave it out, or give NULL")
  if (is.character(x)) return(text_json(x, problem))
  if (is.logical(x)) return(ifelse(x, "true", "false"))
  if (is.numeric(x)) {
    if (!inherits(x, "integer64") && any(!is.finite(x))) problem("holds a number that is not finite")
    return(number_text(x))
  }
  problem(paste0("cannot be sent: it is of class ", class(x)[1]))
}

array_json <- function(elements) paste0("[", paste(elements, collapse = ","), "]")

object_json <- function(members, problem = function(what) stop("a name ", what)) {
  if (length(members) == 0) return("{}")
  names <- text_json(names(members), problem)
  paste0("{", paste(names, members, sep = ":", collapse = ","), "}")
}

# Any R value as JSON: a vector of one element is a single value unless it is wrapped in I(), named lists are objects,
# a data frame is an array of its rows, and text of class "json" stands as it is.
to_json <- function(x, problem = function(what) stop("the value ", what)) {
  if (is.null(x)) return("null")
  if (inherits(x, "json")) return(as.character(x))
  if (is.data.frame(x)) {
    rows <- lapply(seq_len(nrow(x)), function(i) {
      object_json(lapply(x, function(column) to_json(column[[i]], problem)), problem)
    })
    return(array_json(rows))
  }
  if (is.list(x)) {
    members <- lapply(x, to_json, problem = problem)
    if (length(x) > 0 && is.null(names(x))) return(array_json(members))
    if (length(x) > 0 && !all(nzchar(names(x)))) problem("holds elements with and without names")
    if (length(x) == 0 && is.null(names(x))) return("[]")
    return(object_json(members, problem))
  }
  if (!is.atomic(x)) problem(paste0("cannot be sent: it is of class ", class(x)[1]))
  elements <- element_json(x, problem)
  if (length(elements) == 1 && !inherits(x, "AsIs")) elements else array_json(elements)
}
