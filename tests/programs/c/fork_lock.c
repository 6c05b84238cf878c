/* What a process was writing when it was killed is free for the next one, whatever children it left. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 24 << 20 };

/* Downloads until bytes have come, forks a child that only sleeps, tells its number, and is killed. */
static void die_with_a_child(const char *args, int tell) {
  bge_error_t *err = NULL;
  bge_op_t *op = NULL;
  bge_api_t *api = sandbox_api("");
  if (!CHECK_OK(bge_api_start(api, "download", args, &op, &err))) _exit(1);
  uint64_t done = 0, total = 0;
  while (done == 0) bge_op_progress(op, &done, &total);
  const pid_t child = fork();
  if (child == 0) {
    close(tell);
    for (;;) pause();
  }
  if (write(tell, &child, sizeof child) != sizeof child) _exit(1);
  raise(SIGKILL);
}

int main(void) {
  char folder[] = "/tmp/bge-fork-XXXXXX", path[256], part[300], args[1024];
  bge_error_t *err = NULL;
  char *out = NULL;
  uint8_t *data = malloc(SIZE);
  CHECK(mkdtemp(folder) != NULL && data != NULL);
  for (size_t i = 0; i < SIZE; i++) data[i] = (uint8_t)(i * 2654435761u >> 13);

  bge_api_t *api = sandbox_api("");
  CHECK_OK(bge_api_upload(api, "fork_lock.bin", data, SIZE, NULL, &out, &err));
  char *object = value_at(out, "/object_name");
  bge_string_free(out);
  snprintf(path, sizeof path, "%s/a.bin", folder);
  snprintf(part, sizeof part, "%s.bge-part", path);
  snprintf(args, sizeof args, "{\"object_name\": \"%s\", \"path\": \"%s\", \"multipart_num_threads\": 1}", object, path);

  /* one that was fast enough to finish proves nothing */
  int caught = 0;
  for (int attempt = 0; attempt < 50 && !caught; attempt++) {
    int tells[2];
    pid_t child = 0;
    CHECK(pipe(tells) == 0);
    const pid_t parent = fork();
    if (parent == 0) {
      close(tells[0]);
      die_with_a_child(args, tells[1]);
    }
    close(tells[1]);
    CHECK(read(tells[0], &child, sizeof child) == sizeof child);
    close(tells[0]);
    CHECK(waitpid(parent, NULL, 0) == parent);
    struct stat there;
    caught = stat(part, &there) == 0;

    out = NULL;
    CHECK_OK(bge_api_download(api, object, path, NULL, &out, &err));
    bge_string_free(out);
    CHECK(stat(path, &there) == 0 && there.st_size == SIZE);
    CHECK(stat(part, &there) != 0);
    CHECK(child > 0 && kill(child, SIGKILL) == 0);
    unlink(path);
  }
  CHECK(caught);

  rmdir(folder);
  bge_string_free(object);
  bge_api_free(api);
  free(data);
  return check_end();
}
