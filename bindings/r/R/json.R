# Arguments to JSON, and answers to R. jsonlite writes the strings; numbers keep all of their digits in both directions.

parse_json <- function(text, simplify = TRUE) {
  .Call(rbge_json_value, text, simplify)
}

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
