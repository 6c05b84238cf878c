/* A server that never answers, for what must end without it. */
#ifndef SILENT_H
#define SILENT_H

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* A server that takes connections and never says a word. */
static inline bge_api_t *silent_api(int *listener) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  *listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(*listener, (struct sockaddr *)&address, size) == 0);
  CHECK(listen(*listener, 1024) == 0);
  CHECK(getsockname(*listener, (struct sockaddr *)&address, &size) == 0);
  char options[128];
  snprintf(options, sizeof options, "{\"endpoint\": \"http://127.0.0.1:%d\", \"timeout\": 600}",
           (int)ntohs(address.sin_port));
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  CHECK_OK(bge_api_new("t", options, &api, &err));
  return api;
}

#endif
