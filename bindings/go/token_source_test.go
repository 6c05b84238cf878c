package bge_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// tokens is a source that exchanges client credentials for every token.
type tokens struct {
	oauth2 *bge.OAuth2
	asked  atomic.Int64
	fails  atomic.Pointer[error]
	stuck  atomic.Bool
	last   atomic.Pointer[bge.Token]
}

func (s *tokens) Token(ctx context.Context) (*bge.Token, error) {
	s.asked.Add(1)
	if err := s.fails.Load(); err != nil {
		return nil, *err
	}
	if s.stuck.Load() {
		return s.last.Load(), nil
	}
	token, err := s.oauth2.CredentialsToken(ctx)
	s.last.Store(token)
	return token, err
}

func newTokens(t testing.TB) *tokens {
	t.Helper()
	oauth2, err := bge.NewOAuth2(box.Credentials.ID, box.Credentials.Secret, bge.WithEndpoint(box.Endpoint))
	must(t, oauth2, err)
	t.Cleanup(func() { oauth2.Close() })
	return &tokens{oauth2: oauth2}
}

func expire(t testing.TB, token *bge.Token) {
	t.Helper()
	what := map[string]any{"what": "access_tokens", "token": token.AccessToken}
	if err := box.Control("POST", "expire", what, nil); err != nil {
		t.Fatal(err)
	}
}

func TestTokenSource(t *testing.T) {
	source := newTokens(t)
	var renewed atomic.Int64
	client, err := bge.NewWithSource(t.Context(), source, bge.WithEndpoint(box.Endpoint), bge.WithEvents(func(e bge.Event) {
		if e.Kind == bge.TokenRenewed {
			renewed.Add(1)
		}
	}))
	must(t, client, err)
	defer client.Close()
	walk := func() error {
		for _, err := range client.AllSamples(t.Context(), &bge.SamplesOptions{Limit: 20}) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(); err != nil || source.asked.Load() != 1 {
		t.Fatalf("asked %d times: %v", source.asked.Load(), err)
	}
	// one that is refused is asked for anew, once for all that were
	expire(t, source.last.Load())
	var group sync.WaitGroup
	for range 50 {
		spawn(&group, func() {
			if _, err := client.Samples(t.Context(), &bge.SamplesOptions{Limit: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	spawn(&group, func() {
		if err := walk(); err != nil {
			t.Error(err)
		}
	})
	group.Wait()
	if n := source.asked.Load(); n != 2 || renewed.Load() != 1 {
		t.Errorf("asked %d times, %d renewals", n, renewed.Load())
	}
	// in transfers, too
	expire(t, source.last.Load())
	uploaded, err := client.UploadBytes(t.Context(), fresh("token"), []byte("a"), nil)
	must(t, uploaded, err)

	// a source that has no other one: the refusal stands
	expire(t, source.last.Load())
	source.stuck.Store(true)
	_, err = client.Samples(t.Context(), nil)
	if e := wantError(t, err, bge.ErrAuth); e.Code != bge.CodeBadToken {
		t.Errorf("the error is %v", err)
	}
	// one that fails says so
	why := errors.New("the vault is shut")
	source.fails.Store(&why)
	_, err = client.Samples(t.Context(), nil)
	if wantError(t, err, bge.ErrAuth); !errors.Is(err, why) || !strings.Contains(err.Error(), "the vault is shut") {
		t.Errorf("the error is %v", err)
	}
	_, err = bge.NewWithSource(t.Context(), source, bge.WithEndpoint(box.Endpoint))
	if !errors.Is(err, why) {
		t.Errorf("the error is %v", err)
	}
	_, err = bge.NewWithSource(t.Context(), nil)
	wantError(t, err, bge.ErrArgument)
}

// A token that ends soon is asked for before it is refused, and who waits for it waits no longer than its context.
func TestTokenSourceAsksInTime(t *testing.T) {
	inner := newTokens(t)
	wait := make(chan struct{})
	asked := 0
	source := bge.TokenSourceFunc(func(ctx context.Context) (*bge.Token, error) {
		if asked++; asked > 1 {
			select {
			case <-wait:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		token, err := inner.Token(ctx)
		if asked == 1 && err == nil {
			token.ExpiresIn = "30" // less than a minute
		}
		return token, err
	})
	client, err := bge.NewWithSource(t.Context(), source, bge.WithEndpoint(box.Endpoint))
	must(t, client, err)
	defer client.Close()
	clearLog(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Samples(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	if n := len(sent(t, "/samples")); n != 0 {
		t.Errorf("%d requests with a token that ends", n)
	}
	close(wait)
	for range 3 {
		if _, err := client.Samples(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	if n := inner.asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestSetToken(t *testing.T) {
	client, err := bge.New(t.Context(), "spent", bge.WithEndpoint(box.Endpoint))
	must(t, client, err)
	defer client.Close()
	_, err = client.User(t.Context(), nil)
	wantError(t, err, bge.ErrAuth)
	if err := client.SetToken(&bge.Token{AccessToken: box.AccessToken}); err != nil {
		t.Fatal(err)
	}
	u, err := client.User(t.Context(), nil)
	must(t, u, err)
	wantError(t, client.SetToken(nil), bge.ErrArgument)
	wantError(t, client.SetToken(&bge.Token{}), bge.ErrArgument)
	wantError(t, client.SetToken(&bge.Token{AccessToken: "a b"}), bge.ErrArgument)
	if _, err := client.User(t.Context(), nil); err != nil {
		t.Errorf("after a refused one: %v", err)
	}

	// a refresh token is for clients that have an application
	renewable := newTokens(t)
	app, err := renewable.oauth2.Client(nil)
	must(t, app, err)
	defer app.Close()
	token, err := app.Token(t.Context())
	must(t, token, err)
	var copied bge.Token
	text, err := json.Marshal(token)
	if err := json.Unmarshal(must(t, text, err), &copied); err != nil {
		t.Fatal(err)
	}
	if err := app.SetToken(&copied); err != nil {
		t.Error(err)
	}
	copied.RefreshToken = "rotated"
	wantError(t, client.SetToken(&copied), bge.ErrArgument)
	client.Close()
	wantError(t, client.SetToken(&bge.Token{AccessToken: "a"}), bge.ErrClosed)
}
