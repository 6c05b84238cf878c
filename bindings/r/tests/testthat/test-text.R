# Texts in every encoding that a session may have, and paths byte for byte.

name <- "\u6837\u672c01" # 样本01
gbk_bytes <- as.raw(c(0xd1, 0xf9, 0xb1, 0xbe, 0x30, 0x31))

# A folder of locales with zh_CN in GBK and UTF-8, made once; NULL where the system cannot make them.
locales <- local({
  folder <- withr::local_tempdir(.local_envir = testthat::teardown_env())
  make <- function(charmap) {
    suppressWarnings(system2(
      "localedef", c("-i", "zh_CN", "-f", charmap, shQuote(file.path(folder, paste0("zh_CN.", charmap)))),
      stdout = FALSE, stderr = FALSE
    ))
    # the folder is there even where its contents could not be made
    file.exists(file.path(folder, paste0("zh_CN.", charmap), "LC_CTYPE"))
  }
  if (nzchar(Sys.which("localedef")) && make("GBK") && make("UTF-8")) folder
})

# `code` in a new session of that locale, with a client.
in_locale <- function(locale, code, args = list()) {
  environment <- c(LC_ALL = locale, LANG = locale, LOCPATH = if (locale == "C") "" else locales)
  body <- function(code, endpoint, token, args) {
    environment(code) <- globalenv()
    code(bge::bge_client(token, endpoint = endpoint), args)
  }
  in_new_process(body, list(code, writable$endpoint, writable$access_token, args), environment)
}

sessions <- c("C", if (!is.null(locales)) c("zh_CN.GBK", "zh_CN.UTF-8"))

# What is registered under a lab's id of these bytes, as read from a file, and what the error was.
register <- function(api, args) {
  file <- tempfile()
  writeBin(c(args$bytes, charToRaw("\n")), file)
  id <- readLines(file)
  sample <- tryCatch(
    bge::bge_register_sample(api, id, 1, args$project, duplicate_enabled = TRUE), error = identity
  )
  if (inherits(sample, "error")) return(list(class = class(sample), message = conditionMessage(sample)))
  found <- bge::bge_externals(api, args$project, 1, args$look_up)
  list(registered = sample$biosample_id %in% found$biosample_id, utf8 = charToRaw(enc2utf8(found$external_sample_id[1])))
}

test_that("a UTF-8 file's text is UTF-8 in every session", {
  for (locale in sessions) {
    args <- list(bytes = charToRaw(enc2utf8(name)), project = writable$project_id, look_up = name)
    got <- in_locale(locale, register, args)
    expect_true(got$registered, label = locale)
    expect_identical(got$utf8, charToRaw(enc2utf8(name)), label = locale)
  }
})

test_that("a GBK file's text is sent where the session says that it is GBK, and refused elsewhere", {
  for (locale in sessions) {
    got <- in_locale(locale, register, list(bytes = gbk_bytes, project = writable$project_id, look_up = name))
    if (locale == "zh_CN.GBK") {
      expect_true(got$registered)
    } else {
      expect_equal(got$class[1], "bge_error_argument", label = locale)
      expect_match(got$message, "external_sample_id.*d1 f9 b1 be.*iconv")
    }
  }
})

test_that("one letter of GBK that would be a letter of UTF-8, too, is the session's", {
  skip_if(is.null(locales), "localedef cannot make zh_CN.GBK here")
  # 一, which as UTF-8 would be a Cyrillic letter
  args <- list(bytes = as.raw(c(0xd2, 0xbb)), project = writable$project_id, look_up = "\u4e00")
  expect_true(in_locale("zh_CN.GBK", register, args)$registered)
})

test_that("what is marked, and what is in names and structures, is converted too", {
  refused <- function(code) expect_error(code, "not valid in its encoding", class = "bge_error_argument")
  gbk <- rawToChar(gbk_bytes)
  requests <- recorder("*")
  refused(bge_get_variants(api, sandbox$biosample_id, c("rs1", gbk)))
  refused(bge_get_user(api, extra = list(a = list(b = gbk))))
  refused(bge_get_user(api, extra = stats::setNames(list(1), gbk)))
  refused(bge_write_phenotype(app, "E-B1", "e", "2021-01-01", list(value = gbk)))
  refused(bge_upload(api, gbk, "x"))
  refused(bge_upload(api, "x", gbk))
  refused(bge_table(api, "get_taxon_abundance", biosample_id = c("E-B1", gbk)))
  refused(bge_authorization_url(bge_oauth2("id", "secret"), "http://x", state = gbk))
  refused(bge_client(gbk))
  refused(bge_open(client_id = "x", client_secret = gbk))
  expect_length(requests(), 0)
  latin <- iconv("\u00e9", "UTF-8", "latin1")
  bytes <- rawToChar(charToRaw(enc2utf8(name)))
  Encoding(bytes) <- "bytes"
  requests <- recorder("/profile")
  bge_get_user(api, extra = list(latin = latin, bytes = bytes, control = "a\tb\001\"\\"))
  sent <- requests()[[1]]$query
  expect_identical(sent[c("latin", "bytes", "control")], list(latin = "\u00e9", bytes = name, control = "a\tb\001\"\\"))
})

# Uploads from, and downloads to, a path of these bytes; what the folder then holds.
transfer <- function(api, args) {
  folder <- tempfile()
  dir.create(folder)
  # paste() and file.path() would translate the bytes
  beside <- function(...) rawToChar(c(charToRaw(folder), charToRaw("/"), ...))
  path <- beside(args$bytes)
  writeBin(charToRaw("abc"), path)
  up <- bge::bge_upload_file(api, path, filename = args$filename)
  many <- bge::bge_batch_upload(api, data.frame(path = path, filename = "many.txt"))
  dir.create(inside <- beside(charToRaw("d"), args$bytes))
  within <- function(...) rawToChar(c(charToRaw(inside), charToRaw("/"), ...))
  writeBin(charToRaw("xyz"), within(charToRaw("plain.txt")))
  all <- bge::bge_upload_dir(api, inside)
  back <- beside(args$bytes, charToRaw(".back"))
  down <- bge::bge_download(api, up$object_name, back)
  again <- bge::bge_download(api, c(up$object_name, many$object_name), c(within(charToRaw("1")), within(args$bytes)))
  list(
    files = lapply(list.files(folder, full.names = TRUE), function(file) if (!dir.exists(file)) readBin(file, "raw", 9)),
    same = identical(charToRaw(up$path), charToRaw(path)), object = sub("^.*/", "", up$object_name), rows = nrow(all), path = sub("^.*/", "", all$path, useBytes = TRUE),
    back = file.exists(back), exact = identical(charToRaw(down$path), charToRaw(back)),
    inside = file.exists(within(args$bytes)), again = nrow(again)
  )
}

test_that("paths are the bytes that R has", {
  for (locale in sessions) for (bytes in list(charToRaw(enc2utf8(name)), gbk_bytes)) {
    label <- paste(locale, bytes[1])
    filename <- if (locale == "zh_CN.GBK" || length(bytes) > 6) NULL else "given"
    got <- in_locale(locale, transfer, list(bytes = bytes, filename = filename))
    expect_identical(Filter(Negate(is.null), got$files), rep(list(charToRaw("abc")), 2), label = label)
    expect_true(got$same && got$back && got$exact && got$inside, label = label)
    expect_equal(got[c("rows", "path", "again")], list(rows = 1L, path = "plain.txt", again = 2L), label = label)
    expect_identical(got$object, if (is.null(filename)) name else filename, label = label)
  }
})

test_that("a path whose name is no text needs a filename", {
  folder <- withr::local_tempdir()
  path <- rawToChar(c(charToRaw(folder), charToRaw("/"), gbk_bytes))
  writeBin(charToRaw("abc"), path)
  expect_error(bge_upload_file(api, path), "filename", class = "bge_error_argument")
  expect_error(bge_batch_upload(api, path), "filename", class = "bge_error_argument")
  expect_equal(basename(bge_upload_file(api, path, filename = "x")$object_name), "x")
})

test_that("~ is the home folder wherever a path is taken", {
  # another process: what the home folder is stands fixed in this one
  home <- withr::local_tempdir()
  expect_true(in_new_process(function(endpoint, token) {
    home <- Sys.getenv("HOME")
    library(bge)
    api <- bge_client(token, endpoint = endpoint, log_file = "~/log", log = "info")
    writeLines("a", file.path(home, "a.txt"))
    first <- bge_upload_file(api, "~/a.txt", checkpoint_dir = "~/state")
    bge_upload_dir(api, "~", checkpoint_dir = "~/state")
    bge_batch_upload(api, "~/a.txt", checkpoint_dir = "~/state")
    bge_download(api, first$object_name, "~/back")
    bge_download_dir(api, first$object_name, "~/more")
    samples <- bge_get_samples(api, omics = 2)$biosample_id[1]
    bge_table(api, "get_taxon_abundance", biosample_id = samples, checkpoint_dir = "~/pages")
    bge_table(api, "get_taxon_abundance", biosample_id = samples, call_options = list(checkpoint_dir = "~/pages2"))
    all(file.exists(file.path(home, c("log", "back", "more/a.txt", "pages", "pages2")))) && !"~" %in% list.files()
  }, list(sandbox$endpoint, sandbox$access_token), c(HOME = home)))
})
