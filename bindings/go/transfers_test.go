package bge_test

import (
	"bytes"
	"context"
	"errors"
	"hash/crc64"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// noise is content that is the same each time.
func noise(size int) []byte {
	data := make([]byte, size)
	r := rand.NewChaCha8([32]byte{7})
	r.Read(data)
	return data
}

// crcOf is the checksum of the store, CRC-64/XZ, in decimal digits.
func crcOf(data []byte) string {
	return strconv.FormatUint(crc64.Checksum(data, crc64.MakeTable(crc64.ECMA)), 10)
}

// written writes a file into a folder of the test's own, and gives its path.
func written(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantFile(t testing.TB, path string, data []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if must(t, got, err); !bytes.Equal(got, data) {
		t.Errorf("%s has %d bytes, not the %d that it should", path, len(got), len(data))
	}
}

func TestUploadFileThenDownloadFile(t *testing.T) {
	client := user(t)
	data := noise(3 << 20)
	var told []int64
	uploaded, err := client.UploadFile(t.Context(), written(t, "样本 1+a.vcf", data), &bge.UploadFileOptions{
		PartSize: 1 << 20, MultipartThreshold: 1 << 20,
		Call: bge.CallOptions{Progress: func(done, total int64) {
			if total != 0 && total != int64(len(data)) {
				t.Errorf("%d of %d bytes", done, total)
			}
			told = append(told, done)
		}},
	})
	must(t, uploaded, err)
	if uploaded.Size != int64(len(data)) || uploaded.CRC64 != crcOf(data) || !uploaded.Verified || path.Base(uploaded.ObjectName) != "样本 1+a.vcf" {
		t.Errorf("uploaded: %+v", uploaded)
	}
	if len(told) == 0 || told[len(told)-1] != int64(len(data)) {
		t.Errorf("progress: %v", told)
	}

	folder := t.TempDir()
	downloaded, err := client.DownloadFile(t.Context(), uploaded.ObjectName, folder, nil)
	must(t, downloaded, err)
	if downloaded.Path != filepath.Join(folder, "样本 1+a.vcf") || downloaded.Size != int64(len(data)) ||
		downloaded.CRC64 != crcOf(data) || !downloaded.Verified {
		t.Errorf("downloaded: %+v", downloaded)
	}
	wantFile(t, downloaded.Path, data)

	// the same by a URL, over a file that is there
	address, err := client.DownloadURL(t.Context(), uploaded.ObjectName, &bge.DownloadURLOptions{ExpirationTime: time.Minute})
	must(t, address, err)
	target := written(t, "old", []byte("old"))
	downloaded, err = client.DownloadFile(t.Context(), address.URL, target, nil)
	if must(t, downloaded, err); downloaded.Path != target {
		t.Errorf("downloaded: %+v", downloaded)
	}
	wantFile(t, target, data)
}

func TestUploadBytes(t *testing.T) {
	client := user(t)
	for _, size := range []int{0, 1, 700_000} {
		data := noise(size)
		uploaded, err := client.UploadBytes(t.Context(), "bytes.bin", data, &bge.UploadBytesOptions{
			PartSize: 200_000, MultipartThreshold: 500_000, MultipartNumThreads: 2,
		})
		must(t, uploaded, err)
		if uploaded.Size != int64(size) || uploaded.CRC64 != crcOf(data) || uploaded.Parts != int64(max(1, size/200_000+1)) && size > 500_000 {
			t.Errorf("uploaded: %+v", uploaded)
		}
	}
	_, err := client.UploadBytes(t.Context(), "a/b", nil, nil)
	wantError(t, err, bge.ErrArgument)

	// the bytes are the caller's own again as soon as the call returns, also when it was cancelled
	fault(t, map[string]any{"side": "store", "kind": "drip", "bytes": 1, "interval_ms": 500, "count": 0})
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		data := noise(300_000)
		_, err := client.UploadBytes(ctx, "taken-back.bin", data, nil)
		cancel()
		clear(data)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestTransfersThatFail(t *testing.T) {
	client := user(t)
	_, err := client.UploadFile(t.Context(), filepath.Join(t.TempDir(), "absent"), nil)
	wantError(t, err, bge.ErrIO)
	_, err = client.UploadFile(t.Context(), "a\xff", nil)
	wantError(t, err, bge.ErrArgument)
	_, err = client.UploadFile(t.Context(), written(t, "a", nil), &bge.UploadFileOptions{Filename: "a/b"})
	wantError(t, err, bge.ErrArgument)
	_, err = client.UploadFile(t.Context(), written(t, "a", nil), &bge.UploadFileOptions{Extra: map[string]any{"part_sise": 1}})
	if e := wantError(t, err, bge.ErrArgument); !strings.Contains(e.Message, "part_size") {
		t.Errorf("no hint in %q", e.Message)
	}

	target := written(t, "old", []byte("old"))
	_, err = client.DownloadFile(t.Context(), "no/such/object", target, nil)
	if e := wantError(t, err, bge.ErrStorage); e.StorageCode != "NoSuchKey" || e.HTTPStatus != 404 {
		t.Errorf("the error is %+v", e)
	}
	wantFile(t, target, []byte("old"))
	if entries, err := os.ReadDir(filepath.Dir(target)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// What goes wrong on the way is put right, or said: never is something else there than what was sent.
func TestTransfersThroughFaults(t *testing.T) {
	client := user(t)
	data := noise(900_000)
	source := written(t, "source.bin", data)
	for name, what := range map[string]map[string]any{
		"expired credentials": {"method": "PUT", "kind": "expired_sts"},
		"a reset":             {"method": "PUT", "kind": "reset", "request_bytes": 1000},
		"a busy store":        {"method": "PUT", "kind": "status", "status": 503},
		"an answer lost":      {"method": "PUT", "kind": "reset", "after_work": true},
		"a broken download":   {"method": "GET", "kind": "reset_body"},
		"a short download":    {"method": "GET", "kind": "truncate"},
	} {
		t.Run(name, func(t *testing.T) {
			what["side"] = "store"
			fault(t, what)
			uploaded, err := client.UploadFile(t.Context(), source, &bge.UploadFileOptions{
				Filename: fresh("faults"), PartSize: 200_000, MultipartThreshold: 500_000,
			})
			if must(t, uploaded, err); uploaded.CRC64 != crcOf(data) || !uploaded.Verified {
				t.Errorf("uploaded: %+v", uploaded)
			}
			var back bytes.Buffer
			if _, err := client.Download(t.Context(), uploaded.ObjectName, &back, nil); err != nil || !bytes.Equal(back.Bytes(), data) {
				t.Errorf("%d bytes came back, %v", back.Len(), err)
			}
		})
	}
}

func TestUploadDir(t *testing.T) {
	client := user(t)
	folder := t.TempDir()
	files := map[string][]byte{"a.fq": noise(10), "b.fq": noise(20000), "空.txt": {}}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	uploaded, err := client.UploadDir(t.Context(), folder, nil)
	must(t, uploaded, err)
	for _, object := range uploaded {
		data, ok := files[path.Base(object.ObjectName)]
		if !ok || object.Size != int64(len(data)) || object.CRC64 != crcOf(data) {
			t.Errorf("uploaded: %+v", object)
		}
	}
	if len(uploaded) != len(files) {
		t.Errorf("%d objects", len(uploaded))
	}
}

func TestBatchUpload(t *testing.T) {
	client := user(t)
	one, two := written(t, "one.txt", []byte("1")), written(t, "two.txt", []byte("22"))
	uploaded, err := client.BatchUpload(t.Context(), []bge.FileToUpload{{Path: one}, {Path: two, Filename: "zwei.txt"}}, nil)
	must(t, uploaded, err)
	if len(uploaded) != 2 || path.Base(uploaded[0].ObjectName) != "one.txt" || path.Base(uploaded[1].ObjectName) != "zwei.txt" {
		t.Errorf("uploaded: %+v", uploaded)
	}

	// one of them fails, the others go on
	absent := filepath.Join(t.TempDir(), "absent.txt")
	_, err = client.BatchUpload(t.Context(), []bge.FileToUpload{{Path: absent}, {Path: two, Filename: "deux.txt"}}, nil)
	var e *bge.Error
	if !errors.As(err, &e) || !strings.Contains(string(e.Files), "deux.txt") || !strings.Contains(string(e.Files), "absent.txt") {
		t.Errorf("the error is %+v", e)
	}
	_, err = client.BatchUpload(t.Context(), []bge.FileToUpload{{Path: "a\xff"}}, nil)
	wantError(t, err, bge.ErrArgument)
}

func TestCancelATransfer(t *testing.T) {
	client := user(t)
	source := written(t, "never.bin", noise(2<<20))
	fault(t, map[string]any{"side": "store", "method": "PUT", "kind": "hang", "count": 0})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	at := time.Now()
	_, err := client.UploadFile(ctx, source, nil)
	if took := time.Since(at); took > 300*time.Millisecond+soon {
		t.Errorf("it took %v", took)
	}
	if wantError(t, err, bge.ErrCancelled); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	for _, object := range sandboxState(t).Objects {
		if strings.HasSuffix(object.Name, "never.bin") {
			t.Error("what was cancelled is there")
		}
	}
}
