package bge

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

// Option configures a Client or an OAuth2 when it is made.
type Option func(*config) error

// ownThreads is how many calls of a client are carried out on threads of Go's at once, each on one of its own: nobody has to
// be woken for it. Go takes a processor from a call to C only when it looks, every 10 ms or less: with more than half of the
// processors in C, other goroutines would wait for that long.
func ownThreads() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// config is what options make of a Client or an OAuth2.
type config struct {
	library map[string]any // the library's own options
	json    string         // the same, when all are there
	bounds  native.Bounds

	told    []func(Event)
	level   string // of the library's log, where somebody is told of it
	headers []func(context.Context) map[string]string
}

func configure(call string, opts []Option) (*config, error) {
	c := &config{library: map[string]any{}, bounds: native.Bounds{Calls: ownThreads(), Streams: 128}}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(c); err != nil {
			return nil, argument(call, "%v", err)
		}
	}
	if len(c.told) > 0 {
		if c.library["log_file"] != nil {
			return nil, argument(call, "WithLogFile cannot be given together with WithLogger or WithEvents")
		}
		c.library["log"], c.library["log_format"] = c.level, "json"
	}
	text, err := json.Marshal(c.library)
	if err != nil {
		return nil, argument(call, "the options: %v", err)
	}
	c.json = string(text)
	return c, nil
}

func set(name string, value any) Option {
	return func(c *config) error {
		if text, ok := value.(string); ok && !utf8.ValidString(text) {
			return fmt.Errorf("%s must be valid UTF-8", name)
		}
		c.library[name] = value
		return nil
	}
}

func seconds(name string, d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("%s must be longer than 0, and is %v", name, d)
		}
		c.library[name] = d.Seconds()
		return nil
	}
}

func whole(name string, n, least, most int) Option {
	return func(c *config) error {
		if n < least || n > most {
			return fmt.Errorf("%s must be from %d to %d, and is %d", name, least, most, n)
		}
		c.library[name] = n
		return nil
	}
}

// WithEndpoint names the platform's address, https://api.bge.genomics.cn unless given; a path in it is kept.
func WithEndpoint(url string) Option { return set("endpoint", url) }

// WithFallbackEndpoint names the address to use when the first cannot be reached: the platform's second one when the
// first is the default, otherwise none.
func WithFallbackEndpoint(url string) Option { return set("fallback_endpoint", url) }

// WithTimeout bounds one attempt of a call, 18 s unless given; in transfers, the longest silence.
func WithTimeout(d time.Duration) Option { return seconds("timeout", d) }

// WithConnectTimeout bounds connecting, 10 s unless given.
func WithConnectTimeout(d time.Duration) Option { return seconds("connect_timeout", d) }

// WithDeadline bounds a call with all its repeats and waits; without it only the context does.
func WithDeadline(d time.Duration) Option { return seconds("deadline", d) }

// WithMaxRetries says how often a call that may be repeated is repeated at most; unless given, as often as an ordinary
// outage takes.
func WithMaxRetries(n int) Option { return whole("max_retries", n, 0, 100) }

// WithMaxConnections bounds the client's connections, 32 unless given.
func WithMaxConnections(n int) Option { return whole("max_connections", n, 1, 1024) }

// WithMaxThreads bounds the client's own threads, 16 unless given.
func WithMaxThreads(n int) Option { return whole("max_threads", n, 1, 256) }

// WithMaxStreams bounds how many reads and writes of the client's Readers and Writers wait for the network at once, 128
// unless given; each holds an operating system thread. Others wait for their turn, until their context or deadline ends.
func WithMaxStreams(n int) Option {
	return func(c *config) error {
		if n < 1 || n > 4096 {
			return fmt.Errorf("max_streams must be from 1 to 4096, and is %d", n)
		}
		c.bounds.Streams = n
		return nil
	}
}

// WithMaxAnswer bounds one answer, in bytes after decompression, 1 GiB unless given.
func WithMaxAnswer(bytes int64) Option {
	return func(c *config) error {
		if bytes < 1 {
			return fmt.Errorf("max_answer must be 1 or more, and is %d", bytes)
		}
		c.library["max_answer"] = bytes
		return nil
	}
}

// WithRateLimit bounds how many requests a second the client sends; without it there is no bound.
func WithRateLimit(perSecond float64) Option {
	return func(c *config) error {
		if !(perSecond > 0) || math.IsInf(perSecond, 0) {
			return fmt.Errorf("rate_limit must be above 0, and is %v", perSecond)
		}
		c.library["rate_limit"] = perSecond
		return nil
	}
}

// WithRateBudget names a file through which any number of processes of this machine keep to the limit of WithRateLimit
// together, and to what a 429 tells one of them. Without a limit it is only the latter.
func WithRateBudget(file string) Option { return set("rate_budget", file) }

// WithKMS names the key service that uploads with CMKID and downloads of encrypted objects use, and the access key for
// it; an empty endpoint or security token counts as not given.
func WithKMS(endpoint, accessKeyID, accessKeySecret, securityToken string) Option {
	return func(c *config) error {
		for name, value := range map[string]string{
			"kms_endpoint": endpoint, "kms_access_key_id": accessKeyID, "kms_access_key_secret": accessKeySecret,
			"kms_security_token": securityToken,
		} {
			if value == "" {
				continue
			}
			if err := set(name, value)(c); err != nil {
				return err
			}
		}
		return nil
	}
}

// WithProxy names a proxy (http, https, socks5 or socks5h); HTTPS_PROXY and NO_PROXY count unless given.
func WithProxy(url string) Option { return set("proxy", url) }

// WithCAFile names a PEM file of further certificate authorities. Verification cannot be turned off.
func WithCAFile(path string) Option { return set("ca_file", path) }

// WithUserAgent replaces libbge/<version>.
func WithUserAgent(text string) Option { return set("user_agent", text) }

// WithLogFile appends the client's log to a file; level is error, info or debug. Secrets never appear in it.
func WithLogFile(level, path string) Option {
	return func(c *config) error {
		if err := set("log", level)(c); err != nil {
			return err
		}
		return set("log_file", path)(c)
	}
}

// WithTokenFile names a file (0600) through which restarts and other processes share renewed tokens. For Open and
// NewOAuth2.
func WithTokenFile(path string) Option { return set("token_file", path) }

// WithOSSSignature chooses the object store's signature, v1 (unless given) or v4.
func WithOSSSignature(version string) Option { return set("oss_signature", version) }

// WithAccessToken gives Open an access token.
func WithAccessToken(token string) Option { return set("access_token", token) }

// WithClientCredentials gives Open an application's own credentials.
func WithClientCredentials(clientID, clientSecret string) Option {
	return func(c *config) error {
		if err := set("client_id", clientID)(c); err != nil {
			return err
		}
		return set("client_secret", clientSecret)(c)
	}
}

// WithProfile names the stored profile of the bge command that Open takes credentials from.
func WithProfile(name string) Option { return set("profile", name) }

// Ptr gives a pointer to v, for optional values whose zero is one of their values: Ptr(false).
func Ptr[T any](v T) *T { return &v }

// CallOptions are the library's own switches for one call. The zero value changes nothing.
type CallOptions struct {
	Timeout    time.Duration     // of one attempt; in transfers, the longest silence
	Deadline   time.Duration     // of the call with all its repeats and waits
	MaxRetries *int              // how often it may be repeated
	Headers    map[string]string // further HTTP headers

	// StrictCount makes a walk through pages fail at its end when its rows are not as many as the first page's count.
	StrictCount bool

	// StrictTypes makes a member of the answer whose value is not of the documented type an error (ErrProtocol). Without
	// it such a value is in the Extra of the object around it: see Misfits.
	StrictTypes bool

	// Progress is told how far the call is, on the caller's goroutine, some 20 times a second and at the end: bytes in
	// transfers and calls that send a file, else pages. total is 0 while it is not known.
	Progress func(done, total int64)
}

// switches are the members of "$".
func (o CallOptions) switches() (map[string]any, error) {
	s := map[string]any{}
	for name, d := range map[string]time.Duration{"timeout": o.Timeout, "deadline": o.Deadline} {
		if d < 0 || d > math.MaxInt32*time.Second {
			return nil, fmt.Errorf("%s of %v", name, d)
		}
		if d > 0 {
			s[name] = d.Seconds()
		}
	}
	if o.MaxRetries != nil {
		s["max_retries"] = *o.MaxRetries
	}
	if o.Headers != nil {
		for name, value := range o.Headers {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				return nil, fmt.Errorf("the header %s must be valid UTF-8", strings.ToValidUTF8(name, "?"))
			}
		}
		s["headers"] = o.Headers
	}
	if o.StrictCount {
		s["strict_count"] = true
	}
	return s, nil
}
