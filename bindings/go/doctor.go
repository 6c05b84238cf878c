package bge

import "context"

// Check is one of the things between a client and the platform, looked at by Doctor.
type Check struct {
	Name    string `json:"name"`   // such as name_lookup, proxy, tls, clock, credentials, object_store
	State   string `json:"state"`  // ok, warning, failed or skipped
	Detail  string `json:"detail"` // what was found
	Hint    string `json:"hint"`   // the one thing to do, where there is something
	Extra   Extra  `json:"-"`
	members `json:"-"`
}

func (c *Check) UnmarshalJSON(object []byte) error { return unmarshal(object, c) }
func (c Check) MarshalJSON() ([]byte, error)       { return marshal(c) }

// Diagnosis is what Doctor found. Nothing secret is in it: it can be shown to others.
type Diagnosis struct {
	Version  string  `json:"version"`
	System   string  `json:"system"`
	Endpoint string  `json:"endpoint"`
	Checks   []Check `json:"checks"`
	Extra    Extra   `json:"-"`
	members  `json:"-"`
}

func (d *Diagnosis) UnmarshalJSON(object []byte) error { return unmarshal(object, d) }
func (d Diagnosis) MarshalJSON() ([]byte, error)       { return marshal(d) }

// DoctorOptions say how Doctor looks.
type DoctorOptions struct {
	Language    string // of details and hints: en or zh
	NoRoundTrip bool   // write no object
	CMKID       string // master key of the key service to try

	Call CallOptions
}

// Doctor looks at everything between this client and the platform, for people who ask why something does not work: name
// lookup, addresses, proxy, TLS, captive portals, the clock, credentials and scopes, the object store with 1 MiB there and
// back (bge-doctor.bin), the key service, rate limits. What is wrong is told, and is no error.
func (c *Client) Doctor(ctx context.Context, opts *DoctorOptions) (*Diagnosis, error) {
	if opts == nil {
		opts = &DoctorOptions{}
	}
	wanted := args{"round_trip": !opts.NoRoundTrip}
	for name, value := range map[string]string{"lang": opts.Language, "cmk_id": opts.CMKID} {
		if value != "" {
			wanted[name] = value
		}
	}
	return callFor[Diagnosis](ctx, c, "doctor", wanted, &Options{Call: opts.Call})
}
