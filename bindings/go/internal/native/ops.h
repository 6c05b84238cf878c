/* Operations as Go uses them: started and told to a queue in one call, taken and freed in one. */
#ifndef BGE_GO_OPS_H
#define BGE_GO_OPS_H

#include "library.h"
#include <string.h>

/* What was started, with its end told to a queue; freed again if that fails. */
static inline bge_status_t told(bge_status_t status, bge_op_t **op, const bge_ops_t *ops, uint64_t key, bge_error_t **err) {
  if (status != BGE_OK) return status;
  status = bge_ops_add(ops, *op, key, err);
  if (status != BGE_OK) {
    bge_op_free(*op);
    *op = NULL;
  }
  return status;
}

static inline bge_status_t start_call(const bge_api_t *api, const char *name, const char *args, const bge_ops_t *ops,
                                      uint64_t key, bge_op_t **op, bge_error_t **err) {
  return told(bge_api_start(api, name, args, op, err), op, ops, key, err);
}

static inline bge_status_t start_upload(const bge_api_t *api, const char *filename, const uint8_t *data, size_t len,
                                        const char *args, const bge_ops_t *ops, uint64_t key, bge_op_t **op, bge_error_t **err) {
  return told(bge_api_start_upload(api, filename, data, len, args, op, err), op, ops, key, err);
}

static inline bge_status_t start_exchange(const bge_oauth2_t *oauth2, const char *name, const char *args,
                                          const bge_ops_t *ops, uint64_t key, bge_op_t **op, bge_error_t **err) {
  return told(bge_oauth2_start(oauth2, name, args, op, err), op, ops, key, err);
}

static inline bge_status_t start_page(bge_pages_t *pages, int64_t within, const bge_ops_t *ops, uint64_t key, bge_op_t **op,
                                      bge_error_t **err) {
  return told(bge_pages_start_within(pages, within, op, err), op, ops, key, err);
}

/* The result of an operation that has ended, and its end. */
static inline bge_status_t take_result(bge_op_t *op, char **text, size_t *len, bge_error_t **err) {
  bge_status_t status = bge_op_result(op, text, err);
  *len = *text == NULL ? 0 : strlen(*text);
  bge_op_free(op);
  return status;
}

/* A call on this thread, from its beginning to its end. */
static inline bge_status_t run_prepared(const bge_op_t *op, char **text, size_t *len, bge_error_t **err) {
  bge_status_t status = bge_op_run(op, text, err);
  *len = *text == NULL ? 0 : strlen(*text);
  return status;
}

static inline bge_status_t prepare_call(const bge_api_t *api, const char *name, const char *args, bge_op_t **op,
                                        bge_error_t **err) {
  return bge_api_prepare(api, name, args, op, err);
}

static inline void free_prepared(bge_op_t *op) { bge_op_free(op); }

static inline bge_status_t run_call(const bge_api_t *api, const char *name, const char *args, char **text, size_t *len,
                                    bge_error_t **err) {
  bge_op_t *op = NULL;
  bge_status_t status = bge_api_prepare(api, name, args, &op, err);
  if (status != BGE_OK) return status;
  status = run_prepared(op, text, len, err);
  bge_op_free(op);
  return status;
}

#endif
