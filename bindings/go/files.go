package bge

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// UploadToken is temporary access to the object store. It holds secrets: printing it hides them.
type UploadToken struct {
	BaseURI     string             `json:"base_uri"`
	Bucket      string             `json:"bucket"`
	Endpoint    string             `json:"endpoint"`
	Destination string             `json:"destination"` // what the names of objects begin with
	RegionID    string             `json:"region_id"`
	Credentials StorageCredentials `json:"credentials"`
	Extra       Extra              `json:"-"`
	members     `json:"-"`
}

func (u *UploadToken) UnmarshalJSON(object []byte) error { return unmarshal(object, u) }
func (u UploadToken) MarshalJSON() ([]byte, error)       { return marshal(u) }

// String hides the secrets.
func (u UploadToken) String() string {
	return "UploadToken{" + u.Destination + " " + u.Credentials.String() + "}"
}

func (u UploadToken) GoString() string     { return u.String() }
func (u UploadToken) LogValue() slog.Value { return slog.StringValue(u.String()) }

// StorageCredentials are credentials of the object store. Printing them hides the secrets.
type StorageCredentials struct {
	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	SecurityToken   string `json:"security_token"`
	Expiration      string `json:"expiration"` // such as 2019-07-16T08:29:45Z
	Extra           Extra  `json:"-"`
	members         `json:"-"`
}

func (s *StorageCredentials) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s StorageCredentials) MarshalJSON() ([]byte, error)       { return marshal(s) }

// String hides the secrets.
func (s StorageCredentials) String() string {
	return "StorageCredentials{" + s.AccessKeyID + " until " + s.Expiration + "}"
}

func (s StorageCredentials) GoString() string     { return s.String() }
func (s StorageCredentials) LogValue() slog.Value { return slog.StringValue(s.String()) }

// DownloadURL is a presigned URL of an object: whoever has it can open the object.
type DownloadURL struct {
	URL     string      `json:"url"`
	Expires json.Number `json:"expires"` // seconds since the epoch
	Extra   Extra       `json:"-"`
	members `json:"-"`
}

func (d *DownloadURL) UnmarshalJSON(object []byte) error { return unmarshal(object, d) }
func (d DownloadURL) MarshalJSON() ([]byte, error)       { return marshal(d) }

// UploadTokenOptions are those of UploadToken.
type UploadTokenOptions struct {
	RegionID string `json:"region_id"`
	Internal bool   `json:"internal"` // use the store's internal address

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// DownloadURLOptions are those of DownloadURL.
type DownloadURLOptions struct {
	Region         string        `json:"region"`          // domestic (unless given) or international
	ExpirationTime time.Duration `json:"expiration_time"` // that the URL is good for, 10 min unless given

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// FerryToOSSOptions are those of FerryToOSS.
type FerryToOSSOptions struct {
	IncludedFilenameExts []string `json:"included_filename_exts"`
	SampleNames          []string `json:"sample_names"`
	Action               string   `json:"action"` // restart is the only known one

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// UploadToken gives temporary credentials for the object store. The uploads of this package fetch their own.
func (c *Client) UploadToken(ctx context.Context, opts *UploadTokenOptions) (*UploadToken, error) {
	return callFor[UploadToken](ctx, c, "get_upload_token", nil, opts)
}

// DownloadURL gives a presigned URL of an object.
func (c *Client) DownloadURL(ctx context.Context, objectName string, opts *DownloadURLOptions) (*DownloadURL, error) {
	return callFor[DownloadURL](ctx, c, "get_download_url", args{"object_name": objectName}, opts)
}

// FerryToOSS has a sequencing project's files ferried to the object store. For client-credentials tokens.
func (c *Client) FerryToOSS(ctx context.Context, account, password, projectNo string, biosampleCnt int64, opts *FerryToOSSOptions) (json.RawMessage, error) {
	required := args{"account": account, "password": password, "project_no": projectNo, "biosample_cnt": biosampleCnt}
	return rawCall(ctx, c, "ferry_to_oss", required, opts)
}
