/* A client made before fork() works in parent and child at once, and may be freed in both. An operation does not:
   it belongs to the process that made it. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "silent.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 4 };

static void calls(const bge_api_t *api, long n) {
  char *wanted = sandbox("/biosample_id");
  for (long i = 0; i < n; i++) {
    bge_error_t *err = NULL;
    char *sample = NULL;
    if (CHECK_OK(bge_api_get_sample(api, wanted, NULL, &sample, &err))) CHECK_VALUE(sample, "/biosample_id", wanted);
    bge_string_free(sample);
  }
  bge_string_free(wanted);
}

static void an_operation(void) {
  int listener;
  bge_api_t *silent = silent_api(&listener);
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  bool done = false;
  CHECK_OK(bge_api_start(silent, "get_user", NULL, &op, &err));
  const pid_t child = fork();
  if (child == 0) {
    char *out = NULL;
    CHECK_FAILS(bge_op_wait(op, 10000, &done, &err), BGE_ERR_CLOSED, "");
    CHECK_FAILS(bge_op_result(op, &out, &err), BGE_ERR_CLOSED, "");
    bge_op_cancel(op);
    bge_op_free(op);
    bge_api_free(silent);
    _exit(check_failures > 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  /* what the child did has not touched the parent's */
  CHECK_OK(bge_op_wait(op, 10, &done, &err));
  CHECK(!done);
  bge_op_free(op);
  bge_api_free(silent);
  close(listener);
}

/* A table belongs to the process that opened it, too, and its stream to the same. */
static void a_table(void) {
  int listener;
  bge_api_t *silent = silent_api(&listener);
  bge_error_t *err = NULL;
  bge_table_t *table = NULL;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  CHECK_OK(bge_api_open_table(silent, "get_taxon_abundance", "{\"biosample_id\": [\"E-F1\", \"E-F2\"]}", &table, &err));
  CHECK_OK(bge_table_stream(table, &stream, &err));
  const pid_t child = fork();
  if (child == 0) {
    char *report = NULL;
    CHECK(stream.get_next(&stream, &batch) == EINVAL);
    CHECK_CONTAINS(stream.get_last_error(&stream), "BGE_ERR_CLOSED");
    CHECK_FAILS(bge_table_report(table, &report, &err), BGE_ERR_CLOSED, "");
    bge_table_cancel(table);
    stream.release(&stream);
    bge_table_free(table);
    bge_api_free(silent);
    _exit(check_failures > 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  /* the child's cancel was not the parent's */
  bge_table_cancel(table);
  CHECK(stream.get_next(&stream, &batch) == ECANCELED);
  stream.release(&stream);
  bge_table_free(table);
  bge_api_free(silent);
  close(listener);
}

int main(void) {
  const long n = test_calls(50);
  alarm(300); /* a hang is a failure, not a wait */

  bge_api_t *used = sandbox_api(""), *unused = sandbox_api("");
  calls(used, 3);

  pid_t children[CHILDREN];
  for (int c = 0; c < CHILDREN; c++) {
    children[c] = fork();
    if (children[c] == 0) {
      calls(used, n);
      calls(unused, n);
      bge_api_free(used);
      bge_api_free(unused);
      _exit(check_failures > 0);
    }
    CHECK(children[c] > 0);
    calls(used, n);
  }
  for (int c = 0; c < CHILDREN; c++) {
    int status = -1;
    CHECK(waitpid(children[c], &status, 0) == children[c]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  calls(used, 3);
  calls(unused, 3);

  /* a grandchild of a client that was never used in between */
  const pid_t child = fork();
  if (child == 0) {
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      calls(used, 3);
      bge_api_free(used);
      _exit(check_failures > 0);
    }
    int status = -1;
    waitpid(grandchild, &status, 0);
    bge_api_free(used);
    _exit(!(WIFEXITED(status) && WEXITSTATUS(status) == 0));
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

  an_operation();
  a_table();

  bge_api_free(unused);
  bge_api_free(used);
  return check_end();
}
