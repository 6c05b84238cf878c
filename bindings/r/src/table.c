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
static void table_free(void *pointer) {
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

static const kind_t KIND_TABLE = {"bge_table", table_free};

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
  bge_api_t *api = (bge_api_t *)handle_get(&KIND_API, handle);
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
  SEXP out = PROTECT(handle_new(&KIND_TABLE, r, R_NilValue));
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
  reader_t *r = (reader_t *)handle_get(&KIND_TABLE, handle);
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

/* ---- pieces ---- */

SEXP rbge_table_schema(SEXP handle) {
  reader_t *r = reader_of(handle);
  return r == NULL ? closed_table() : arrow_schema(&r->schema);
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
      SEXP piece = PROTECT(arrow_piece(&r->schema, &r->batch, wanted));
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
