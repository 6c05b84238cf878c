/* The rows of one page, as the library decodes them: nothing of it is read here. */
#include "calls.h"

typedef struct {
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  struct ArrowArray batch;
} page_t;

static void release_page(void *data) {
  page_t *page = (page_t *)data;
  if (page->batch.release != NULL) page->batch.release(&page->batch);
  if (page->schema.release != NULL) page->schema.release(&page->schema);
  if (page->stream.release != NULL) page->stream.release(&page->stream);
}

/* list(names, types, pieces): a piece is list(rows, columns), as of a table. */
static SEXP read_page(void *data) {
  page_t *page = (page_t *)data;
  static const char *names[] = {"names", "types", "pieces", ""};
  if (page->stream.get_schema(&page->stream, &page->schema) != 0) {
    page->schema.release = NULL;
    return own_failure(BGE_ERR_INTERNAL, "the columns of a page are not to be had");
  }
  SEXP schema = PROTECT(arrow_schema(&page->schema));
  if (Rf_inherits(schema, "bge_failure")) {
    UNPROTECT(1);
    return schema;
  }
  SEXP pieces = R_NilValue;
  PROTECT_INDEX at;
  PROTECT_WITH_INDEX(pieces, &at);
  for (;;) {
    if (page->stream.get_next(&page->stream, &page->batch) != 0) {
      page->batch.release = NULL;
      UNPROTECT(2);
      return own_failure(BGE_ERR_INTERNAL, "the rows of a page are not to be had");
    }
    if (page->batch.release == NULL) break;
    SEXP piece = PROTECT(arrow_piece(&page->schema, &page->batch, R_NilValue));
    REPROTECT(pieces = Rf_cons(piece, pieces), at);
    UNPROTECT(1);
    page->batch.release(&page->batch);
    page->batch.release = NULL;
  }
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(out, 0, VECTOR_ELT(schema, 0));
  SET_VECTOR_ELT(out, 1, VECTOR_ELT(schema, 1));
  R_xlen_t count = Rf_length(pieces);
  SET_VECTOR_ELT(out, 2, Rf_allocVector(VECSXP, count));
  for (R_xlen_t i = count; i > 0; i--, pieces = CDR(pieces)) SET_VECTOR_ELT(VECTOR_ELT(out, 2), i - 1, CAR(pieces));
  UNPROTECT(3);
  return out;
}

SEXP rbge_rows(SEXP name, SEXP text) {
  bge_error_t *err = NULL;
  page_t page = {.stream = {.release = NULL}, .schema = {.release = NULL}, .batch = {.release = NULL}};
  bge_status_t status = bge_rows(text_or_null(name), text_or_null(text), &page.stream, &err);
  if (status != BGE_OK) return failure(status, err);
  return R_ExecWithCleanup(read_page, &page, release_page, &page);
}

/* What stands at a JSON pointer: text decoded, anything else as it is written; NULL where nothing is. */
SEXP rbge_json_get(SEXP text, SEXP pointer) {
  bge_error_t *err = NULL;
  char *out = NULL;
  bge_status_t status = bge_json_get(text_or_null(text), text_or_null(pointer), &out, &err);
  return status == BGE_OK ? take_string(out) : failure(status, err);
}
