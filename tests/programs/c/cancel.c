/* One cancel for all that a client has under way; the client itself goes on. */
#define _POSIX_C_SOURCE 200809L
#include "silent.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms) {
  struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&wait, NULL);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Cancels from another thread until it is told that it was seen: what begins after a cancel is not concerned, and a busy
 * machine may begin a call late. */
typedef struct {
  bge_api_t *api;
  pthread_t thread;
  atomic_bool is_seen;
} canceller;

static void *cancel_again(void *data) {
  canceller *c = data;
  do {
    pause_ms(200);
    bge_api_cancel(c->api);
  } while (!atomic_load(&c->is_seen));
  return NULL;
}

static void begin_cancelling(canceller *c, bge_api_t *api) {
  c->api = api;
  atomic_init(&c->is_seen, false);
  CHECK(pthread_create(&c->thread, NULL, cancel_again, c) == 0);
}

static void end_cancelling(canceller *c) {
  atomic_store(&c->is_seen, true);
  pthread_join(c->thread, NULL);
}

/* Far below the ten minutes that the silent server is waited for; valgrind on a busy machine is slow. */
static const double SOON = 60;

static void operations(bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_op_t *ops[3] = {NULL, NULL, NULL};
  char *out = NULL;
  bool done = false;
  const double started = now();
  CHECK_OK(bge_api_start(api, "get_user", NULL, &ops[0], &err));
  CHECK_OK(bge_api_start(api, "get_sample", "{\"biosample_id\": \"E-B1\"}", &ops[1], &err));
  CHECK_OK(bge_api_start_upload(api, "a.txt", (const uint8_t *)"content", 7, NULL, &ops[2], &err));
  pause_ms(200);
  bge_api_cancel(api);
  for (int i = 0; i < 3; i++) {
    CHECK_OK(bge_op_wait(ops[i], -1, &done, &err));
    CHECK(done);
    CHECK_FAILS(bge_op_result(ops[i], &out, &err), BGE_ERR_CANCELLED, "cancelled");
    bge_op_free(ops[i]);
  }
  CHECK(now() - started < SOON);
}

static void pages(bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_pages_t *pages = NULL;
  char *page = NULL;
  canceller c;
  const double started = now();
  CHECK_OK(bge_api_pages(api, "get_samples", NULL, &pages, &err));
  begin_cancelling(&c, api);
  CHECK_FAILS(bge_pages_next(pages, &page, &err), BGE_ERR_CANCELLED, "cancelled");
  end_cancelling(&c);
  bge_pages_free(pages);
  CHECK(now() - started < SOON);
}

static void tables(bge_api_t *api) {
  bge_error_t *err = NULL;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  canceller c;
  const double started = now();
  const char *args = "{\"biosample_id\": [\"E-B1\", \"E-B2\"]}";
  CHECK_OK(bge_api_table(api, "get_taxon_abundance", args, &stream, &err));
  begin_cancelling(&c, api);
  CHECK(stream.get_next(&stream, &batch) != 0);
  CHECK_CONTAINS(stream.get_last_error(&stream), "BGE_ERR_CANCELLED");
  end_cancelling(&c);
  stream.release(&stream);
  CHECK(now() - started < SOON);
}

static void transfers(bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_reader_t *reader = NULL;
  uint8_t buffer[16];
  size_t n = 0;
  char *out = NULL;
  canceller c;
  double started = now();
  begin_cancelling(&c, api);
  CHECK_FAILS(bge_api_download(api, "an/object", "/tmp/bge-never-there", NULL, &out, &err), BGE_ERR_CANCELLED,
              "cancelled");
  end_cancelling(&c);
  CHECK(now() - started < SOON);

  started = now();
  CHECK_OK(bge_api_open_reader(api, "an/object", NULL, &reader, &err));
  begin_cancelling(&c, api);
  CHECK_FAILS(bge_reader_read(reader, buffer, sizeof buffer, &n, &err), BGE_ERR_CANCELLED, "cancelled");
  end_cancelling(&c);
  bge_reader_free(reader);
  CHECK(now() - started < SOON);
}

/* What begins after a cancel is not concerned. */
static void goes_on(void) {
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  char *out = NULL;
  bool done = false;
  bge_api_t *api = sandbox_api("");
  bge_api_cancel(api);
  CHECK_OK(bge_api_get_user(api, NULL, &out, &err));
  bge_string_free(out);
  bge_api_cancel(api);
  bge_api_cancel(api);
  CHECK_OK(bge_api_start(api, "get_user", NULL, &op, &err));
  CHECK_OK(bge_op_wait(op, -1, &done, &err));
  CHECK_OK(bge_op_result(op, &out, &err));
  bge_string_free(out);
  bge_op_free(op);
  bge_api_free(api);
  bge_api_cancel(NULL);
}

int main(void) {
  int listener = -1;
  bge_api_t *api = silent_api(&listener);
  operations(api);
  pages(api);
  tables(api);
  transfers(api);
  bge_api_free(api);
  close(listener);
  goes_on();
  return check_end();
}
