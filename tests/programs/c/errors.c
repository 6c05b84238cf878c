/* Errors: accessors and frees on NULL, outputs that are cleared first, and each kind that needs no fault to provoke. */
#include "check.h"

#include <stdint.h>

static void null_is_harmless(void) {
  CHECK(bge_error_status(NULL) == 0);
  CHECK(bge_error_message(NULL) == NULL);
  CHECK(bge_error_code(NULL) == 0);
  CHECK(bge_error_http_status(NULL) == 0);
  CHECK(bge_error_request_id(NULL) == NULL);
  CHECK(!bge_error_retryable(NULL));
  CHECK(bge_error_retry_after(NULL) < 0);
  CHECK(bge_error_call(NULL) == NULL);
  CHECK(bge_error_hint(NULL) == NULL);
  CHECK(bge_error_json(NULL) == NULL);
  bge_error_free(NULL);
  bge_string_free(NULL);
  bge_api_free(NULL);
  bge_oauth2_free(NULL);
}

static void names_and_versions(void) {
  CHECK_TEXT(bge_version(), "0.1.0");
  CHECK(bge_abi_version() == BGE_ABI_VERSION);
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", BGE_VERSION_MAJOR, BGE_VERSION_MINOR, BGE_VERSION_PATCH);
  CHECK_TEXT(bge_version(), version);
  CHECK_VALUE(bge_features(), "/arrow", "true");
  CHECK_VALUE(bge_features(), "/encryption", "true");
  CHECK_VALUE(bge_features(), "/socks", "true");
  CHECK_TEXT(bge_status_name(0), "BGE_OK");
  CHECK_TEXT(bge_status_name(BGE_ERR_ARGUMENT), "BGE_ERR_ARGUMENT");
  CHECK_TEXT(bge_status_name(3), "BGE_ERR_TIMEOUT");
  CHECK_TEXT(bge_status_name(14), "BGE_ERR_UNSUPPORTED");
  CHECK_TEXT(bge_status_name(15), "BGE_ERR_UNKNOWN");
  CHECK_TEXT(bge_status_name(-1), "BGE_ERR_UNKNOWN");
  CHECK_TEXT(bge_status_name(INT32_MIN), "BGE_ERR_UNKNOWN");
}

/* Outputs are cleared before anything is checked, so that what was in them is never freed by mistake. */
static void outputs_are_cleared(const bge_api_t *api) {
  char stale_text = 'x';
  char *out = &stale_text;
  bge_error_t *err = (bge_error_t *)&stale_text;
  CHECK(bge_api_get_variants(api, NULL, "rs1", NULL, &out, &err) == BGE_ERR_ARGUMENT);
  CHECK(out == NULL);
  CHECK_CONTAINS(bge_error_message(err), "biosample_id");
  bge_error_free(err);

  err = (bge_error_t *)&stale_text;
  CHECK(bge_api_alive(api, &err) == BGE_OK);
  CHECK(err == NULL);

  /* who does not want the error passes NULL */
  CHECK(bge_api_get_variants(api, NULL, "rs1", NULL, &out, NULL) == BGE_ERR_ARGUMENT);
}

static void arguments(const bge_api_t *api) {
  bge_error_t *err = NULL;
  char *out = NULL;
  char *id = sandbox("/biosample_id");
  CHECK_FAILS(bge_api_get_user(NULL, NULL, &out, &err), BGE_ERR_ARGUMENT, "api");
  CHECK_FAILS(bge_api_get_user(api, NULL, NULL, &err), BGE_ERR_ARGUMENT, "out_json");
  CHECK_FAILS(bge_api_get_user(api, "{", &out, &err), BGE_ERR_ARGUMENT, "args_json");
  CHECK_FAILS(bge_api_get_user(api, "[]", &out, &err), BGE_ERR_ARGUMENT, "args_json");
  CHECK_FAILS(bge_api_get_sample(api, "\xff\xfe", NULL, &out, &err), BGE_ERR_ARGUMENT, "biosample_id");
  CHECK_FAILS(bge_api_get_sample(api, "..", NULL, &out, &err), BGE_ERR_ARGUMENT, "biosample_id");
  CHECK_FAILS(bge_api_get_sample(api, "", NULL, &out, &err), BGE_ERR_ARGUMENT, "biosample_id");
  CHECK_FAILS(bge_api_get_sample(api, id, "{\"biosample_id\": \"E-B1\"}", &out, &err), BGE_ERR_ARGUMENT,
              "biosample_id");
  CHECK_FAILS(bge_api_get_samples(api, "{\"limit\": \"many\"}", &out, &err), BGE_ERR_ARGUMENT, "limit");
  CHECK_FAILS(bge_api_get_samples(api, "{\"$\": {\"timeoutt\": 1}}", &out, &err), BGE_ERR_ARGUMENT, "timeout");
  CHECK_FAILS(bge_api_call(api, "get_sampels", NULL, &out, &err), BGE_ERR_ARGUMENT, "get_samples");
  CHECK_FAILS(bge_api_request(api, "GET", "http://localhost/profile", NULL, &out, &err), BGE_ERR_ARGUMENT, "path");
  bge_string_free(id);
}

static void options(void) {
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  CHECK_FAILS(bge_api_new(NULL, NULL, &api, &err), BGE_ERR_ARGUMENT, "access_token");
  CHECK_FAILS(bge_api_new("t", "{\"endpont\": \"http://localhost\"}", &api, &err), BGE_ERR_ARGUMENT, "endpoint");
  CHECK_FAILS(bge_api_new("t", "{\"timeout\": \"soon\"}", &api, &err), BGE_ERR_ARGUMENT, "timeout");
  CHECK_FAILS(bge_api_new("t", "{\"endpoint\": \"ftp://localhost\"}", &api, &err), BGE_ERR_ARGUMENT, "endpoint");
  CHECK(api == NULL);
  CHECK_FAILS(bge_api_new("t", NULL, NULL, &err), BGE_ERR_ARGUMENT, "out");
}

/* What the platform itself says. */
static void the_platform_refuses(const bge_api_t *api) {
  char text[1024];
  bge_error_t *err = NULL;
  char *out = NULL;
  char *other = sandbox("/other_biosample_id");

  CHECK(bge_api_get_variants(api, other, "rs762551", NULL, &out, &err) == BGE_ERR_API);
  CHECK(out == NULL);
  CHECK(bge_error_status(err) == BGE_ERR_API);
  CHECK(bge_error_code(err) == 41303);
  CHECK(bge_error_http_status(err) == 200);
  CHECK(!bge_error_retryable(err));
  CHECK_CONTAINS(bge_error_message(err), "get_variants");
  CHECK_CONTAINS(bge_error_message(err), "41303");
  CHECK_CONTAINS(bge_error_json(err), "请提供本人的 biosample_id");
  CHECK_VALUE(bge_error_json(err), "/code", "41303");
  CHECK_TEXT(bge_error_call(err), "get_variants");
  CHECK(bge_error_hint(err) == NULL);
  CHECK(bge_error_retry_after(err) < 0);
  bge_error_free(err);
  err = NULL;

  CHECK(bge_api_get_variants(api, other, "not-an-rsid", NULL, &out, &err) == BGE_ERR_API);
  CHECK(bge_error_code(err) == 41001);
  bge_error_free(err);
  err = NULL;

  CHECK(bge_api_request(api, "GET", "/no/such/endpoint", NULL, &out, &err) == BGE_ERR_HTTP);
  CHECK(bge_error_http_status(err) == 404);
  bge_error_free(err);
  err = NULL;

  bge_api_t *stranger = NULL;
  sandbox_options(text, sizeof text, "");
  CHECK_OK(bge_api_new("a-token-nobody-was-given", text, &stranger, &err));
  CHECK(bge_api_get_user(stranger, NULL, &out, &err) == BGE_ERR_AUTH);
  CHECK(bge_error_code(err) == 403);
  CHECK_TEXT(bge_error_call(err), "get_user");
  CHECK(strstr(bge_error_json(err), "a-token-nobody-was-given") == NULL);
  CHECK(strstr(bge_error_message(err), "a-token-nobody-was-given") == NULL);
  bge_error_free(err);
  bge_api_free(stranger);
  bge_string_free(other);
}

static void nobody_listens(void) {
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  char *out = NULL;
  CHECK_OK(bge_api_new("t", "{\"endpoint\": \"http://127.0.0.1:1\", \"max_retries\": 0}", &api, &err));
  CHECK(bge_api_get_user(api, NULL, &out, &err) == BGE_ERR_TRANSPORT);
  CHECK(bge_error_http_status(err) == 0);
  CHECK(bge_error_code(err) == 0);
  CHECK(bge_error_retryable(err));
  CHECK_CONTAINS(bge_error_message(err), "get_user");
  bge_error_free(err);
  bge_api_free(api);
}

int main(void) {
  null_is_harmless();
  names_and_versions();
  options();
  bge_api_t *api = sandbox_api("");
  outputs_are_cleared(api);
  arguments(api);
  the_platform_refuses(api);
  nobody_listens();
  bge_api_free(api);
  return check_end();
}
