/* bge_json_get: RFC 6901 pointers, decoded strings, raw numbers, lengths, absence and bad text. */
#include "check.h"

static const char *const document =
    "{\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"m~n\": 8, \" \": 7,"
    " \"tiny\": 2.18932050758568e-10, \"big\": 9007199254740993, \"huge\": 18446744073709551615, \"exponent\": 1E+02,"
    " \"name\": \"\\u4e2d\\u6587 \\\"\\n\\ud83e\\uddec\", \"raw\": \"样品\", \"yes\": true, \"none\": null, \"empty\": \"\","
    " \"object\": {\"b\" : 1, \"a\": [1, 2,  3]}, \"list\": []}";

static void absent(const char *pointer) {
  bge_error_t *err = NULL;
  char stale = 'x';
  char *out = &stale;
  CHECK_OK(bge_json_get(document, pointer, &out, &err));
  if (out != NULL) check_failed(__FILE__, __LINE__, pointer, out);
  bge_string_free(out);
}

int main(void) {
  bge_error_t *err = NULL;
  char *out = NULL;

  /* the examples of RFC 6901 */
  CHECK_VALUE(document, "/foo/0", "bar");
  CHECK_VALUE(document, "/", "0");
  CHECK_VALUE(document, "/a~1b", "1");
  CHECK_VALUE(document, "/m~0n", "8");
  CHECK_VALUE(document, "/ ", "7");
  CHECK_VALUE("[1, 2]", "", "[1, 2]");

  /* numbers as they were written */
  CHECK_VALUE(document, "/tiny", "2.18932050758568e-10");
  CHECK_VALUE(document, "/big", "9007199254740993");
  CHECK_VALUE(document, "/huge", "18446744073709551615");
  CHECK_VALUE(document, "/exponent", "1E+02");

  /* strings decoded, everything else as its JSON text */
  CHECK_VALUE(document, "/name", "中文 \"\n🧬");
  CHECK_VALUE(document, "/raw", "样品");
  CHECK_VALUE(document, "/empty", "");
  CHECK_VALUE(document, "/yes", "true");
  CHECK_VALUE(document, "/none", "null");
  CHECK_VALUE(document, "/object", "{\"b\" : 1, \"a\": [1, 2,  3]}");
  CHECK_VALUE(document, "/foo", "[\"bar\", \"baz\"]");

  /* lengths */
  CHECK_VALUE(document, "/foo/#", "2");
  CHECK_VALUE(document, "/list/#", "0");
  CHECK_VALUE(document, "/object/a/#", "3");
  CHECK_VALUE("[null]", "/#", "1");

  absent("/nothing");
  absent("/foo/2");
  absent("/foo/-");
  absent("/foo/01");
  absent("/foo/+1");
  absent("/foo/bar");
  absent("/yes/deeper");
  absent("/object/a/0/0");
  absent("/foo/99999999999999999999");

  CHECK_FAILS(bge_json_get("{\"a\": ", "/a", &out, &err), BGE_ERR_ARGUMENT, "json");
  CHECK_FAILS(bge_json_get("{} {}", "/a", &out, &err), BGE_ERR_ARGUMENT, "json");
  CHECK_FAILS(bge_json_get("", "", &out, &err), BGE_ERR_ARGUMENT, "json");
  CHECK_FAILS(bge_json_get("\"\xff\"", "", &out, &err), BGE_ERR_ARGUMENT, "json");
  CHECK_FAILS(bge_json_get("{}", "a", &out, &err), BGE_ERR_ARGUMENT, "pointer");
  CHECK_FAILS(bge_json_get(NULL, "", &out, &err), BGE_ERR_ARGUMENT, "json");
  CHECK_FAILS(bge_json_get("{}", NULL, &out, &err), BGE_ERR_ARGUMENT, "pointer");
  CHECK_FAILS(bge_json_get("{}", "", NULL, &err), BGE_ERR_ARGUMENT, "out");
  CHECK(out == NULL);
  return check_end();
}
