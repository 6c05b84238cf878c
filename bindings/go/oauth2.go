package bge

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"strings"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

// OAuth2 is an application: its client id and secret, and the connections to sign in with. Any number of goroutines may
// share one.
type OAuth2 struct {
	oauth2 *native.OAuth2
	config *config
	watch  *watch
}

// Token is a token of the platform. It holds secrets: printing it hides them, encoding/json writes them.
type Token struct {
	AccessToken  string      `json:"access_token"`
	TokenType    string      `json:"token_type"`
	RefreshToken string      `json:"refresh_token"` // of authorization codes only
	Scope        string      `json:"scope"`         // separated by spaces
	ExpiresIn    json.Number `json:"expires_in"`    // seconds
	ObtainedAt   json.Number `json:"obtained_at"`   // seconds since the epoch, by this machine's clock
	Extra        Extra       `json:"-"`
	members      `json:"-"`
}

func (t *Token) UnmarshalJSON(object []byte) error { return unmarshal(object, t) }
func (t Token) MarshalJSON() ([]byte, error)       { return marshal(t) }

// String hides the secrets.
func (t Token) String() string {
	return "Token{scope: " + t.Scope + ", expires_in: " + t.ExpiresIn.String() + "}"
}

func (t Token) GoString() string     { return t.String() }
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// NewOAuth2 makes an application's handle. No network is used.
func NewOAuth2(clientID, clientSecret string, opts ...Option) (*OAuth2, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	options, err := configure("oauth2", opts)
	if err != nil {
		return nil, err
	}
	below, err := native.NewOAuth2(clientID, clientSecret, options.json)
	if err != nil {
		return nil, failed(context.Background(), "oauth2", err)
	}
	o := &OAuth2{oauth2: below, config: options, watch: newWatch(options)}
	if err := o.watch.attach(below); err != nil {
		below.Close()
		return nil, failed(context.Background(), "oauth2", err)
	}
	runtime.AddCleanup(o, (*native.OAuth2).Close, below)
	return o, nil
}

// Close frees the handle, as Client.Close does. Clients made from it live on.
func (o *OAuth2) Close() error {
	o.oauth2.Close()
	runtime.KeepAlive(o)
	return nil
}

// Alive is nil when the platform answers.
func (o *OAuth2) Alive(ctx context.Context) error {
	_, err := o.call(ctx, "alive", nil)
	return err
}

// AuthorizationURL gives the URL to send the user's browser to. state comes back with the redirect, and may be empty;
// without scopes the application's own count. Nothing is sent.
func (o *OAuth2) AuthorizationURL(redirectURI, state string, scopes ...string) (string, error) {
	defer runtime.KeepAlive(o)
	const call = "get_authorization_url"
	url, err := o.oauth2.AuthorizationURL(redirectURI, state, strings.Join(scopes, " "))
	return url, failed(context.Background(), call, err)
}

// ExchangeAuthorizationCode exchanges the code that came with the redirect for the user's token. A wrong or used code
// is ErrAPI with code 400.
func (o *OAuth2) ExchangeAuthorizationCode(ctx context.Context, code, redirectURI string) (*Token, error) {
	return o.token(ctx, "exchange_authorization_code", args{"code": code, "redirect_uri": redirectURI})
}

// ExchangeRefreshToken exchanges a refresh token for a new token and a new refresh token; the old one is spent.
func (o *OAuth2) ExchangeRefreshToken(ctx context.Context, refreshToken string) (*Token, error) {
	return o.token(ctx, "exchange_refresh_token", args{"refresh_token": refreshToken})
}

// CredentialsToken fetches the application's own token, which has no refresh token.
func (o *OAuth2) CredentialsToken(ctx context.Context) (*Token, error) {
	return o.token(ctx, "get_credentials_token", nil)
}

func (o *OAuth2) token(ctx context.Context, call string, required args) (*Token, error) {
	raw, err := o.call(ctx, call, required)
	if err != nil {
		return nil, err
	}
	token, err := decode[Token](call, raw, false)
	if err != nil {
		return nil, err
	}
	return &token, nil
}

func (o *OAuth2) call(ctx context.Context, call string, required args) (json.RawMessage, error) {
	defer runtime.KeepAlive(o)
	r, err := newRequest(call, required, nil)
	if err != nil {
		return nil, err
	}
	if err := alive(ctx, call); err != nil {
		return nil, err
	}
	span := o.watch.begin(ctx, call, 0)
	text, err := r.json(ctx, o.watch.switches(ctx, span.id))
	var raw []byte
	if err == nil {
		raw, err = o.oauth2.Call(ctx, call, text)
		err = failed(ctx, call, err)
	}
	span.end(err)
	return raw, err
}

// Client makes a client of a token from one of the exchanges, which it renews before it ends and once when it is
// refused; or, of nil, of client credentials, fetched when first needed. No network is used now.
func (o *OAuth2) Client(token *Token) (*Client, error) {
	defer runtime.KeepAlive(o)
	const call = "get_api"
	text := ""
	if token != nil {
		written, err := json.Marshal(token)
		if err != nil {
			return nil, argument(call, "the token cannot be written as JSON: %v", err)
		}
		text = string(written)
	}
	api, err := o.oauth2.API(text, o.config.bounds)
	if err != nil {
		return nil, failed(context.Background(), call, err)
	}
	watch := newWatch(o.config)
	if err := watch.attach(api); err != nil {
		api.Close()
		return nil, failed(context.Background(), call, err)
	}
	return newClient(api, watch), nil
}

// Token gives the token in use, so that a program can store a rotated refresh token. A client that has none yet, or
// whose token ends soon, fetches one first.
func (c *Client) Token(ctx context.Context) (*Token, error) {
	return callFor[Token](ctx, c, "get_token", nil, nil)
}
