# What clients, applications and tokens show and save.

shown <- function(x) {
  file <- withr::local_tempfile()
  saveRDS(x, file, compress = FALSE)
  saved <- readBin(file, "raw", file.size(file))
  ascii <- withr::local_tempfile()
  saveRDS(x, ascii, ascii = TRUE)
  c(
    utils::capture.output(print(x)), utils::capture.output(utils::str(x)), utils::capture.output(dput(x)),
    format(x), utils::capture.output(print(mget(ls(x), envir = x))), readLines(ascii),
    rawToChar(saved[saved >= 32 & saved < 127])
  )
}

test_that("nothing that is shown or saved holds a token or a secret", {
  oauth2 <- bge_oauth2("id-4711", "secret-4711")
  for (client in list(
    bge_client("token-4711"), bge_open(client_id = "id-4711", client_secret = "secret-4711"), oauth2,
    bge_client("token-4711", proxy = "http://me:pass-4711@localhost:9"),
    bge_client("token-4711", kms_access_key_id = "key-4711", kms_access_key_secret = "secret-4711")
  )) {
    expect_no_match <- function(pattern) expect_false(any(grepl(pattern, shown(client), fixed = TRUE)), label = pattern)
    for (secret in c("token-4711", "secret-4711", "pass-4711", "key-4711")) expect_no_match(secret)
  }
  expect_match(format(bge_client("token-4711", endpoint = "http://localhost:9")), "http://localhost:9", fixed = TRUE)
})

test_that("tokens print without their secrets", {
  token <- bge_token(app)
  text <- c(utils::capture.output(print(token)), utils::capture.output(utils::str(token)), format(token))
  expect_false(any(grepl(token$access_token, text, fixed = TRUE)))
  expect_gt(nchar(token$access_token), 20)
})
