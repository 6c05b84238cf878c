//go:build cgo && !bge_nolib

package native

// #include "ops.h"
import "C"

import (
	"context"
	"unsafe"
)

// OAuth2 is a bge_oauth2_t. Any number of goroutines may share one.
type OAuth2 struct {
	handle
	queue *queue
}

// NewOAuth2 is bge_oauth2_new.
func NewOAuth2(clientID, clientSecret, options string) (*OAuth2, error) {
	in, err := texts(clientID, clientSecret, options)
	if err != nil {
		return nil, err
	}
	queue, err := calls()
	if err != nil {
		return nil, err
	}
	var oauth2 *C.bge_oauth2_t
	var failure *C.bge_error_t
	status := C.bge_oauth2_new(in[0], in[1], in[2], &oauth2, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	free := func(ptr unsafe.Pointer) { C.bge_oauth2_free((*C.bge_oauth2_t)(ptr)) }
	return &OAuth2{handle{ptr: unsafe.Pointer(oauth2), free: free}, queue}, nil
}

// Call carries one of the exchanges out, or alive.
func (o *OAuth2) Call(ctx context.Context, name, args string) ([]byte, error) {
	in, err := texts(name, args)
	if err != nil {
		return nil, err
	}
	ptr, err := o.acquire()
	if err != nil {
		return nil, err
	}
	defer o.release()
	return o.queue.run(ctx, nil, func(ops *C.bge_ops_t, key C.uint64_t, op **C.bge_op_t) error {
		var failure *C.bge_error_t
		return check(C.start_exchange((*C.bge_oauth2_t)(ptr), in[0], in[1], ops, key, op, &failure), failure)
	})
}

// AuthorizationURL is bge_oauth2_get_authorization_url; empty texts count as not given.
func (o *OAuth2) AuthorizationURL(redirectURI, state, scopes string) (string, error) {
	in, err := texts(redirectURI, state, scopes)
	if err != nil {
		return "", err
	}
	for i, text := range []string{"", state, scopes} {
		if i > 0 && text == "" {
			in[i] = nil
		}
	}
	ptr, err := o.acquire()
	if err != nil {
		return "", err
	}
	defer o.release()
	var url *C.char
	var failure *C.bge_error_t
	status := C.bge_oauth2_get_authorization_url((*C.bge_oauth2_t)(ptr), in[0], in[1], in[2], &url, &failure)
	return takeText(url), check(status, failure)
}

// API is bge_oauth2_get_api; an empty token means client credentials.
func (o *OAuth2) API(token string, bounds Bounds) (*API, error) {
	in, err := texts(token)
	if err != nil {
		return nil, err
	}
	if token == "" {
		in[0] = nil
	}
	ptr, err := o.acquire()
	if err != nil {
		return nil, err
	}
	defer o.release()
	var api *C.bge_api_t
	var failure *C.bge_error_t
	status := C.bge_oauth2_get_api((*C.bge_oauth2_t)(ptr), in[0], &api, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return newAPI(api, bounds)
}
