# Progress bars, which only people at a console see.

show_progress <- function() {
  is_interactive() && isTRUE(getOption("bge.progress", TRUE)) && requireNamespace("cli", quietly = TRUE)
}

is_interactive <- function() interactive()

# A bar to be updated and ended; NULL where none is shown. It disappears when it ends.
progress_bytes <- function(label) {
  if (!show_progress()) return(NULL)
  id <- cli::cli_progress_bar(
    name = label, type = "download", total = NA, clear = TRUE, .auto_close = FALSE,
    format = paste(
      "{cli::pb_name}{if (!is.na(cli::pb_total)) cli::pb_percent}",
      "{cli::pb_current_bytes} {cli::pb_rate_bytes} {cli::pb_spin}"
    )
  )
  list(
    update = function(done, total) {
      cli::cli_progress_update(id = id, set = done, total = if (total > 0) total else NA)
    },
    note = function(text) cli::cli_progress_output(text, id = id),
    end = function() cli::cli_progress_done(id = id)
  )
}

progress_files <- function(label, files) {
  if (files < 2 || !show_progress()) return(NULL)
  id <- cli::cli_progress_bar(
    name = label, total = files, clear = TRUE, .auto_close = FALSE,
    format = "{cli::pb_spin} {cli::pb_name}{cli::pb_current}/{cli::pb_total} files"
  )
  list(
    update = function(done) cli::cli_progress_update(id = id, set = done),
    note = function(text) cli::cli_progress_output(text, id = id),
    end = function() cli::cli_progress_done(id = id)
  )
}

progress_pages <- function(label) {
  if (!show_progress()) return(NULL)
  id <- cli::cli_progress_bar(
    name = label, total = NA, clear = TRUE, .auto_close = FALSE,
    format = "{cli::pb_spin} {cli::pb_name}{cli::pb_current} rows"
  )
  list(
    update = function(rows) cli::cli_progress_update(id = id, set = rows),
    note = function(text) cli::cli_progress_output(text, id = id),
    end = function() cli::cli_progress_done(id = id)
  )
}

progress_table <- function(label) {
  if (!show_progress()) return(NULL)
  id <- cli::cli_progress_bar(
    name = label, total = NA, clear = TRUE, .auto_close = FALSE, extra = list(rows = 0),
    format = paste(
      "{cli::pb_spin} {cli::pb_name}{cli::pb_extra$rows} rows,",
      "{cli::pb_current}{if (!is.na(cli::pb_total)) paste0('/', cli::pb_total)} samples"
    )
  )
  list(
    update = function(rows, done, samples) {
      total <- if (samples > 0) samples else NA
      cli::cli_progress_update(id = id, set = done, total = total, extra = list(rows = rows))
    },
    note = function(text) cli::cli_progress_output(text, id = id),
    end = function() cli::cli_progress_done(id = id)
  )
}
