package bge_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// object uploads bytes, and gives the object's name.
func object(t testing.TB, client *bge.Client, data []byte) string {
	t.Helper()
	return stored(t, client, fresh("object")+".bin", data)
}

// An archive of many files is read with few requests.
func TestReadAtOfAnArchive(t *testing.T) {
	client := user(t)
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for i := range 200 {
		entry, err := archive.Create(fmt.Sprintf("%d.txt", i))
		must(t, entry, err)
		entry.Write(noise(3000))
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	name := object(t, client, packed.Bytes())
	r, err := client.OpenReader(t.Context(), name, nil)
	must(t, r, err)
	defer r.Close()
	clearLog(t)
	unpacked, err := zip.NewReader(r, int64(packed.Len()))
	must(t, unpacked, err)
	for _, file := range unpacked.File {
		content, err := file.Open()
		must(t, content, err)
		if got, err := io.ReadAll(content); err != nil || !bytes.Equal(got, noise(3000)) {
			t.Fatalf("%s: %d bytes, %v", file.Name, len(got), err)
		}
		content.Close()
	}
	if n := len(sent(t, "/oss/sign_url")); n == 0 || n > 10 {
		t.Errorf("%d addresses for %d bytes", n, packed.Len())
	}
}

// Every offset and length, at the edges of blocks and of the object.
func TestReadAtAnywhere(t *testing.T) {
	client := user(t)
	const block = 256 << 10
	data := noise(3*block + 1000)
	r, err := client.OpenReader(t.Context(), object(t, client, data), nil)
	must(t, r, err)
	defer r.Close()
	var group sync.WaitGroup
	for _, off := range []int{0, 1, block - 1, block, 2*block + 7, 3 * block, len(data) - 1, len(data), len(data) + 1, 5 * block} {
		for _, length := range []int{0, 1, 1000, block, block + 1, len(data), len(data) + 1} {
			spawn(&group, func() {
				p := make([]byte, length)
				n, err := r.ReadAt(p, int64(off))
				want := data[min(off, len(data)):min(off+length, len(data))]
				if !bytes.Equal(p[:n], want) || (err == nil) != (n == length) || err != nil && err != io.EOF {
					t.Errorf("%d bytes at %d: %d, %v", length, off, n, err)
				}
			})
		}
	}
	group.Wait()
	if _, err := r.ReadAt(make([]byte, 1), -1); !errors.Is(err, bge.ErrArgument) {
		t.Errorf("before the beginning: %v", err)
	}
	// Read stands where it stood
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestReadAtEnds(t *testing.T) {
	client := user(t)
	name := object(t, client, noise(1000))
	r, err := client.OpenReader(t.Context(), name, nil)
	must(t, r, err)
	client.Close() // what was made of it works on
	p := make([]byte, 10)
	if n, err := r.ReadAt(p, 0); n != 10 || err != nil {
		t.Errorf("after the client's Close: %d, %v", n, err)
	}
	r.Close()
	_, err = r.ReadAt(p, 0)
	wantError(t, err, bge.ErrClosed)

	// one that waits for a silent platform
	client = user(t)
	fault(t, map[string]any{"path": "/oss/sign_url", "kind": "hang", "count": 0})
	for _, end := range []string{"close", "context"} {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := client.OpenReader(ctx, name, nil)
		must(t, r, err)
		clearLog(t)
		ended := make(chan error, 1)
		go func() {
			_, err := r.ReadAt(p, 0)
			ended <- err
		}()
		waitForRequests(t, "/oss/sign_url", 1)
		at := time.Now()
		kind := bge.ErrClosed
		if end == "close" {
			r.Close()
		} else {
			cancel()
			kind = bge.ErrCancelled
		}
		wantError(t, <-ended, kind)
		if took := time.Since(at); took > soon {
			t.Errorf("%s: it took %v", end, took)
		}
		cancel()
		r.Close()
	}
}

// Readers of one client that wait do not keep another client's from reading, nor its calls; and who waits for a turn
// waits no longer than its deadline and its context.
func TestReadersOfOneClientAreItsOwn(t *testing.T) {
	stalled, free := user(t, bge.WithMaxStreams(2)), user(t)
	name := object(t, free, noise(1000))
	fault(t, map[string]any{"path": "/oss/sign_url", "kind": "hang", "count": 1}) // one address is for all readers of an object
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	clearLog(t)
	for range 2 {
		r, err := stalled.OpenReader(ctx, name, nil)
		must(t, r, err)
		defer r.Close()
		spawn(&group, func() {
			_, err := r.Read(make([]byte, 1))
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	waitForRequests(t, "/oss/sign_url", 1)
	time.Sleep(50 * time.Millisecond) // the other one waits for it, too
	if n, err := free.Download(t.Context(), name, io.Discard, nil); n != 1000 || err != nil {
		t.Errorf("another client reads %d bytes: %v", n, err)
	}
	if _, err := stalled.User(t.Context(), nil); err != nil {
		t.Errorf("the client's calls: %v", err)
	}
	at := time.Now()
	_, err := stalled.Download(t.Context(), name, io.Discard, &bge.DownloadOptions{Call: bge.CallOptions{Deadline: 50 * time.Millisecond}})
	if wantError(t, err, bge.ErrTimeout); time.Since(at) > 5*time.Second {
		t.Errorf("it waited for %v", time.Since(at))
	}
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	_, err = stalled.Download(short, name, io.Discard, nil)
	if wantError(t, err, bge.ErrCancelled); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	_, err = stalled.OpenReader(t.Context(), "\xff", nil) // a bad argument waits for nobody
	wantError(t, err, bge.ErrArgument)
	cancel()
	group.Wait()
}

// A progress func may end the stream that it is told of.
func TestProgressMayEndItsStream(t *testing.T) {
	client := user(t)
	var w *bge.Writer
	w, err := client.OpenWriter(t.Context(), fresh("aborted"), &bge.WriterOptions{Call: bge.CallOptions{
		Progress: func(done, _ int64) {
			if w.Uploaded() == nil && done >= 2000 {
				w.Abort()
			}
		},
	}})
	must(t, w, err)
	for range 2 {
		if _, err := w.Write(noise(1000)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.Write(noise(1000))
	wantError(t, err, bge.ErrClosed)
	wantError(t, w.Close(), bge.ErrClosed)

	name := object(t, client, noise(500_000))
	var r *bge.Reader
	r, err = client.OpenReader(t.Context(), name, &bge.DownloadOptions{Call: bge.CallOptions{
		Progress: func(done, _ int64) { r.Close() },
	}})
	must(t, r, err)
	_, err = io.Copy(io.Discard, r)
	wantError(t, err, bge.ErrClosed)
}

// Calls under way need no descriptors of their own.
func TestCallsNeedNoDescriptors(t *testing.T) {
	client := user(t, bge.WithMaxConnections(4))
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		return len(must(t, entries, err))
	}
	if err := client.Alive(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := descriptors()
	call := hanging(t)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 400 {
		spawn(&group, func() {
			if err := call(ctx, client); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	waitForRequests(t, "/variants", 4)
	// the connections of the client, those of the test's own orders, and no more
	if after := descriptors(); after > before+20 {
		t.Errorf("%d descriptors before, %d with 400 calls under way", before, after)
	}
	cancel()
	group.Wait()
}

func TestObject(t *testing.T) {
	client := user(t)
	data := noise(700_000)
	name := stored(t, client, fresh("object")+".bin", data)
	var r *bge.Reader
	var dones, totals []int64
	r, err := client.Object(t.Context(), name, &bge.DownloadOptions{Call: bge.CallOptions{Progress: func(done, total int64) {
		if size, err := r.Size(); err != nil || size != total {
			t.Errorf("%d of %d: %v", total, size, err)
		}
		dones, totals = append(dones, done), append(totals, total)
	}}})
	must(t, r, err)
	defer r.Close()
	if size, err := r.Size(); err != nil || size != int64(len(data)) {
		t.Errorf("%d bytes: %v", size, err)
	}
	for _, c := range []struct {
		offset int64
		whence int
		at     int64
	}{{600_000, io.SeekStart, 600_000}, {10, io.SeekStart, 10}, {90, io.SeekCurrent, 200}, {-50, io.SeekEnd, 699_950}, {0, io.SeekStart, 0}} {
		at, err := r.Seek(c.offset, c.whence)
		if err != nil || at != c.at {
			t.Fatalf("%+v: at %d, %v", c, at, err)
		}
		p := make([]byte, 100)
		n, err := io.ReadFull(r, p)
		if want := data[at:min(at+100, int64(len(data)))]; !bytes.Equal(p[:n], want) {
			t.Errorf("%+v: %d bytes, %v", c, n, err)
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); !errors.Is(err, bge.ErrArgument) {
		t.Errorf("before the beginning: %v", err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes: %v", len(got), err)
	}
	if dones[len(dones)-1] != int64(len(data)) || totals[0] != int64(len(data)) {
		t.Errorf("progress: %v of %v", dones, totals)
	}
	_, err = client.Object(t.Context(), name+".none", nil)
	if wantError(t, err, bge.ErrStorage); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
