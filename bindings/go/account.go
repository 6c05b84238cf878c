package bge

import (
	"context"
	"encoding/json"
)

// Introspection says what an access token is good for.
type Introspection struct {
	Active   bool   `json:"active"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"` // separated by spaces
	Extra    Extra  `json:"-"`
	members  `json:"-"`
}

func (i *Introspection) UnmarshalJSON(object []byte) error { return unmarshal(object, i) }
func (i Introspection) MarshalJSON() ([]byte, error)       { return marshal(i) }

// User is the user who granted the token, as far as its scope allows.
type User struct {
	UserID            string `json:"userId"`
	Username          string `json:"username"`
	Nickname          string `json:"nickname"`
	Sex               int    `json:"sex"`
	Birthday          string `json:"birthday"` // such as 1989-10-01T08:00:00+0800
	Email             string `json:"email"`
	Phone             string `json:"phone"`
	UserAddress       string `json:"userAddress"`
	Avatar            string `json:"avatar"`
	PersonnelInfoCode string `json:"personnelInfoCode"`
	Extra             Extra  `json:"-"`
	members           `json:"-"`
}

func (u *User) UnmarshalJSON(object []byte) error { return unmarshal(object, u) }
func (u User) MarshalJSON() ([]byte, error)       { return marshal(u) }

// OverviewOptions choose whose overview it is. Phone excludes all but IDCard; BiosampleID excludes Phone, ProjectID and
// ExternalSampleID; the last two come together.
type OverviewOptions struct {
	IDCard           string `json:"idcard"` // id-card number
	Phone            string `json:"phone"`
	BiosampleID      string `json:"biosample_id"` // sent as given
	ProjectID        string `json:"project_id"`
	ExternalSampleID string `json:"external_sample_id"` // the lab's own sample id

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// Alive is nil when the platform answers.
func (c *Client) Alive(ctx context.Context) error {
	_, err := rawCall(ctx, c, "alive", nil, nil)
	return err
}

// Introspect says what the access token in use is good for.
func (c *Client) Introspect(ctx context.Context, opts *Options) (*Introspection, error) {
	return callFor[Introspection](ctx, c, "introspect", nil, opts)
}

// User gives the user who granted the token. For authorization-code tokens.
func (c *Client) User(ctx context.Context, opts *Options) (*User, error) {
	return callFor[User](ctx, c, "get_user", nil, opts)
}

// Overview gives an overview of a person's samples and data.
func (c *Client) Overview(ctx context.Context, opts *OverviewOptions) (json.RawMessage, error) {
	return rawCall(ctx, c, "get_overview", nil, opts)
}
