/*
 * JSON text to R values, without going through doubles: a whole number beyond 2^53 becomes a character string with all
 * of its digits. The library has checked the text already, so this reads, and stops with an R error at what it cannot.
 */
#include "calls.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 512
#define LARGEST_EXACT 9007199254740992LL /* 2^53 */

static void NORET malformed(void) {
  Rf_error("the library's answer is not the JSON that was expected");
}

cursor_t cursor_of(SEXP text) {
  if (TYPEOF(text) != STRSXP || XLENGTH(text) != 1 || STRING_ELT(text, 0) == NA_STRING) Rf_error("json must be one string");
  SEXP chars = STRING_ELT(text, 0);
  const char *start = CHAR(chars);
  return (cursor_t){start, start + LENGTH(chars)};
}

/* ---- moving through the text; it ends with a NUL, so *at may always be read ---- */

void json_space(cursor_t *c) {
  while (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r') c->at++;
}

char json_peek(cursor_t *c) {
  json_space(c);
  return *c->at;
}

void json_expect(cursor_t *c, char wanted) {
  if (json_peek(c) != wanted) malformed();
  c->at++;
}

int json_more(cursor_t *c, char end, int *first) {
  char next = json_peek(c);
  if (next == end) {
    c->at++;
    return 0;
  }
  if (!*first) json_expect(c, ',');
  *first = 0;
  return 1;
}

static void skip_string(cursor_t *c) {
  const char *at = c->at + 1;
  for (;;) {
    while (*at != '"' && *at != '\\' && *at != '\0') at++;
    if (*at == '"') break;
    if (*at == '\0' || at[1] == '\0') malformed();
    at += 2;
  }
  c->at = at + 1;
}

static int is_scalar_end(char byte) {
  return byte == ',' || byte == ']' || byte == '}' || byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r' || byte == '\0';
}

/* Steps over one value of any kind and gives its text. */
slice_t json_skip(cursor_t *c) {
  json_space(c);
  const char *start = c->at;
  int depth = 0;
  do {
    switch (json_peek(c)) {
      case '{': case '[': depth++; c->at++; break;
      case '}': case ']': depth--; c->at++; break;
      case ',': case ':': c->at++; break;
      case '"': skip_string(c); break;
      default: {
        const char *from = c->at;
        while (!is_scalar_end(*c->at) && *c->at != ':') c->at++;
        if (c->at == from) malformed();
      }
    }
  } while (depth > 0);
  if (depth < 0) malformed();
  return (slice_t){start, (size_t)(c->at - start)};
}

/* How many values the array or object at `c` holds. */
R_xlen_t json_count(cursor_t c) {
  char open = json_peek(&c), end = open == '[' ? ']' : '}';
  R_xlen_t count = 0;
  int first = 1;
  for (c.at++; json_more(&c, end, &first); count++) {
    if (open == '{') {
      json_skip(&c);
      json_expect(&c, ':');
    }
    json_skip(&c);
  }
  return count;
}

/* ---- strings ---- */

static unsigned hex4(const char *at) {
  unsigned value = 0;
  for (int i = 0; i < 4; i++) {
    char digit = at[i];
    unsigned n;
    if (digit >= '0' && digit <= '9') n = (unsigned)(digit - '0');
    else if (digit >= 'a' && digit <= 'f') n = (unsigned)(digit - 'a' + 10);
    else if (digit >= 'A' && digit <= 'F') n = (unsigned)(digit - 'A' + 10);
    else malformed();
    value = value << 4 | n;
  }
  return value;
}

static char *put_utf8(char *to, unsigned point) {
  if (point < 0x80) {
    *to++ = (char)point;
  } else if (point < 0x800) {
    *to++ = (char)(0xC0 | point >> 6);
    *to++ = (char)(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    *to++ = (char)(0xE0 | point >> 12);
    *to++ = (char)(0x80 | (point >> 6 & 0x3F));
    *to++ = (char)(0x80 | (point & 0x3F));
  } else {
    *to++ = (char)(0xF0 | point >> 18);
    *to++ = (char)(0x80 | (point >> 12 & 0x3F));
    *to++ = (char)(0x80 | (point >> 6 & 0x3F));
    *to++ = (char)(0x80 | (point & 0x3F));
  }
  return to;
}

/* What no R string can hold (U+0000, half of a surrogate pair) becomes U+FFFD, the replacement character. */
static const char *put_escape(const char *at, char **to) {
  switch (*at) {
    case 'b': *(*to)++ = '\b'; return at + 1;
    case 'f': *(*to)++ = '\f'; return at + 1;
    case 'n': *(*to)++ = '\n'; return at + 1;
    case 'r': *(*to)++ = '\r'; return at + 1;
    case 't': *(*to)++ = '\t'; return at + 1;
    case 'u': break;
    default: *(*to)++ = *at; return at + 1;
  }
  unsigned point = hex4(at + 1);
  at += 5;
  if (point >= 0xD800 && point < 0xDC00 && at[0] == '\\' && at[1] == 'u') {
    unsigned low = hex4(at + 2);
    if (low >= 0xDC00 && low < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      at += 6;
    }
  }
  if (point == 0 || (point >= 0xD800 && point < 0xE000)) point = 0xFFFD;
  *to = put_utf8(*to, point);
  return at;
}

/* A string's text between its quotes, decoded and marked as UTF-8. */
SEXP json_charsxp(slice_t string) {
  const char *at = string.at + 1, *end = string.at + string.length - 1;
  if (memchr(at, '\\', (size_t)(end - at)) == NULL) return Rf_mkCharLenCE(at, (int)(end - at), CE_UTF8);
  const void *watermark = vmaxget();
  /* no escape is shorter than what it stands for */
  char *buffer = R_alloc((size_t)(end - at) + 1, 1), *to = buffer;
  while (at < end) {
    if (*at == '\\') at = put_escape(at + 1, &to);
    else *to++ = *at++;
  }
  SEXP out = Rf_mkCharLenCE(buffer, (int)(to - buffer), CE_UTF8);
  vmaxset(watermark);
  return out;
}

/* ---- numbers ---- */

int number_is_whole(slice_t number) {
  for (size_t i = 0; i < number.length; i++) {
    char byte = number.at[i];
    if ((byte < '0' || byte > '9') && !(byte == '-' && i == 0)) return 0;
  }
  return 1;
}

int number_to_int64(slice_t number, int64_t *out) {
  errno = 0;
  long long value = strtoll(number.at, NULL, 10);
  if (errno != 0 || value == INT64_NA) return 0;
  *out = value;
  return 1;
}

/* Whether a whole number is beyond what a double counts without gaps. */
int number_is_beyond(slice_t number) {
  if (number.length < 16 || !number_is_whole(number)) return 0;
  int64_t value;
  return !number_to_int64(number, &value) || value > LARGEST_EXACT || value < -LARGEST_EXACT;
}

/* The nearest double, in a locale with a decimal comma, too. */
double number_to_double(slice_t number) {
  static locale_t plain = (locale_t)0;
  if (plain == (locale_t)0) plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
  locale_t before = uselocale(plain);
  double value = strtod(number.at, NULL);
  uselocale(before);
  return value;
}

/* ---- values ---- */

static SEXP value_at(cursor_t *c, int simplify, int depth);

static SEXP number_value(slice_t number) {
  if (number_is_beyond(number)) {
    SEXP out = PROTECT(Rf_allocVector(STRSXP, 1));
    SET_STRING_ELT(out, 0, Rf_mkCharLen(number.at, (int)number.length));
    UNPROTECT(1);
    return out;
  }
  double value = number_to_double(number);
  if (number_is_whole(number) && fabs(value) <= 2147483647.0) return Rf_ScalarInteger((int)value);
  return Rf_ScalarReal(value);
}

static SEXP object_value(cursor_t *c, int simplify, int depth) {
  R_xlen_t count = json_count(*c), i = 0;
  SEXP out = PROTECT(Rf_allocVector(VECSXP, count)), names = PROTECT(Rf_allocVector(STRSXP, count));
  int first = 1;
  for (c->at++; json_more(c, '}', &first); i++) {
    if (json_peek(c) != '"') malformed();
    SET_STRING_ELT(names, i, json_charsxp(json_skip(c)));
    json_expect(c, ':');
    SET_VECTOR_ELT(out, i, value_at(c, simplify, depth + 1));
  }
  Rf_setAttrib(out, R_NamesSymbol, names);
  UNPROTECT(2);
  return out;
}

/* The one kind of an array's values: 's'tring, 'n'umber, 'b'oolean; 0 when they differ, or hold others. */
static char kind_of_all(cursor_t c) {
  char kind = 0;
  int first = 1;
  for (c.at++; json_more(&c, ']', &first);) {
    char next = json_peek(&c), now;
    json_skip(&c);
    if (next == 'n') continue; /* null */
    if (next == '"') now = 's';
    else if (next == 't' || next == 'f') now = 'b';
    else if (next == '{' || next == '[') return 0;
    else now = 'n';
    if (kind != 0 && kind != now) return 0;
    kind = now;
  }
  return kind;
}

static SEXP number_vector(cursor_t *c, R_xlen_t count) {
  int is_text = 0, is_integer = 1, first = 1;
  cursor_t look = *c;
  for (look.at++; json_more(&look, ']', &first);) {
    slice_t number = json_skip(&look);
    if (*number.at == 'n') continue;
    if (number_is_beyond(number)) is_text = 1;
    else if (!number_is_whole(number) || fabs(number_to_double(number)) > 2147483647.0) is_integer = 0;
  }
  SEXP out = PROTECT(Rf_allocVector(is_text ? STRSXP : is_integer ? INTSXP : REALSXP, count));
  first = 1;
  R_xlen_t i = 0;
  for (c->at++; json_more(c, ']', &first); i++) {
    slice_t number = json_skip(c);
    int is_null = *number.at == 'n';
    if (is_text) SET_STRING_ELT(out, i, is_null ? NA_STRING : Rf_mkCharLen(number.at, (int)number.length));
    else if (is_integer) INTEGER(out)[i] = is_null ? NA_INTEGER : (int)number_to_double(number);
    else REAL(out)[i] = is_null ? NA_REAL : number_to_double(number);
  }
  UNPROTECT(1);
  return out;
}

static SEXP array_value(cursor_t *c, int simplify, int depth) {
  R_xlen_t count = json_count(*c), i = 0;
  char kind = simplify ? kind_of_all(*c) : 0;
  if (kind == 'n') return number_vector(c, count);
  SEXP out = PROTECT(Rf_allocVector(kind == 's' ? STRSXP : kind == 'b' ? LGLSXP : VECSXP, count));
  int first = 1;
  for (c->at++; json_more(c, ']', &first); i++) {
    char next = json_peek(c);
    if (kind == 's') {
      slice_t string = json_skip(c);
      SET_STRING_ELT(out, i, next == 'n' ? NA_STRING : json_charsxp(string));
    } else if (kind == 'b') {
      json_skip(c);
      LOGICAL(out)[i] = next == 'n' ? NA_LOGICAL : next == 't';
    } else {
      SET_VECTOR_ELT(out, i, value_at(c, simplify, depth + 1));
    }
  }
  UNPROTECT(1);
  return out;
}

static SEXP value_at(cursor_t *c, int simplify, int depth) {
  if (depth > DEEPEST) Rf_error("the library's answer is nested too deeply");
  char next = json_peek(c);
  if (next == '{') return object_value(c, simplify, depth);
  if (next == '[') return array_value(c, simplify, depth);
  slice_t scalar = json_skip(c);
  switch (next) {
    case '"': {
      SEXP out = PROTECT(Rf_allocVector(STRSXP, 1));
      SET_STRING_ELT(out, 0, json_charsxp(scalar));
      UNPROTECT(1);
      return out;
    }
    case 't': return Rf_ScalarLogical(1);
    case 'f': return Rf_ScalarLogical(0);
    case 'n': return R_NilValue;
    default:
      if (next != '-' && (next < '0' || next > '9')) malformed();
      return number_value(scalar);
  }
}

/* The value at `c`: objects as named lists, arrays as lists, or as vectors where `simplify` and one kind of values
   allow it; NULL for null. */
SEXP json_value(cursor_t *c, int simplify) {
  return value_at(c, simplify, 0);
}

SEXP rbge_json_value(SEXP text, SEXP simplify) {
  cursor_t c = cursor_of(text);
  SEXP out = PROTECT(json_value(&c, Rf_asLogical(simplify) == TRUE));
  if (json_peek(&c) != '\0') malformed();
  UNPROTECT(1);
  return out;
}
