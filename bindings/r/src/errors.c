/* A failed call as an R object. It is raised as a condition in R, where no frame of the library is on the stack. */
#include "rbge.h"

static SEXP text_or_na(const char *text) {
  return text == NULL ? Rf_ScalarString(NA_STRING) : utf8_string(text);
}

/* `err` is NULL for failures of this package's own. */
static SEXP make(int status, const char *message, const bge_error_t *err) {
  static const char *names[] = {"status", "name",        "message", "code", "http_status", "request_id",
                                "retryable", "retry_after", "hint",    "json", ""};
  double code = (double)bge_error_code(err), wait = bge_error_retry_after(err);
  int http_status = bge_error_http_status(err);
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(out, 1, Rf_mkString(bge_status_name(status)));
  SET_VECTOR_ELT(out, 2, utf8_string(message));
  SET_VECTOR_ELT(out, 3, Rf_ScalarReal(code == 0 ? NA_REAL : code));
  SET_VECTOR_ELT(out, 4, Rf_ScalarInteger(http_status == 0 ? NA_INTEGER : http_status));
  SET_VECTOR_ELT(out, 5, text_or_na(bge_error_request_id(err)));
  SET_VECTOR_ELT(out, 6, Rf_ScalarLogical(bge_error_retryable(err)));
  SET_VECTOR_ELT(out, 7, Rf_ScalarReal(wait < 0 ? NA_REAL : wait));
  SET_VECTOR_ELT(out, 8, text_or_na(bge_error_hint(err)));
  SET_VECTOR_ELT(out, 9, err == NULL ? R_NilValue : utf8_string(bge_error_json(err)));
  Rf_setAttrib(out, R_ClassSymbol, Rf_mkString("bge_failure"));
  UNPROTECT(1);
  return out;
}

SEXP own_failure(bge_status_t status, const char *message) {
  return make(status, message, NULL);
}

/* Allocating in R can fail by a jump: the error is then still the finalizer's to free. */
static void free_error(SEXP keeper) {
  bge_error_free((bge_error_t *)R_ExternalPtrAddr(keeper));
  R_ClearExternalPtr(keeper);
}

SEXP failure(bge_status_t status, bge_error_t *err) {
  if (err == NULL) return own_failure(status, "the call failed, and nothing more is known");
  SEXP keeper = PROTECT(R_MakeExternalPtr(err, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(keeper, free_error, FALSE);
  SEXP out = PROTECT(make(bge_error_status(err), bge_error_message(err), err));
  free_error(keeper);
  UNPROTECT(2);
  return out;
}
