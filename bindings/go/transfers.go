package bge

import (
	"context"
	"runtime"
	"strings"
	"time"
)

// Uploaded is an object that was uploaded.
type Uploaded struct {
	ObjectName string `json:"object_name"`
	Size       int64  `json:"size"`
	CRC64      string `json:"crc64"` // in decimal digits
	ETag       string `json:"etag"`
	Parts      int64  `json:"parts"`
	Verified   bool   `json:"verified"` // false when the store sent nothing to check against
	Extra      Extra  `json:"-"`
	members    `json:"-"`
}

func (u *Uploaded) UnmarshalJSON(object []byte) error { return unmarshal(object, u) }
func (u Uploaded) MarshalJSON() ([]byte, error)       { return marshal(u) }

// Downloaded is a file that was downloaded.
type Downloaded struct {
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	CRC64    string `json:"crc64"`    // in decimal digits
	Verified bool   `json:"verified"` // false when the store sent nothing to check against
	Extra    Extra  `json:"-"`
	members  `json:"-"`
}

func (d *Downloaded) UnmarshalJSON(object []byte) error { return unmarshal(object, d) }
func (d Downloaded) MarshalJSON() ([]byte, error)       { return marshal(d) }

// UploadBytesOptions are those of UploadBytes.
type UploadBytesOptions struct {
	PartSize            int64  `json:"part_size"`             // bytes
	MultipartThreshold  int64  `json:"multipart_threshold"`   // bytes; less goes up in one piece
	MultipartNumThreads int    `json:"multipart_num_threads"` // parts at a time
	CMKID               string `json:"cmk_id"`                // key to encrypt with
	RegionID            string `json:"region_id"`
	Internal            bool   `json:"internal"` // use the store's internal address

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// UploadFileOptions are those of UploadFile.
type UploadFileOptions struct {
	Filename            string `json:"filename"`              // the object's, the path's own unless given; no slash
	PartSize            int64  `json:"part_size"`             // bytes
	MultipartThreshold  int64  `json:"multipart_threshold"`   // bytes; smaller files go up in one piece
	MultipartNumThreads int    `json:"multipart_num_threads"` // parts at a time
	CMKID               string `json:"cmk_id"`                // key to encrypt with
	RegionID            string `json:"region_id"`
	Internal            bool   `json:"internal"`       // use the store's internal address
	CheckpointDir       string `json:"checkpoint_dir"` // where to remember what is done, to resume later

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// UploadDirOptions are those of UploadDir.
type UploadDirOptions struct {
	Recursive           bool   `json:"recursive"`             // sub-folders, too
	FollowLinks         bool   `json:"follow_links"`          // take what symbolic links lead to; they fail unless given
	Separator           string `json:"separator"`             // of folders, in the objects' names
	PartSize            int64  `json:"part_size"`             // bytes
	MultipartThreshold  int64  `json:"multipart_threshold"`   // bytes; smaller files go up in one piece
	MultipartNumThreads int    `json:"multipart_num_threads"` // parts at a time
	CMKID               string `json:"cmk_id"`                // key to encrypt with
	RegionID            string `json:"region_id"`
	Internal            bool   `json:"internal"`       // use the store's internal address
	CheckpointDir       string `json:"checkpoint_dir"` // where to remember what is done, to resume later

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// BatchUploadOptions are those of BatchUpload.
type BatchUploadOptions struct {
	PartSize            int64  `json:"part_size"`             // bytes
	MultipartThreshold  int64  `json:"multipart_threshold"`   // bytes; smaller files go up in one piece
	MultipartNumThreads int    `json:"multipart_num_threads"` // parts at a time
	CMKID               string `json:"cmk_id"`                // key to encrypt with
	RegionID            string `json:"region_id"`
	Internal            bool   `json:"internal"`       // use the store's internal address
	CheckpointDir       string `json:"checkpoint_dir"` // where to remember what is done, to resume later

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// FileToUpload is a file of BatchUpload.
type FileToUpload struct {
	Path     string `json:"path"`
	Filename string `json:"filename,omitempty"` // the object's, the path's own unless given; no slash
}

// DownloadFileOptions are those of DownloadFile. Region and ExpirationTime are for objects, not for URLs.
type DownloadFileOptions struct {
	Region              string        `json:"region"`                // domestic (unless given) or international
	ExpirationTime      time.Duration `json:"expiration_time"`       // that the presigned URL is good for, 10 min unless given
	Decrypt             *bool         `json:"decrypt"`               // what was encrypted before it was stored; true unless given
	MultipartNumThreads int           `json:"multipart_num_threads"` // ranges at a time

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// UploadBytes uploads bytes in memory, which must not change meanwhile; filename is the last part of the object's name,
// without a slash. Upload takes an io.Reader.
func (c *Client) UploadBytes(ctx context.Context, filename string, data []byte, opts *UploadBytesOptions) (*Uploaded, error) {
	defer runtime.KeepAlive(c)
	const call = "upload"
	r, err := newRequest(call, args{"filename": filename}, opts)
	if err != nil {
		return nil, err
	}
	delete(r.args, "filename") // checked, and given beside the others
	if err := alive(ctx, call); err != nil {
		return nil, err
	}
	span := c.watch.begin(ctx, call, 0)
	text, err := r.json(ctx, c.watch.switches(ctx, span.id))
	var raw []byte
	if err == nil {
		raw, err = c.source.authorized(ctx, call, func() ([]byte, error) {
			raw, err := c.api.Upload(ctx, filename, data, text, r.how.Progress)
			return raw, failed(ctx, call, err)
		})
	}
	span.end(err)
	if err != nil {
		return nil, err
	}
	uploaded, err := decode[Uploaded](call, raw, r.how.StrictTypes)
	if err != nil {
		return nil, err
	}
	return &uploaded, nil
}

// UploadFile uploads a file, and compares the checksums.
func (c *Client) UploadFile(ctx context.Context, path string, opts *UploadFileOptions) (*Uploaded, error) {
	return callFor[Uploaded](ctx, c, "upload_file", args{"path": path}, opts)
}

// UploadDir uploads the regular files of a folder. When one fails the others go on, and the error's Files hold every
// file's result.
func (c *Client) UploadDir(ctx context.Context, path string, opts *UploadDirOptions) ([]Uploaded, error) {
	return callForList[[]Uploaded](ctx, c, "upload_dir", args{"path": path}, opts)
}

// BatchUpload uploads a list of files, as UploadDir does.
func (c *Client) BatchUpload(ctx context.Context, files []FileToUpload, opts *BatchUploadOptions) ([]Uploaded, error) {
	return callForList[[]Uploaded](ctx, c, "batch_upload", args{"files": files}, opts)
}

// DownloadFile downloads from an object, or from a URL that begins with http:// or https://, to a file. A path that is
// an existing folder takes the last component of the object's name or of the URL. Nothing incomplete or unverified
// ever stands under the final name.
func (c *Client) DownloadFile(ctx context.Context, from, path string, opts *DownloadFileOptions) (*Downloaded, error) {
	if strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://") {
		return callFor[Downloaded](ctx, c, "download_file", args{"url": from, "path": path}, opts)
	}
	return callFor[Downloaded](ctx, c, "download", args{"object_name": from, "path": path}, opts)
}
