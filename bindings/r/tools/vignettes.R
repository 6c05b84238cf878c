# Makes the vignettes' pages and their index where `R CMD build` has not: an installation from the source tree then has
# them, too. Their code is shown, not run: the package is not there yet.

sources <- list.files("vignettes", "\\.Rmd$")
folder <- file.path("inst", "doc")
dir.create(folder, showWarnings = FALSE, recursive = TRUE)
dir.create("build", showWarnings = FALSE)

can_render <- requireNamespace("knitr", quietly = TRUE) && requireNamespace("rmarkdown", quietly = TRUE) &&
  rmarkdown::pandoc_available("1.14")

render <- function(source, page) {
  knitr::opts_hooks$set(eval = function(options) {
    options$eval <- FALSE
    options
  })
  rmarkdown::render(
    file.path("vignettes", source), output_file = page, output_dir = folder, intermediates_dir = tempdir(), quiet = TRUE,
    envir = new.env()
  )
}

# Without pandoc, the text as it is.
plain <- function(text, page, title) {
  text <- gsub("<", "&lt;", gsub("&", "&amp;", text, fixed = TRUE), fixed = TRUE)
  writeLines(c(
    "<!doctype html><meta charset=\"utf-8\">", paste0("<title>", title, "</title>"), "<pre>", text, "</pre>"
  ), file.path(folder, page), useBytes = TRUE)
}

title_of <- function(text) {
  line <- grep("\\VignetteIndexEntry{", text, fixed = TRUE, value = TRUE)[1]
  sub("^.*\\\\VignetteIndexEntry\\{(.*)\\}.*$", "\\1", line)
}

titles <- vapply(sources, function(source) {
  text <- readLines(file.path("vignettes", source), encoding = "UTF-8")
  stem <- sub("\\.Rmd$", "", source)
  page <- paste0(stem, ".html")
  inside <- cumsum(grepl("^```", text)) %% 2 == 1 & !grepl("^```", text)
  writeLines(text, file.path(folder, source), useBytes = TRUE)
  writeLines(text[inside], file.path(folder, paste0(stem, ".R")), useBytes = TRUE)
  done <- can_render && !inherits(try(render(source, page), silent = TRUE), "try-error")
  if (!done) plain(text, page, title_of(text))
  title_of(text)
}, "")

index <- data.frame(
  File = sources, Title = unname(titles), PDF = sub("Rmd$", "html", sources), R = sub("Rmd$", "R", sources)
)
index$Depends <- index$Keywords <- rep(list(character()), length(sources))
saveRDS(index, file.path("build", "vignette.rds"), version = 2)
# by which `cleanup` knows these from the ones that R CMD build makes afterwards
writeLines(tools::md5sum(file.path("build", "vignette.rds")), file.path("vignettes", ".made"))
