# The account: whether the platform answers, what the token is good for, who granted it.

#' Whether the platform answers
#'
#' `GET /ping`. Needs no token.
#'
#' @inheritParams bge_get_user
#' @return `TRUE`, or the error why not.
#' @seealso [bge_sitrep()], [bge_login()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_alive(sandbox$user)
bge_alive <- function(api, ..., call_options = NULL) {
  call_value(api, "alive", list(...), TRUE, call_options)
}

#' What the access token in use is good for
#'
#' `GET /oauth2/introspect`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @return A list: `active` (whether the token is good), `client_id` (the application's), `scope` (what it is good for,
#'   separated by spaces), `token_type`, `username` (of whom granted it; not for client credentials), and `exp` (when it
#'   ends, in seconds since 1970).
#' @seealso [bge_sitrep()], [bge_login()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_introspect(sandbox$user)$scope
bge_introspect <- function(api, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "introspect", list(...), simplify, call_options)
}

#' The user who granted the token, as far as its scope allows
#'
#' `GET /profile`. For tokens of authorization codes.
#'
#' @param api A [client][bge_client].
#' @param ... Further parameters of the call, by name. One that the call does not know is passed on as it is, with a
#'   warning of class `bge_warning_unknown_argument`; `extra = list(name = value)` passes it on without.
#' @param simplify `FALSE` leaves arrays of single values lists, instead of making them vectors.
#' @param call_options A list of the library's switches for this call: `timeout` and `deadline` (seconds),
#'   `max_retries`, `headers`.
#' @return A list of what the scope of the token allows: `userId`, `username`, `nickname`, `birthday`, `sex` (1 male, 2
#'   female), `avatar`, `email`, `phone`, `userAddress`, `personnelInfoCode`. What the platform does not tell is `NULL` or
#'   left out.
#' @seealso [bge_sitrep()], [bge_login()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_get_user(sandbox$user)$username
bge_get_user <- function(api, ..., simplify = TRUE, call_options = NULL) {
  call_value(api, "get_user", list(...), simplify, call_options)
}

#' An overview of a person's samples and data
#'
#' `POST /user/overview`. For tokens of authorization codes and of client credentials.
#'
#' @inheritParams bge_get_user
#' @param idcard Id-card number.
#' @param phone Phone number.
#' @param biosample_id Biosample id, sent as given.
#' @param project_id Project id; together with external_sample_id.
#' @param external_sample_id The lab's own sample id; together with project_id.
#' @return A list: `registered` (whether the person is known), `sample_count`, `genome_count`, `metagenome_count`, and
#'   `samples`, a list with what is known of each.
#' @seealso [bge_sitrep()], [bge_login()].
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_get_overview(sandbox$user, biosample_id = sandbox$biosample_id)
bge_get_overview <- function(
    api, ..., idcard = NULL, phone = NULL, biosample_id = NULL, project_id = NULL, external_sample_id = NULL,
    simplify = TRUE, call_options = NULL) {
  given <- list(
    idcard = idcard, phone = phone, biosample_id = biosample_id, project_id = project_id,
    external_sample_id = external_sample_id, ...
  )
  call_value(api, "get_overview", given, simplify, call_options)
}
