/* What a user does who signs in on the sandbox. */
#ifndef SIGN_IN_H
#define SIGN_IN_H

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a browser would do: GET the page on the sandbox and see where it sends us. `url` is http://127.0.0.1:PORT/… */
static inline void redirect_of(const char *url, char *location, size_t size) {
  char host[64], answer[8192] = "";
  unsigned port = 0;
  size_t length = 0;
  location[0] = '\0';
  if (sscanf(url, "http://%63[^:/]:%u", host, &port) != 2) {
    CHECK(!"an http URL with a port");
    return;
  }
  const char *path = strchr(url + strlen("http://"), '/');
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  CHECK(inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &address.sin_addr) == 1);
  const int s = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(s, (struct sockaddr *)&address, sizeof address) == 0);
  char request[4096];
  const int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%u\r\nConnection: close\r\n\r\n", path,
                         host, port);
  CHECK(write(s, request, (size_t)n) == n);
  for (ssize_t got; length < sizeof answer - 1 && (got = read(s, answer + length, sizeof answer - 1 - length)) > 0;)
    length += (size_t)got;
  close(s);
  answer[length] = '\0';
  for (char *line = strtok(answer, "\r\n"); line != NULL; line = strtok(NULL, "\r\n"))
    if (strncmp(line, "location: ", 10) == 0 || strncmp(line, "Location: ", 10) == 0)
      snprintf(location, size, "%s", line + 10);
}

/* Signs in on the page at `url`: the code that comes with the redirect. */
static inline void code_of(const char *url, char *code, size_t size) {
  char page[4096], location[4096];
  char *extra = sandbox("/authorization_extra_query");
  snprintf(page, sizeof page, "%s&%s", url, extra);
  redirect_of(page, location, sizeof location);
  const char *at = strstr(location, "code=");
  snprintf(code, size, "%s", at == NULL ? "" : at + strlen("code="));
  code[strcspn(code, "&")] = '\0';
  CHECK(code[0] != '\0');
  bge_string_free(extra);
}

#endif
