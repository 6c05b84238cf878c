# Texts as the library wants them: UTF-8, whatever the session's encoding is; and paths, byte for byte as R has them.

# Texts as UTF-8. Marked text is what its mark says; other text is UTF-8 where it is valid UTF-8, else of the session's
# encoding. What is valid in neither goes nowhere: `problem` is called with what is wrong.
utf8 <- function(x, problem) {
  plain <- is.na(x) | !grepl("[\\x80-\\xff]", x, perl = TRUE, useBytes = TRUE)
  if (all(plain)) return(x)
  marks <- Encoding(x)
  for (i in which(!plain)) {
    text <- if (marks[i] == "latin1") iconv(x[i], "latin1", "UTF-8") else unmarked_utf8(x[i], marks[i])
    if (is.na(text)) {
      problem(paste0(
        "holds text that is not valid in its encoding (bytes ", bytes_shown(x[i]), "): read it with its encoding named, ",
        'such as read.csv(fileEncoding = "GBK"), or convert it with iconv(x, "GBK", "UTF-8")'
      ))
    }
    x[i] <- text
  }
  x
}

unmarked_utf8 <- function(x, mark) {
  bytes <- rawToChar(charToRaw(x))
  is_utf8 <- validUTF8(bytes)
  # two bytes of GBK may be a letter of UTF-8's by chance; in a session of such an encoding, text is what the session says
  by_chance <- mark == "unknown" && !l10n_info()[["UTF-8"]] && l10n_info()[["MBCS"]] &&
    grepl("[\\xc2-\\xdf]", bytes, perl = TRUE, useBytes = TRUE) &&
    !grepl("[\\xe0-\\xf4]", bytes, perl = TRUE, useBytes = TRUE)
  if (is_utf8 && !by_chance) {
    Encoding(bytes) <- "UTF-8"
    return(bytes)
  }
  if (mark != "unknown" || l10n_info()[["UTF-8"]]) return(NA_character_)
  iconv(bytes, "", "UTF-8")
}

bytes_shown <- function(x) {
  bytes <- charToRaw(x)
  paste0(paste(utils::head(bytes, 16), collapse = " "), if (length(bytes) > 16) " ...")
}

# A string of JSON for each text.
text_json <- function(x, problem) {
  if (length(x) == 0) return(character())
  x <- utf8(x, problem)
  escaped <- gsub("([\"\\\\])", "\\\\\\1", x, useBytes = TRUE)
  Encoding(escaped) <- "UTF-8"
  escaped <- paste0("\"", escaped, "\"")
  odd <- grepl("[\\x01-\\x1f]", x, perl = TRUE, useBytes = TRUE)
  if (any(odd)) escaped[odd] <- vapply(x[odd], function(s) as.character(toJSON(unbox(s))), "", USE.NAMES = FALSE)
  escaped
}

# ---- paths ----

folder_of <- function(path) if (grepl("/", path, fixed = TRUE, useBytes = TRUE)) sub("/[^/]*$", "", path, useBytes = TRUE) else "."

# What base R does for paths, without translating them: text of another encoding than the session's stays as it is.
last_name <- function(path) sub("^.*/", "", sub("/+$", "", path, useBytes = TRUE), useBytes = TRUE)

join_path <- function(folder, name) {
  bytes <- function(x) rawToChar(charToRaw(x))
  mapply(function(folder, name) paste0(bytes(sub("/+$", "", folder, useBytes = TRUE)), "/", bytes(name)), folder, name, USE.NAMES = FALSE)
}

# The bytes by which R itself would open a path.
path_bytes <- function(path) {
  path <- path.expand(path)
  mark <- Encoding(path)
  if (mark %in% c("UTF-8", "latin1")) {
    native <- iconv(path, mark, "")
    path <- if (is.na(native)) iconv(path, mark, "UTF-8") else native
  }
  rawToChar(charToRaw(path))
}

# A path for the library, which takes UTF-8 only: one of other bytes is reached by a link in the session's folder.
# `makes` says that the file may not be there yet: its folder is linked.
path_text <- function(path, problem, makes = FALSE) {
  bytes <- path_bytes(path)
  if (validUTF8(bytes)) {
    Encoding(bytes) <- "UTF-8"
    return(bytes)
  }
  if (makes && !file.exists(bytes)) {
    name <- last_name(bytes)
    if (!validUTF8(name)) problem("has a file name that is not UTF-8, and no such file is there: choose another name")
    return(paste0(path_alias(folder_of(bytes)), "/", name))
  }
  path_alias(bytes)
}

path_alias <- function(bytes) {
  if (validUTF8(bytes)) return(bytes)
  target <- if (startsWith(bytes, "/")) bytes else paste0(getwd(), "/", bytes)
  key <- paste(charToRaw(target), collapse = "")
  alias <- the$aliases[[key]]
  if (is.null(alias) || !identical(Sys.readlink(alias), target)) {
    alias <- tempfile("bge-path-")
    if (!file.symlink(target, alias)) stop("no link could be made in ", tempdir(), call. = FALSE)
    the$aliases[[key]] <- alias
  }
  alias
}

# The name of a file as text.
name_text <- function(path, problem) {
  name <- last_name(path_bytes(path))
  text <- unmarked_utf8(name, "unknown")
  if (is.na(text)) problem("has a name that is not text in this session's encoding: give filename")
  text
}
