/* The pieces of a column, one of each page or batch, put together at the end of a walk: only then is it known whether the
   column's whole numbers fit a double. */
#include "calls.h"

#include <stdio.h>
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

static SEXP new_column(int type, R_xlen_t rows) {
  static const SEXPTYPE kinds[] = {NILSXP, STRSXP, REALSXP, REALSXP, LGLSXP};
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
        default: break;
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
