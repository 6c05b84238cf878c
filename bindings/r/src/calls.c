/* Clients, operations and pages for R. Each function calls the library once and gives a value, or a failure. */
#include "rbge.h"
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SEXP closed(const char *what) {
  return own_failure(BGE_ERR_CLOSED, what);
}

static const char *const CLOSED_CLIENT = "the client is closed: make a new one with bge_client() or bge_open()";
static const char *const CLOSED_APP = "the application's handle is closed: make a new one with bge_oauth2()";

/* ---- what there is ---- */

SEXP rbge_version(void) {
  return Rf_mkString(bge_version());
}

SEXP rbge_abi_versions(void) {
  SEXP out = PROTECT(Rf_allocVector(INTSXP, 2));
  INTEGER(out)[0] = (int)BGE_ABI_VERSION;
  INTEGER(out)[1] = (int)bge_abi_version();
  UNPROTECT(1);
  return out;
}

SEXP rbge_endpoints(void) {
  return utf8_string(bge_endpoints());
}

/* ---- clients ---- */

static SEXP client(bge_api_t *api, SEXP listens) {
  SEXP handle = PROTECT(handle_new(&KIND_API, api, R_NilValue));
  if (Rf_asLogical(listens) == TRUE) handle_listen(handle, heard_listen(api));
  UNPROTECT(1);
  return handle;
}

SEXP rbge_api_open(SEXP options, SEXP listens) {
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  bge_status_t status = bge_api_open(text_or_null(options), &api, &err);
  return status == BGE_OK ? client(api, listens) : failure(status, err);
}

SEXP rbge_api_set_token(SEXP handle, SEXP token) {
  bge_api_t *api = (bge_api_t *)handle_get(&KIND_API, handle);
  if (api == NULL) return closed(CLOSED_CLIENT);
  bge_error_t *err = NULL;
  bge_status_t status = bge_api_set_token(api, text_or_null(token), &err);
  return status == BGE_OK ? R_NilValue : failure(status, err);
}

/* The last wait that the client's log told of since the last time, or NULL. */
SEXP rbge_heard(SEXP handle) {
  if (TYPEOF(handle) != EXTPTRSXP) return R_NilValue;
  char *line = heard_take(handle_heard(handle));
  if (line == NULL) return R_NilValue;
  const void *watermark = vmaxget();
  char *copy = R_alloc(strlen(line) + 1, 1);
  strcpy(copy, line);
  free(line);
  SEXP out = utf8_string(copy);
  vmaxset(watermark);
  return out;
}

SEXP rbge_oauth2_new(SEXP id, SEXP secret, SEXP options) {
  bge_error_t *err = NULL;
  bge_oauth2_t *oauth2 = NULL;
  bge_status_t status = bge_oauth2_new(text_or_null(id), text_or_null(secret), text_or_null(options), &oauth2, &err);
  return status == BGE_OK ? handle_new(&KIND_OAUTH2, oauth2, R_NilValue) : failure(status, err);
}

SEXP rbge_oauth2_url(SEXP handle, SEXP redirect_uri, SEXP state, SEXP scopes) {
  bge_oauth2_t *oauth2 = (bge_oauth2_t *)handle_get(&KIND_OAUTH2, handle);
  if (oauth2 == NULL) return closed(CLOSED_APP);
  bge_error_t *err = NULL;
  char *url = NULL;
  bge_status_t status = bge_oauth2_get_authorization_url(oauth2, text_or_null(redirect_uri), text_or_null(state),
                                                         text_or_null(scopes), &url, &err);
  return status == BGE_OK ? take_string(url) : failure(status, err);
}

SEXP rbge_oauth2_api(SEXP handle, SEXP token, SEXP listens) {
  bge_oauth2_t *oauth2 = (bge_oauth2_t *)handle_get(&KIND_OAUTH2, handle);
  if (oauth2 == NULL) return closed(CLOSED_APP);
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  bge_status_t status = bge_oauth2_get_api(oauth2, text_or_null(token), &api, &err);
  return status == BGE_OK ? client(api, listens) : failure(status, err);
}

/* Frees any handle, now; a second time does nothing. */
SEXP rbge_close(SEXP handle) {
  if (TYPEOF(handle) != EXTPTRSXP) Rf_error("this is no handle");
  handle_close(handle);
  return R_NilValue;
}

/* Whether a handle is closed, or was left behind in another process. */
SEXP rbge_is_closed(SEXP handle) {
  return Rf_ScalarLogical(TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrAddr(handle) == NULL);
}

/* ---- operations ---- */

static SEXP operation(bge_status_t status, bge_op_t *op, bge_error_t *err, SEXP keep) {
  return status == BGE_OK ? handle_new(&KIND_OP, op, keep) : failure(status, err);
}

SEXP rbge_start(SEXP handle, SEXP name, SEXP args) {
  bge_api_t *api = (bge_api_t *)handle_get(&KIND_API, handle);
  if (api == NULL) return closed(CLOSED_CLIENT);
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  bge_status_t status = bge_api_start(api, text_or_null(name), text_or_null(args), &op, &err);
  return operation(status, op, err, R_NilValue);
}

SEXP rbge_oauth2_start(SEXP handle, SEXP name, SEXP args) {
  bge_oauth2_t *oauth2 = (bge_oauth2_t *)handle_get(&KIND_OAUTH2, handle);
  if (oauth2 == NULL) return closed(CLOSED_APP);
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  bge_status_t status = bge_oauth2_start(oauth2, text_or_null(name), text_or_null(args), &op, &err);
  return operation(status, op, err, R_NilValue);
}

/* The operation reads `data` where it is: the handle keeps the vector alive. */
SEXP rbge_start_upload(SEXP handle, SEXP filename, SEXP data, SEXP args) {
  bge_api_t *api = (bge_api_t *)handle_get(&KIND_API, handle);
  if (api == NULL) return closed(CLOSED_CLIENT);
  if (TYPEOF(data) != RAWSXP) Rf_error("data must be a raw vector");
  MARK_NOT_MUTABLE(data);
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  bge_status_t status =
      bge_api_start_upload(api, text_or_null(filename), RAW(data), (size_t)XLENGTH(data), text_or_null(args), &op, &err);
  return operation(status, op, err, data);
}

/* Waits a moment; whether the operation is done. Ctrl-C leaves from here, when the library's call has returned: the
   caller's on.exit() then frees the operation, which cancels it. */
SEXP rbge_wait(SEXP handle, SEXP milliseconds) {
  bge_op_t *op = (bge_op_t *)handle_get(&KIND_OP, handle);
  if (op == NULL) return closed("the operation is closed");
  bge_error_t *err = NULL;
  bool done = false;
  bge_status_t status = bge_op_wait(op, (int64_t)Rf_asInteger(milliseconds), &done, &err);
  if (status != BGE_OK) return failure(status, err);
  if (!done) R_CheckUserInterrupt();
  return Rf_ScalarLogical(done);
}

SEXP rbge_progress(SEXP handle) {
  bge_op_t *op = (bge_op_t *)handle_get(&KIND_OP, handle);
  uint64_t done = 0, total = 0;
  if (op != NULL) bge_op_progress(op, &done, &total);
  SEXP out = PROTECT(Rf_allocVector(REALSXP, 2));
  REAL(out)[0] = (double)done;
  REAL(out)[1] = (double)total;
  UNPROTECT(1);
  return out;
}

SEXP rbge_result(SEXP handle) {
  bge_op_t *op = (bge_op_t *)handle_get(&KIND_OP, handle);
  if (op == NULL) return closed("the operation is closed");
  bge_error_t *err = NULL;
  char *json = NULL;
  bge_status_t status = bge_op_result(op, &json, &err);
  return status == BGE_OK ? take_string(json) : failure(status, err);
}

/* All bytes of a file, of any size; Ctrl-C leaves between pieces of it. NULL when it cannot be read to its end. */
static void close_file(SEXP keeper) {
  FILE *file = (FILE *)R_ExternalPtrAddr(keeper);
  R_ClearExternalPtr(keeper);
  if (file != NULL) fclose(file);
}

SEXP rbge_read_file(SEXP path, SEXP size) {
  double wanted = Rf_asReal(size);
  if (TYPEOF(path) != STRSXP || XLENGTH(path) != 1 || !(wanted >= 0)) Rf_error("this must be a path and a size");
  FILE *file = fopen(R_ExpandFileName(CHAR(STRING_ELT(path, 0))), "rb");
  if (file == NULL) return R_NilValue;
  SEXP keeper = PROTECT(R_MakeExternalPtr(file, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(keeper, close_file, FALSE);
  SEXP out = PROTECT(Rf_allocVector(RAWSXP, (R_xlen_t)wanted));
  size_t done = 0, all = (size_t)wanted, piece = 64 << 20;
  while (done < all) {
    size_t got = fread(RAW(out) + done, 1, all - done < piece ? all - done : piece, file);
    if (got == 0) break;
    done += got;
    R_CheckUserInterrupt();
  }
  close_file(keeper);
  UNPROTECT(2);
  return done == all ? out : R_NilValue;
}

/* ---- pages ---- */

SEXP rbge_pages(SEXP handle, SEXP name, SEXP args) {
  bge_api_t *api = (bge_api_t *)handle_get(&KIND_API, handle);
  if (api == NULL) return closed(CLOSED_CLIENT);
  bge_error_t *err = NULL;
  bge_pages_t *pages = NULL;
  bge_status_t status = bge_api_pages(api, text_or_null(name), text_or_null(args), &pages, &err);
  return status == BGE_OK ? handle_new(&KIND_PAGES, pages, R_NilValue) : failure(status, err);
}

SEXP rbge_pages_start(SEXP handle) {
  bge_pages_t *pages = (bge_pages_t *)handle_get(&KIND_PAGES, handle);
  if (pages == NULL) return closed("the pages are closed");
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  bge_status_t status = bge_pages_start(pages, &op, &err);
  return operation(status, op, err, R_NilValue);
}
