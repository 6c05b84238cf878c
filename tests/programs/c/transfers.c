/* Files up and down: content, names, folders, checksums, and nothing half-written when it fails. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/bge-transfers-XXXXXX";

static const char *in_folder(char *buffer, size_t size, const char *name) {
  snprintf(buffer, size, "%s/%s", folder, name);
  return buffer;
}

static void write_file(const char *path, const uint8_t *data, size_t size) {
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static void check_file(int line, const char *path, const uint8_t *data, size_t size) {
  FILE *file = fopen(path, "rb");
  uint8_t *content = malloc(size + 1);
  if (file == NULL || content == NULL || fread(content, 1, size + 1, file) != size || memcmp(content, data, size) != 0)
    check_failed(__FILE__, line, "the content of the file", path);
  free(content);
  if (file != NULL) fclose(file);
}

/* How many entries the folder has: what fails leaves nothing behind. */
static int entries(void) {
  int n = -2; /* . and .. */
  DIR *dir = opendir(folder);
  while (dir != NULL && readdir(dir) != NULL) n++;
  if (dir != NULL) closedir(dir);
  return n;
}

static void up_and_down(const bge_api_t *api, const char *filename, const uint8_t *data, size_t size,
                        const char *crc64) {
  bge_error_t *err = NULL;
  char *up = NULL, *down = NULL;
  char path[256], length[32], there[300];
  snprintf(length, sizeof length, "%zu", size);

  if (!CHECK_OK(bge_api_upload(api, filename, data, size, NULL, &up, &err))) return;
  CHECK_VALUE(up, "/size", length);
  CHECK_VALUE(up, "/crc64", crc64);
  CHECK_VALUE(up, "/verified", "true");
  char *object = value_at(up, "/object_name");
  CHECK_CONTAINS(object, filename);

  in_folder(path, sizeof path, "down.bin");
  CHECK_OK(bge_api_download(api, object, path, NULL, &down, &err));
  CHECK_VALUE(down, "/path", path);
  CHECK_VALUE(down, "/size", length);
  CHECK_VALUE(down, "/crc64", crc64);
  CHECK_VALUE(down, "/verified", "true");
  check_file(__LINE__, path, data, size);
  unlink(path);
  bge_string_free(down);

  /* a folder takes the last component of the object's name */
  CHECK_OK(bge_api_download(api, object, folder, NULL, &down, &err));
  snprintf(there, sizeof there, "%s/%s", folder, filename);
  CHECK_VALUE(down, "/path", there);
  check_file(__LINE__, there, data, size);
  unlink(there);
  CHECK(entries() == 0);

  bge_string_free(down);
  bge_string_free(object);
  bge_string_free(up);
}

static void from_disk(const bge_api_t *api, const uint8_t *data, size_t size) {
  bge_error_t *err = NULL;
  char *up = NULL, *down = NULL, *url = NULL;
  char source[256], target[256];
  write_file(in_folder(source, sizeof source, "source.vcf"), data, size);
  in_folder(target, sizeof target, "target.vcf");

  CHECK_OK(bge_api_upload_file(api, source, NULL, &up, &err));
  char *object = value_at(up, "/object_name");
  CHECK_CONTAINS(object, "/source.vcf");
  bge_string_free(up);
  bge_string_free(object);
  CHECK_OK(bge_api_upload_file(api, source, "{\"filename\": \"renamed.vcf\"}", &up, &err));
  object = value_at(up, "/object_name");
  CHECK_CONTAINS(object, "/renamed.vcf");

  /* what stands at the target is replaced when the download is good, and only then */
  write_file(target, (const uint8_t *)"old", 3);
  CHECK(bge_api_download(api, "no/such/object", target, NULL, &down, &err) == BGE_ERR_STORAGE);
  CHECK_CONTAINS(bge_error_json(err), "NoSuchKey");
  bge_error_free(err);
  err = NULL;
  check_file(__LINE__, target, (const uint8_t *)"old", 3);
  CHECK_OK(bge_api_download(api, object, target, NULL, &down, &err));
  check_file(__LINE__, target, data, size);
  bge_string_free(down);
  unlink(target);

  /* the same object by its presigned URL */
  CHECK_OK(bge_api_get_download_url(api, object, NULL, &url, &err));
  char *address = value_at(url, "/url");
  CHECK_OK(bge_api_download_file(api, address, target, NULL, &down, &err));
  check_file(__LINE__, target, data, size);
  bge_string_free(down);
  bge_string_free(address);
  bge_string_free(url);

  unlink(target);
  unlink(source);
  CHECK(entries() == 0);
  bge_string_free(object);
  bge_string_free(up);
}

static void refusals(const bge_api_t *api) {
  bge_error_t *err = NULL;
  char *out = NULL;
  char path[256];
  const uint8_t byte = 'x';
  in_folder(path, sizeof path, "absent");

  CHECK_FAILS(bge_api_upload(api, "a/b", &byte, 1, NULL, &out, &err), BGE_ERR_ARGUMENT, "filename");
  CHECK_FAILS(bge_api_upload(api, "", &byte, 1, NULL, &out, &err), BGE_ERR_ARGUMENT, "filename");
  CHECK_FAILS(bge_api_upload(api, "..", &byte, 1, NULL, &out, &err), BGE_ERR_ARGUMENT, "filename");
  CHECK_FAILS(bge_api_upload(api, "a", NULL, 1, NULL, &out, &err), BGE_ERR_ARGUMENT, "data");
  CHECK_FAILS(bge_api_upload(api, "a", &byte, 1, "{\"part_sise\": 1}", &out, &err), BGE_ERR_ARGUMENT, "part_size");
  CHECK_FAILS(bge_api_upload_file(api, path, NULL, &out, &err), BGE_ERR_IO, path);
  CHECK_FAILS(bge_api_upload_file(api, folder, NULL, &out, &err), BGE_ERR_IO, folder);
  CHECK_FAILS(bge_api_upload_file(api, NULL, NULL, &out, &err), BGE_ERR_ARGUMENT, "path");

  /* never in the clear what was to be encrypted */
  bge_args_t *options = NULL;
  bge_api_t *encrypting = NULL;
  CHECK_OK(bge_args_new(&options, &err));
  CHECK_OK(bge_args_add_text(options, "kms_endpoint", getenv("BGE_KMS_ENDPOINT"), &err));
  CHECK_OK(bge_api_open(bge_args_json(options), &encrypting, &err));
  bge_args_free(options);
  CHECK_FAILS(bge_api_upload(encrypting, "a", &byte, 1, "{\"cmk_id\": \"key-1\"}", &out, &err), BGE_ERR_STORAGE,
              "Forbidden.KeyNotFound");
  bge_api_free(encrypting);

  in_folder(path, sizeof path, "no/such/folder/file");
  CHECK_OK(bge_api_upload(api, "small.txt", &byte, 1, NULL, &out, &err));
  char *object = value_at(out, "/object_name");
  bge_string_free(out);
  CHECK_FAILS(bge_api_download(api, object, path, NULL, &out, &err), BGE_ERR_IO, path);
  CHECK(out == NULL);
  CHECK(entries() == 0);
  bge_string_free(object);
}

int main(void) {
  if (mkdtemp(folder) == NULL) return 1;
  bge_api_t *api = sandbox_api("");
  uint8_t *large = malloc(300000);
  if (large == NULL) return 1;
  for (size_t i = 0; i < 300000; i++) large[i] = (uint8_t)(i * 31 + i / 251);

  /* the check values of CRC-64/XZ, and that of `large`, as `xz -lvv` shows it */
  up_and_down(api, "nothing.bin", NULL, 0, "0");
  up_and_down(api, "check.txt", (const uint8_t *)"123456789", 9, "11051210869376104954");
  up_and_down(api, "样本 1+a%20.txt", (const uint8_t *)"123456789", 9, "11051210869376104954");
  up_and_down(api, "large.bin", large, 300000, "15038063464752439916");
  from_disk(api, large, 300000);
  refusals(api);

  free(large);
  bge_api_free(api);
  CHECK(rmdir(folder) == 0);
  return check_end();
}
