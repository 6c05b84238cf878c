/* Calls in the background: wait, progress, result, cancel, free; and nothing left over. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "silent.h"

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

enum { SOON_MS = 10000 }; /* what takes longer hangs */

static int entries(const char *folder) {
  int n = 0;
  DIR *dir = opendir(folder);
  while (dir != NULL && readdir(dir) != NULL) n++;
  if (dir != NULL) closedir(dir);
  return n;
}

static void results(const bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  char *direct = NULL, *out = NULL;
  bool done = false;
  char *id = sandbox("/biosample_id"), args[128];
  snprintf(args, sizeof args, "{\"biosample_id\": \"%s\"}", id);

  CHECK_OK(bge_api_get_sample(api, id, NULL, &direct, &err));
  CHECK_OK(bge_api_start(api, "get_sample", args, &op, &err));
  CHECK_OK(bge_op_wait(op, SOON_MS, &done, &err));
  CHECK(done);
  CHECK_OK(bge_op_result(op, &out, &err));
  CHECK_TEXT(out, direct);
  bge_string_free(out);
  CHECK_FAILS(bge_op_result(op, &out, &err), BGE_ERR_CLOSED, "");
  CHECK(out == NULL);
  bge_op_free(op);

  /* an operation's own error comes with its result, never with the wait */
  CHECK_OK(bge_api_start(api, "get_sample", "{\"biosample_id\": \"E-B00000000000\"}", &op, &err));
  CHECK_OK(bge_op_wait(op, -1, &done, &err));
  CHECK(bge_op_result(op, &out, &err) == BGE_ERR_API);
  CHECK(bge_error_code(err) == 41303);
  bge_error_free(err);
  err = NULL;
  bge_op_free(op);

  /* what is wrong with the call itself is said at once */
  CHECK_FAILS(bge_api_start(api, "no_such_call", NULL, &op, &err), BGE_ERR_ARGUMENT, "no_such_call");
  CHECK(op == NULL);
  CHECK_FAILS(bge_op_wait(NULL, 0, &done, &err), BGE_ERR_ARGUMENT, "op");
  bge_op_cancel(NULL);
  bge_op_free(NULL);
  CHECK(bge_op_fd(NULL) == -1);
  bge_string_free(direct);
  bge_string_free(id);
}

static void polling(const bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  char *out = NULL;
  CHECK_OK(bge_api_start(api, "get_user", NULL, &op, &err));
  struct pollfd fd = {.fd = bge_op_fd(op), .events = POLLIN};
  CHECK(fd.fd >= 0);
  CHECK(poll(&fd, 1, SOON_MS) == 1);
  CHECK_OK(bge_op_result(op, &out, &err));
  CHECK_VALUE(out, "/username", "zhangsan");
  bge_string_free(out);
  bge_op_free(op);
}

static void progress(const bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  char *out = NULL;
  bool finished = false;
  enum { SIZE = 3000000 };
  uint8_t *data = calloc(1, SIZE);
  uint64_t before = 0, done = 0, total = 0;
  CHECK_OK(bge_api_start_upload(api, "progress.bin", data, SIZE, NULL, &op, &err));
  while (!finished && bge_op_wait(op, 1, &finished, NULL) == BGE_OK) {
    bge_op_progress(op, &done, &total);
    CHECK(done >= before && done <= SIZE);
    before = done;
  }
  bge_op_progress(op, &done, &total);
  CHECK(done == SIZE && total == SIZE);
  CHECK_OK(bge_op_result(op, &out, &err));
  CHECK_VALUE(out, "/size", "3000000");
  bge_string_free(out);
  bge_op_free(op);
  free(data);

  done = total = 7;
  bge_op_progress(NULL, &done, &total);
  CHECK(done == 0 && total == 0);
}

static void cancels(const bge_api_t *sandbox_user) {
  int listener;
  bge_api_t *silent = silent_api(&listener);
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  char *out = NULL;
  bool done = true;

  CHECK_OK(bge_api_start(silent, "get_user", NULL, &op, &err));
  CHECK_OK(bge_op_wait(op, 20, &done, &err));
  CHECK(!done);
  CHECK_FAILS(bge_op_result(op, &out, &err), BGE_ERR_ARGUMENT, "");
  bge_op_cancel(op);
  bge_op_cancel(op);
  CHECK_OK(bge_op_wait(op, SOON_MS, &done, &err));
  CHECK(done);
  CHECK(bge_op_result(op, &out, &err) == BGE_ERR_CANCELLED);
  bge_error_free(err);
  err = NULL;
  bge_op_free(op);

  /* after many of them there are no more threads and sockets than before, and the next one runs at once */
  const int threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
  for (long i = 0, n = test_calls(300); i < n; i++) {
    CHECK_OK(bge_api_start(silent, "get_user", NULL, &op, &err));
    if (i % 2 == 0) bge_op_cancel(op);
    bge_op_free(op);
  }
  for (int i = 0; i < 200 && entries("/proc/self/fd") > files; i++) poll(NULL, 0, 50);
  CHECK(entries("/proc/self/fd") <= files);
  CHECK(entries("/proc/self/task") <= threads);
  CHECK_OK(bge_api_start(sandbox_user, "get_user", NULL, &op, &err));
  CHECK_OK(bge_op_wait(op, SOON_MS, &done, &err));
  CHECK(done);
  bge_op_free(op);

  /* an operation keeps what it was made from alive */
  CHECK_OK(bge_api_start(silent, "get_user", NULL, &op, &err));
  bge_api_free(silent);
  CHECK_OK(bge_op_wait(op, 10, &done, &err));
  CHECK(!done);
  bge_op_free(op);
  close(listener);
}

int main(void) {
  alarm(300);
  bge_api_t *api = sandbox_api("");
  results(api);
  polling(api);
  progress(api);
  cancels(api);
  bge_api_free(api);
  return check_end();
}
