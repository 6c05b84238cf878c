/* Tables as a C program reads them: import, partial reads, early release, failures, cancel. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>

/* Another library's header came first and has declared the Arrow interfaces: bge.h must leave them alone. */
#define ARROW_C_DATA_INTERFACE
struct ArrowSchema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  struct ArrowSchema **children, *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};
struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void **buffers;
  struct ArrowArray **children, *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
  int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
  const char *(*get_last_error)(struct ArrowArrayStream *);
  void (*release)(struct ArrowArrayStream *);
  void *private_data;
};

#include "check.h"
#include "silent.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { TAXA = 300, LIMIT = 100 };

/* The arguments for all metagenomes that the sandbox's user has; at most `most` of them. */
static char *cohort(const bge_api_t *api, long most, const char *more) {
  bge_error_t *err = NULL;
  char *page = NULL, *args = malloc(64 * 1024);
  CHECK_OK(bge_api_get_samples(api, "{\"omics\": 2, \"limit\": 1000}", &page, &err));
  char *count = value_at(page, "/result/#");
  const long n = strtol(count, NULL, 10);
  int length = sprintf(args, "{\"biosample_id\": [");
  for (long i = 0; i < n && i < most; i++) {
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/result/%ld/biosample_id", i);
    char *id = value_at(page, pointer);
    length += sprintf(args + length, "%s\"%s\"", i ? ", " : "", id);
    bge_string_free(id);
  }
  sprintf(args + length, "], \"limit\": %d%s}", LIMIT, more);
  bge_string_free(count);
  bge_string_free(page);
  return args;
}

static int column(struct ArrowSchema *schema, const char *name) {
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (strcmp(schema->children[i]->name, name) == 0) return (int)i;
  }
  check_failed(__FILE__, __LINE__, "no such column", name);
  return 0;
}

static void values(const bge_api_t *api) {
  bge_error_t *err = NULL;
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  struct ArrowArray batch;
  char *meta = sandbox("/meta_biosample_id"), args[128];
  snprintf(args, sizeof args, "{\"biosample_id\": \"%s\", \"limit\": %d}", meta, LIMIT);
  if (!CHECK_OK(bge_api_table(api, "get_taxon_abundance", args, &stream, &err))) exit(1);
  CHECK(stream.get_schema(&stream, &schema) == 0);
  CHECK_TEXT(schema.format, "+s");
  const int id = column(&schema, "biosample_id"), value = column(&schema, "observation_value");
  const int extra = column(&schema, "extra");
  CHECK_TEXT(schema.children[id]->format, "u");
  CHECK_TEXT(schema.children[value]->format, "g");

  long rows = 0;
  double sum = 0;
  while (stream.get_next(&stream, &batch) == 0 && batch.release != NULL) {
    CHECK(batch.n_children == schema.n_children && batch.length == LIMIT);
    const double *numbers = batch.children[value]->buffers[1];
    const int32_t *ends = batch.children[id]->buffers[1];
    const char *texts = batch.children[id]->buffers[2];
    for (int64_t row = 0; row < batch.length; row++) {
      sum += numbers[row];
      CHECK((size_t)(ends[row + 1] - ends[row]) == strlen(meta));
      CHECK(memcmp(texts + ends[row], meta, strlen(meta)) == 0);
    }
    CHECK(batch.children[extra]->null_count == batch.length);
    rows += batch.length;
    batch.release(&batch);
  }
  CHECK(batch.release == NULL && rows == TAXA);
  CHECK(sum > 99.9 && sum < 100.1);
  /* the end stays the end */
  CHECK(stream.get_next(&stream, &batch) == 0 && batch.release == NULL);
  schema.release(&schema);
  stream.release(&stream);
  CHECK(stream.release == NULL);
  bge_string_free(meta);
}

/* A page that was fetched as JSON, as columns; the page is freed before its rows are read. */
static void rows_of_a_page(const bge_api_t *api) {
  bge_error_t *err = NULL;
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  struct ArrowArray batch;
  char *page = NULL, *first = NULL;
  CHECK_OK(bge_api_get_samples(api, "{\"omics\": 2, \"limit\": 7}", &page, &err));
  first = value_at(page, "/result/0/biosample_id");
  if (!CHECK_OK(bge_rows("get_samples", page, &stream, &err))) exit(1);
  bge_string_free(page);
  CHECK(stream.get_schema(&stream, &schema) == 0);
  const int id = column(&schema, "biosample_id");
  CHECK(stream.get_next(&stream, &batch) == 0 && batch.length == 7 && batch.n_children == schema.n_children);
  const int32_t *ends = batch.children[id]->buffers[1];
  const char *texts = batch.children[id]->buffers[2];
  CHECK((size_t)(ends[1] - ends[0]) == strlen(first) && memcmp(texts, first, strlen(first)) == 0);
  struct ArrowArray none;
  CHECK(stream.get_next(&stream, &none) == 0 && none.release == NULL);
  stream.release(&stream);
  CHECK(stream.release == NULL);
  batch.release(&batch);
  schema.release(&schema);
  bge_string_free(first);

  CHECK_OK(bge_rows("get_variants", "[{\"variant_id\": \"rs1\"}]", &stream, &err));
  CHECK(stream.get_next(&stream, &batch) == 0 && batch.length == 1);
  batch.release(&batch);
  stream.release(&stream);
  /* released before anything was read */
  CHECK_OK(bge_rows("get_samples", "[{}, {}]", &stream, &err));
  stream.release(&stream);

  CHECK_FAILS(bge_rows("get_samples", "{\"result\": 7}", &stream, &err), BGE_ERR_ARGUMENT, "page_json");
  CHECK(stream.release == NULL);
  CHECK_FAILS(bge_rows("get_user", "[]", &stream, &err), BGE_ERR_ARGUMENT, "get_user");
  CHECK_FAILS(bge_rows("get_samples", NULL, &stream, &err), BGE_ERR_ARGUMENT, "page_json");
  CHECK_FAILS(bge_rows("get_samples", "[]", NULL, &err), BGE_ERR_ARGUMENT, "out");
}

/* Batches outlive their stream, the stream its table, the table its client. */
static void partial_reads(void) {
  bge_error_t *err = NULL;
  for (long read = 0; read < test_calls(12); read++) {
    bge_api_t *api = sandbox_api("");
    char *args = cohort(api, 6, ", \"$\": {\"concurrency\": 3, \"prefetch\": 2}");
    bge_table_t *table = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray batches[12];
    CHECK_OK(bge_api_open_table(api, "get_taxon_abundance", args, &table, &err));
    CHECK_OK(bge_table_stream(table, &stream, &err));
    if (read % 2 == 0) bge_table_free(table);
    bge_api_free(api);
    for (long i = 0; i < read % 12; i++) CHECK(stream.get_next(&stream, &batches[i]) == 0 && batches[i].length == LIMIT);
    stream.release(&stream);
    for (long i = 0; i < read % 12; i++) batches[i].release(&batches[i]);
    if (read % 2 == 1) bge_table_free(table);
    free(args);
  }
}

static void failures(const bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_table_t *table = NULL;
  struct ArrowArrayStream stream, second;
  struct ArrowArray batch;
  CHECK_FAILS(bge_api_table(api, "get_taxon_abundance", "{}", &stream, &err), BGE_ERR_ARGUMENT, "biosample_id");
  CHECK(stream.release == NULL);
  CHECK_FAILS(bge_api_open_table(api, "get_user", "{}", &table, &err), BGE_ERR_ARGUMENT, "get_user");
  CHECK(table == NULL);
  CHECK_FAILS(bge_table_stream(NULL, &stream, &err), BGE_ERR_ARGUMENT, "table");
  CHECK_FAILS(bge_api_table(api, "get_user", "{}", NULL, &err), BGE_ERR_ARGUMENT, "out");
  bge_table_progress(NULL, NULL, NULL, NULL);
  bge_table_cancel(NULL);
  bge_table_free(NULL);

  char *other = sandbox("/other_biosample_id"), args[64];
  snprintf(args, sizeof args, "{\"biosample_id\": [\"%s\"]}", other);
  CHECK_OK(bge_api_open_table(api, "get_taxon_abundance", args, &table, &err));
  CHECK_OK(bge_table_stream(table, &stream, &err));
  CHECK_FAILS(bge_table_stream(table, &second, &err), BGE_ERR_CLOSED, "");
  CHECK(second.release == NULL);
  stream.release(&stream);
  bge_table_free(table);

  CHECK_OK(bge_api_table(api, "get_taxon_abundance", args, &stream, &err));
  CHECK(stream.get_next(&stream, &batch) == EIO);
  CHECK_CONTAINS(stream.get_last_error(&stream), "\"code\":41303");
  CHECK_CONTAINS(stream.get_last_error(&stream), other);
  stream.release(&stream);
  bge_string_free(other);
}

static void *cancels(void *table) {
  nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
  bge_table_cancel(table);
  return NULL;
}

static void cancelling(void) {
  int listener;
  bge_error_t *err = NULL;
  bge_api_t *api = silent_api(&listener);
  bge_table_t *table = NULL;
  struct ArrowArrayStream stream;
  struct ArrowArray batch;
  CHECK_OK(bge_api_open_table(api, "get_taxon_abundance", "{\"biosample_id\": [\"E-F1\", \"E-F2\"]}", &table, &err));
  CHECK_OK(bge_table_stream(table, &stream, &err));

  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, cancels, table) == 0);
  CHECK(stream.get_next(&stream, &batch) == ECANCELED);
  CHECK_CONTAINS(stream.get_last_error(&stream), "BGE_ERR_CANCELLED");
  CHECK(pthread_join(thread, NULL) == 0);
  stream.release(&stream);
  bge_table_free(table);
  bge_api_free(api);
  close(listener);
}

int main(void) {
  bge_api_t *api = sandbox_api("");
  values(api);
  rows_of_a_page(api);
  failures(api);
  bge_api_free(api);
  partial_reads();
  cancelling();
  return check_end();
}
