/* A client's log as a list of lines that Go takes: nothing here calls into Go. */
#ifndef BGE_GO_LOG_H
#define BGE_GO_LOG_H

#include "library.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MOST_LINES = 65536 }; /* of a reader that is too slow the newest are lost */

typedef struct log_line {
  struct log_line *next;
  int32_t level;
  size_t len;
  char text[];
} log_line;

typedef struct log_list {
  pthread_mutex_t lock;
  log_line *first, **end;
  size_t lines;
  uint64_t lost;
  bool closed; /* nothing more comes */
  const bge_ops_t *ops;
  uint64_t key;
} log_list;

static inline log_list *log_new(const bge_ops_t *ops, uint64_t key) {
  log_list *list = calloc(1, sizeof *list);
  if (list == NULL) return NULL;
  pthread_mutex_init(&list->lock, NULL);
  list->end = &list->first;
  list->ops = ops;
  list->key = key;
  return list;
}

/* The bge_log_fn. */
static void log_add(void *userdata, int32_t level, const char *message) {
  log_list *list = userdata;
  size_t len = strlen(message);
  log_line *line = malloc(sizeof *line + len);
  pthread_mutex_lock(&list->lock);
  bool wakes = list->first == NULL;
  if (line == NULL || list->lines == LOG_MOST_LINES) {
    list->lost++;
    free(line);
    wakes = false;
  } else {
    line->next = NULL;
    line->level = level;
    line->len = len;
    memcpy(line->text, message, len);
    *list->end = line;
    list->end = &line->next;
    list->lines++;
  }
  pthread_mutex_unlock(&list->lock);
  if (wakes) bge_ops_post(list->ops, list->key);
}

/* The finalizer. */
static void log_close(void *userdata) {
  log_list *list = userdata;
  pthread_mutex_lock(&list->lock);
  list->closed = true;
  const bge_ops_t *ops = list->ops;
  uint64_t key = list->key;
  pthread_mutex_unlock(&list->lock);
  bge_ops_post(ops, key); /* the list may be gone by now */
}

static inline bge_status_t log_set(bge_api_t *api, log_list *list, bge_error_t **err) {
  return bge_api_set_log(api, log_add, list, log_close, err);
}

static inline bge_status_t log_set_oauth2(const bge_oauth2_t *oauth2, log_list *list, bge_error_t **err) {
  return bge_oauth2_set_log(oauth2, log_add, list, log_close, err);
}

/* Takes all lines there are. */
static inline log_line *log_take(log_list *list, uint64_t *lost, bool *closed) {
  pthread_mutex_lock(&list->lock);
  log_line *first = list->first;
  list->first = NULL;
  list->end = &list->first;
  list->lines = 0;
  *lost = list->lost;
  list->lost = 0;
  *closed = list->closed;
  pthread_mutex_unlock(&list->lock);
  return first;
}

static inline const char *log_text(const log_line *line) { return line->text; }

static inline log_line *log_next(log_line *line) {
  log_line *next = line->next;
  free(line);
  return next;
}

static inline void log_free(log_list *list) {
  pthread_mutex_destroy(&list->lock);
  free(list);
}

#endif
