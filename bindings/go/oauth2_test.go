package bge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func app(t testing.TB, opts ...bge.Option) *bge.OAuth2 {
	t.Helper()
	opts = append([]bge.Option{bge.WithEndpoint(box.Endpoint)}, opts...)
	oauth2, err := bge.NewOAuth2(box.Authorization.ID, box.Authorization.Secret, opts...)
	must(t, oauth2, err)
	t.Cleanup(func() { oauth2.Close() })
	return oauth2
}

// code is what the user's browser brings back from the authorization page.
func code(t testing.TB, oauth2 *bge.OAuth2) string {
	t.Helper()
	address, err := oauth2.AuthorizationURL(box.RedirectURI, "state & more", "profile", "samples")
	must(t, address, err)
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(address + "&" + box.AuthorizationExtraQuery)
	must(t, response, err)
	response.Body.Close()
	back, err := url.Parse(response.Header.Get("Location"))
	must(t, back, err)
	if back.Query().Get("state") != "state & more" {
		t.Fatalf("the browser comes back to %s", back)
	}
	return back.Query().Get("code")
}

func TestOAuth2SignsAUserIn(t *testing.T) {
	oauth2 := app(t)
	if err := oauth2.Alive(t.Context()); err != nil {
		t.Error(err)
	}
	token, err := oauth2.ExchangeAuthorizationCode(t.Context(), code(t, oauth2), box.RedirectURI)
	must(t, token, err)
	if token.AccessToken == "" || token.RefreshToken == "" || token.Scope != "profile samples" || token.ExpiresIn != "21600" || token.ObtainedAt == "" {
		t.Errorf("the token is %s", token)
	}
	_, err = oauth2.ExchangeAuthorizationCode(t.Context(), "used", box.RedirectURI)
	if e := wantError(t, err, bge.ErrAPI); e.Code != 400 {
		t.Errorf("code %d", e.Code)
	}

	client, err := oauth2.Client(token)
	must(t, client, err)
	defer client.Close()
	if user, err := client.User(t.Context(), nil); err != nil || user.Username != "zhangsan" {
		t.Error(err)
	}
	_, err = client.Variants(t.Context(), box.BiosampleID, []string{"rs1"}, nil) // not in its scope
	if e := wantError(t, err, bge.ErrAuth); e.Code != 401 {
		t.Errorf("code %d", e.Code)
	}

	// refused, it is renewed, and the program can store what it has become
	expire := map[string]any{"what": "access_tokens", "token": token.AccessToken}
	if err := box.Control("POST", "expire", expire, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.User(t.Context(), nil); err != nil {
		t.Error(err)
	}
	renewed, err := client.Token(t.Context())
	if must(t, renewed, err); renewed.AccessToken == token.AccessToken || renewed.RefreshToken == token.RefreshToken {
		t.Error("the token is the old one")
	}

	next, err := oauth2.ExchangeRefreshToken(t.Context(), renewed.RefreshToken)
	if must(t, next, err); next.AccessToken == renewed.AccessToken {
		t.Error("the same token again")
	}
	_, err = oauth2.ExchangeRefreshToken(t.Context(), renewed.RefreshToken)
	wantError(t, err, bge.ErrAPI)
}

func TestOAuth2ClientCredentials(t *testing.T) {
	oauth2, err := bge.NewOAuth2(box.Credentials.ID, box.Credentials.Secret, bge.WithEndpoint(box.Endpoint))
	must(t, oauth2, err)
	token, err := oauth2.CredentialsToken(t.Context())
	if must(t, token, err); token.RefreshToken != "" || token.TokenType != "Bearer" {
		t.Errorf("the token is %s", token)
	}
	client, err := oauth2.Client(nil)
	must(t, client, err)
	defer client.Close()
	oauth2.Close() // its clients live on
	if page, err := client.Samples(t.Context(), &bge.SamplesOptions{Limit: 1}); err != nil || len(page.Result) != 1 {
		t.Error(err)
	}
	_, err = oauth2.CredentialsToken(t.Context())
	wantError(t, err, bge.ErrClosed)
	_, err = oauth2.Client(nil)
	wantError(t, err, bge.ErrClosed)

	wrong, err := bge.NewOAuth2(box.Credentials.ID, "wrong", bge.WithEndpoint(box.Endpoint))
	must(t, wrong, err)
	defer wrong.Close()
	_, err = wrong.CredentialsToken(t.Context())
	if !errors.Is(err, bge.ErrAPI) && !errors.Is(err, bge.ErrAuth) {
		t.Errorf("a wrong secret gives %v", err)
	}
}

func TestOAuth2TokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	first := application(t, bge.WithTokenFile(path))
	token, err := first.Token(t.Context())
	must(t, token, err)
	second := application(t, bge.WithTokenFile(path))
	shared, err := second.Token(t.Context())
	if must(t, shared, err); shared.AccessToken != token.AccessToken {
		t.Error("the second client has fetched a token of its own")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	client := user(t)
	upload, err := client.UploadToken(t.Context(), nil)
	must(t, upload, err)
	token := &bge.Token{AccessToken: "secret-a", RefreshToken: "secret-r", Scope: "profile"}
	secrets := []string{
		"secret-a", "secret-r", upload.Credentials.AccessKeySecret, upload.Credentials.SecurityToken, box.AccessToken,
	}
	if upload.Credentials.AccessKeySecret == "" {
		t.Fatal("no credentials")
	}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	things := []any{
		client, token, *token, upload, *upload, upload.Credentials, &upload.Credentials,
		struct{ T bge.Token }{*token}, []*bge.Token{token},
	}
	for _, thing := range things {
		for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
			fmt.Fprintf(&log, form+"\n", thing)
		}
		logger.Info("", "thing", thing)
	}
	for _, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s is printed", secret)
		}
	}
	// as JSON a token is whole, to be stored
	text, err := json.Marshal(token)
	if must(t, text, err); !strings.Contains(string(text), "secret-r") {
		t.Errorf("as JSON: %s", text)
	}
}
