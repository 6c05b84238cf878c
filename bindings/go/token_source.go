package bge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

// TokenSource gives a program's own tokens: from a vault, a database, or another service that renews them. Any number of
// goroutines may ask; a client asks once at a time.
type TokenSource interface {
	// Token gives a token that is good now. A client asks again when the token's Expiry is near (a zero one never is),
	// and when the platform refuses it: then another one should come, or the refusal stands.
	Token(ctx context.Context) (*Token, error)
}

// TokenSourceFunc is a func as a TokenSource.
type TokenSourceFunc func(ctx context.Context) (*Token, error)

// Token calls f.
func (f TokenSourceFunc) Token(ctx context.Context) (*Token, error) { return f(ctx) }

// endsSoon is how long before its end a token is asked for anew.
const endsSoon = time.Minute

// NewWithSource makes a client whose tokens come from a source. The first is asked for now. A call that the platform
// refuses because of its token is made once more with another one.
func NewWithSource(ctx context.Context, from TokenSource, opts ...Option) (*Client, error) {
	const call = "new"
	if from == nil {
		return nil, argument(call, "the token source must not be nil")
	}
	if err := alive(ctx, call); err != nil {
		return nil, err
	}
	first, err := ask(ctx, call, from)
	if err != nil {
		return nil, err
	}
	client, err := New(ctx, first.AccessToken, opts...)
	if err != nil {
		return nil, err
	}
	client.source = &source{from: from, api: client.api, watch: client.watch, turn: make(chan struct{}, 1)}
	client.source.current.Store(first)
	return client, nil
}

// SetToken has the client go on with another token, without losing a connection: one whose refresh token was rotated
// elsewhere, say. What is under way ends with the token that it has. A client that has no application of its own
// (OAuth2.Client, Open) takes only the access token.
func (c *Client) SetToken(token *Token) error {
	defer runtime.KeepAlive(c)
	const call = "set_token"
	if token == nil || token.AccessToken == "" {
		return argument(call, "the token has no access token")
	}
	text := token.AccessToken
	if token.RefreshToken != "" {
		written, err := json.Marshal(token)
		if err != nil {
			return argument(call, "the token cannot be written as JSON: %v", err)
		}
		text = string(written)
	}
	if err := c.api.SetToken(text); err != nil {
		return failed(context.Background(), call, err)
	}
	if c.source != nil {
		c.source.current.Store(token)
	}
	return nil
}

// source is a client's TokenSource, and the token in use.
type source struct {
	from    TokenSource
	api     *native.API
	watch   *watch
	turn    chan struct{} // who asks
	current atomic.Pointer[Token]
}

// ready gives the token in use, after it has been renewed if it ends soon or is the one that was refused.
func (s *source) ready(ctx context.Context, call string, refused *Token) (*Token, error) {
	good := func(token *Token) bool {
		ends := token.Expiry()
		return token != refused && (refused != nil || ends.IsZero() || time.Until(ends) > endsSoon)
	}
	if token := s.current.Load(); good(token) {
		return token, nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, failed(ctx, call, ctx.Err())
	}
	defer func() { <-s.turn }()
	old := s.current.Load()
	if good(old) {
		return old, nil
	}
	token, err := ask(ctx, call, s.from)
	if err != nil {
		return nil, err
	}
	if token.AccessToken == old.AccessToken {
		return old, nil // the source has no other
	}
	if err := s.api.SetToken(token.AccessToken); err != nil {
		return nil, failed(ctx, call, err)
	}
	s.current.Store(token)
	s.watch.renewals.Add(1)
	s.watch.tell(Event{
		Kind: TokenRenewed, Time: time.Now(), Context: ctx, Call: call, Level: slog.LevelInfo, Message: "the access token was renewed",
	})
	return token, nil
}

func ask(ctx context.Context, call string, from TokenSource) (*Token, error) {
	token, err := from.Token(ctx)
	if err != nil {
		return nil, &Error{
			Status: StatusAuth, Call: call, cause: err,
			Message: fmt.Sprintf("%s: the token source failed: %v", call, err),
		}
	}
	if token == nil || token.AccessToken == "" {
		return nil, &Error{Status: StatusAuth, Call: call, Message: call + ": the token source gave no access token"}
	}
	return token, nil
}

// authorized carries a call out with a token that is good, and once more with another one if it is refused.
func (s *source) authorized(ctx context.Context, call string, work func() ([]byte, error)) ([]byte, error) {
	if s == nil {
		return work()
	}
	token, err := s.ready(ctx, call, nil)
	if err != nil {
		return nil, err
	}
	result, err := work()
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != StatusAuth || refused.Code == CodeNoPermission {
		return result, err
	}
	other, failure := s.ready(ctx, call, token)
	if failure != nil {
		return nil, failure
	}
	if other == token {
		return nil, err
	}
	return work()
}
