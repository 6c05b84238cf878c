# Handles made, used, left half-way, dropped and collected: to be run as it is, and under valgrind. It is one expression that
# ends in quit(), since children of a fork would turn the file that R reads back for their parent.
local({
  library(bge)

  # what the source tree has built, if this runs somewhere in it
  above <- vapply(0:6, function(levels) paste(c(rep("..", levels), "target/release/bge-sandbox"), collapse = "/"), "")
  in_tree <- normalizePath(above[file.exists(above)])
  if (!nzchar(Sys.getenv("BGE_SANDBOX_BIN")) && length(in_tree) > 0) Sys.setenv(BGE_SANDBOX_BIN = in_tree[1])
  sandbox <- bge_sandbox(seed = 3, samples = 30, taxa = 60)
  stopifnot(!is.null(sandbox))
  calls <- asNamespace("bge")

  for (round in 1:3) {
    api <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
    samples <- bge_get_samples(api, limit = 11)
    stopifnot(nrow(samples) == 30)
    variants <- bge_get_variants(api, sandbox$biosample_id, c("rs762551", "rs333"))
    stopifnot(nrow(variants) == 2, is.character(variants$variant_genotype))
    taxa <- bge_get_taxon_abundance(api, sandbox$meta_biosample_id, limit = 25)
    stopifnot(nrow(taxa) == 60, is.double(taxa$observation_value))
    ids <- bge_get_samples(api, omics = 2)$biosample_id
    table <- bge_table(api, "get_taxon_abundance", biosample_id = ids, limit = 25)
    stopifnot(nrow(table) == 60 * length(ids), is.double(table$observation_value))
    wrong <- tryCatch(bge_table(api, "get_taxon_abundance", biosample_id = c(ids, "E-NOBODY")), error = identity)
    stopifnot(inherits(wrong, "bge_error_api"), nrow(wrong$rows) == nrow(table))
    object <- bge_upload(api, "lifetime.txt", as.raw(1:100))$object_name
    stopifnot(identical(bge_download_raw(api, object), as.raw(1:100)))
    connection <- bge_connection(api, object, "rb")
    seek(connection, 90)
    stopifnot(identical(readBin(connection, "raw", 99), as.raw(91:100)))
    close(connection)
    stopifnot(inherits(tryCatch(bge_get_sample(api, "nobody's"), error = identity), "bge_error_api"))

    # left half-way: operations under way, a walk with a page ahead, and their client closed before them
    op <- .Call(calls$rbge_start, api$handle, "get_samples", NULL)
    left <- .Call(calls$rbge_start, api$handle, "get_samples", NULL)
    pages <- .Call(calls$rbge_pages, api$handle, "get_samples", '{"limit": 5}')
    page <- .Call(calls$rbge_pages_start, pages)
    args <- calls$to_json(list(biosample_id = I(ids), limit = 5))
    tables <- lapply(1:3, function(i) .Call(calls$rbge_table_open, api$handle, "get_taxon_abundance", args))
    while (is.null(.Call(calls$rbge_table_next, tables[[2]], 50L, 1:3))) NULL
    stream <- .Call(calls$rbge_table_hand_over, tables[[3]], .Call(calls$rbge_stream_room))
    bge_close(api)
    bge_close(api)
    text <- calls$run(op, NULL)
    stopifnot(startsWith(text, "{"), .Call(calls$rbge_is_closed, op))
    rm(op, left, pages, page, tables, stream, api)
    gc()
  }

  # children of a fork collect what they inherit
  api <- bge_client(sandbox$access_token, endpoint = sandbox$endpoint)
  kept <- environment()
  names <- parallel::mclapply(1:2, function(i) {
    name <- bge_get_user(api)$username
    rm(api, envir = kept)
    gc()
    name
  }, mc.cores = 2)
  stopifnot(identical(names, list("zhangsan", "zhangsan")), bge_alive(api))

  # the namespace can go, the library stays: finalizers still run
  close(sandbox)
  rm(api, sandbox, calls, kept)
  unloadNamespace("bge")
  gc()
  quit("no", status = 0)
})
