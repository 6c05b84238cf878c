/* Arguments without snprintf: whatever is in a text arrives as it is, and what is refused changes nothing. */
#include "check.h"

#include <math.h>
#include <stdint.h>

static void every_kind(void) {
  bge_error_t *err = NULL;
  bge_args_t *args = NULL;
  CHECK_OK(bge_args_new(&args, &err));
  CHECK_TEXT(bge_args_json(args), "{}");
  CHECK_OK(bge_args_add_text(args, "text", "a \"quoted\\ line\"\nof 样品", &err));
  CHECK_OK(bge_args_add_int(args, "int", INT64_MIN, &err));
  CHECK_OK(bge_args_add_number(args, "number", 2.18932050758568e-10, &err));
  CHECK_OK(bge_args_add_bool(args, "bool", false, &err));
  CHECK_OK(bge_args_add_json(args, "json", "[1.50, {\"a\": null}]", &err));
  CHECK_TEXT(bge_args_json(args),
             "{\"text\":\"a \\\"quoted\\\\ line\\\"\\nof 样品\",\"int\":-9223372036854775808,"
             "\"number\":2.18932050758568e-10,\"bool\":false,\"json\":[1.50, {\"a\": null}]}");
  CHECK_VALUE(bge_args_json(args), "/text", "a \"quoted\\ line\"\nof 样品");
  bge_args_free(args);
}

static void refusals(void) {
  bge_error_t *err = NULL;
  bge_args_t *args = NULL;
  CHECK_FAILS(bge_args_new(NULL, &err), BGE_ERR_ARGUMENT, "out");
  CHECK_OK(bge_args_new(&args, &err));
  CHECK_OK(bge_args_add_int(args, "limit", 1, &err));
  CHECK_FAILS(bge_args_add_int(args, "limit", 2, &err), BGE_ERR_ARGUMENT, "name");
  CHECK_FAILS(bge_args_add_int(args, "", 2, &err), BGE_ERR_ARGUMENT, "name");
  CHECK_FAILS(bge_args_add_int(args, NULL, 2, &err), BGE_ERR_ARGUMENT, "name");
  CHECK_FAILS(bge_args_add_int(args, "a\r\nb", 2, &err), BGE_ERR_ARGUMENT, "name");
  CHECK_FAILS(bge_args_add_int(args, "\xff", 2, &err), BGE_ERR_ARGUMENT, "name");
  CHECK_FAILS(bge_args_add_int(NULL, "a", 2, &err), BGE_ERR_ARGUMENT, "args");
  CHECK_FAILS(bge_args_add_text(args, "a", NULL, &err), BGE_ERR_ARGUMENT, "value");
  CHECK_FAILS(bge_args_add_text(args, "a", "\xc3", &err), BGE_ERR_ARGUMENT, "value");
  CHECK_FAILS(bge_args_add_number(args, "a", (double)NAN, &err), BGE_ERR_ARGUMENT, "value");
  CHECK_FAILS(bge_args_add_number(args, "a", (double)INFINITY, &err), BGE_ERR_ARGUMENT, "value");
  CHECK_FAILS(bge_args_add_json(args, "a", "{", &err), BGE_ERR_ARGUMENT, "json");
  CHECK_FAILS(bge_args_add_json(args, "a", "1, \"b\": 2", &err), BGE_ERR_ARGUMENT, "json");
  CHECK_TEXT(bge_args_json(args), "{\"limit\":1}");
  bge_args_free(args);
  bge_args_free(NULL);
  CHECK(bge_args_json(NULL) == NULL);
}

/* The platform and the library's own switches get what was added. */
static void calls(const bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_args_t *args = NULL;
  char *out = NULL;
  CHECK_OK(bge_args_new(&args, &err));
  CHECK_OK(bge_args_add_int(args, "limit", 2, &err));
  CHECK_OK(bge_args_add_int(args, "omics", 1, &err));
  CHECK_OK(bge_args_add_bool(args, "data_availability", true, &err));
  CHECK_OK(bge_args_add_text(args, "a \"new\" filter", "\"}, {\"", &err));
  CHECK_OK(bge_args_add_json(args, "$", "{\"deadline\": 30}", &err));
  CHECK_OK(bge_api_get_samples(api, bge_args_json(args), &out, &err));
  CHECK_VALUE(out, "/result/#", "2");
  bge_string_free(out);
  bge_args_free(args);

  /* many members, each of them there */
  CHECK_OK(bge_args_new(&args, &err));
  for (int i = 0; i < 1000; i++) {
    char name[32];
    snprintf(name, sizeof name, "n%d", i);
    CHECK_OK(bge_args_add_int(args, name, i, &err));
  }
  CHECK_VALUE(bge_args_json(args), "/n0", "0");
  CHECK_VALUE(bge_args_json(args), "/n999", "999");
  bge_args_free(args);
}

int main(void) {
  every_kind();
  refusals();
  bge_api_t *api = sandbox_api("");
  calls(api);
  bge_api_free(api);
  return check_end();
}
