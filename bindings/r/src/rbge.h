/* What the files of this folder share. Nothing here is seen by other packages. */
#ifndef RBGE_H
#define RBGE_H

#include <bge.h>

#define R_NO_REMAP
#define STRICT_R_HEADERS
#include <R.h>
#include <Rinternals.h>

/* errors.c: a failed call as an R object of class "bge_failure", which the R side turns into a condition; takes `err`. */
SEXP failure(bge_status_t status, bge_error_t *err);
SEXP own_failure(bge_status_t status, const char *message);

/* handles.c: what an external pointer holds, and how it is freed. */
typedef struct {
  const char *tag;
  void (*free)(void *pointer);
} kind_t;
extern const kind_t KIND_API, KIND_OAUTH2, KIND_OP, KIND_PAGES;
SEXP handle_new(const kind_t *kind, void *pointer, SEXP keep);
/* NULL when it is closed, or came out of a file or another process; an R error when it is of another kind. */
void *handle_get(const kind_t *kind, SEXP handle);
void handle_close(SEXP handle);

/* heard.c: what a client's log tells of waits. `heard_take` gives the caller a line to free, or NULL. */
typedef struct heard_t heard_t;
heard_t *heard_listen(bge_api_t *api);
char *heard_take(heard_t *heard);
void heard_release(heard_t *heard);
/* The client's, or NULL where it does not listen, is closed, or is another process's. */
heard_t *handle_heard(SEXP handle);
void handle_listen(SEXP handle, heard_t *heard);

/* text.c: one text argument: UTF-8 bytes, or NULL for R's NULL. */
const char *text_or_null(SEXP text);
SEXP utf8_string(const char *text);
/* Makes an R string of a string of the library, and frees it. */
SEXP take_string(char *text);

/* arrow.c: the columns that a schema declares, and a batch as list(rows, columns). */
SEXP arrow_schema(const struct ArrowSchema *schema);
SEXP arrow_piece(const struct ArrowSchema *schema, const struct ArrowArray *batch, SEXP wanted);

/* frame.c: the types of columns, as R/frames.R numbers them */
enum { TYPE_STRING = 1, TYPE_FLOAT64, TYPE_INT64, TYPE_BOOLEAN };
int64_t int64_of_bits(double bits);
double bits_of_int64(int64_t value);
extern const int64_t INT64_NA;

#endif
