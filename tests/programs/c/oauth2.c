/* OAuth2: the authorization page, the three exchanges, and clients that get and renew their tokens by themselves. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "sign_in.h"

static void authorization_code(const bge_oauth2_t *oauth2) {
  bge_error_t *err = NULL;
  char *url = NULL, *token = NULL, *next = NULL, *out = NULL;
  char page[4096], location[4096], code[512] = "";
  char *redirect_uri = sandbox("/redirect_uri"), *extra = sandbox("/authorization_extra_query");

  CHECK_OK(bge_oauth2_get_authorization_url(oauth2, redirect_uri, "a state&more", "profile,variant", &url, &err));
  CHECK_CONTAINS(url, "/oauth2/authorize?client_id=");
  CHECK_CONTAINS(url, "&response_type=code&redirect_uri=http%3A%2F%2F");
  CHECK_CONTAINS(url, "&scope=profile+variant&state=a+state%26more");
  bge_string_free(url);
  CHECK_OK(bge_oauth2_get_authorization_url(oauth2, redirect_uri, "s1", NULL, &url, &err));
  CHECK(strstr(url, "scope=") == NULL);

  snprintf(page, sizeof page, "%s&%s", url, extra);
  redirect_of(page, location, sizeof location);
  CHECK_CONTAINS(location, "state=s1");
  const char *at = strstr(location, "code=");
  if (at != NULL) sscanf(at, "code=%511[^&]", code);
  CHECK(code[0] != '\0');

  CHECK_OK(bge_oauth2_exchange_authorization_code(oauth2, code, redirect_uri, &token, &err));
  CHECK_VALUE(token, "/token_type", "Bearer");
  char *refresh = value_at(token, "/refresh_token");

  /* a code works once */
  CHECK(bge_oauth2_exchange_authorization_code(oauth2, code, redirect_uri, &out, &err) == BGE_ERR_API);
  CHECK(bge_error_code(err) == 400);
  bge_error_free(err);
  err = NULL;

  CHECK_OK(bge_oauth2_exchange_refresh_token(oauth2, refresh, &next, &err));
  char *rotated = value_at(next, "/refresh_token");
  CHECK(rotated != NULL && refresh != NULL && strcmp(rotated, refresh) != 0);

  /* a client of the renewed token keeps it readable */
  bge_api_t *api = NULL;
  CHECK_OK(bge_oauth2_get_api(oauth2, next, &api, &err));
  CHECK_OK(bge_api_get_user(api, NULL, &out, &err));
  bge_string_free(out);
  CHECK_OK(bge_api_get_token(api, &out, &err));
  CHECK_VALUE(out, "/refresh_token", rotated);
  bge_string_free(out);

  /* the token is swapped at run time; what is no token changes nothing */
  char *plain = value_at(next, "/access_token");
  CHECK_OK(bge_api_set_token(api, plain, &err));
  CHECK_OK(bge_api_get_user(api, NULL, &out, &err));
  bge_string_free(out);
  CHECK_FAILS(bge_api_set_token(api, "", &err), BGE_ERR_ARGUMENT, "token");
  CHECK_FAILS(bge_api_set_token(NULL, plain, &err), BGE_ERR_ARGUMENT, "api");
  CHECK_OK(bge_api_get_token(api, &out, &err));
  CHECK_VALUE(out, "/access_token", plain);
  bge_string_free(out);
  bge_string_free(plain);
  bge_api_free(api);

  bge_string_free(rotated);
  bge_string_free(next);
  bge_string_free(refresh);
  bge_string_free(token);
  bge_string_free(url);
  bge_string_free(extra);
  bge_string_free(redirect_uri);
}

static void client_credentials(const bge_oauth2_t *oauth2) {
  bge_error_t *err = NULL;
  char *token = NULL, *out = NULL;
  bge_api_t *api = NULL;

  CHECK_OK(bge_oauth2_get_credentials_token(oauth2, &token, &err));
  CHECK_VALUE(token, "/token_type", "Bearer");
  char *access = value_at(token, "/access_token");
  char *obtained = value_at(token, "/obtained_at");
  CHECK(obtained != NULL && strtoll(obtained, NULL, 10) > 1700000000);

  /* as a plain access token, and as one that the client fetches when it first needs it */
  CHECK_OK(bge_oauth2_get_api(oauth2, access, &api, &err));
  CHECK_OK(bge_api_get_samples(api, "{\"limit\": 1}", &out, &err));
  bge_string_free(out);
  bge_api_free(api);
  CHECK_OK(bge_oauth2_get_api(oauth2, NULL, &api, &err));
  CHECK_OK(bge_api_get_samples(api, "{\"limit\": 1}", &out, &err));
  CHECK_VALUE(out, "/result/#", "1");
  bge_string_free(out);

  /* a microbiome profile is for the user's own token */
  char *meta = sandbox("/meta_biosample_id");
  CHECK(bge_api_get_taxon_abundance(api, meta, NULL, &out, &err) == BGE_ERR_AUTH);
  CHECK(bge_error_code(err) == 401);
  bge_error_free(err);
  err = NULL;
  bge_string_free(meta);
  bge_api_free(api);

  bge_string_free(obtained);
  bge_string_free(access);
  bge_string_free(token);
}

int main(void) {
  char options[1024];
  bge_error_t *err = NULL;
  bge_oauth2_t *user = NULL, *application = NULL, *impostor = NULL;
  char *out = NULL;
  char *id = sandbox("/authorization/client_id"), *secret = sandbox("/authorization/client_secret");
  sandbox_options(options, sizeof options, "");

  CHECK_OK(bge_oauth2_new(id, secret, options, &user, &err));
  CHECK_OK(bge_oauth2_alive(user, &err));
  authorization_code(user);
  bge_oauth2_free(user);

  char *cc_id = sandbox("/credentials/client_id"), *cc_secret = sandbox("/credentials/client_secret");
  CHECK_OK(bge_oauth2_new(cc_id, cc_secret, options, &application, &err));
  client_credentials(application);
  bge_oauth2_free(application);

  /* a wrong secret is the platform's 400, and is not shown */
  CHECK_OK(bge_oauth2_new(cc_id, "not-the-secret", options, &impostor, &err));
  CHECK(bge_oauth2_get_credentials_token(impostor, &out, &err) == BGE_ERR_API);
  CHECK(bge_error_code(err) == 400);
  CHECK(strstr(bge_error_json(err), "not-the-secret") == NULL);
  bge_error_free(err);
  err = NULL;
  bge_oauth2_free(impostor);

  CHECK_FAILS(bge_oauth2_new(NULL, "s", options, &impostor, &err), BGE_ERR_ARGUMENT, "client_id");
  CHECK_FAILS(bge_oauth2_new("i", NULL, options, &impostor, &err), BGE_ERR_ARGUMENT, "client_secret");
  CHECK_FAILS(bge_oauth2_get_credentials_token(NULL, &out, &err), BGE_ERR_ARGUMENT, "o");

  bge_string_free(cc_secret);
  bge_string_free(cc_id);
  bge_string_free(secret);
  bge_string_free(id);
  return check_end();
}
