package bge_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// exists says whether the store has an object whose name ends with name.
func exists(t testing.TB, name string) bool {
	t.Helper()
	for _, object := range sandboxState(t).Objects {
		if path.Base(object.Name) == name {
			return true
		}
	}
	return false
}

// stored uploads content, and gives the object's name.
func stored(t testing.TB, client *bge.Client, name string, data []byte) string {
	t.Helper()
	uploaded, err := client.Upload(t.Context(), name, bytes.NewReader(data), nil)
	return must(t, uploaded, err).ObjectName
}

func TestStreamUploadThenDownload(t *testing.T) {
	client := user(t)
	for name, data := range map[string][]byte{"nothing.bin": {}, "check.txt": []byte("123456789"), "large.bin": noise(5<<20 + 1)} {
		var told, total int64
		uploaded, err := client.Upload(t.Context(), name, iotest.HalfReader(bytes.NewReader(data)), &bge.UploadOptions{
			Call: bge.CallOptions{Progress: func(done, _ int64) { told = done }},
		})
		must(t, uploaded, err)
		if uploaded.Size != int64(len(data)) || uploaded.CRC64 != crcOf(data) || !uploaded.Verified || path.Base(uploaded.ObjectName) != name || told != int64(len(data)) {
			t.Errorf("uploaded %d bytes, progress %d: %+v", len(data), told, uploaded)
		}
		var back bytes.Buffer
		n, err := client.Download(t.Context(), uploaded.ObjectName, &back, &bge.DownloadOptions{
			Call: bge.CallOptions{Progress: func(done, _ int64) { total = done }},
		})
		if must(t, n, err) != int64(len(data)) || !bytes.Equal(back.Bytes(), data) || total != n {
			t.Errorf("%s: %d bytes came back, progress %d", name, n, total)
		}
	}
	if crcOf([]byte("123456789")) != "11051210869376104954" { // the check value of CRC-64/XZ
		t.Error("the test has another checksum than the store")
	}
}

func TestStreamReader(t *testing.T) {
	client := user(t)
	data := noise(300001)
	object := stored(t, client, "read.bin", data)
	r, err := client.OpenReader(t.Context(), object, nil)
	must(t, r, err)
	if err := iotest.TestReader(r, data); err != nil {
		t.Error(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
	r.Close()

	// a part with Read, the rest with WriteTo
	r, err = client.OpenReader(t.Context(), object, nil)
	must(t, r, err)
	head := make([]byte, 1000)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	n, err := io.Copy(&rest, r)
	if must(t, n, err) != int64(len(data)-1000) || !bytes.Equal(append(head, rest.Bytes()...), data) {
		t.Errorf("%d bytes after the first 1000", n)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err = r.Read(head)
	wantError(t, err, bge.ErrClosed)

	r, err = client.OpenReader(t.Context(), "no/such/object", nil)
	must(t, r, err)
	defer r.Close()
	for range 2 {
		_, err = r.Read(head)
		if e := wantError(t, err, bge.ErrStorage); e.StorageCode != "NoSuchKey" {
			t.Errorf("the error is %+v", e)
		}
	}
	_, err = client.OpenReader(t.Context(), "a\x00b", nil)
	wantError(t, err, bge.ErrArgument)
}

// What is not what was stored never ends with io.EOF.
func TestStreamReaderVerifies(t *testing.T) {
	client := user(t, bge.WithMaxRetries(0))
	object := stored(t, client, "verified.bin", noise(100000))
	fault(t, map[string]any{"side": "store", "method": "GET", "kind": "corrupt", "count": 0})
	n, err := client.Download(t.Context(), object, io.Discard, nil)
	wantError(t, err, bge.ErrIntegrity)
	if n > 100000 {
		t.Errorf("%d bytes", n)
	}
}

func TestStreamWriterCommitsOnlyByClose(t *testing.T) {
	client := user(t)
	name := fresh("committed.txt")
	w, err := client.OpenWriter(t.Context(), name, nil)
	must(t, w, err)
	if n, err := io.WriteString(w, "123456789"); n != 9 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := w.Write(nil); n != 0 || err != nil {
		t.Error(n, err)
	}
	if exists(t, name) || w.Uploaded() != nil {
		t.Error("it is there before Close")
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if w.Abort() != nil || !exists(t, name) || w.Uploaded().CRC64 != "11051210869376104954" {
		t.Errorf("after Close: %+v", w.Uploaded())
	}
	_, err = w.Write([]byte("x"))
	wantError(t, err, bge.ErrClosed)

	w, err = client.OpenWriter(t.Context(), "aborted.txt", nil)
	must(t, w, err)
	w.Write([]byte("x"))
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	wantError(t, w.Close(), bge.ErrClosed) // nothing was committed, and Close does not say so
	_, err = w.Write([]byte("x"))
	wantError(t, err, bge.ErrClosed)
	if exists(t, "aborted.txt") {
		t.Error("what was aborted is there")
	}
	_, err = client.OpenWriter(t.Context(), "a/b", nil)
	wantError(t, err, bge.ErrArgument)
}

func TestStreamWriterFails(t *testing.T) {
	client := user(t, bge.WithMaxRetries(0))
	fault(t, map[string]any{"side": "store", "kind": "status", "status": 403, "count": 0,
		"xml": map[string]any{"code": "AccessDenied", "message": "no"}})
	_, err := client.Upload(t.Context(), "refused.bin", bytes.NewReader(noise(1000)), nil)
	if e := wantError(t, err, bge.ErrStorage); e.StorageCode != "AccessDenied" {
		t.Errorf("the error is %+v", e)
	}
	if exists(t, "refused.bin") {
		t.Error("what failed is there")
	}
}

func TestStreamUploadOfAReaderThatFails(t *testing.T) {
	client := user(t)
	mine := errors.New("the disk is gone")
	_, err := client.Upload(t.Context(), "half.bin", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(mine)), nil)
	if wantError(t, err, bge.ErrIO); !errors.Is(err, mine) {
		t.Errorf("the error is %v", err)
	}
	if exists(t, "half.bin") {
		t.Error("half of it is there")
	}

	object := stored(t, client, "whole.bin", noise(1000))
	_, err = client.Download(t.Context(), object, brokenWriter{mine}, nil)
	if wantError(t, err, bge.ErrIO); !errors.Is(err, mine) {
		t.Errorf("the error is %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestStreamCancelled(t *testing.T) {
	client := user(t)
	object := stored(t, client, "slow.bin", noise(1<<20))
	fault(t, map[string]any{"side": "store", "method": "GET", "kind": "delay_body", "ms": 20000, "count": 0})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	at := time.Now()
	_, err := client.Download(ctx, object, io.Discard, nil)
	if took := time.Since(at); took > 200*time.Millisecond+soon {
		t.Errorf("it took %v", took)
	}
	if wantError(t, err, bge.ErrCancelled); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}

	// Close ends a Read under way
	r, err := client.OpenReader(t.Context(), object, nil)
	must(t, r, err)
	time.AfterFunc(100*time.Millisecond, func() { r.Close() })
	at = time.Now()
	_, err = io.Copy(io.Discard, r)
	if took := time.Since(at); took > 100*time.Millisecond+soon {
		t.Errorf("it took %v", took)
	}
	wantError(t, err, bge.ErrClosed)

	// a writer whose context has ended commits nothing
	ctx, stop := context.WithCancel(t.Context())
	w, err := client.OpenWriter(ctx, "cancelled.txt", nil)
	must(t, w, err)
	w.Write([]byte("x"))
	stop()
	if err := w.Close(); !errors.Is(err, context.Canceled) || !errors.Is(err, bge.ErrCancelled) {
		t.Errorf("Close gives %v", err)
	}
	if exists(t, "cancelled.txt") {
		t.Error("what was cancelled is there")
	}
}

// From one object to another, without the whole in memory.
func TestStreamFromObjectToObject(t *testing.T) {
	client := user(t)
	data := noise(2<<20 + 3)
	r, err := client.OpenReader(t.Context(), stored(t, client, "from.bin", data), nil)
	must(t, r, err)
	defer r.Close()
	uploaded, err := client.Upload(t.Context(), "to.bin", r, nil)
	if must(t, uploaded, err); uploaded.CRC64 != crcOf(data) {
		t.Errorf("uploaded: %+v", uploaded)
	}
}

func TestConcurrentStreams(t *testing.T) {
	client := user(t)
	data := noise(200000)
	object := stored(t, client, "shared.bin", data)
	var group sync.WaitGroup
	for range 40 {
		spawn(&group, func() {
			var back bytes.Buffer
			if _, err := client.Download(t.Context(), object, &back, nil); err != nil || !bytes.Equal(back.Bytes(), data) {
				t.Errorf("%d bytes, %v", back.Len(), err)
			}
		})
	}
	group.Wait()
}

// Readers and writers that nobody closes are freed; a writer's object does not appear.
func TestLifetimeStreams(t *testing.T) {
	client := user(t)
	object := stored(t, client, "kept.bin", noise(100000))
	for range times(20, 200) {
		r, err := client.OpenReader(t.Context(), object, nil)
		must(t, r, err)
		w, err := client.OpenWriter(t.Context(), "lost.bin", nil)
		must(t, w, err)
		if _, err := io.CopyN(w, r, 1000); err != nil {
			t.Error(err)
		}
		runtime.GC()
	}
	waitFor(t, func() bool {
		runtime.GC()
		return sandboxState(t).Connections["store"].Open <= 32
	})
	if exists(t, "lost.bin") {
		t.Error("what was lost is there")
	}
}

func TestStreamUploadOfAFileTellsItsTotal(t *testing.T) {
	client := user(t)
	file, err := os.Open(written(t, "a", noise(1000)))
	must(t, file, err)
	defer file.Close()
	if _, err := file.Seek(100, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var done, total int64
	uploaded, err := client.Upload(t.Context(), "rest.bin", file, &bge.UploadOptions{
		Call: bge.CallOptions{Progress: func(d, t int64) { done, total = d, t }},
	})
	if must(t, uploaded, err); uploaded.Size != 900 || done != 900 || total != 900 {
		t.Errorf("%d of %d bytes: %+v", done, total, uploaded)
	}
}
