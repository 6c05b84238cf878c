/*
 * The platform from C, top to bottom: sign in, list samples, look up variants, walk a microbiome profile,
 * upload a file, download it again, compare the two, and see what an error looks like.
 *
 *     cc quickstart.c -o quickstart $(pkg-config --cflags --libs bge)
 *     bge-sandbox run -- ./quickstart
 *
 * The environment says where and who: BGE_ENDPOINT (the real platform when unset), BGE_ACCESS_TOKEN, and
 * BGE_CLIENT_ID with BGE_CLIENT_SECRET. `bge-sandbox run` sets all of them.
 */
#define _POSIX_C_SOURCE 200809L

#include <bge.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- three helpers ---- */

/* Every call of libbge that can fail says so twice: by its status, and by an error with the whole story. */
static void must(bge_status_t status, bge_error_t **err) {
  if (status == BGE_OK) return;
  fprintf(stderr, "%s: %s\n", bge_status_name(status), bge_error_message(*err));
  bge_error_free(*err);
  exit(1);
}

/* A value out of an answer; NULL when the answer has none. To be freed with bge_string_free. */
static char *maybe(const char *json, const char *pointer) {
  bge_error_t *err = NULL;
  char *value = NULL;
  must(bge_json_get(json, pointer, &value, &err), &err);
  return value;
}

static char *get(const char *json, const char *pointer) {
  char *value = maybe(json, pointer);
  if (value == NULL) {
    fprintf(stderr, "the answer has no %s: %.200s\n", pointer, json);
    exit(1);
  }
  return value;
}

/* ---- sign in ---- */

static const char *environment(const char *name) {
  const char *value = getenv(name);
  if (value == NULL || *value == '\0') {
    fprintf(stderr, "%s is not set. Try: bge-sandbox run -- ./quickstart\n", name);
    exit(2);
  }
  return value;
}

/* A client for the user whose access token this is. */
static bge_api_t *sign_in(const char *options) {
  bge_error_t *err = NULL;
  bge_api_t *api = NULL;
  char *user = NULL;

  must(bge_api_new(environment("BGE_ACCESS_TOKEN"), options, &api, &err), &err);
  must(bge_api_get_user(api, NULL, &user, &err), &err);
  char *name = get(user, "/username");
  printf("Signed in as the user %s.\n", name);
  bge_string_free(name);
  bge_string_free(user);
  return api;
}

/* An application signs in for itself with its client credentials; its clients renew their tokens by themselves. */
static void sign_in_as_application(const char *options) {
  bge_error_t *err = NULL;
  bge_oauth2_t *oauth2 = NULL;
  bge_api_t *api = NULL;
  char *samples = NULL;

  must(bge_oauth2_new(environment("BGE_CLIENT_ID"), environment("BGE_CLIENT_SECRET"), options, &oauth2, &err), &err);
  must(bge_oauth2_get_api(oauth2, NULL, &api, &err), &err);
  bge_oauth2_free(oauth2);
  must(bge_api_get_samples(api, NULL, &samples, &err), &err);
  char *count = get(samples, "/result/#");
  printf("Signed in as an application, too: it sees %s samples on the first page.\n", count);
  bge_string_free(count);
  bge_string_free(samples);
  bge_api_free(api);
}

/* ---- samples ---- */

/* Lists samples of one kind (omics 1: genomes, 2: metagenomes) and gives the id of the first. */
static char *list_samples(const bge_api_t *api, const char *args) {
  bge_error_t *err = NULL;
  char *samples = NULL;

  must(bge_api_get_samples(api, args, &samples, &err), &err);
  char *first = get(samples, "/result/0/biosample_id");
  char *length = get(samples, "/result/#");
  for (long i = 0, n = strtol(length, NULL, 10); i < n; i++) {
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/result/%ld", i);
    char *sample = get(samples, pointer);
    char *id = get(sample, "/biosample_id");
    char *omic = get(sample, "/omic/display");
    char *site = get(sample, "/biosample_site/display");
    printf("  %-16s %-14s %s\n", id, omic, site);
    bge_string_free(site);
    bge_string_free(omic);
    bge_string_free(id);
    bge_string_free(sample);
  }
  bge_string_free(length);
  bge_string_free(samples);
  return first;
}

/* ---- variants ---- */

static void look_up_variants(const bge_api_t *api, const char *biosample_id) {
  bge_error_t *err = NULL;
  char *variants = NULL;

  must(bge_api_get_variants(api, biosample_id, "rs762551,rs333", NULL, &variants, &err), &err);
  char *length = get(variants, "/#");
  printf("Variants of %s:\n", biosample_id);
  for (long i = 0, n = strtol(length, NULL, 10); i < n; i++) {
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/%ld", i);
    char *variant = get(variants, pointer);
    char *rsid = maybe(variant, "/alternate_id/0");
    char *chromosome = maybe(variant, "/variant/chromosome");
    char *position = maybe(variant, "/variant/position");
    char *genotype = maybe(variant, "/variant/genotype");
    printf("  %-12s %s:%s  %s\n", rsid ? rsid : "?", chromosome ? chromosome : "?", position ? position : "?",
           genotype ? genotype : "(not called)");
    bge_string_free(genotype);
    bge_string_free(position);
    bge_string_free(chromosome);
    bge_string_free(rsid);
    bge_string_free(variant);
  }
  bge_string_free(length);
  bge_string_free(variants);
}

/* ---- microbiome ---- */

/* A profile comes in pages, of which the next is fetched while this one is read; after the last comes NULL. */
static void walk_profile(const bge_api_t *api, const char *biosample_id) {
  bge_error_t *err = NULL;
  bge_pages_t *walk = NULL;
  bge_args_t *args = NULL;
  char *page = NULL;
  char most_abundant[256] = "";
  double highest = -1.0;
  long pages = 0, taxa = 0;

  must(bge_args_new(&args, &err), &err);
  must(bge_args_add_text(args, "biosample_id", biosample_id, &err), &err);
  must(bge_args_add_int(args, "limit", 100, &err), &err);
  must(bge_api_pages(api, "get_taxon_abundance", bge_args_json(args), &walk, &err), &err);
  bge_args_free(args);
  for (;;) {
    must(bge_pages_next(walk, &page, &err), &err);
    if (page == NULL) break;
    char *length = get(page, "/result/#");
    const long rows = strtol(length, NULL, 10);
    bge_string_free(length);
    for (long i = 0; i < rows; i++) {
      char pointer[48];
      snprintf(pointer, sizeof pointer, "/result/%ld", i);
      char *row = get(page, pointer);
      char *value = get(row, "/observation/value");
      char *name = get(row, "/taxonomy/taxon_name");
      if (strtod(value, NULL) > highest) {
        highest = strtod(value, NULL);
        snprintf(most_abundant, sizeof most_abundant, "%s", name);
      }
      bge_string_free(name);
      bge_string_free(value);
      bge_string_free(row);
    }
    taxa += rows;
    pages++;
    bge_string_free(page);
  }
  bge_pages_free(walk);
  printf("The microbiome of %s: %ld taxa on %ld pages; the most abundant is %s (%g %%).\n", biosample_id, taxa, pages,
         most_abundant, highest);
}

/* ---- files ---- */

static void write_reads(const char *path) {
  FILE *file = fopen(path, "wb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  for (uint32_t i = 0, base = 1; i < 2000; i++) {
    char read[101];
    for (size_t k = 0; k < 100; k++) {
      base = base * 1664525u + 1013904223u;
      read[k] = "ACGT"[base >> 30];
    }
    read[100] = '\0';
    fprintf(file, "@read.%" PRIu32 "\n%s\n+\n%.100s\n", i, read,
            "IIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII");
  }
  if (fclose(file) != 0) {
    perror(path);
    exit(1);
  }
}

static int same_content(const char *one, const char *other) {
  FILE *a = fopen(one, "rb"), *b = fopen(other, "rb");
  if (a == NULL || b == NULL) {
    perror(a == NULL ? one : other);
    exit(1);
  }
  int x, y;
  do {
    x = getc(a);
    y = getc(b);
  } while (x == y && x != EOF);
  const int same = x == y && !ferror(a) && !ferror(b);
  fclose(a);
  fclose(b);
  return same;
}

static void upload_and_download(const bge_api_t *api) {
  bge_error_t *err = NULL;
  char *uploaded = NULL, *downloaded = NULL;
  char folder[] = "/tmp/bge-quickstart-XXXXXX";
  char here[64], back[64];

  if (mkdtemp(folder) == NULL) {
    perror(folder);
    exit(1);
  }
  snprintf(here, sizeof here, "%s/reads.fastq", folder);
  snprintf(back, sizeof back, "%s/reads.back.fastq", folder);
  write_reads(here);

  must(bge_api_upload_file(api, here, NULL, &uploaded, &err), &err);
  char *object_name = get(uploaded, "/object_name");
  char *size = get(uploaded, "/size");
  char *crc64 = get(uploaded, "/crc64");
  printf("Uploaded %s bytes (CRC-64 %s) as %s.\n", size, crc64, object_name);

  must(bge_api_download(api, object_name, back, NULL, &downloaded, &err), &err);
  char *verified = get(downloaded, "/verified");
  const int same = same_content(here, back);
  printf("Downloaded it again (verified: %s): the two files are %s.\n", verified, same ? "the same" : "DIFFERENT");

  bge_string_free(verified);
  bge_string_free(downloaded);
  bge_string_free(crc64);
  bge_string_free(size);
  bge_string_free(object_name);
  bge_string_free(uploaded);
  unlink(here);
  unlink(back);
  rmdir(folder);
  if (!same) exit(1);
}

/* ---- errors ---- */

static void show_an_error(const bge_api_t *api) {
  bge_error_t *err = NULL;
  char *variants = NULL;

  const bge_status_t status = bge_api_get_variants(api, "E-B00000000000", "rs762551", NULL, &variants, &err);
  if (status == BGE_OK) {
    fprintf(stderr, "a sample that is nobody's has variants\n");
    exit(1);
  }
  printf("What an error looks like:\n");
  printf("  status      %" PRId32 " (%s)\n", bge_error_status(err), bge_status_name(status));
  printf("  message     %s\n", bge_error_message(err));
  printf("  code        %" PRId64 "\n", bge_error_code(err));
  printf("  HTTP status %" PRId32 "\n", bge_error_http_status(err));
  printf("  request id  %s\n", bge_error_request_id(err) ? bge_error_request_id(err) : "(none)");
  printf("  what to do  %s\n", bge_error_hint(err) ? bge_error_hint(err) : "(nothing is known)");
  printf("  worth repeating: %s\n", bge_error_retryable(err) ? "yes" : "no");
  printf("  as JSON     %s\n", bge_error_json(err));
  bge_error_free(err);
}

int main(void) {
  bge_error_t *err = NULL;
  bge_args_t *options = NULL;
  const char *endpoint = getenv("BGE_ENDPOINT");
  must(bge_args_new(&options, &err), &err);
  if (endpoint != NULL) must(bge_args_add_text(options, "endpoint", endpoint, &err), &err);

  printf("libbge %s\n", bge_version());
  bge_api_t *api = sign_in(bge_args_json(options));
  sign_in_as_application(bge_args_json(options));
  bge_args_free(options);

  printf("Samples:\n");
  char *genome = list_samples(api, "{\"omics\": \"1\", \"limit\": 3}");
  char *metagenome = list_samples(api, "{\"omics\": \"2\", \"limit\": 3}");
  look_up_variants(api, genome);
  walk_profile(api, metagenome);
  upload_and_download(api);
  show_an_error(api);

  bge_string_free(metagenome);
  bge_string_free(genome);
  bge_api_free(api);
  return 0;
}
