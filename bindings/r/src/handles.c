/* External pointers to the library's handles: tagged with their kind, and freed only by the process that made them. */
#include "rbge.h"

#include <sys/types.h>
#include <unistd.h>

typedef struct {
  void *pointer;
  kind_t kind;
  pid_t maker;
  heard_t *heard;
} handle_t;

static const char *const tags[] = {"bge_api", "bge_oauth2", "bge_op", "bge_pages", "bge_table"};

static void free_pointer(kind_t kind, void *pointer) {
  switch (kind) {
    case KIND_API: bge_api_free((bge_api_t *)pointer); break;
    case KIND_OAUTH2: bge_oauth2_free((bge_oauth2_t *)pointer); break;
    case KIND_OP: bge_op_free((bge_op_t *)pointer); break;
    case KIND_PAGES: bge_pages_free((bge_pages_t *)pointer); break;
    case KIND_TABLE: table_free(pointer); break;
  }
}

/* In a forked child (parallel::mclapply) the handle stays the parent's: its memory goes with the child. */
void handle_close(SEXP handle) {
  handle_t *held = (handle_t *)R_ExternalPtrAddr(handle);
  if (held == NULL) return;
  R_ClearExternalPtr(handle);
  R_SetExternalPtrProtected(handle, R_NilValue);
  if (held->maker == getpid()) {
    free_pointer(held->kind, held->pointer);
    heard_release(held->heard);
  }
  R_Free(held);
}

/* `keep` is what must live as long as the handle, such as the bytes of an upload. */
SEXP handle_new(kind_t kind, void *pointer, SEXP keep) {
  handle_t *held = R_Calloc(1, handle_t);
  held->pointer = pointer;
  held->kind = kind;
  held->maker = getpid();
  SEXP handle = PROTECT(R_MakeExternalPtr(held, Rf_install(tags[kind]), keep));
  R_RegisterCFinalizerEx(handle, handle_close, FALSE);
  UNPROTECT(1);
  return handle;
}

void *handle_get(kind_t kind, SEXP handle) {
  if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrTag(handle) != Rf_install(tags[kind]))
    Rf_error("this is no handle of the kind %s", tags[kind]);
  handle_t *held = (handle_t *)R_ExternalPtrAddr(handle);
  return held == NULL ? NULL : held->pointer;
}

heard_t *handle_heard(SEXP handle) {
  handle_t *held = (handle_t *)R_ExternalPtrAddr(handle);
  return held == NULL || held->maker != getpid() ? NULL : held->heard;
}

void handle_listen(SEXP handle, heard_t *heard) {
  handle_t *held = (handle_t *)R_ExternalPtrAddr(handle);
  if (held != NULL) held->heard = heard;
}

const char *text_or_null(SEXP text) {
  if (Rf_isNull(text)) return NULL;
  if (TYPEOF(text) != STRSXP || XLENGTH(text) != 1 || STRING_ELT(text, 0) == NA_STRING)
    Rf_error("this must be one string");
  return Rf_translateCharUTF8(STRING_ELT(text, 0));
}

SEXP utf8_string(const char *text) {
  SEXP out = PROTECT(Rf_allocVector(STRSXP, 1));
  SET_STRING_ELT(out, 0, Rf_mkCharCE(text, CE_UTF8));
  UNPROTECT(1);
  return out;
}

static void free_text(SEXP keeper) {
  bge_string_free((char *)R_ExternalPtrAddr(keeper));
  R_ClearExternalPtr(keeper);
}

SEXP take_string(char *text) {
  if (text == NULL) return R_NilValue;
  SEXP keeper = PROTECT(R_MakeExternalPtr(text, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(keeper, free_text, FALSE);
  SEXP out = PROTECT(utf8_string(text));
  free_text(keeper);
  UNPROTECT(2);
  return out;
}
