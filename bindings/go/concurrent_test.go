package bge_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// 500 goroutines on one client, against a platform that takes its time: all are answered, and none holds a thread.
func TestConcurrent500Goroutines(t *testing.T) {
	client := user(t)
	options(t, map[string]any{"latency": 20})
	before := threads(t)
	most := before
	watching := make(chan struct{})
	var watcher sync.WaitGroup
	spawn(&watcher, func() {
		for {
			select {
			case <-watching:
				return
			case <-time.After(2 * time.Millisecond):
				most = max(most, threads(t))
			}
		}
	})
	samples, err := client.Samples(t.Context(), &bge.SamplesOptions{Limit: 60})
	must(t, samples, err)
	var group sync.WaitGroup
	for n := range 500 {
		spawn(&group, func() {
			for range times(2, 20) {
				want := samples.Result[n%len(samples.Result)].BiosampleID
				sample, err := client.Sample(t.Context(), want, nil)
				if err != nil || sample.BiosampleID != want {
					t.Errorf("%v, %v", sample, err)
				}
			}
		})
	}
	group.Wait()
	close(watching)
	watcher.Wait()
	// the client's own are 16 at most, the runtime's few; calls would hold 500
	t.Logf("%d threads before, %d at most", before, most)
	if most > before+40 {
		t.Error("calls hold threads")
	}
}

func TestConcurrentPagers(t *testing.T) {
	client := user(t)
	var group sync.WaitGroup
	for range 20 {
		spawn(&group, func() {
			if n := len(ids(t, client.AllSamples(t.Context(), &bge.SamplesOptions{Limit: 9}))); n != 60 {
				t.Errorf("%d samples", n)
			}
		})
	}
	group.Wait()
}

// A token that runs out under many goroutines is renewed once.
func TestConcurrentRenewal(t *testing.T) {
	client := application(t)
	token, err := client.Token(t.Context())
	must(t, token, err)
	expire := map[string]any{"what": "access_tokens", "token": token.AccessToken}
	if err := box.Control("POST", "expire", expire, nil); err != nil {
		t.Fatal(err)
	}
	clearLog(t)
	var group sync.WaitGroup
	failures := make(chan error, 100)
	for range 100 {
		spawn(&group, func() {
			_, err := client.Samples(t.Context(), &bge.SamplesOptions{Limit: 1})
			failures <- err
		})
	}
	group.Wait()
	for range 100 {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	if n := len(sent(t, "/oauth2/access_token")); n != 1 {
		t.Error(fmt.Sprint(n, " renewals"))
	}
}
