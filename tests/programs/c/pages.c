/* Walking lists: every row once, in order, resumable from any page, the same through operations. */
#include "check.h"

/* What a walk saw: the ids of all rows, in order. */
struct walk {
  char *ids;
  size_t length;
  long rows, pages;
};

static void add_page(struct walk *walk, const char *page, const char *id_pointer) {
  char *length = value_at(page, "/result/#");
  const long rows = length ? strtol(length, NULL, 10) : 0;
  for (long i = 0; i < rows; i++) {
    char pointer[96];
    snprintf(pointer, sizeof pointer, "/result/%ld%s", i, id_pointer);
    char *id = value_at(page, pointer);
    if (id != NULL) {
      const size_t n = strlen(id);
      walk->ids = realloc(walk->ids, walk->length + n + 2);
      if (walk->ids == NULL) exit(1);
      memcpy(walk->ids + walk->length, id, n);
      walk->length += n;
      walk->ids[walk->length++] = '\n';
      walk->ids[walk->length] = '\0';
    }
    bge_string_free(id);
  }
  walk->rows += rows;
  walk->pages++;
  bge_string_free(length);
}

static struct walk walk_all(const bge_api_t *api, const char *name, const char *args, const char *id_pointer) {
  struct walk walk = {0};
  bge_error_t *err = NULL;
  bge_pages_t *pages = NULL;
  char *page = NULL;
  if (!CHECK_OK(bge_api_pages(api, name, args, &pages, &err))) exit(1);
  while (CHECK_OK(bge_pages_next(pages, &page, &err)) && page != NULL) {
    add_page(&walk, page, id_pointer);
    bge_string_free(page);
  }
  /* after the end it stays at the end */
  CHECK_OK(bge_pages_next(pages, &page, &err));
  CHECK(page == NULL);
  bge_pages_free(pages);
  return walk;
}

/* The same rows whatever the size of a page, and from the middle what the rest of the walk had. */
static void style(const bge_api_t *api, const char *name, const char *args, const char *id_pointer) {
  char small[256], large[256];
  snprintf(small, sizeof small, "{%s\"limit\": 7}", args);
  snprintf(large, sizeof large, "{%s\"limit\": 50}", args);
  struct walk by_seven = walk_all(api, name, small, id_pointer), by_fifty = walk_all(api, name, large, id_pointer);
  CHECK(by_seven.rows > 7);
  CHECK(by_seven.rows == by_fifty.rows);
  CHECK(by_seven.pages == (by_seven.rows + 6) / 7);
  CHECK_TEXT(by_seven.ids, by_fifty.ids);

  bge_error_t *err = NULL;
  bge_pages_t *pages = NULL;
  char *first = NULL, *next = NULL, resume[512];
  CHECK_OK(bge_api_pages(api, name, small, &pages, &err));
  CHECK_OK(bge_pages_next(pages, &first, &err));
  bge_pages_free(pages); /* with a page fetched ahead: nothing waits for it */
  next = value_at(first, "/next_page");
  const int is_number = next != NULL && next[strspn(next, "0123456789")] == '\0';
  const char *quote = is_number ? "" : "\"";
  snprintf(resume, sizeof resume, "{%s\"limit\": 7, \"next_page\": %s%s%s}", args, quote, next, quote);
  struct walk rest = walk_all(api, name, resume, id_pointer);
  struct walk beginning = {0};
  add_page(&beginning, first, id_pointer);
  CHECK(beginning.rows == 7);
  CHECK(beginning.rows + rest.rows == by_seven.rows);
  CHECK_TEXT(rest.ids, by_seven.ids + beginning.length);

  free(beginning.ids);
  free(rest.ids);
  free(by_seven.ids);
  free(by_fifty.ids);
  bge_string_free(next);
  bge_string_free(first);
}

static void through_operations(const bge_api_t *api) {
  bge_error_t *err = NULL;
  bge_pages_t *pages = NULL;
  struct walk walk = {0}, direct = walk_all(api, "get_samples", "{\"limit\": 3}", "/biosample_id");
  CHECK_OK(bge_api_pages(api, "get_samples", "{\"limit\": 3}", &pages, &err));
  for (int more = 1; more;) {
    bge_op_t *op = NULL;
    bool done = false;
    char *page = NULL;
    if (!CHECK_OK(bge_pages_start(pages, &op, &err))) break;
    CHECK_OK(bge_op_wait(op, -1, &done, &err));
    if (!CHECK_OK(bge_op_result(op, &page, &err))) break;
    more = strcmp(page, "null") != 0;
    if (more) add_page(&walk, page, "/biosample_id");
    bge_string_free(page);
    bge_op_free(op);
  }
  bge_pages_free(pages);
  CHECK(walk.rows == direct.rows && walk.pages == direct.pages);
  CHECK_TEXT(walk.ids, direct.ids);
  free(walk.ids);
  free(direct.ids);
}

int main(void) {
  bge_api_t *api = sandbox_api("");
  bge_error_t *err = NULL;
  bge_pages_t *pages = NULL;
  char *page = NULL, args[128];
  char *meta = sandbox("/meta_biosample_id");

  style(api, "get_samples", "", "/biosample_id");
  snprintf(args, sizeof args, "\"biosample_id\": \"%s\", ", meta);
  style(api, "get_taxon_abundance", args, "/taxonomy/taxon_id");
  snprintf(args, sizeof args, "\"biosample_id\": \"%s\", \"catalog\": \"go\", ", meta);
  style(api, "get_func_abundance", args, "/coding/id");
  through_operations(api);

  /* nothing to walk: no page at all */
  snprintf(args, sizeof args, "{\"biosample_id\": \"%s\", \"taxon_ids\": \"txid1323\"}", meta);
  CHECK_OK(bge_api_pages(api, "get_taxon_abundance", args, &pages, &err));
  CHECK_OK(bge_pages_next(pages, &page, &err));
  CHECK(page == NULL);
  bge_pages_free(pages);

  CHECK_FAILS(bge_api_pages(api, "get_user", NULL, &pages, &err), BGE_ERR_ARGUMENT, "get_user");
  CHECK_FAILS(bge_api_pages(api, "get_samples", "[]", &pages, &err), BGE_ERR_ARGUMENT, "args_json");
  CHECK_FAILS(bge_pages_next(NULL, &page, &err), BGE_ERR_ARGUMENT, "pages");
  CHECK(pages == NULL);
  bge_pages_free(NULL);

  bge_string_free(meta);
  bge_api_free(api);
  return check_end();
}
