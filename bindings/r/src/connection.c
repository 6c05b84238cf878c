/*
 * An object of the store as a connection of R's: read from any place, in blocks that grow while it is read from front to
 * back. A block may take its time: a thread of our own waits for it, and R's thread looks for Ctrl-C meanwhile.
 */
#define _GNU_SOURCE
#include "calls.h"

#include <R_ext/Connections.h>

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#if R_CONNECTIONS_VERSION != 1
#error "this version of R has connections of another kind"
#endif

/* The smallest is what the library's reader asks for after a jump: a byte more would be another request. */
enum { SMALLEST = 192 << 10, LARGEST = 4 << 20 };

typedef struct {
  SEXP handle;   /* the client's, kept from R's collector */
  char *object;
  char *args;    /* the other arguments of a reader, as JSON */
  pid_t maker;
  bge_reader_t *reader;
  uint64_t reader_at; /* the place of the reader's next byte */
  uint64_t at;        /* the connection's */
  uint8_t *block;
  uint64_t block_at;
  size_t block_length, block_size;
  int is_end;         /* the object ends where the block does */
} remote_t;

/* ---- a block, or the object's length ---- */

typedef struct {
  remote_t *remote;
  pthread_t thread;
  pthread_mutex_t lock; /* of is_done */
  pthread_cond_t changed;
  int is_running, is_done;
  bge_status_t status;
  bge_error_t *err;
  size_t got;
  int is_end;
  uint64_t length;
} job_t;

static void tell_done(job_t *job) {
  pthread_mutex_lock(&job->lock);
  job->is_done = 1;
  pthread_cond_signal(&job->changed);
  pthread_mutex_unlock(&job->lock);
}

static void *ask_length(void *given) {
  job_t *job = (job_t *)given;
  job->status = bge_reader_size(job->remote->reader, &job->length, &job->err);
  tell_done(job);
  return NULL;
}

static void *fill_block(void *given) {
  job_t *job = (job_t *)given;
  remote_t *r = job->remote;
  while (job->got < r->block_size) {
    size_t n = 0;
    job->status = bge_reader_read(r->reader, r->block + job->got, r->block_size - job->got, &n, &job->err);
    if (job->status != BGE_OK) break;
    if (n == 0) {
      job->is_end = 1;
      break;
    }
    job->got += n;
  }
  tell_done(job);
  return NULL;
}

static SEXP wait_for_job(void *given) {
  job_t *job = (job_t *)given;
  for (;;) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 50000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&job->lock);
    if (!job->is_done) pthread_cond_timedwait(&job->changed, &job->lock, &until);
    int is_done = job->is_done;
    pthread_mutex_unlock(&job->lock);
    if (is_done) return R_NilValue;
    R_CheckUserInterrupt();
  }
}

/* On every way out, Ctrl-C too. A reader that was cancelled is of no use any more. */
static void end_job(void *given) {
  job_t *job = (job_t *)given;
  remote_t *r = job->remote;
  pthread_mutex_lock(&job->lock);
  int is_done = job->is_done;
  pthread_mutex_unlock(&job->lock);
  if (!is_done) bge_reader_cancel(r->reader);
  pthread_join(job->thread, NULL);
  pthread_cond_destroy(&job->changed);
  pthread_mutex_destroy(&job->lock);
  if (!is_done || job->status != BGE_OK) {
    bge_reader_free(r->reader);
    r->reader = NULL;
  }
  if (!is_done) bge_error_free(job->err);
}

/* Raises the condition of a failure, in R. */
static void raise_failure(SEXP what) {
  PROTECT(what);
  SEXP call = PROTECT(Rf_lang2(Rf_install("connection_failed"), what));
  SEXP name = PROTECT(Rf_mkString("bge"));
  Rf_eval(call, R_FindNamespace(name));
  UNPROTECT(3);
}

/* One reader for all places: wherever it goes, it reads the same version of the object. */
static void need_reader(remote_t *r) {
  if (r->reader != NULL) return;
  bge_api_t *api = (bge_api_t *)handle_get(&KIND_API, r->handle);
  if (api == NULL) raise_failure(own_failure(BGE_ERR_CLOSED, "the client is closed: make a new one with bge_client() or bge_open()"));
  bge_error_t *err = NULL;
  bge_status_t status = bge_api_open_reader(api, r->object, r->args, &r->reader, &err);
  if (status != BGE_OK) raise_failure(failure(status, err));
  r->reader_at = 0;
}

static void carry_out(job_t *job, void *(*work)(void *)) {
  pthread_mutex_init(&job->lock, NULL);
  pthread_cond_init(&job->changed, NULL);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&job->thread, NULL, work, job);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0) Rf_error("no thread could be started");
  R_ExecWithCleanup(wait_for_job, job, end_job, job);
  if (job->status != BGE_OK) raise_failure(failure(job->status, job->err));
}

/* Fetches the block at the connection's place. */
static void next_block(remote_t *r) {
  need_reader(r);
  int goes_on = r->block_length > 0 && r->reader_at == r->at;
  size_t size = !goes_on ? SMALLEST : r->block_size * 2 > LARGEST ? LARGEST : r->block_size * 2;
  uint8_t *block = (uint8_t *)realloc(r->block, size);
  if (block == NULL) Rf_error("there is no memory for a block of %.0f bytes", (double)size);
  r->block = block;
  r->block_size = size;
  r->block_length = 0;
  r->is_end = 0;
  if (r->reader_at != r->at) {
    bge_error_t *err = NULL;
    bge_status_t status = bge_reader_seek(r->reader, r->at, &err);
    if (status != BGE_OK) raise_failure(failure(status, err));
    r->reader_at = r->at;
  }
  job_t job = {.remote = r};
  carry_out(&job, fill_block);
  r->block_at = r->at;
  r->block_length = job.got;
  r->is_end = job.is_end;
  r->reader_at += job.got;
}

static uint64_t length_of(remote_t *r) {
  need_reader(r);
  job_t job = {.remote = r};
  carry_out(&job, ask_length);
  return job.length;
}

/* ---- what R asks of a connection ---- */

static remote_t *remote_of(struct Rconn *con) {
  remote_t *r = (remote_t *)con->private;
  if (r->maker != getpid())
    raise_failure(own_failure(BGE_ERR_CLOSED, "the connection belongs to the process that this one was forked from"));
  return r;
}

static int is_inside(const remote_t *r) {
  return r->block_length > 0 && r->at >= r->block_at && r->at < r->block_at + r->block_length;
}

static size_t remote_read(void *to, size_t size, size_t items, struct Rconn *con) {
  remote_t *r = remote_of(con);
  const void *watermark = vmaxget();
  size_t wanted = size * items, done = 0;
  while (done < wanted) {
    if (!is_inside(r)) {
      if (r->is_end && r->at >= r->block_at + r->block_length) break;
      next_block(r);
      if (r->block_length == 0) break;
    }
    size_t from = (size_t)(r->at - r->block_at), left = r->block_length - from;
    size_t now = wanted - done < left ? wanted - done : left;
    memcpy((char *)to + done, r->block + from, now);
    r->at += now;
    done += now;
  }
  vmaxset(watermark);
  return size == 0 ? 0 : done / size;
}

static int remote_fgetc(struct Rconn *con) {
  unsigned char byte;
  return remote_read(&byte, 1, 1, con) == 1 ? byte : -1;
}

/* Sends nothing, unless the object's end is to be known: the next read does. */
static double remote_seek(struct Rconn *con, double where, int origin, int rw) {
  (void)rw;
  remote_t *r = remote_of(con);
  double before = (double)r->at;
  if (ISNAN(where)) return before;
  if (origin == 2) where += before;
  if (origin == 3) where += (double)length_of(r);
  if (where < 0) Rf_error("there is nothing before the object's first byte");
  r->at = (uint64_t)where;
  con->EOF_signalled = FALSE;
  return before;
}

static Rboolean remote_open(struct Rconn *con) {
  remote_t *r = remote_of(con);
  if (con->mode[0] != 'r') Rf_error("an object can be read only: open it with \"r\" or \"rb\"");
  r->at = 0;
  con->text = strchr(con->mode, 'b') == NULL;
  con->isopen = TRUE;
  con->canread = TRUE;
  con->canwrite = FALSE;
  con->incomplete = FALSE;
  con->save = -1000;
  return TRUE;
}

static void let_go(remote_t *r) {
  if (r->maker == getpid()) bge_reader_free(r->reader);
  r->reader = NULL;
  free(r->block);
  r->block = NULL;
  r->block_length = 0;
  r->is_end = 0;
}

static void remote_close(struct Rconn *con) {
  let_go((remote_t *)con->private);
  con->isopen = FALSE;
}

static void remote_destroy(struct Rconn *con) {
  remote_t *r = (remote_t *)con->private;
  if (r == NULL) return;
  let_go(r);
  R_ReleaseObject(r->handle);
  free(r->object);
  free(r->args);
  free(r);
  con->private = NULL;
}

typedef SEXP (*maker_t)(const char *, const char *, const char *, Rconnection *);

/* R makes such connections for packages, though not by what it calls its API: it is asked for by name. */
SEXP rbge_connection(SEXP handle, SEXP object, SEXP args, SEXP description) {
  maker_t make = NULL;
  *(void **)&make = dlsym(RTLD_DEFAULT, "R_new_custom_connection");
  if (make == NULL) return own_failure(BGE_ERR_UNSUPPORTED, "this R makes no connections for packages");
  if (handle_get(&KIND_API, handle) == NULL) return own_failure(BGE_ERR_CLOSED, "the client is closed");
  Rconnection con = NULL;
  SEXP out = PROTECT(make(text_or_null(description), "r", "bge_object", &con));
  remote_t *r = (remote_t *)calloc(1, sizeof *r);
  if (r == NULL) Rf_error("there is no memory for a connection");
  r->object = strdup(text_or_null(object));
  r->args = strdup(text_or_null(args));
  r->maker = getpid();
  r->handle = handle;
  R_PreserveObject(handle);
  con->private = r;
  con->incomplete = FALSE;
  con->canseek = TRUE;
  con->canwrite = FALSE;
  con->blocking = TRUE;
  con->open = remote_open;
  con->close = remote_close;
  con->destroy = remote_destroy;
  con->read = remote_read;
  con->fgetc = remote_fgetc;
  con->fgetc_internal = remote_fgetc;
  con->seek = remote_seek;
  UNPROTECT(1);
  return out;
}
