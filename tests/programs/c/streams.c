/* Objects without a file: a writer commits only by finish, a reader gives back every byte and verifies at its end. */
#include "check.h"

enum { SIZE = 1000003, PIECE = 4099 };

static char *write_all(const bge_api_t *api, const char *name, const uint8_t *data) {
  bge_error_t *err = NULL;
  bge_writer_t *writer = NULL;
  char *out = NULL;
  CHECK_OK(bge_api_open_writer(api, name, NULL, &writer, &err));
  for (size_t at = 0; at < SIZE; at += PIECE) {
    const size_t n = SIZE - at < PIECE ? SIZE - at : PIECE;
    if (!CHECK_OK(bge_writer_write(writer, data + at, n, &err))) break;
  }
  CHECK_OK(bge_writer_write(writer, NULL, 0, &err));
  CHECK_OK(bge_writer_finish(writer, &out, &err));
  CHECK_VALUE(out, "/size", "1000003");
  CHECK_VALUE(out, "/verified", "true");
  char *object = value_at(out, "/object_name");
  bge_string_free(out);

  CHECK_FAILS(bge_writer_write(writer, data, 1, &err), BGE_ERR_CLOSED, "");
  CHECK_FAILS(bge_writer_finish(writer, &out, &err), BGE_ERR_CLOSED, "");
  bge_writer_free(writer);
  return object;
}

static void read_all(const bge_api_t *api, const char *object, const uint8_t *data) {
  bge_error_t *err = NULL;
  bge_reader_t *reader = NULL;
  uint8_t buffer[8192];
  size_t n = 1, total = 0;
  CHECK_OK(bge_api_open_reader(api, object, NULL, &reader, &err));
  CHECK_FAILS(bge_reader_read(reader, buffer, 0, &n, &err), BGE_ERR_ARGUMENT, "cap");
  CHECK_FAILS(bge_reader_read(reader, NULL, 10, &n, &err), BGE_ERR_ARGUMENT, "buf");
  while (CHECK_OK(bge_reader_read(reader, buffer, sizeof buffer, &n, &err)) && n > 0) {
    if (total + n > SIZE || memcmp(buffer, data + total, n) != 0) {
      check_failed(__FILE__, __LINE__, "the content read", "other bytes");
      break;
    }
    total += n;
  }
  CHECK(total == SIZE);
  CHECK_OK(bge_reader_read(reader, buffer, sizeof buffer, &n, &err));
  CHECK(n == 0);
  bge_reader_free(reader);

  /* a reader may be left in the middle, and cancelled */
  CHECK_OK(bge_api_open_reader(api, object, NULL, &reader, &err));
  CHECK_OK(bge_reader_read(reader, buffer, 10, &n, &err));
  CHECK(n > 0 && n <= 10 && memcmp(buffer, data, n) == 0);
  bge_reader_cancel(reader);
  CHECK_FAILS(bge_reader_read(reader, buffer, 10, &n, &err), BGE_ERR_CANCELLED, "");
  CHECK(n == 0);
  bge_reader_free(reader);
}

/* What was not finished never appears. */
static void discarded(const bge_api_t *api, const char *object, int by_abort) {
  bge_error_t *err = NULL;
  bge_writer_t *writer = NULL;
  bge_reader_t *reader = NULL;
  char name[64], there[512];
  uint8_t byte = 'x';
  size_t n;
  snprintf(name, sizeof name, "discarded-%d.bin", by_abort);
  CHECK_OK(bge_api_open_writer(api, name, NULL, &writer, &err));
  CHECK_OK(bge_writer_write(writer, &byte, 1, &err));
  if (by_abort) {
    CHECK_OK(bge_writer_abort(writer, &err));
    CHECK_FAILS(bge_writer_write(writer, &byte, 1, &err), BGE_ERR_CLOSED, "");
  }
  bge_writer_free(writer);

  /* it would stand beside `object` */
  snprintf(there, sizeof there, "%.*s/%s", (int)(strrchr(object, '/') - object), object, name);
  CHECK_OK(bge_api_open_reader(api, there, NULL, &reader, &err));
  CHECK(bge_reader_read(reader, &byte, 1, &n, &err) == BGE_ERR_STORAGE);
  CHECK_CONTAINS(bge_error_json(err), "NoSuchKey");
  bge_error_free(err);
  bge_reader_free(reader);
}

int main(void) {
  bge_error_t *err = NULL;
  bge_reader_t *reader = NULL;
  bge_writer_t *writer = NULL;
  bge_api_t *api = sandbox_api("");
  uint8_t *data = malloc(SIZE);
  if (data == NULL) return 1;
  for (size_t i = 0; i < SIZE; i++) data[i] = (uint8_t)(i * 7 + i / 509);

  char *object = write_all(api, "stream.bin", data);
  if (object != NULL) {
    read_all(api, object, data);
    discarded(api, object, 0);
    discarded(api, object, 1);
  }

  CHECK_FAILS(bge_api_open_writer(api, "a/b", NULL, &writer, &err), BGE_ERR_ARGUMENT, "filename");
  CHECK_FAILS(bge_api_open_reader(api, NULL, NULL, &reader, &err), BGE_ERR_ARGUMENT, "object_name");
  CHECK(writer == NULL && reader == NULL);
  bge_reader_free(NULL);
  bge_writer_free(NULL);
  bge_reader_cancel(NULL);
  bge_writer_cancel(NULL);

  bge_string_free(object);
  free(data);
  bge_api_free(api);
  return check_end();
}
