# An object of the store as a connection of R's.

#' Read an object without downloading it
#'
#' A connection to an object of the store, for `readLines()`, `readBin()`, `scan()`, `gzcon()` and every package that reads
#' from connections. Only what is read is fetched, in blocks that grow while the object is read from front to back;
#' `seek()` goes anywhere, and sends nothing by itself but for `origin = "end"`. All reads of one connection are of one
#' version of the object: if it changes meanwhile, the next read is an error.
#'
#' @inheritParams bge_get_user
#' @param object_name The object's name, as an upload gave it.
#' @param open `"r"` for text, `"rb"` for bytes; `""` leaves it to the reader to open, as with [url()].
#' @param region `"domestic"`, the platform's default, or `"international"`.
#' @param expiration_time Seconds that a presigned URL is good for; 600 unless given.
#' @return A connection of class `bge_object`; `close()` ends it. What goes wrong while it is read is a condition, see
#'   [bge_error]; Ctrl-C ends a read, and the connection stays usable.
#' @seealso [bge_download()] for the whole object, verified by its checksum.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   object <- bge_upload(sandbox$user, "letters.txt", paste(letters, collapse = "\n"))$object_name
#'   connection <- bge_connection(sandbox$user, object, "rb")
#'   seek(connection, 4)
#'   readLines(connection, 2)
#'   close(connection)
#'
#'   file <- tempfile()
#'   writeLines(c("x", "y"), gz <- gzfile(file))
#'   close(gz)
#'   object <- bge_upload_file(sandbox$user, file, filename = "xy.gz")$object_name
#'   connection <- gzcon(bge_connection(sandbox$user, object))
#'   readLines(connection)
#'   close(connection)
#' }
bge_connection <- function(api, object_name, open = "", region = NULL, expiration_time = NULL) {
  call <- shown_call(sys.call(), sys.function())
  object_name <- one_string(object_name, "object_name", call)
  if (!is.character(open) || length(open) != 1 || !open %in% c("", "r", "rt", "rb")) {
    bad_argument("open", 'must be "", "r" or "rb"', call)
  }
  given <- list(region = region, expiration_time = expiration_time)
  given <- given[!vapply(given, is.null, NA)]
  members <- lapply(names(given), function(name) to_json(given[[name]], function(what) bad_argument(name, what, call)))
  args <- object_json(stats::setNames(members, names(given)))
  shown <- if (validEnc(object_name)) last_name(object_name) else "object"
  connection <- checked(.Call(rbge_connection, client_handle(api, call), object_name, args, shown), call)
  if (nzchar(open)) {
    is_open <- FALSE
    on.exit(if (!is_open) close(connection))
    open(connection, open)
    is_open <- TRUE
  }
  connection
}

# A failure in the middle of a read, raised from C.
connection_failed <- function(failure) stop(bge_condition(failure, quote(bge_connection())))
