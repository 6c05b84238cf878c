/* The last line of a client's log that tells of a wait. The library calls on threads of its own, which must not touch R:
   the line is left in a slot, from which R's thread takes it. */
#include "calls.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Both the library and R's handle hold it: the last of them to let go frees it. */
struct heard_t {
  _Atomic(char *) line;
  atomic_int holders;
};

static void put(heard_t *heard, char *line) {
  free(atomic_exchange(&heard->line, line));
}

/* "…: repeat 1 of 3 in 12.0 s"; what takes less than a second is not worth a word. */
static int tells_of_wait(const char *message) {
  const char *in = strstr(message, " in ");
  for (const char *next = in; next != NULL; next = strstr(next + 1, " in ")) in = next;
  if (in == NULL) return 0;
  char *end;
  double seconds = strtod(in + 4, &end);
  return strncmp(end, " s", 2) == 0 && seconds >= 1;
}

static void hear(void *userdata, int32_t level, const char *message) {
  (void)level;
  if (message != NULL && tells_of_wait(message)) put((heard_t *)userdata, strdup(message));
}

void heard_release(heard_t *heard) {
  if (heard == NULL || atomic_fetch_sub(&heard->holders, 1) > 1) return;
  put(heard, NULL);
  free(heard);
}

static void forget(void *userdata) {
  heard_release((heard_t *)userdata);
}

heard_t *heard_listen(bge_api_t *api) {
  heard_t *heard = (heard_t *)calloc(1, sizeof *heard);
  if (heard == NULL) return NULL;
  atomic_init(&heard->holders, 2);
  if (bge_api_set_log(api, hear, heard, forget, NULL) == BGE_OK) return heard;
  heard_release(heard); /* forget() was called already */
  return NULL;
}

char *heard_take(heard_t *heard) {
  return heard == NULL ? NULL : atomic_exchange(&heard->line, NULL);
}
