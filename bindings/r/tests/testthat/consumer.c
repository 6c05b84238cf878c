/* A reader of Arrow streams that knows nothing of the package: counts the rows, and releases the stream. */
#include <Rinternals.h>
#include <bge.h>

SEXP count_rows(SEXP room) {
  struct ArrowArrayStream *stream = (struct ArrowArrayStream *)R_ExternalPtrAddr(room);
  struct ArrowSchema schema;
  double rows = 0;
  if (stream->get_schema(stream, &schema) != 0) return R_NilValue;
  double width = (double)schema.n_children;
  schema.release(&schema);
  for (;;) {
    struct ArrowArray batch;
    if (stream->get_next(stream, &batch) != 0) return Rf_mkString(stream->get_last_error(stream));
    if (batch.release == NULL) break;
    rows += (double)batch.length;
    batch.release(&batch);
  }
  stream->release(stream);
  SEXP out = Rf_allocVector(REALSXP, 2);
  REAL(out)[0] = rows;
  REAL(out)[1] = width;
  return out;
}
