# Services beside the data.

#' Sends a text message
#'
#' Never repeated on its own. What the template needs is given by name in `...`.
#'
#' `POST /sms/send`. For tokens of client credentials.
#'
#' @inheritParams bge_get_user
#' @param template Message template.
#' @param mobiles Phone numbers: a vector.
#' @return `NULL`, invisibly.
#' @seealso [bge_oauth2_client()] for a client of the application.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   bge_send_sms(sandbox$application, "pay_code", c("13800000000", "13900000000"), pay_code = "1234")
#' }
bge_send_sms <- function(api, template, mobiles, ..., call_options = NULL) {
  invisible(call_value(api, "send_sms", list(template = template, mobiles = mobiles, ...), TRUE, call_options))
}

#' A link that opens a WeChat mini program
#'
#' `POST /service/wechat/applet/url`. For tokens of client credentials.
#'
#' @inheritParams bge_get_user
#' @param code Mini program code.
#' @param path Page within the mini program.
#' @param query Query of the page.
#' @return A list: `url_link`, the link, and `expire_interval`, the days that it is good for.
#' @seealso [bge_oauth2_client()] for a client of the application.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) bge_applet_url(sandbox$application, "my-applet", path = "/pages/index")
bge_applet_url <- function(api, code, ..., path = NULL, query = NULL, simplify = TRUE, call_options = NULL) {
  call_value(api, "applet_url", list(code = code, path = path, query = query, ...), simplify, call_options)
}

#' Whether an id-card number and a name belong together
#'
#' `POST /service/verify/id_meta`. For tokens of client credentials.
#'
#' @inheritParams bge_get_user
#' @param idcard Id-card number.
#' @param realname Name.
#' @param phone Phone number.
#' @return A list: `verified` (`TRUE` or `FALSE`), `result` and `reason` in the platform's words, and `elements`, how many
#'   facts were compared.
#' @seealso [bge_oauth2_client()] for a client of the application.
#' @export
#' @examples
#' sandbox <- bge_sandbox() # NULL where bge-sandbox is not installed
#' if (!is.null(sandbox)) {
#'   bge_verify_id_meta(sandbox$application, idcard = "11010519491231002X", realname = "name")$verified
#' }
bge_verify_id_meta <- function(api, idcard, realname, ..., phone = NULL, simplify = TRUE, call_options = NULL) {
  given <- list(idcard = idcard, realname = realname, phone = phone, ...)
  call_value(api, "verify_id_meta", given, simplify, call_options)
}
