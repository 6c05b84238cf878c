/* One transfer in a process of its own:  transfers CALL ARGS_JSON
   Prints the seconds it took and the memory it needed above what the process had when it was idle. */
#include <bge.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The most memory that this process has had, in KiB. */
static long peak(void) {
  char line[256];
  long kib = -1;
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) sscanf(line, "VmHWM: %ld", &kib);
  if (status != NULL) fclose(status);
  return kib;
}

static void must(bge_status_t status, bge_error_t *err) {
  if (status == BGE_OK) return;
  fprintf(stderr, "%s\n", bge_error_message(err));
  exit(1);
}

int main(int argc, char **argv) {
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  char *out = NULL, options[512];
  const char *kms = getenv("BGE_KMS_ENDPOINT");
  if (argc != 3) return 2;
  snprintf(options, sizeof options, "{\"endpoint\": \"%s\", \"timeout\": 120%s%s%s}", getenv("BGE_ENDPOINT"),
           kms != NULL ? ", \"kms_endpoint\": \"" : "", kms != NULL ? kms : "", kms != NULL ? "\"" : "");
  must(bge_api_new(getenv("BGE_ACCESS_TOKEN"), options, &api, &err), err);
  must(bge_api_get_user(api, NULL, &out, &err), err);
  bge_string_free(out);
  const long idle = peak();
  const double began = now();
  must(bge_api_call(api, argv[1], argv[2], &out, &err), err);
  const double took = now() - began;
  printf("{\"seconds\": %.6f, \"idle_kib\": %ld, \"peak_kib\": %ld, \"result\": %s}\n", took, idle, peak(), out);
  bge_string_free(out);
  bge_api_free(api);
  return 0;
}
