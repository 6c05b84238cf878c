/*
 * Tables: the record batches of an Arrow C stream as R vectors. Reading a batch blocks until the network has it, so a
 * thread of our own reads: it blocks all signals and touches nothing of R. R's thread waits for batches in short steps,
 * in which Ctrl-C is honoured, and turns them into vectors while the next ones are read.
 */
#include "calls.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* Batches that may wait for R. The pages before them are bounded by the library. */
enum { WAITING = 16 };

typedef struct {
  bge_table_t *table;
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  pid_t maker;
  pthread_t thread;
  int is_running;
  struct ArrowArray batch; /* the one that is becoming R vectors: an R error leaves it to be released with the rest */

  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t changed;
  struct ArrowArray queue[WAITING];
  int first, count, is_ended, has_failed, is_stopping;
  char *problem; /* the failure as JSON */
} reader_t;

/* ---- the reading thread ---- */

static void *read_batches(void *given) {
  reader_t *r = (reader_t *)given;
  int is_last = 0;
  while (!is_last) {
    struct ArrowArray batch = {.release = NULL};
    int code = r->stream.get_next(&r->stream, &batch);
    pthread_mutex_lock(&r->lock);
    if (code != 0) {
      const char *problem = r->stream.get_last_error(&r->stream);
      r->has_failed = 1;
      r->problem = problem == NULL ? NULL : strdup(problem);
    } else if (batch.release != NULL) {
      while (r->count == WAITING && !r->is_stopping) pthread_cond_wait(&r->changed, &r->lock);
    }
    is_last = code != 0 || batch.release == NULL || r->is_stopping;
    if (is_last) r->is_ended = 1;
    else r->queue[(r->first + r->count++) % WAITING] = batch;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (is_last && code == 0 && batch.release != NULL) batch.release(&batch);
  }
  return NULL;
}

static int start_reading(reader_t *r) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&r->thread, NULL, read_batches, r);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  r->is_running = code == 0;
  return code;
}

/* Moves the next batch to `r->batch`; 1 when there is one, 0 at the end, -1 when none came in time. */
static int take_batch(reader_t *r, long milliseconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += milliseconds % 1000 * 1000000L;
  until.tv_sec += milliseconds / 1000 + until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  int code = 0, outcome = -1;
  pthread_mutex_lock(&r->lock);
  while (r->count == 0 && !r->is_ended && code == 0) code = pthread_cond_timedwait(&r->changed, &r->lock, &until);
  if (r->count > 0) {
    r->batch = r->queue[r->first];
    r->first = (r->first + 1) % WAITING;
    r->count--;
    outcome = 1;
    pthread_cond_broadcast(&r->changed);
  } else if (r->is_ended) {
    outcome = 0;
  }
  pthread_mutex_unlock(&r->lock);
  return outcome;
}

/* ---- handles ---- */

static void release_batch(struct ArrowArray *batch) {
  if (batch->release != NULL) batch->release(batch);
  batch->release = NULL;
}

/* A stream that was handed over is not ours to cancel. */
void table_free(void *pointer) {
  reader_t *r = (reader_t *)pointer;
  if (r->is_running) {
    pthread_mutex_lock(&r->lock);
    r->is_stopping = 1;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    bge_table_cancel(r->table);
    pthread_join(r->thread, NULL);
  }
  for (int i = 0; i < r->count; i++) release_batch(&r->queue[(r->first + i) % WAITING]);
  release_batch(&r->batch);
  if (r->schema.release != NULL) r->schema.release(&r->schema);
  if (r->stream.release != NULL) r->stream.release(&r->stream);
  bge_table_free(r->table);
  pthread_cond_destroy(&r->changed);
  pthread_mutex_destroy(&r->lock);
  free(r->problem);
  free(r);
}

static reader_t *new_reader(bge_table_t *table) {
  reader_t *r = (reader_t *)calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  pthread_condattr_t steady;
  pthread_condattr_init(&steady);
  pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
  pthread_cond_init(&r->changed, &steady);
  pthread_condattr_destroy(&steady);
  pthread_mutex_init(&r->lock, NULL);
  r->table = table;
  r->maker = getpid();
  return r;
}

SEXP rbge_table_open(SEXP handle, SEXP name, SEXP args) {
  bge_api_t *api = (bge_api_t *)handle_get(KIND_API, handle);
  if (api == NULL) return own_failure(BGE_ERR_CLOSED, "the client is closed: make a new one with bge_client() or bge_open()");
  bge_error_t *err = NULL;
  bge_table_t *table = NULL;
  bge_status_t status = bge_api_open_table(api, text_or_null(name), text_or_null(args), &table, &err);
  if (status != BGE_OK) return failure(status, err);
  reader_t *r = new_reader(table);
  if (r == NULL) {
    bge_table_free(table);
    return own_failure(BGE_ERR_INTERNAL, "there is no memory for a table");
  }
  SEXP out = PROTECT(handle_new(KIND_TABLE, r, R_NilValue));
  status = bge_table_stream(table, &r->stream, &err);
  if (status != BGE_OK) {
    UNPROTECT(1);
    return failure(status, err);
  }
  if (r->stream.get_schema(&r->stream, &r->schema) != 0) {
    r->schema.release = NULL;
    UNPROTECT(1);
    return own_failure(BGE_ERR_INTERNAL, "the table's schema is not to be had");
  }
  UNPROTECT(1);
  return out;
}

/* NULL when the table is closed, or another process's. */
static reader_t *reader_of(SEXP handle) {
  reader_t *r = (reader_t *)handle_get(KIND_TABLE, handle);
  return r == NULL || r->maker != getpid() ? NULL : r;
}

static SEXP closed_table(void) {
  return own_failure(BGE_ERR_CLOSED, "the table is closed, or belongs to another process");
}

SEXP rbge_table_report(SEXP handle) {
  reader_t *r = reader_of(handle);
  if (r == NULL) return closed_table();
  bge_error_t *err = NULL;
  char *json = NULL;
  bge_status_t status = bge_table_report(r->table, &json, &err);
  return status == BGE_OK ? take_string(json) : failure(status, err);
}

/* Rows, samples done, samples. */
SEXP rbge_table_progress(SEXP handle) {
  reader_t *r = reader_of(handle);
  uint64_t rows = 0, done = 0, samples = 0;
  if (r != NULL) bge_table_progress(r->table, &rows, &done, &samples);
  SEXP out = PROTECT(Rf_allocVector(REALSXP, 3));
  REAL(out)[0] = (double)rows;
  REAL(out)[1] = (double)done;
  REAL(out)[2] = (double)samples;
  UNPROTECT(1);
  return out;
}

/* ---- streams for other packages ---- */

static void free_room(SEXP room) {
  struct ArrowArrayStream *stream = (struct ArrowArrayStream *)R_ExternalPtrAddr(room);
  if (stream == NULL) return;
  R_ClearExternalPtr(room);
  if (stream->release != NULL) stream->release(stream);
  free(stream);
}

/* An empty struct ArrowArrayStream; whatever is in it when it is collected is released. */
SEXP rbge_stream_room(void) {
  struct ArrowArrayStream *stream = (struct ArrowArrayStream *)calloc(1, sizeof *stream);
  if (stream == NULL) Rf_error("there is no memory for a stream");
  SEXP room = PROTECT(R_MakeExternalPtr(stream, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(room, free_room, FALSE);
  UNPROTECT(1);
  return room;
}

/* Moves the stream into the struct ArrowArrayStream that `room` points to: it is then the other package's to release. */
SEXP rbge_table_hand_over(SEXP handle, SEXP room) {
  reader_t *r = reader_of(handle);
  if (r == NULL) return closed_table();
  struct ArrowArrayStream *to =
      TYPEOF(room) == EXTPTRSXP ? (struct ArrowArrayStream *)R_ExternalPtrAddr(room) : NULL;
  if (to == NULL || to->release != NULL) Rf_error("this is no room for a stream");
  if (r->is_running || r->stream.release == NULL) return own_failure(BGE_ERR_CLOSED, "the table's stream was taken already");
  *to = r->stream;
  r->stream.release = NULL;
  return room;
}

/* ---- columns ---- */

static int type_of(const struct ArrowSchema *field) {
  if (field->format[0] == '\0' || field->format[1] != '\0') return 0;
  switch (field->format[0]) {
    case 'u': return TYPE_STRING;
    case 'g': return TYPE_FLOAT64;
    case 'l': return TYPE_INT64;
    case 'b': return TYPE_BOOLEAN;
    default: return 0;
  }
}

/* list(names, types): the columns as the stream declares them. */
SEXP rbge_table_schema(SEXP handle) {
  reader_t *r = reader_of(handle);
  if (r == NULL) return closed_table();
  static const char *names[] = {"names", "types", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  R_xlen_t width = (R_xlen_t)r->schema.n_children;
  SET_VECTOR_ELT(out, 0, Rf_allocVector(STRSXP, width));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(INTSXP, width));
  for (R_xlen_t i = 0; i < width; i++) {
    const struct ArrowSchema *field = r->schema.children[i];
    SET_STRING_ELT(VECTOR_ELT(out, 0), i, Rf_mkCharCE(field->name, CE_UTF8));
    INTEGER(VECTOR_ELT(out, 1))[i] = type_of(field);
    if (type_of(field) == 0) {
      UNPROTECT(1);
      return own_failure(BGE_ERR_INTERNAL, "a column of the table is of a type that this package does not know");
    }
  }
  UNPROTECT(1);
  return out;
}

/* A column of a batch: values are looked up from `offset` on. */
typedef struct {
  const uint8_t *valid; /* one bit for each value; NULL: no value is null */
  const void *values, *bytes;
  int64_t offset;
  R_xlen_t rows;
} slice_of_column_t;

static int bit_at(const uint8_t *bits, int64_t at) {
  return bits[at >> 3] >> (at & 7) & 1;
}

static int is_null(const slice_of_column_t *c, R_xlen_t row) {
  return c->valid != NULL && !bit_at(c->valid, c->offset + row);
}

/* U+0000, which no R string can hold, becomes U+FFFD as it does in the package's other frames. */
static SEXP charsxp_of(const char *text, size_t length) {
  if (memchr(text, '\0', length) == NULL) return Rf_mkCharLenCE(text, (int)length, CE_UTF8);
  const void *watermark = vmaxget();
  char *buffer = R_alloc(3 * length, 1), *to = buffer;
  for (size_t i = 0; i < length; i++) {
    if (text[i] != '\0') {
      *to++ = text[i];
    } else {
      memcpy(to, "\xEF\xBF\xBD", 3);
      to += 3;
    }
  }
  SEXP out = Rf_mkCharLenCE(buffer, (int)(to - buffer), CE_UTF8);
  vmaxset(watermark);
  return out;
}

/* Neighbours are often the same text (the sample, a unit): it is then looked up once. */
static void fill_strings(SEXP out, const slice_of_column_t *c) {
  const int32_t *ends = (const int32_t *)c->values + c->offset;
  const char *bytes = (const char *)c->bytes, *last = NULL;
  size_t last_length = 0;
  SEXP text = NA_STRING;
  for (R_xlen_t row = 0; row < c->rows; row++) {
    if (is_null(c, row)) {
      SET_STRING_ELT(out, row, NA_STRING);
      continue;
    }
    size_t length = (size_t)(ends[row + 1] - ends[row]);
    const char *at = length == 0 ? "" : bytes + ends[row];
    if (last == NULL || length != last_length || memcmp(at, last, length) != 0) {
      text = charsxp_of(at, length);
      last = at;
      last_length = length;
    }
    SET_STRING_ELT(out, row, text);
  }
}

/* The one 64-bit integer that stands for NA in R: with it in a batch, its column is text. */
static int holds_int64_na(const slice_of_column_t *c) {
  const int64_t *values = (const int64_t *)c->values + c->offset;
  for (R_xlen_t row = 0; row < c->rows; row++)
    if (values[row] == INT64_NA && !is_null(c, row)) return 1;
  return 0;
}

static SEXP int64_column(const slice_of_column_t *c) {
  const int64_t *values = (const int64_t *)c->values + c->offset;
  SEXP out = PROTECT(Rf_allocVector(REALSXP, c->rows));
  for (R_xlen_t row = 0; row < c->rows; row++)
    REAL(out)[row] = bits_of_int64(is_null(c, row) ? INT64_NA : values[row]);
  if (holds_int64_na(c)) {
    SEXP text = PROTECT(rbge_int64_text(out));
    for (R_xlen_t row = 0; row < c->rows; row++)
      if (values[row] == INT64_NA && !is_null(c, row)) SET_STRING_ELT(text, row, Rf_mkChar("-9223372036854775808"));
    UNPROTECT(2);
    return text;
  }
  UNPROTECT(1);
  return out;
}

static SEXP column_of(const struct ArrowArray *batch, int at, int type) {
  const struct ArrowArray *array = batch->children[at];
  slice_of_column_t c = {
      .valid = array->null_count == 0 ? NULL : (const uint8_t *)array->buffers[0],
      .values = array->buffers[1],
      .bytes = type == TYPE_STRING ? array->buffers[2] : NULL,
      .offset = array->offset + batch->offset,
      .rows = (R_xlen_t)batch->length,
  };
  if (type == TYPE_INT64) return int64_column(&c);
  SEXP out = PROTECT(Rf_allocVector(type == TYPE_STRING ? STRSXP : type == TYPE_FLOAT64 ? REALSXP : LGLSXP, c.rows));
  if (type == TYPE_STRING) {
    fill_strings(out, &c);
  } else if (type == TYPE_FLOAT64) {
    for (R_xlen_t row = 0; row < c.rows; row++)
      REAL(out)[row] = is_null(&c, row) ? NA_REAL : ((const double *)c.values)[c.offset + row];
  } else {
    for (R_xlen_t row = 0; row < c.rows; row++)
      LOGICAL(out)[row] = is_null(&c, row) ? NA_LOGICAL : bit_at((const uint8_t *)c.values, c.offset + row);
  }
  UNPROTECT(1);
  return out;
}

/* list(rows, columns) of a batch, as rbge_read_page gives them of a page. `wanted` are the columns' places, from 1 on. */
static SEXP piece_of(reader_t *r, SEXP wanted) {
  static const char *names[] = {"rows", "columns", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarReal((double)r->batch.length));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(VECSXP, XLENGTH(wanted)));
  for (R_xlen_t i = 0; i < XLENGTH(wanted); i++) {
    int at = INTEGER(wanted)[i] - 1;
    if (at < 0 || at >= r->batch.n_children || at >= r->schema.n_children) Rf_error("the table has no such column");
    SET_VECTOR_ELT(VECTOR_ELT(out, 1), i, column_of(&r->batch, at, type_of(r->schema.children[at])));
  }
  UNPROTECT(1);
  return out;
}

/* The next piece; NULL when none has come in time, FALSE at the end. A failure that the stream reports is its JSON text.
   Ctrl-C leaves from here: the caller's on.exit() then frees the table, which ends the reading. */
SEXP rbge_table_next(SEXP handle, SEXP milliseconds, SEXP wanted) {
  R_CheckUserInterrupt();
  reader_t *r = reader_of(handle);
  if (r == NULL || r->stream.release == NULL) return closed_table();
  if (TYPEOF(wanted) != INTSXP) Rf_error("the columns must be integers");
  if (!r->is_running && start_reading(r) != 0) return own_failure(BGE_ERR_INTERNAL, "no thread could be started");
  release_batch(&r->batch);
  switch (take_batch(r, Rf_asInteger(milliseconds))) {
    case 1: {
      SEXP piece = PROTECT(piece_of(r, wanted));
      release_batch(&r->batch);
      UNPROTECT(1);
      return piece;
    }
    case 0:
      if (!r->has_failed) return Rf_ScalarLogical(0);
      return utf8_string(r->problem == NULL ? "{}" : r->problem);
    default: return R_NilValue;
  }
}
