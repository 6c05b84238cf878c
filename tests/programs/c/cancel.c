/* One cancel for all that a client has under way; the client itself goes on. */
#define _POSIX_C_SOURCE 200809L
#include "silent.h"

#include <pthread.h>
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

static void *cancel_soon(void *api) {
  pause_ms(200);
  bge_api_cancel(api);
  return NULL;
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
  cancel_soon(api);
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
  pthread_t thread;
  const double started = now();
  CHECK_OK(bge_api_pages(api, "get_samples", NULL, &pages, &err));
  pthread_create(&thread, NULL, cancel_soon, api);
  CHECK_FAILS(bge_pages_next(pages, &page, &err), BGE_ERR_CANCELLED, "cancelled");
  pthread_join(thread, NULL);
  bge_pages_free(pages);
  CHECK(now() - started < SOON);
}

static void tables(bge_api_t *api) {
  bge_error_t *err = NULL;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  pthread_t thread;
  const double started = now();
  const char *args = "{\"biosample_id\": [\"E-B1\", \"E-B2\"]}";
  CHECK_OK(bge_api_table(api, "get_taxon_abundance", args, &stream, &err));
  pthread_create(&thread, NULL, cancel_soon, api);
  CHECK(stream.get_next(&stream, &batch) != 0);
  CHECK_CONTAINS(stream.get_last_error(&stream), "BGE_ERR_CANCELLED");
  pthread_join(thread, NULL);
  stream.release(&stream);
  CHECK(now() - started < SOON);
}

static void transfers(bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_reader_t *reader = NULL;
  uint8_t buffer[16];
  size_t n = 0;
  char *out = NULL;
  pthread_t thread;
  double started = now();
  pthread_create(&thread, NULL, cancel_soon, api);
  CHECK_FAILS(bge_api_download(api, "an/object", "/tmp/bge-never-there", NULL, &out, &err), BGE_ERR_CANCELLED,
              "cancelled");
  pthread_join(thread, NULL);
  CHECK(now() - started < SOON);

  started = now();
  CHECK_OK(bge_api_open_reader(api, "an/object", NULL, &reader, &err));
  pthread_create(&thread, NULL, cancel_soon, api);
  CHECK_FAILS(bge_reader_read(reader, buffer, sizeof buffer, &n, &err), BGE_ERR_CANCELLED, "cancelled");
  pthread_join(thread, NULL);
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
