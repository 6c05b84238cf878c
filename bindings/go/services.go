package bge

import (
	"context"
	"encoding/json"
)

// SendSMSOptions are the template's own parameters.
type SendSMSOptions struct {
	Params map[string]any `json:"-"` // passed on as given
	Call   CallOptions    `json:"-"`
}

// AppletURLOptions are those of AppletURL.
type AppletURLOptions struct {
	Path  string `json:"path"`  // page within the mini program
	Query string `json:"query"` // query of the page

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// VerifyIDMetaOptions are those of VerifyIDMeta.
type VerifyIDMetaOptions struct {
	Phone string `json:"phone"`

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// SendSMS sends a text message to phone numbers. It is never repeated by itself once something has reached the
// platform. For client-credentials tokens.
func (c *Client) SendSMS(ctx context.Context, template string, mobiles []string, opts *SendSMSOptions) error {
	_, err := rawCall(ctx, c, "send_sms", args{"template": template, "mobiles": mobiles}, opts)
	return err
}

// AppletURL gives a link that opens a WeChat mini program. For client-credentials tokens.
func (c *Client) AppletURL(ctx context.Context, code string, opts *AppletURLOptions) (json.RawMessage, error) {
	return rawCall(ctx, c, "applet_url", args{"code": code}, opts)
}

// VerifyIDMeta says whether an id-card number and a name belong together. For client-credentials tokens.
func (c *Client) VerifyIDMeta(ctx context.Context, idcard, realname string, opts *VerifyIDMetaOptions) (json.RawMessage, error) {
	return rawCall(ctx, c, "verify_id_meta", args{"idcard": idcard, "realname": realname}, opts)
}
