/* The routines that R calls, as init.c registers them. */
#ifndef RBGE_CALLS_H
#define RBGE_CALLS_H

#include "rbge.h"

/* calls.c */
SEXP rbge_version(void);
SEXP rbge_abi_versions(void);
SEXP rbge_endpoints(void);
SEXP rbge_api_open(SEXP options, SEXP listens);
SEXP rbge_heard(SEXP handle);
SEXP rbge_api_set_token(SEXP handle, SEXP token);
SEXP rbge_oauth2_new(SEXP id, SEXP secret, SEXP options);
SEXP rbge_oauth2_url(SEXP handle, SEXP redirect_uri, SEXP state, SEXP scopes);
SEXP rbge_oauth2_api(SEXP handle, SEXP token, SEXP listens);
SEXP rbge_oauth2_start(SEXP handle, SEXP name, SEXP args);
SEXP rbge_close(SEXP handle);
SEXP rbge_is_closed(SEXP handle);
SEXP rbge_start(SEXP handle, SEXP name, SEXP args);
SEXP rbge_start_upload(SEXP handle, SEXP filename, SEXP data, SEXP args);
SEXP rbge_wait(SEXP handle, SEXP milliseconds);
SEXP rbge_progress(SEXP handle);
SEXP rbge_result(SEXP handle);
SEXP rbge_read_file(SEXP path, SEXP size);
SEXP rbge_pages(SEXP handle, SEXP name, SEXP args);
SEXP rbge_pages_start(SEXP handle);

/* rows.c */
SEXP rbge_rows(SEXP name, SEXP text);
SEXP rbge_json_get(SEXP text, SEXP pointer);

/* frame.c */
SEXP rbge_join(SEXP chunks, SEXP type, SEXP int64);
SEXP rbge_int64_text(SEXP bits);

/* table.c */
SEXP rbge_table_open(SEXP handle, SEXP name, SEXP args);
SEXP rbge_table_schema(SEXP handle);
SEXP rbge_table_next(SEXP handle, SEXP milliseconds, SEXP wanted);
SEXP rbge_table_progress(SEXP handle);
SEXP rbge_table_report(SEXP handle);
SEXP rbge_table_hand_over(SEXP handle, SEXP room);
SEXP rbge_stream_room(void);

/* connection.c */
SEXP rbge_connection(SEXP handle, SEXP object, SEXP args, SEXP description);

#endif
