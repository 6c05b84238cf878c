/* One call through libbge against a libcurl easy handle doing the same request, in turns, on the same sandbox.
 * Prints the medians and their ratio. */
#include <bge.h>

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP = 200, CALLS = 3000 };

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

struct answer {
  char *data;
  size_t length;
};

static size_t keep(char *data, size_t size, size_t count, void *userdata) {
  struct answer *answer = userdata;
  size_t length = size * count;
  char *grown = realloc(answer->data, answer->length + length + 1);
  if (grown == NULL) return 0;
  memcpy(grown + answer->length, data, length);
  answer->data = grown;
  answer->length += length;
  grown[answer->length] = '\0';
  return length;
}

static int fail(const char *what) {
  fprintf(stderr, "%s failed\n", what);
  return 1;
}

int main(void) {
  const char *endpoint = getenv("BGE_ENDPOINT"), *token = getenv("BGE_ACCESS_TOKEN");
  if (endpoint == NULL || token == NULL) return fail("the environment");
  char options[512], url[512], header[512];
  snprintf(options, sizeof options, "{\"endpoint\": \"%s\"}", endpoint);
  snprintf(url, sizeof url, "%s/profile", endpoint);
  snprintf(header, sizeof header, "Authorization: Bearer %s", token);

  bge_api_t *api = NULL;
  if (bge_api_new(token, options, &api, NULL) != BGE_OK) return fail("bge_api_new");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL *curl = curl_easy_init();
  struct curl_slist *headers = curl_slist_append(NULL, header);
  if (curl == NULL || headers == NULL) return fail("curl");
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);

  static double theirs[CALLS], ours[CALLS];
  for (int call = -WARM_UP; call < CALLS; call++) {
    struct answer answer = {NULL, 0};
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    double begin = now_us();
    if (curl_easy_perform(curl) != CURLE_OK || answer.length == 0) return fail("curl_easy_perform");
    double middle = now_us();
    free(answer.data);

    double start = now_us();
    char *json = NULL;
    if (bge_api_get_user(api, NULL, &json, NULL) != BGE_OK) return fail("bge_api_get_user");
    double end = now_us();
    bge_string_free(json);
    if (call >= 0) {
      theirs[call] = middle - begin;
      ours[call] = end - start;
    }
  }
  qsort(theirs, CALLS, sizeof theirs[0], by_value);
  qsort(ours, CALLS, sizeof ours[0], by_value);
  printf("one call: libbge %.0f us, libcurl %.0f us (medians of %d), ratio %.2f (aim: at most 2.2)\n", ours[CALLS / 2],
         theirs[CALLS / 2], (int)CALLS, ours[CALLS / 2] / theirs[CALLS / 2]);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  curl_global_cleanup();
  bge_api_free(api);
  return 0;
}
