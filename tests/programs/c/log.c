/* The log callback: what it gets, what it never gets, and a finalizer that runs exactly once. */
#include "check.h"

#include <pthread.h>
#include <stdint.h>

struct sink {
  pthread_mutex_t lock; /* taken only to see that calls never overlap */
  char text[65536];
  size_t length;
  int lines, overlaps, bad_levels, finalized;
};

static void collect(void *userdata, int32_t level, const char *message) {
  struct sink *sink = userdata;
  if (pthread_mutex_trylock(&sink->lock) != 0) {
    sink->overlaps++;
    return;
  }
  sink->lines++;
  if (level < 1 || level > 3) sink->bad_levels++;
  const size_t n = strlen(message);
  if (sink->length + n + 2 < sizeof sink->text) {
    memcpy(sink->text + sink->length, message, n + 1);
    sink->length += n;
    sink->text[sink->length++] = '\n';
    sink->text[sink->length] = '\0';
  }
  pthread_mutex_unlock(&sink->lock);
}

static void finalize(void *userdata) { ((struct sink *)userdata)->finalized++; }

static struct sink *new_sink(void) {
  struct sink *sink = calloc(1, sizeof *sink);
  if (sink == NULL) exit(1);
  pthread_mutex_init(&sink->lock, NULL);
  return sink;
}

static void *work(void *api) {
  for (int i = 0; i < 20; i++) {
    bge_error_t *err = NULL;
    CHECK_OK(bge_api_alive(api, &err));
  }
  return NULL;
}

int main(void) {
  bge_error_t *err = NULL;
  char *user = NULL;
  char *token = sandbox("/access_token");
  struct sink *first = new_sink(), *second = new_sink(), *refused = new_sink(), *quiet = new_sink();

  bge_api_t *api = sandbox_api(", \"log\": \"debug\"");
  CHECK_OK(bge_api_set_log(api, collect, first, finalize, &err));
  CHECK_OK(bge_api_get_user(api, NULL, &user, &err));
  CHECK(first->lines > 0);
  CHECK_CONTAINS(first->text, "/profile");
  CHECK(strstr(first->text, token) == NULL);
  CHECK(first->bad_levels == 0);
  CHECK(first->finalized == 0);

  /* a new callback takes the place of the old one, which is finalized then */
  CHECK_OK(bge_api_set_log(api, collect, second, finalize, &err));
  CHECK(first->finalized == 1);
  const int lines = first->lines;
  pthread_t threads[4];
  for (int t = 0; t < 4; t++) pthread_create(&threads[t], NULL, work, api);
  for (int t = 0; t < 4; t++) pthread_join(threads[t], NULL);
  CHECK(first->lines == lines);
  CHECK(second->lines > 0);
  CHECK(second->overlaps == 0);
  CHECK(second->finalized == 0);

  /* also when the call fails */
  CHECK_FAILS(bge_api_set_log(NULL, collect, refused, finalize, &err), BGE_ERR_ARGUMENT, "api");
  CHECK(refused->finalized == 1);
  CHECK(refused->lines == 0);

  bge_api_free(api);
  CHECK(first->finalized == 1);
  CHECK(second->finalized == 1);
  CHECK(refused->finalized == 1);

  /* nothing is logged unless it is asked for */
  api = sandbox_api("");
  CHECK_OK(bge_api_set_log(api, collect, quiet, finalize, &err));
  CHECK_OK(bge_api_alive(api, &err));
  CHECK(quiet->lines == 0);
  bge_api_free(api);
  CHECK(quiet->finalized == 1);

  free(quiet);
  free(refused);
  free(second);
  free(first);
  bge_string_free(user);
  bge_string_free(token);
  return check_end();
}
