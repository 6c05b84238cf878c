#include "calls.h"

#include <R_ext/Rdynload.h>

#define ROUTINE(name, count) {#name, (DL_FUNC)&name, count}

static const R_CallMethodDef routines[] = {
    ROUTINE(rbge_version, 0),
    ROUTINE(rbge_abi_versions, 0),
    ROUTINE(rbge_endpoints, 0),
    ROUTINE(rbge_api_open, 2),
    ROUTINE(rbge_heard, 1),
    ROUTINE(rbge_api_set_token, 2),
    ROUTINE(rbge_oauth2_new, 3),
    ROUTINE(rbge_oauth2_url, 4),
    ROUTINE(rbge_oauth2_api, 3),
    ROUTINE(rbge_oauth2_start, 3),
    ROUTINE(rbge_close, 1),
    ROUTINE(rbge_is_closed, 1),
    ROUTINE(rbge_start, 3),
    ROUTINE(rbge_start_upload, 4),
    ROUTINE(rbge_wait, 2),
    ROUTINE(rbge_progress, 1),
    ROUTINE(rbge_result, 1),
    ROUTINE(rbge_read_file, 2),
    ROUTINE(rbge_pages, 3),
    ROUTINE(rbge_pages_start, 1),
    ROUTINE(rbge_rows, 2),
    ROUTINE(rbge_json_get, 2),
    ROUTINE(rbge_join, 3),
    ROUTINE(rbge_int64_text, 1),
    ROUTINE(rbge_table_open, 3),
    ROUTINE(rbge_table_schema, 1),
    ROUTINE(rbge_table_next, 3),
    ROUTINE(rbge_table_progress, 1),
    ROUTINE(rbge_table_report, 1),
    ROUTINE(rbge_table_hand_over, 2),
    ROUTINE(rbge_stream_room, 0),
    ROUTINE(rbge_connection, 4),
    {NULL, NULL, 0},
};

void R_init_bge(DllInfo *dll) {
  R_registerRoutines(dll, NULL, routines, NULL, NULL);
  R_useDynamicSymbols(dll, FALSE);
  R_forceSymbols(dll, TRUE);
}
