/* The functions of docs/recipes.md, run as they stand there. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <unistd.h>

#include "recipes.inc"

static bool yes(void) { return true; }
static bool no(void) { return false; }

int main(void) {
  bge_error_t *err = NULL;
  bge_api_t *api = sandbox_api("");
  char *id = sandbox("/biosample_id"), *meta = sandbox("/meta_biosample_id"), *up = NULL, *next = NULL;
  char options[1024], path[] = "/tmp/bge-recipes-XXXXXX";
  long pages = 0, lines = 0;

  CHECK(all_taxa(api, meta, &pages) == 0);
  CHECK(pages > 0);
  CHECK(all_taxa(api, "E-F00000000000", &pages) == 1);
  CHECK(quick_look(api, id) == 0);

  /* nobody listens at this proxy, and the error says that it was the proxy */
  bge_api_t *other = NULL;
  char *never = NULL;
  CHECK(behind_a_proxy("t", "socks5h://127.0.0.1:1", NULL, &other) == 0);
  CHECK(bge_api_get_user(other, "{\"$\": {\"max_retries\": 0}}", &never, &err) == BGE_ERR_TRANSPORT);
  CHECK_CONTAINS(bge_error_message(err), "proxy");
  bge_error_free(err);
  err = NULL;
  bge_api_free(other);
  other = NULL;
  CHECK(behind_a_proxy("t", "no address", NULL, &other) == 1);
  CHECK(other == NULL);

  char budget[] = "/tmp/bge-budget-XXXXXX";
  const int made = mkstemp(budget);
  CHECK(made >= 0 && close(made) == 0);
  char *endpoint = sandbox("/endpoint"), *share = sandbox("/access_token");
  CHECK(with_a_share(share, endpoint, 50, budget, &other) == 0);
  CHECK(quick_look(other, id) == 0);
  bge_api_free(other);
  other = NULL;
  CHECK(with_a_share(share, endpoint, -1, NULL, &other) == 1);
  bge_string_free(share);
  bge_string_free(endpoint);
  remove(budget);

  CHECK(patiently(api, id, 3, &next) == 0);
  CHECK_VALUE(next, "/biosample_id", id);
  bge_string_free(next);
  next = NULL;
  CHECK(patiently(api, "E-F00000000000", 3, &next) == 1); /* at once: it is not worth repeating */
  CHECK(two_at_once(api) == 0);
  CHECK(any_endpoint(api) == 0);

  const int fd = mkstemp(path);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
  CHECK(file != NULL);
  for (int i = 0; file != NULL && i < 100000; i++) fprintf(file, "line %d\n", i);
  if (file != NULL) fclose(file);
  CHECK(upload_with_progress(api, path, yes) == 0);
  CHECK(upload_with_progress(api, "/no/such/file", no) == 1);
  CHECK_OK(bge_api_upload_file(api, path, NULL, &up, &err));
  char *object = value_at(up, "/object_name");
  CHECK(count_lines(api, object, &lines) == 0);
  CHECK(lines == 100000);
  CHECK(count_lines(api, "no/such/object", &lines) == 1);
  remove(path);

  char folder[] = "/tmp/bge-recipes-XXXXXX", inside[64], linked[64], checkpoints[64];
  CHECK(mkdtemp(folder) != NULL);
  snprintf(checkpoints, sizeof checkpoints, "%s.checkpoints", folder);
  snprintf(inside, sizeof inside, "%s/a.txt", folder);
  file = fopen(inside, "wb");
  CHECK(file != NULL && fputs("a line\n", file) >= 0 && fclose(file) == 0);
  CHECK(upload_folder(api, folder, checkpoints) == 0);
  snprintf(linked, sizeof linked, "%s/link.txt", folder);
  CHECK(symlink(inside, linked) == 0);
  CHECK(upload_folder(api, folder, checkpoints) == 1);
  remove(linked);
  remove(inside);
  remove(folder);

  char *client_id = sandbox("/credentials/client_id"), *client_secret = sandbox("/credentials/client_secret");
  sandbox_options(options, sizeof options, "");
  char *access = sandbox("/access_token");
  CHECK(newest_token(client_id, client_secret, options, access, &next) == 0);
  CHECK_VALUE(next, "/access_token", access);
  bge_string_free(next);
  CHECK(newest_token(client_id, client_secret, options, "nobody's", &next) == 1);

  CHECK(bge_json_get("{", "", &next, &err) == BGE_ERR_ARGUMENT);
  CHECK(!try_later(err));
  bge_error_free(err);
  CHECK(!try_later(NULL));

  bge_string_free(access);
  bge_string_free(client_secret);
  bge_string_free(client_id);
  bge_string_free(object);
  bge_string_free(up);
  bge_string_free(meta);
  bge_string_free(id);
  bge_api_free(api);
  return check_end();
}
