/* Eight threads, one handle: every call gets its own answer. */
#include "check.h"

#include <pthread.h>

enum { THREADS = 8 };

struct job {
  const bge_api_t *api;
  const char *biosample_id;
  long calls, wrong;
};

static void *work(void *argument) {
  struct job *job = argument;
  for (long i = 0; i < job->calls; i++) {
    bge_error_t *err = NULL;
    char *sample = NULL, *id = NULL;
    if (bge_api_get_sample(job->api, job->biosample_id, NULL, &sample, &err) != BGE_OK ||
        bge_json_get(sample, "/biosample_id", &id, &err) != BGE_OK || id == NULL ||
        strcmp(id, job->biosample_id) != 0) {
      fprintf(stderr, "%s: %s\n", job->biosample_id, err ? bge_error_message(err) : sample);
      job->wrong++;
    }
    bge_error_free(err);
    bge_string_free(id);
    bge_string_free(sample);
  }
  return NULL;
}

int main(void) {
  bge_api_t *api = sandbox_api("");
  char *samples[2] = {sandbox("/biosample_id"), sandbox("/meta_biosample_id")};
  pthread_t threads[THREADS];
  struct job jobs[THREADS];

  for (int t = 0; t < THREADS; t++) {
    jobs[t] = (struct job){api, samples[t % 2], test_calls(500), 0};
    CHECK(pthread_create(&threads[t], NULL, work, &jobs[t]) == 0);
  }
  for (int t = 0; t < THREADS; t++) {
    pthread_join(threads[t], NULL);
    CHECK(jobs[t].wrong == 0);
  }
  bge_string_free(samples[1]);
  bge_string_free(samples[0]);
  bge_api_free(api);
  return check_end();
}
