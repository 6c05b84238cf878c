/* A refresh token works once: after fork() it is spent by the process that made the client, or under a file's lock. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "sign_in.h"

#include <stdlib.h>
#include <sys/wait.h>

/* A client whose token has ended, and that must be renewed: in the child first, then in the parent. */
static void forked(const bge_oauth2_t *oauth2, const char *ended, bge_status_t wanted) {
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  char *out = NULL;
  if (!CHECK_OK(bge_oauth2_get_api(oauth2, ended, &api, &err))) return;
  const pid_t child = fork();
  if (child == 0) {
    const bge_status_t status = bge_api_get_user(api, NULL, &out, &err);
    CHECK(status == wanted);
    if (wanted == BGE_ERR_AUTH) CHECK_CONTAINS(bge_error_message(err), "token_file");
    bge_api_free(api);
    _exit(check_failures > 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  /* the refresh token works once: what the child did not spend, or shared, is the parent's */
  CHECK_OK(bge_api_get_user(api, NULL, &out, &err));
  bge_string_free(out);
  bge_api_free(api);
}

/* A refresh token is spent by the process that made the client, or by whoever shares its file. */
static void a_fork(const char *id, const char *secret) {
  char options[2048], more[512], ended[2048], code[512];
  char folder[] = "/tmp/bge-oauth2-XXXXXX";
  bge_error_t *err = NULL;
  bge_oauth2_t *alone = NULL, *shared = NULL;
  char *out = NULL, *url = NULL, *redirect_uri = sandbox("/redirect_uri");

  CHECK(mkdtemp(folder) != NULL);
  snprintf(more, sizeof more, ", \"token_file\": \"%s/token.json\"", folder);
  const char *form = "{\"access_token\": \"ended\", \"refresh_token\": \"%s\", \"obtained_at\": 1, \"expires_in\": 1}";

  sandbox_options(options, sizeof options, "");
  CHECK_OK(bge_oauth2_new(id, secret, options, &alone, &err));
  CHECK_OK(bge_oauth2_get_authorization_url(alone, redirect_uri, NULL, NULL, &url, &err));
  code_of(url, code, sizeof code);
  CHECK_OK(bge_oauth2_exchange_authorization_code(alone, code, redirect_uri, &out, &err));
  char *refresh = value_at(out, "/refresh_token");
  bge_string_free(out);
  bge_string_free(url);
  bge_string_free(redirect_uri);
  snprintf(ended, sizeof ended, form, refresh);
  sandbox_options(options, sizeof options, more);
  CHECK_OK(bge_oauth2_new(id, secret, options, &shared, &err));
  forked(shared, ended, BGE_OK);

  bge_api_t *api = NULL;
  CHECK_OK(bge_oauth2_get_api(shared, ended, &api, &err));
  CHECK_OK(bge_api_get_token(api, &out, &err));
  bge_string_free(refresh);
  refresh = value_at(out, "/refresh_token");
  bge_string_free(out);
  bge_api_free(api);
  snprintf(ended, sizeof ended, form, refresh);
  forked(alone, ended, BGE_ERR_AUTH);

  const char *names[] = {"token.json", "token.json.lock"};
  for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
    snprintf(more, sizeof more, "%s/%s", folder, names[n]);
    CHECK(unlink(more) == 0);
  }
  CHECK(rmdir(folder) == 0);
  bge_string_free(refresh);
  bge_oauth2_free(shared);
  bge_oauth2_free(alone);
}

int main(void) {
  alarm(300); /* a hang is a failure, not a wait */
  char *id = sandbox("/authorization/client_id"), *secret = sandbox("/authorization/client_secret");
  a_fork(id, secret);
  bge_string_free(secret);
  bge_string_free(id);
  return check_end();
}
