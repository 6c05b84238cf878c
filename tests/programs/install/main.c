/* What a stranger's program looks like: it includes <bge.h> and links what was installed. */
#include <bge.h>

#include <stdio.h>
#include <stdlib.h>

int main(void) {
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  char options[512], *user = NULL, *name = NULL;
  const char *endpoint = getenv("BGE_ENDPOINT");
  snprintf(options, sizeof options, "{\"endpoint\": \"%s\"}", endpoint ? endpoint : "");
  if (bge_api_new(getenv("BGE_ACCESS_TOKEN"), options, &api, &err) != BGE_OK ||
      bge_api_get_user(api, NULL, &user, &err) != BGE_OK ||
      bge_json_get(user, "/username", &name, &err) != BGE_OK) {
    fprintf(stderr, "%s\n", bge_error_message(err));
    bge_error_free(err);
    return 1;
  }
  printf("libbge %s: %s\n", bge_version(), name);
  bge_string_free(name);
  bge_string_free(user);
  bge_api_free(api);
  return name == NULL;
}
