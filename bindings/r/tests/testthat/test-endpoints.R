# Every row of the table has its function, with the documented arguments, documented.

calls <- bge_endpoints()

test_that("every call has a function with the documented arguments", {
  expect_gte(nrow(calls), 45)
  for (i in seq_len(nrow(calls))) {
    name <- paste0("bge_", calls$name[i])
    expect_true(name %in% getNamespaceExports("bge"), label = name)
    has <- names(formals(getExportedValue("bge", name)))
    wants <- calls$arguments[[i]]
    expect_equal(has[1], "api", label = name)
    expect_true("..." %in% has, label = name)
    expect_equal(setdiff(wants$name, has), character(), label = name)
    # required ones come first, in their order, and have no default
    required <- wants$name[wants$required]
    expect_equal(has[1 + seq_along(required)], required, label = name)
  }
})

test_that("what is not required has the platform's default, not one of ours", {
  for (i in seq_len(nrow(calls))) {
    arguments <- calls$arguments[[i]]
    defaults <- formals(getExportedValue("bge", paste0("bge_", calls$name[i])))
    for (name in arguments$name[!arguments$required]) {
      expect_null(defaults[[name]], label = paste(calls$name[i], name))
    }
  }
})

test_that("the help of a list names every declared column", {
  pages <- tools::Rd_db("bge")
  for (i in which(vapply(calls$columns, nrow, 0L) > 0)) {
    text <- paste(as.character(pages[[paste0("bge_", calls$name[i], ".Rd")]]), collapse = "")
    for (column in calls$columns[[i]]$name) expect_match(text, column, fixed = TRUE, label = calls$name[i])
  }
})

test_that("every export is documented, with its value and an example", {
  pages <- tools::Rd_db("bge")
  tags <- lapply(pages, function(page) unlist(lapply(page, attr, "Rd_tag")))
  aliases <- unlist(lapply(pages, function(page) {
    unlist(lapply(page, function(part) if (attr(part, "Rd_tag") == "\\alias") as.character(part)))
  }))
  exports <- getNamespaceExports("bge")
  expect_equal(setdiff(exports, aliases), character())
  for (name in setdiff(names(pages), "bge-package.Rd")) {
    expect_equal(setdiff(c("\\value", "\\examples"), tags[[name]]), character(), label = name)
  }
})

test_that("the table tells what the package relies on", {
  row <- calls[calls$name == "get_taxon_abundance", ]
  expect_equal(c(row$method, row$path, row$grants, row$noun), c("GET", "/microbiome/taxon_abundance", "AC", "microbiome"))
  expect_true(row$paged)
  columns <- row$columns[[1]]
  expect_equal(columns$type[columns$name == "observation_value"], "float64")
  expect_equal(columns$path[columns$name == "taxonomy_taxon_id"], "/taxonomy/taxon_id")
})

test_that("every page says what comes back and where to go on, and the most used ones do so in Chinese", {
  pages <- tools::Rd_db("bge")
  tags <- lapply(pages, function(page) unlist(lapply(page, attr, "Rd_tag")))
  for (name in setdiff(names(pages), "bge-package.Rd")) {
    expect_true("\\seealso" %in% tags[[name]], label = name)
    value <- paste(unlist(pages[[name]][tags[[name]] == "\\value"]), collapse = "")
    expect_false(grepl("^\\s*A list\\.\\s*$", value), label = name)
  }
  chinese <- grep("-zh.Rd$", names(pages), value = TRUE)
  expect_gte(length(chinese), 10)
  for (name in chinese) {
    title <- paste(unlist(pages[[name]][tags[[name]] == "\\title"]), collapse = "")
    expect_match(title, "\\p{Han}", perl = TRUE, label = name)
    expect_true(paste0("bge_", sub("^bge_(.*)-zh.Rd$", "\\1", name)) %in% c(getNamespaceExports("bge"), "bge_error"), label = name)
  }
})
