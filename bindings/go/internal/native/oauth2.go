package native

// #include <bge.h>
import "C"

import (
	"context"
	"unsafe"
)

// OAuth2 is a bge_oauth2_t. Any number of goroutines may share one.
type OAuth2 struct {
	handle
}

// NewOAuth2 is bge_oauth2_new.
func NewOAuth2(clientID, clientSecret, options string) (*OAuth2, error) {
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	in, err := c.all(clientID, clientSecret, options)
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
	return &OAuth2{handle{ptr: unsafe.Pointer(oauth2), free: free}}, nil
}

// Call carries one of the exchanges out, or alive.
func (o *OAuth2) Call(ctx context.Context, name, args string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	op, err := o.start(name, args)
	if err != nil {
		return "", err
	}
	return finish(ctx, op, nil)
}

func (o *OAuth2) start(name, args string) (*C.bge_op_t, error) {
	ptr, err := o.acquire()
	if err != nil {
		return nil, err
	}
	defer o.release()
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	in, err := c.all(name, args)
	if err != nil {
		return nil, err
	}
	var op *C.bge_op_t
	var failure *C.bge_error_t
	status := C.bge_oauth2_start((*C.bge_oauth2_t)(ptr), in[0], in[1], &op, &failure)
	return op, check(status, failure)
}

// AuthorizationURL is bge_oauth2_get_authorization_url; empty texts count as not given.
func (o *OAuth2) AuthorizationURL(redirectURI, state, scopes string) (string, error) {
	ptr, err := o.acquire()
	if err != nil {
		return "", err
	}
	defer o.release()
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	in, err := c.all(redirectURI, state, scopes)
	if err != nil {
		return "", err
	}
	for i, text := range []string{"", state, scopes} {
		if i > 0 && text == "" {
			in[i] = nil
		}
	}
	var url *C.char
	var failure *C.bge_error_t
	status := C.bge_oauth2_get_authorization_url((*C.bge_oauth2_t)(ptr), in[0], in[1], in[2], &url, &failure)
	return take(url), check(status, failure)
}

// API is bge_oauth2_get_api; an empty token means client credentials.
func (o *OAuth2) API(token string) (*API, error) {
	ptr, err := o.acquire()
	if err != nil {
		return nil, err
	}
	defer o.release()
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	text, err := c.add(token)
	if err != nil {
		return nil, err
	}
	if token == "" {
		text = nil
	}
	var api *C.bge_api_t
	var failure *C.bge_error_t
	status := C.bge_oauth2_get_api((*C.bge_oauth2_t)(ptr), text, &api, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return newAPI(api), nil
}
