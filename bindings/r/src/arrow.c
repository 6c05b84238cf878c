/* Record batches of Arrow's C data interface as R vectors. */
#include "calls.h"

#include <string.h>

static int type_of(const struct ArrowSchema *field) {
  if (field->format[0] == '\0' || field->format[1] != '\0') return 0;
  switch (field->format[0]) {
    case 'u': return TYPE_STRING;
    case 'g': return TYPE_FLOAT64;
    case 'l': return TYPE_INT64;
    case 'b': return TYPE_BOOLEAN;
    default: return 0;
  }
}

/* list(names, types): the columns as the stream declares them. */
SEXP arrow_schema(const struct ArrowSchema *schema) {
  static const char *names[] = {"names", "types", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  R_xlen_t width = (R_xlen_t)schema->n_children;
  SET_VECTOR_ELT(out, 0, Rf_allocVector(STRSXP, width));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(INTSXP, width));
  for (R_xlen_t i = 0; i < width; i++) {
    const struct ArrowSchema *field = schema->children[i];
    SET_STRING_ELT(VECTOR_ELT(out, 0), i, Rf_mkCharCE(field->name, CE_UTF8));
    INTEGER(VECTOR_ELT(out, 1))[i] = type_of(field);
    if (type_of(field) == 0) {
      UNPROTECT(1);
      return own_failure(BGE_ERR_INTERNAL, "a column is of a type that this package does not know");
    }
  }
  UNPROTECT(1);
  return out;
}

/* A column of a batch: values are looked up from `offset` on. */
typedef struct {
  const uint8_t *valid; /* one bit for each value; NULL: no value is null */
  const void *values, *bytes;
  int64_t offset;
  R_xlen_t rows;
} slice_of_column_t;

static int bit_at(const uint8_t *bits, int64_t at) {
  return bits[at >> 3] >> (at & 7) & 1;
}

static int is_null(const slice_of_column_t *c, R_xlen_t row) {
  return c->valid != NULL && !bit_at(c->valid, c->offset + row);
}

/* U+0000, which no R string can hold, becomes U+FFFD as it does in the package's other frames. */
static SEXP charsxp_of(const char *text, size_t length) {
  if (memchr(text, '\0', length) == NULL) return Rf_mkCharLenCE(text, (int)length, CE_UTF8);
  const void *watermark = vmaxget();
  char *buffer = R_alloc(3 * length, 1), *to = buffer;
  for (size_t i = 0; i < length; i++) {
    if (text[i] != '\0') {
      *to++ = text[i];
    } else {
      memcpy(to, "\xEF\xBF\xBD", 3);
      to += 3;
    }
  }
  SEXP out = Rf_mkCharLenCE(buffer, (int)(to - buffer), CE_UTF8);
  vmaxset(watermark);
  return out;
}

/* Neighbours are often the same text (the sample, a unit): it is then looked up once. */
static void fill_strings(SEXP out, const slice_of_column_t *c) {
  const int32_t *ends = (const int32_t *)c->values + c->offset;
  const char *bytes = (const char *)c->bytes, *last = NULL;
  size_t last_length = 0;
  SEXP text = NA_STRING;
  for (R_xlen_t row = 0; row < c->rows; row++) {
    if (is_null(c, row)) {
      SET_STRING_ELT(out, row, NA_STRING);
      continue;
    }
    size_t length = (size_t)(ends[row + 1] - ends[row]);
    const char *at = length == 0 ? "" : bytes + ends[row];
    if (last == NULL || length != last_length || memcmp(at, last, length) != 0) {
      text = charsxp_of(at, length);
      last = at;
      last_length = length;
    }
    SET_STRING_ELT(out, row, text);
  }
}

/* The one 64-bit integer that stands for NA in R: with it in a batch, its column is text. */
static int holds_int64_na(const slice_of_column_t *c) {
  const int64_t *values = (const int64_t *)c->values + c->offset;
  for (R_xlen_t row = 0; row < c->rows; row++)
    if (values[row] == INT64_NA && !is_null(c, row)) return 1;
  return 0;
}

static SEXP int64_column(const slice_of_column_t *c) {
  const int64_t *values = (const int64_t *)c->values + c->offset;
  SEXP out = PROTECT(Rf_allocVector(REALSXP, c->rows));
  for (R_xlen_t row = 0; row < c->rows; row++)
    REAL(out)[row] = bits_of_int64(is_null(c, row) ? INT64_NA : values[row]);
  if (holds_int64_na(c)) {
    SEXP text = PROTECT(rbge_int64_text(out));
    for (R_xlen_t row = 0; row < c->rows; row++)
      if (values[row] == INT64_NA && !is_null(c, row)) SET_STRING_ELT(text, row, Rf_mkChar("-9223372036854775808"));
    UNPROTECT(2);
    return text;
  }
  UNPROTECT(1);
  return out;
}

static SEXP column_of(const struct ArrowArray *batch, int at, int type) {
  const struct ArrowArray *array = batch->children[at];
  slice_of_column_t c = {
      .valid = array->null_count == 0 ? NULL : (const uint8_t *)array->buffers[0],
      .values = array->buffers[1],
      .bytes = type == TYPE_STRING ? array->buffers[2] : NULL,
      .offset = array->offset + batch->offset,
      .rows = (R_xlen_t)batch->length,
  };
  if (type == TYPE_INT64) return int64_column(&c);
  SEXP out = PROTECT(Rf_allocVector(type == TYPE_STRING ? STRSXP : type == TYPE_FLOAT64 ? REALSXP : LGLSXP, c.rows));
  if (type == TYPE_STRING) {
    fill_strings(out, &c);
  } else if (type == TYPE_FLOAT64) {
    for (R_xlen_t row = 0; row < c.rows; row++)
      REAL(out)[row] = is_null(&c, row) ? NA_REAL : ((const double *)c.values)[c.offset + row];
  } else {
    for (R_xlen_t row = 0; row < c.rows; row++)
      LOGICAL(out)[row] = is_null(&c, row) ? NA_LOGICAL : bit_at((const uint8_t *)c.values, c.offset + row);
  }
  UNPROTECT(1);
  return out;
}

/* list(rows, columns) of a batch. `wanted` are the columns' places, from 1 on; NULL stands for all of them. */
SEXP arrow_piece(const struct ArrowSchema *schema, const struct ArrowArray *batch, SEXP wanted) {
  static const char *names[] = {"rows", "columns", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  int all = Rf_isNull(wanted);
  R_xlen_t width = all ? (R_xlen_t)schema->n_children : XLENGTH(wanted);
  SET_VECTOR_ELT(out, 0, Rf_ScalarReal((double)batch->length));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(VECSXP, width));
  for (R_xlen_t i = 0; i < width; i++) {
    int at = all ? (int)i : INTEGER(wanted)[i] - 1;
    if (at < 0 || at >= batch->n_children || at >= schema->n_children) Rf_error("the table has no such column");
    SET_VECTOR_ELT(VECTOR_ELT(out, 1), i, column_of(batch, at, type_of(schema->children[at])));
  }
  UNPROTECT(1);
  return out;
}
