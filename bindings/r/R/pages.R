# Walking a list page by page.

#' Pages and columns
#'
#' How the functions for lists walk through the pages of the platform's answer, and what they make of them.
#'
#' @param all_pages `TRUE` walks through all pages; `FALSE` asks for one.
#' @param max_pages,max_rows Where a walk stops at the latest. The attribute `next_page` then says where to go on.
#' @param next_page Where to start: the attribute `next_page` of an earlier result.
#' @param limit Rows of one page, as the platform is asked for them; not a limit of the walk.
#' @param simplify `FALSE` gives the answer as nested lists instead of a data frame.
#' @param int64 What whole numbers become: `"double"` (a column with numbers beyond 2^53 becomes character, with a
#'   warning of class `bge_warning_int64`), `"character"`, or `"integer64"` of the package bit64.
#' @param call_options A list of the library's switches for this call: `timeout` and `deadline` (seconds),
#'   `max_retries`, `headers`.
#'
#' @section Columns:
#' The columns that [bge_endpoints()] declares for the call are always there and always of their type, also when there
#' are no rows, and the same as in [bge_table()]: character, double, logical; `POSIXct` (in UTC) for times, of which
#' `options(bge.times = "character")` keeps the text; a list for what is nested. Ids are character, whatever they look like.
#' Empty arrays in a list column are of the kind that the others are of. A value of another type than declared is `NA`, and
#' kept in a column `<name>_as_sent`, with a warning of class `bge_warning_misfit`. Members of the answer that are not
#' declared follow: as vectors where each row has a single value of one kind, else as list columns.
#'
#' @section Attributes:
#' `count` is the platform's (whether of the page or of all rows, it does not say). `next_page`, where the walk stopped
#' before the end, is the page to go on with; when `max_rows` cut a page, it is that page, and `skip_rows` is the number
#' of its rows that are already here.
#'
#' @section Failures on the way:
#' The condition (see [bge_error]) holds what has arrived in `rows`, and the page to go on with in `next_page`.
#'
#' @return A data frame, or a list `count`, `next_page`, `result` with `simplify = FALSE`.
#' @seealso [bge_table()] for many samples, [bge_endpoints()] for the columns.
#' @name bge_paging
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   first <- bge_get_samples(sandbox$user, limit = 10, all_pages = FALSE)
#'   attr(first, "next_page")
#'   rest <- bge_get_samples(sandbox$user, limit = 10, next_page = attr(first, "next_page"))
#'   nrow(first) + nrow(rest)
#' }
NULL

paging <- function(all_pages, max_pages, max_rows, simplify, int64) {
  list(all_pages = all_pages, max_pages = max_pages, max_rows = max_rows, simplify = simplify, int64 = int64)
}

check_paging <- function(paging, call) {
  for (name in c("all_pages", "simplify")) {
    if (!isTRUE(paging[[name]]) && !isFALSE(paging[[name]])) bad_argument(name, "must be TRUE or FALSE", call)
  }
  for (name in c("max_pages", "max_rows")) {
    most <- paging[[name]]
    if (!is.numeric(most) || length(most) != 1 || is.na(most) || most < 1) {
      bad_argument(name, "must be a number of 1 or more", call)
    }
  }
  paging$int64 <- int64_wish(paging$int64, call)
  if (!paging$all_pages) paging$max_pages <- 1
  paging
}

# A paginated call, as a data frame (or as lists) of all of its rows.
call_pages <- function(api, name, given, paging, call_options) {
  call <- shown_call(sys.call(-1L), sys.function(-1L))
  row <- endpoint(name, call)
  paging <- check_paging(paging, call)
  json <- args_json(row, given, call, call_options)
  pages <- checked(.Call(rbge_pages, client_handle(api, call), name, json), call)
  on.exit(.Call(rbge_close, pages))
  progress <- progress_pages(name)
  if (!is.null(progress)) on.exit(progress$end(), add = TRUE)

  # `at`: the page asked for next, NULL at the end; `cut`: the page that max_rows cut, and how many of its rows are here
  walk <- new.env()
  walk$name <- name
  walk$schema <- if (paging$simplify) list_schema(name, call)
  walk$is_numbered <- !identical(row$page_style, "token")
  walk$pieces <- list()
  walk$rows <- 0
  walk$pages <- 0
  walk$at <- given$next_page
  walk$is_complete <- FALSE
  walk$skip_rows <- NULL

  while (!walk$is_complete && walk$pages < paging$max_pages && walk$rows < paging$max_rows) {
    text <- tryCatch(
      run(.Call(rbge_pages_start, pages), call, api = api),
      bge_error = function(e) stop(with_rows(e, walk, paging))
    )
    take_page(walk, text, paging, call)
    if (!is.null(progress)) progress$update(walk$rows)
  }
  finish_walk(walk, paging, call)
}

take_page <- function(walk, text, paging, call) {
  if (text == "null") {
    walk$is_complete <- TRUE
    walk$at <- NULL
    return(invisible())
  }
  if (paging$simplify) {
    pieces <- wanted_pieces(walk$name, text, walk$schema, call)
    rows <- sum(vapply(pieces, function(piece) piece$rows, 0))
    page <- list(next_page = json_member(text, "/next_page"), count = json_member(text, "/count"))
  } else {
    page <- parse_json(text, simplify = FALSE)
    pieces <- list(page$result)
    rows <- length(page$result)
  }
  if (is.null(walk$count)) walk$count <- page$count
  walk$pages <- walk$pages + 1
  walk$pieces <- c(walk$pieces, pieces)
  walk$rows <- walk$rows + rows
  if (walk$rows > paging$max_rows) {
    walk$skip_rows <- rows - (walk$rows - paging$max_rows)
  } else {
    walk$at <- if (!identical(page$next_page, "")) page$next_page
    walk$is_complete <- is.null(walk$at)
  }
}

# The rows of a page, of the columns that the list has.
wanted_pieces <- function(name, text, schema, call) {
  if (text == "null") text <- "[]"
  lapply(rows_of_page(name, text, call)$pieces, function(piece) list(rows = piece$rows, columns = piece$columns[schema$wanted]))
}

# A member of a page that is a number or a text; NULL where it is null or not there.
json_member <- function(text, pointer) {
  found <- .Call(rbge_json_get, text, pointer)
  if (!is.character(found) || found == "null") return(NULL)
  if (grepl("^-?[0-9]+$", found) && !is_beyond(found) && nchar(found) < 16) utils::type.convert(found, as.is = TRUE) else found
}

finish_walk <- function(walk, paging, call) {
  rows <- min(walk$rows, paging$max_rows)
  if (!paging$simplify) {
    result <- do.call(c, walk$pieces)
    out <- list(count = walk$count, next_page = walk$at, result = utils::head(as.list(result), rows))
    out$skip_rows <- walk$skip_rows
    return(out)
  }
  frame <- build_frame(walk$pieces, walk$schema, paging$int64, call, spreads = TRUE)
  if (rows < walk$rows) frame <- first_rows(frame, rows)
  attr(frame, "count") <- walk$count
  attr(frame, "next_page") <- walk$at
  attr(frame, "skip_rows") <- walk$skip_rows
  frame
}

# The error of a walk, with what has arrived before it.
with_rows <- function(error, walk, paging) {
  walk$skip_rows <- NULL
  error$rows <- finish_walk(walk, paging, error$call)
  if (!paging$simplify) error$rows <- error$rows$result
  error$next_page <- walk$at
  if (walk$rows > 0) {
    error$message <- paste0(
      conditionMessage(error), "; ", walk$rows, " rows have arrived before: ",
      "the condition has them in `rows`, and in `next_page` the page to go on with"
    )
  }
  error
}
