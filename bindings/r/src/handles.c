/* External pointers to the library's handles: tagged with their kind, and freed only by the process that made them. */
#include "rbge.h"

#include <sys/types.h>
#include <unistd.h>

typedef struct {
  void *pointer;
  const kind_t *kind;
  pid_t maker;
  heard_t *heard;
} handle_t;

static void free_api(void *pointer) { bge_api_free((bge_api_t *)pointer); }
static void free_oauth2(void *pointer) { bge_oauth2_free((bge_oauth2_t *)pointer); }
static void free_op(void *pointer) { bge_op_free((bge_op_t *)pointer); }
static void free_pages(void *pointer) { bge_pages_free((bge_pages_t *)pointer); }

const kind_t KIND_API = {"bge_api", free_api};
const kind_t KIND_OAUTH2 = {"bge_oauth2", free_oauth2};
const kind_t KIND_OP = {"bge_op", free_op};
const kind_t KIND_PAGES = {"bge_pages", free_pages};

/* In a forked child (parallel::mclapply) the handle stays the parent's: its memory goes with the child. */
void handle_close(SEXP handle) {
  handle_t *held = (handle_t *)R_ExternalPtrAddr(handle);
  if (held == NULL) return;
  R_ClearExternalPtr(handle);
  R_SetExternalPtrProtected(handle, R_NilValue);
  if (held->maker == getpid()) {
    held->kind->free(held->pointer);
    heard_release(held->heard);
  }
  R_Free(held);
}

/* `keep` is what must live as long as the handle, such as the bytes of an upload. */
SEXP handle_new(const kind_t *kind, void *pointer, SEXP keep) {
  handle_t *held = R_Calloc(1, handle_t);
  held->pointer = pointer;
  held->kind = kind;
  held->maker = getpid();
  SEXP handle = PROTECT(R_MakeExternalPtr(held, Rf_install(kind->tag), keep));
  R_RegisterCFinalizerEx(handle, handle_close, FALSE);
  UNPROTECT(1);
  return handle;
}

void *handle_get(const kind_t *kind, SEXP handle) {
  if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrTag(handle) != Rf_install(kind->tag))
    Rf_error("this is no handle of the kind %s", kind->tag);
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
