/* Reads a table to its end and says what that took:  table ARGS_JSON   (of get_taxon_abundance, on $BGE_ENDPOINT) */
#include <bge.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bge_status_t status, bge_error_t *err) {
  if (status == BGE_OK) return;
  fprintf(stderr, "%s\n", bge_error_message(err));
  exit(1);
}

/* The most memory that this program has had; getrusage would tell its parent's as well. */
static long peak_kib(void) {
  char line[256];
  long peak = 0;
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    if (sscanf(line, "VmHWM: %ld", &peak) == 1) break;
  }
  if (status != NULL) fclose(status);
  return peak;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  must(bge_api_open(NULL, &api, &err), err);
  FILE *file = fopen(argv[1], "r");
  static char args[1 << 20];
  if (file == NULL || fread(args, 1, sizeof args - 1, file) == 0) return 2;
  fclose(file);
  must(bge_api_table(api, "get_taxon_abundance", args, &stream, &err), err);
  const double started = now();
  long rows = 0, batches = 0;
  int broken = 0;
  while ((broken = stream.get_next(&stream, &batch)) == 0 && batch.release != NULL) {
    rows += (long)batch.length;
    batches++;
    batch.release(&batch);
  }
  const double seconds = now() - started;
  if (broken) {
    fprintf(stderr, "%s\n", stream.get_last_error(&stream));
    return 1;
  }
  stream.release(&stream);
  bge_api_free(api);
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  printf("{\"rows\": %ld, \"batches\": %ld, \"seconds\": %.4f, \"peak_kib\": %ld, \"cpu\": %.3f}\n", rows, batches, seconds,
         peak_kib(),
         (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
             (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
  return 0;
}
