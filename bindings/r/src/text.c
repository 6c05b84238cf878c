/* Text between R and the library, which speaks UTF-8. */
#include "rbge.h"

const char *text_or_null(SEXP text) {
  if (Rf_isNull(text)) return NULL;
  if (TYPEOF(text) != STRSXP || XLENGTH(text) != 1 || STRING_ELT(text, 0) == NA_STRING)
    Rf_error("this must be one string");
  return Rf_translateCharUTF8(STRING_ELT(text, 0));
}

SEXP utf8_string(const char *text) {
  SEXP out = PROTECT(Rf_allocVector(STRSXP, 1));
  SET_STRING_ELT(out, 0, Rf_mkCharCE(text, CE_UTF8));
  UNPROTECT(1);
  return out;
}

static void free_text(SEXP keeper) {
  bge_string_free((char *)R_ExternalPtrAddr(keeper));
  R_ClearExternalPtr(keeper);
}

SEXP take_string(char *text) {
  if (text == NULL) return R_NilValue;
  SEXP keeper = PROTECT(R_MakeExternalPtr(text, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(keeper, free_text, FALSE);
  SEXP out = PROTECT(utf8_string(text));
  free_text(keeper);
  UNPROTECT(2);
  return out;
}
