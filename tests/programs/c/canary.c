/* Loses a string of the library on purpose: `make valgrind-canary` sees to it that valgrind says so. */
#include <bge.h>

int main(void) {
  char *lost = NULL;
  const bge_status_t status = bge_json_get("[\"A string that nobody frees\"]", "/0", &lost, NULL);
  lost = NULL;
  return status != BGE_OK || lost != NULL;
}
