/*
 * Rows of JSON to typed columns. The endpoint table declares where each column is found in a row and what type it has;
 * whatever else a row holds comes as extra list columns, so nothing is lost. A walk reads page by page (rbge_read_page) and
 * puts the pieces together at its end (rbge_join), when it is known whether a column's whole numbers fit a double.
 */
#include "calls.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The R package bit64 keeps 64-bit integers in the bits of doubles; its NA is the smallest of them. */
const int64_t INT64_NA = INT64_MIN;

int64_t int64_of_bits(double bits) {
  int64_t value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

double bits_of_int64(int64_t value) {
  double bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* ---- the declared columns as a tree of member names ---- */

typedef struct {
  const char *key;
  size_t length;
  int column; /* -1: an object with more below it */
  int first_child, next, hint;
} node_t;

typedef struct {
  node_t *nodes;
  int count;
  SEXP columns, types;
  SEXP extra_names, extras; /* what the rows hold beside the declared columns */
  PROTECT_INDEX names_index, extras_index;
  int extra_count;
  R_xlen_t rows;
  double misfits;
} frame_t;

static int child_of(frame_t *f, int parent, const char *key, size_t length) {
  for (int at = f->nodes[parent].first_child; at != 0; at = f->nodes[at].next)
    if (f->nodes[at].length == length && memcmp(f->nodes[at].key, key, length) == 0) return at;
  return 0;
}

static int add_child(frame_t *f, int parent, const char *key) {
  int found = child_of(f, parent, key, strlen(key));
  if (found != 0) return found;
  int at = f->count++;
  f->nodes[at] = (node_t){key, strlen(key), -1, 0, 0, 0};
  int *link = &f->nodes[parent].first_child;
  while (*link != 0) link = &f->nodes[*link].next;
  *link = at;
  return at;
}

static void plant(frame_t *f, SEXP paths) {
  int most = 1;
  for (R_xlen_t i = 0; i < XLENGTH(paths); i++) most += (int)XLENGTH(VECTOR_ELT(paths, i));
  f->nodes = (node_t *)R_alloc((size_t)most, sizeof(node_t));
  f->nodes[0] = (node_t){"", 0, -1, 0, 0, 0};
  f->count = 1;
  for (R_xlen_t i = 0; i < XLENGTH(paths); i++) {
    SEXP path = VECTOR_ELT(paths, i);
    int at = 0;
    for (R_xlen_t j = 0; j < XLENGTH(path); j++) at = add_child(f, at, CHAR(STRING_ELT(path, j)));
    f->nodes[at].column = (int)i;
  }
}

/* Rows hold their members in one order, mostly: the one after the last match is looked at first. */
static int find_child(frame_t *f, int parent, const char *key, size_t length) {
  node_t *node = &f->nodes[parent];
  int at = node->hint != 0 ? node->hint : node->first_child;
  if (at == 0 || f->nodes[at].length != length || memcmp(f->nodes[at].key, key, length) != 0)
    at = child_of(f, parent, key, length);
  if (at != 0) node->hint = f->nodes[at].next;
  return at;
}

/* ---- columns ---- */

static SEXP new_column(int type, R_xlen_t rows) {
  static const SEXPTYPE kinds[] = {NILSXP, STRSXP, REALSXP, REALSXP, LGLSXP, VECSXP};
  SEXP column = PROTECT(Rf_allocVector(kinds[type], rows));
  for (R_xlen_t i = 0; i < rows; i++) {
    switch (type) {
      case TYPE_STRING: SET_STRING_ELT(column, i, NA_STRING); break;
      case TYPE_FLOAT64: REAL(column)[i] = NA_REAL; break;
      case TYPE_INT64: REAL(column)[i] = bits_of_int64(INT64_NA); break;
      case TYPE_BOOLEAN: LOGICAL(column)[i] = NA_LOGICAL; break;
      default: break;
    }
  }
  UNPROTECT(1);
  return column;
}

static SEXP int64_text(double bits) {
  char text[32];
  int64_t value = int64_of_bits(bits);
  if (value == INT64_NA) return NA_STRING;
  snprintf(text, sizeof text, "%lld", (long long)value);
  return Rf_mkChar(text);
}

static SEXP as_text(SEXP column) {
  if (TYPEOF(column) != REALSXP) return column;
  R_xlen_t rows = XLENGTH(column);
  SEXP text = PROTECT(Rf_allocVector(STRSXP, rows));
  for (R_xlen_t i = 0; i < rows; i++)
    SET_STRING_ELT(text, i, int64_text(REAL(column)[i]));
  UNPROTECT(1);
  return text;
}

static void set_text(frame_t *f, int at, R_xlen_t row, slice_t number) {
  SET_VECTOR_ELT(f->columns, at, as_text(VECTOR_ELT(f->columns, at)));
  SET_STRING_ELT(VECTOR_ELT(f->columns, at), row, Rf_mkCharLen(number.at, (int)number.length));
}

/* A whole number that is written as 5.0 or 5e3. */
static int whole_of_double(slice_t number, int64_t *out) {
  double value = number_to_double(number);
  if (value != floor(value) || fabs(value) > 9007199254740992.0) return 0;
  *out = (int64_t)value;
  return 1;
}

static int set_number(frame_t *f, int at, R_xlen_t row, slice_t number) {
  SEXP column = VECTOR_ELT(f->columns, at);
  int64_t whole;
  if (TYPEOF(column) == STRSXP) {
    SET_STRING_ELT(column, row, Rf_mkCharLen(number.at, (int)number.length));
  } else if (INTEGER(f->types)[at] == TYPE_FLOAT64) {
    REAL(column)[row] = number_to_double(number);
  } else if (number_is_whole(number)) {
    if (number_to_int64(number, &whole)) REAL(column)[row] = bits_of_int64(whole);
    else set_text(f, at, row, number);
  } else if (whole_of_double(number, &whole)) {
    REAL(column)[row] = bits_of_int64(whole);
  } else {
    return 0;
  }
  return 1;
}

/* Whether the value at `c` is of the column's type, and so was taken. */
static int set_value(frame_t *f, int at, R_xlen_t row, cursor_t *c) {
  SEXP column = VECTOR_ELT(f->columns, at);
  int type = INTEGER(f->types)[at];
  char next = json_peek(c);
  if (type == TYPE_JSON) {
    SET_VECTOR_ELT(column, row, json_value(c, 1));
    return 1;
  }
  if (next == 'n') {
    json_skip(c);
    return 1;
  }
  int is_bool = next == 't' || next == 'f', is_number = next == '-' || (next >= '0' && next <= '9');
  if (type == TYPE_BOOLEAN && is_bool) {
    json_skip(c);
    LOGICAL(column)[row] = next == 't';
  } else if (type == TYPE_STRING && next == '"') {
    SET_STRING_ELT(column, row, json_charsxp(json_skip(c)));
  } else if (type == TYPE_STRING && (is_number || is_bool)) {
    slice_t scalar = json_skip(c);
    SET_STRING_ELT(column, row, Rf_mkCharLen(scalar.at, (int)scalar.length));
  } else if ((type == TYPE_FLOAT64 || type == TYPE_INT64) && is_number) {
    cursor_t before = *c;
    if (!set_number(f, at, row, json_skip(c))) {
      *c = before;
      return 0;
    }
  } else {
    return 0;
  }
  return 1;
}

/* ---- what was not declared ---- */

static void grow_extras(frame_t *f) {
  R_xlen_t room = XLENGTH(f->extras);
  if (f->extra_count < room) return;
  REPROTECT(f->extras = Rf_lengthgets(f->extras, 2 * room), f->extras_index);
  REPROTECT(f->extra_names = Rf_lengthgets(f->extra_names, 2 * room), f->names_index);
}

static void set_extra(frame_t *f, SEXP name, R_xlen_t row, cursor_t *c) {
  int at = 0;
  while (at < f->extra_count && STRING_ELT(f->extra_names, at) != name) at++;
  if (at == f->extra_count) {
    grow_extras(f);
    SET_STRING_ELT(f->extra_names, at, name);
    SET_VECTOR_ELT(f->extras, at, Rf_allocVector(VECSXP, f->rows));
    f->extra_count++;
  }
  SET_VECTOR_ELT(VECTOR_ELT(f->extras, at), row, json_value(c, 1));
}

/* The column name of a member: the names on its path, joined. */
static SEXP member_name(const char *prefix, SEXP key, const char *suffix) {
  const void *watermark = vmaxget();
  size_t size = strlen(prefix) + strlen(CHAR(key)) + strlen(suffix) + 2;
  char *text = R_alloc(size, 1);
  snprintf(text, size, "%s%s%s%s", prefix, *prefix != '\0' ? "_" : "", CHAR(key), suffix);
  SEXP name = Rf_mkCharCE(text, CE_UTF8);
  vmaxset(watermark);
  return name;
}

/* ---- rows ---- */

static void read_object(frame_t *f, int node, const char *prefix, R_xlen_t row, cursor_t *c);

static void read_member(frame_t *f, int node, const char *prefix, R_xlen_t row, cursor_t *c) {
  slice_t raw = json_skip(c);
  const char *key = raw.at + 1;
  size_t length = raw.length - 2;
  SEXP decoded = R_NilValue;
  if (memchr(key, '\\', length) != NULL) {
    decoded = json_charsxp(raw);
    key = CHAR(decoded);
    length = strlen(key);
  }
  PROTECT(decoded);
  json_expect(c, ':');
  int at = find_child(f, node, key, length), column = at == 0 ? -1 : f->nodes[at].column;
  char next = json_peek(c);
  if (at != 0 && column >= 0) {
    if (!set_value(f, column, row, c)) {
      SEXP name = PROTECT(member_name(prefix, PROTECT(json_charsxp(raw)), "_as_sent"));
      set_extra(f, name, row, c);
      f->misfits++;
      UNPROTECT(2);
    }
  } else if (at != 0 && next == '{') {
    SEXP below = PROTECT(member_name(prefix, PROTECT(json_charsxp(raw)), ""));
    read_object(f, at, CHAR(below), row, c);
    UNPROTECT(2);
  } else if (at != 0 && next == 'n') {
    json_skip(c);
  } else {
    SEXP name = PROTECT(member_name(prefix, PROTECT(json_charsxp(raw)), ""));
    set_extra(f, name, row, c);
    UNPROTECT(2);
  }
  UNPROTECT(1);
}

static void read_object(frame_t *f, int node, const char *prefix, R_xlen_t row, cursor_t *c) {
  int first = 1;
  json_expect(c, '{');
  f->nodes[node].hint = 0;
  while (json_more(c, '}', &first)) {
    if (json_peek(c) != '"') Rf_error("the library's answer is not the JSON that was expected");
    read_member(f, node, prefix, row, c);
  }
}

/* The array of rows at `c`, or null. Gives list(rows, columns, extras, misfits). */
static SEXP read_rows(cursor_t *c, SEXP paths, SEXP types) {
  frame_t f = {.columns = R_NilValue, .types = types};
  plant(&f, paths);
  int is_array = json_peek(c) == '[';
  f.rows = is_array ? json_count(*c) : 0;
  int width = (int)XLENGTH(paths);
  f.columns = PROTECT(Rf_allocVector(VECSXP, width));
  for (int i = 0; i < width; i++) SET_VECTOR_ELT(f.columns, i, new_column(INTEGER(types)[i], f.rows));
  PROTECT_WITH_INDEX(f.extras = Rf_allocVector(VECSXP, 8), &f.extras_index);
  PROTECT_WITH_INDEX(f.extra_names = Rf_allocVector(STRSXP, 8), &f.names_index);
  if (is_array) {
    int first = 1;
    R_xlen_t row = 0;
    for (c->at++; json_more(c, ']', &first); row++) {
      if (json_peek(c) == '{') {
        read_object(&f, 0, "", row, c);
      } else {
        set_extra(&f, PROTECT(Rf_mkChar("value")), row, c);
        UNPROTECT(1);
      }
    }
  } else if (json_skip(c).at[0] != 'n') {
    Rf_error("the library's answer is no list of rows");
  }
  static const char *names[] = {"rows", "columns", "extras", "misfits", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarReal((double)f.rows));
  SET_VECTOR_ELT(out, 1, f.columns);
  SEXP extras = Rf_lengthgets(f.extras, f.extra_count);
  SET_VECTOR_ELT(out, 2, extras);
  Rf_setAttrib(extras, R_NamesSymbol, PROTECT(Rf_lengthgets(f.extra_names, f.extra_count)));
  SET_VECTOR_ELT(out, 3, Rf_ScalarReal(f.misfits));
  UNPROTECT(5);
  return out;
}

/* A page {"result": [rows], "next_page", "count", …}, or (`in_page` false) a bare list of rows. */
SEXP rbge_read_page(SEXP text, SEXP in_page, SEXP paths, SEXP types) {
  cursor_t c = cursor_of(text);
  static const char *names[] = {"rows", "next_page", "count", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  if (Rf_asLogical(in_page) != TRUE) {
    SET_VECTOR_ELT(out, 0, read_rows(&c, paths, types));
    UNPROTECT(1);
    return out;
  }
  int first = 1, found = 0;
  json_expect(&c, '{');
  while (json_more(&c, '}', &first)) {
    slice_t key = json_skip(&c);
    json_expect(&c, ':');
    if (key.length == 8 && memcmp(key.at, "\"result\"", 8) == 0) {
      SET_VECTOR_ELT(out, 0, read_rows(&c, paths, types));
      found = 1;
    } else if (key.length == 11 && memcmp(key.at, "\"next_page\"", 11) == 0) {
      SET_VECTOR_ELT(out, 1, json_value(&c, 1));
    } else if (key.length == 7 && memcmp(key.at, "\"count\"", 7) == 0) {
      SET_VECTOR_ELT(out, 2, json_value(&c, 1));
    } else {
      json_skip(&c);
    }
  }
  if (!found) {
    SEXP nothing = PROTECT(Rf_mkString("null"));
    cursor_t none = cursor_of(nothing);
    SET_VECTOR_ELT(out, 0, read_rows(&none, paths, types));
    UNPROTECT(1);
  }
  UNPROTECT(1);
  return out;
}

/* ---- pieces of a column, put together ---- */

SEXP rbge_int64_text(SEXP bits) {
  return as_text(bits);
}

static int fits_double(SEXP bits) {
  for (R_xlen_t i = 0; i < XLENGTH(bits); i++) {
    int64_t value = int64_of_bits(REAL(bits)[i]);
    if (value != INT64_NA && (value > 9007199254740992LL || value < -9007199254740992LL)) return 0;
  }
  return 1;
}

/* One column of all its pieces. For whole numbers `int64` says what they become: 0 doubles (character strings when one
   is beyond 2^53), 1 character strings, 2 integer64 (character strings when one is beyond 64 bits). */
SEXP rbge_join(SEXP chunks, SEXP type_of, SEXP int64) {
  int type = Rf_asInteger(type_of), wish = Rf_asInteger(int64), is_text = type == TYPE_INT64 && wish == 1;
  R_xlen_t rows = 0, pieces = XLENGTH(chunks), to = 0;
  for (R_xlen_t i = 0; i < pieces; i++) {
    SEXP piece = VECTOR_ELT(chunks, i);
    rows += XLENGTH(piece);
    if (type == TYPE_INT64 && (TYPEOF(piece) == STRSXP || wish == 1 || (wish == 0 && !fits_double(piece)))) is_text = 1;
  }
  SEXP out = PROTECT(is_text ? Rf_allocVector(STRSXP, rows) : new_column(type, rows));
  for (R_xlen_t i = 0; i < pieces; i++) {
    SEXP piece = VECTOR_ELT(chunks, i);
    if (is_text) piece = as_text(piece);
    PROTECT(piece);
    for (R_xlen_t j = 0; j < XLENGTH(piece); j++, to++) {
      switch (TYPEOF(out)) {
        case STRSXP: SET_STRING_ELT(out, to, STRING_ELT(piece, j)); break;
        case REALSXP: REAL(out)[to] = REAL(piece)[j]; break;
        case LGLSXP: LOGICAL(out)[to] = LOGICAL(piece)[j]; break;
        default: SET_VECTOR_ELT(out, to, VECTOR_ELT(piece, j)); break;
      }
    }
    UNPROTECT(1);
  }
  if (type == TYPE_INT64 && !is_text) {
    if (wish == 2) {
      Rf_setAttrib(out, R_ClassSymbol, Rf_mkString("integer64"));
    } else {
      for (R_xlen_t i = 0; i < rows; i++) {
        int64_t value = int64_of_bits(REAL(out)[i]);
        REAL(out)[i] = value == INT64_NA ? NA_REAL : (double)value;
      }
    }
  }
  UNPROTECT(1);
  return out;
}
