/* What the C tests share: checks that say what they saw, and the values that `bge-sandbox run` hands over. */
#ifndef CHECK_H
#define CHECK_H

#include <bge.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failures;

static inline void check_failed(const char *file, int line, const char *what, const char *saw) {
  fprintf(stderr, "%s:%d: %s%s%s\n", file, line, what, saw ? "; saw " : "", saw ? saw : "");
  check_failures++;
}

static inline void check_text(const char *file, int line, const char *expression, const char *saw, const char *wanted) {
  if (saw != NULL && strcmp(saw, wanted) == 0) return;
  char what[512];
  snprintf(what, sizeof what, "%s should be \"%.300s\"", expression, wanted);
  check_failed(file, line, what, saw ? saw : "NULL");
}

static inline void check_contains(const char *file, int line, const char *expression, const char *saw,
                                  const char *part) {
  if (saw != NULL && strstr(saw, part) != NULL) return;
  char what[512];
  snprintf(what, sizeof what, "%s should hold \"%.300s\"", expression, part);
  check_failed(file, line, what, saw ? saw : "NULL");
}

static inline int check_ok(const char *file, int line, const char *call, bge_status_t status, bge_error_t **err) {
  if (status == BGE_OK && *err == NULL) return 1;
  check_failed(file, line, call, status == BGE_OK ? "an error beside BGE_OK" : bge_error_message(*err));
  bge_error_free(*err);
  *err = NULL;
  return 0;
}

/* Frees the error afterwards; *part of its message* is what the caller must be able to read. */
static inline void check_fails(const char *file, int line, const char *call, bge_status_t status, bge_error_t **err,
                               bge_status_t wanted, const char *part) {
  if (status != wanted) {
    char what[512];
    snprintf(what, sizeof what, "%s should be %s", call, bge_status_name(wanted));
    check_failed(file, line, what, bge_status_name(status));
  }
  if (*err == NULL) {
    if (status != BGE_OK) check_failed(file, line, call, "a failure without an error");
    return;
  }
  if (bge_error_status(*err) != status) check_failed(file, line, call, "two different statuses");
  check_contains(file, line, "the message", bge_error_message(*err), part);
  if (strchr(bge_error_message(*err), '\n') != NULL) check_failed(file, line, call, "a message of several lines");
  bge_error_free(*err);
  *err = NULL;
}

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition, NULL))
#define CHECK_TEXT(saw, wanted) check_text(__FILE__, __LINE__, #saw, saw, wanted)
#define CHECK_CONTAINS(saw, part) check_contains(__FILE__, __LINE__, #saw, saw, part)
/* `call` writes into a variable that is named `err` */
#define CHECK_OK(call) check_ok(__FILE__, __LINE__, #call, call, &err)
#define CHECK_FAILS(call, wanted, part) check_fails(__FILE__, __LINE__, #call, call, &err, wanted, part)

/* A value of an answer; the caller frees it with bge_string_free. NULL, and a failure, when it is not there. */
static inline char *value_at(const char *json, const char *pointer) {
  bge_error_t *err = NULL;
  char *value = NULL;
  CHECK_OK(bge_json_get(json, pointer, &value, &err));
  if (value == NULL) check_failed(__FILE__, __LINE__, pointer, "nothing there");
  return value;
}

static inline void check_value(const char *file, int line, const char *json, const char *pointer, const char *wanted) {
  char *value = value_at(json, pointer);
  check_text(file, line, pointer, value, wanted);
  bge_string_free(value);
}
#define CHECK_VALUE(json, pointer, wanted) check_value(__FILE__, __LINE__, json, pointer, wanted)

/* A field of what the sandbox says about itself, such as "/biosample_id". */
static inline char *sandbox(const char *pointer) {
  const char *json = getenv("BGE_SANDBOX");
  if (json == NULL) {
    fprintf(stderr, "run this as: bge-sandbox run -- PROGRAM\n");
    exit(2);
  }
  char *value = value_at(json, pointer);
  if (value == NULL) exit(2);
  return value;
}

/* Options that point at the sandbox, with more members after the endpoint, such as ", \"max_retries\": 0". */
static inline const char *sandbox_options(char *buffer, size_t size, const char *more) {
  char *endpoint = sandbox("/endpoint");
  snprintf(buffer, size, "{\"endpoint\": \"%s\"%s}", endpoint, more);
  bge_string_free(endpoint);
  return buffer;
}

/* A client of the sandbox's user. */
static inline bge_api_t *sandbox_api(const char *more) {
  char options[1024];
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  char *token = sandbox("/access_token");
  if (!CHECK_OK(bge_api_new(token, sandbox_options(options, sizeof options, more), &api, &err))) exit(1);
  bge_string_free(token);
  return api;
}

/* How often the tests that repeat do so: less under valgrind, more in the long run. */
static inline long test_calls(long otherwise) {
  const char *calls = getenv("BGE_TEST_CALLS");
  if (calls != NULL) return strtol(calls, NULL, 10);
  return getenv("BGE_TEST_LONG") != NULL ? 10 * otherwise : otherwise;
}

static inline int check_end(void) {
  if (check_failures > 0) fprintf(stderr, "%d checks failed\n", check_failures);
  return check_failures > 0;
}

#endif
