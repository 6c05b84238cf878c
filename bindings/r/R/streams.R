# Data streams and data items.

#' A data element's values over a time range
#'
#' `GET /stream/range`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param data_element_id Data element id.
#' @param biosample_id Biosample id; client-credentials tokens need it.
#' @param start_time From this time, such as 1970-01.
#' @param end_time To this time, such as 2021-04-01 10:11:00.123456.
#' @param sort_direction `"asc"` or `"desc"`, which is the platform's default.
#' @return A data frame (see [bge_paging]) with the columns `stream_id` (character), `data_element_data_element_id`
#'   (character), `data_element_data_element_name` (character), `data_element_data_element_description` (character),
#'   `stream_generate_time` (POSIXct), `stream_generate_time_mask` (character), `create_time` (POSIXct),
#'   `stream_meta_user_entity_id` (character), `stream_meta_namespace` (character), `stream_data` (list).
#' @seealso [bge_aggregate_omics_data()], [bge_write_phenotype()], [bge_get_data_items()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   heart_rate <- "0241e8b2-c7e4-11e9-bfed-00163e104c79"
#'   stream <- bge_get_range_stream(sandbox$user, heart_rate, start_time = "2021-01", limit = 500)
#'   head(stream[c("stream_generate_time", "data_element_data_element_name")])
#' }
bge_get_range_stream <- function(
    api, data_element_id, ..., biosample_id = NULL, start_time = NULL, end_time = NULL, sort_direction = NULL,
    next_page = NULL, limit = NULL, all_pages = TRUE, max_pages = Inf, max_rows = Inf, simplify = TRUE,
    int64 = getOption("bge.int64", "double"), call_options = NULL) {
  given <- list(
    data_element_id = data_element_id, biosample_id = biosample_id, start_time = start_time, end_time = end_time,
    sort_direction = sort_direction, next_page = next_page, limit = limit, ...
  )
  call_pages(api, "get_range_stream", given, paging(all_pages, max_pages, max_rows, simplify, int64), call_options)
}

#' A data element's values by period
#'
#' `GET /omics_data/aggregate`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param data_element_id Data element id.
#' @param time_dimension One of year, quarter, month, week, day, minute or second.
#' @param start_time From this time.
#' @param end_time To this time.
#' @param biosample_id Biosample id.
#' @param interval Time dimensions of one period; 1 unless given.
#' @param periods Number of periods, at most 100; 100 unless given.
#' @return A list: `data_element_id`, `biosample_id`, `time_dimension`, `interval`, `count`, and the periods in `result`, a
#'   list for each of them.
#' @seealso [bge_get_range_stream()], [bge_write_phenotype()], [bge_get_data_items()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   heart_rate <- "0241e8b2-c7e4-11e9-bfed-00163e104c79"
#'   monthly <- bge_aggregate_omics_data(sandbox$user, heart_rate, "month", "2021-01", periods = 3)
#'   vapply(monthly$result, function(period) period$count, 0)
#' }
bge_aggregate_omics_data <- function(
    api, data_element_id, time_dimension, start_time, ..., end_time = NULL, biosample_id = NULL, interval = NULL,
    periods = NULL, simplify = TRUE, call_options = NULL) {
  given <- list(
    data_element_id = data_element_id, time_dimension = time_dimension, start_time = start_time,
    end_time = end_time, biosample_id = biosample_id, interval = interval, periods = periods, ...
  )
  call_value(api, "aggregate_omics_data", given, simplify, call_options)
}

#' Writes a phenotype of a biosample
#'
#' `POST /datamall/phenotype/write`. For tokens of client credentials.
#'
#' @inheritParams bge_get_user
#' @param biosample_id Biosample id.
#' @param data_element_id Data element id.
#' @param stream_generate_time Time of the measurement, such as `"2021-03-02T10:00:00Z"`, or a `POSIXct`.
#' @param stream_data The values: a named list.
#' @param duplicate_enabled Allow the same values once more: `TRUE` or `FALSE`.
#' @return A list with the `stream_id`.
#' @seealso [bge_get_range_stream()], [bge_aggregate_omics_data()], [bge_get_data_items()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   bge_write_phenotype(
#'     sandbox$application, sandbox$biosample_id, "024a0f5c-c7e4-11e9-bfed-00163e104c79",
#'     as.POSIXct("2021-03-02 10:00:00", tz = "UTC"), list(value = 63.5), duplicate_enabled = TRUE
#'   )
#' }
bge_write_phenotype <- function(
    api, biosample_id, data_element_id, stream_generate_time, stream_data, ..., duplicate_enabled = NULL,
    simplify = TRUE, call_options = NULL) {
  given <- list(
    biosample_id = biosample_id, data_element_id = data_element_id, stream_generate_time = stream_generate_time,
    stream_data = stream_data, duplicate_enabled = duplicate_enabled, ...
  )
  call_value(api, "write_phenotype", given, simplify, call_options)
}

#' Data items of a biosample
#'
#' `GET /data_item/batch_retrieve`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @inheritParams bge_paging
#' @param namespace Namespace.
#' @param biosample_id Biosample id.
#' @param collection_id Collection id.
#' @param data_element_ids At most 100 data element ids: a vector.
#' @return A data frame (see [bge_paging]) with the columns `biosample_id` (character), `data_item_id` (character),
#'   `namespace` (character), `data_element_data_element_id` (character), `data_element_data_element_name`
#'   (character), `data_element_data_element_description` (character), `value` (list), `unit` (character),
#'   `update_time` (POSIXct).
#' @seealso [bge_get_range_stream()], [bge_aggregate_omics_data()], [bge_write_phenotype()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   items <- bge_get_data_items(
#'     sandbox$user, "demo", sandbox$biosample_id,
#'     data_element_ids = "0241e8b2-c7e4-11e9-bfed-00163e104c79"
#'   )
#'   names(items)
#' }
bge_get_data_items <- function(
    api, namespace, biosample_id, ..., collection_id = NULL, data_element_ids = NULL, next_page = NULL,
    all_pages = TRUE, max_pages = Inf, max_rows = Inf, simplify = TRUE, int64 = getOption("bge.int64", "double"),
    call_options = NULL) {
  given <- list(
    namespace = namespace, biosample_id = biosample_id, collection_id = collection_id,
    data_element_ids = data_element_ids, next_page = next_page, ...
  )
  call_pages(api, "get_data_items", given, paging(all_pages, max_pages, max_rows, simplify, int64), call_options)
}
