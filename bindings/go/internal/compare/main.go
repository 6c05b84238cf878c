// Command compare measures what a call costs beside net/http doing the same, by turns, in one run: the same request to
// the same sandbox, with the same number of connections, and the same answer read into a struct.
//
//	bge-sandbox run -- go run ./internal/compare
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

const connections = 32

// way is one of the two ways to make the call.
type way struct {
	call  func(context.Context) error
	times []time.Duration
	cpu   time.Duration
}

func main() {
	rounds := 8
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	if err := run(rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(rounds int) error {
	ctx := context.Background()
	client, err := bge.Open(ctx, bge.WithMaxConnections(connections))
	if err != nil {
		return err
	}
	defer client.Close()
	ours := func(ctx context.Context) error {
		user, err := client.User(ctx, nil)
		if err == nil && user.Username == "" {
			return fmt.Errorf("no user")
		}
		return err
	}
	fmt.Println("| callers | p50 | p99 | CPU of a call | net/http: p50 | p99 | CPU | ratios: p50 | p99 | CPU |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, callers := range []int{1, 16, 128} {
		ways := [2]way{{call: ours}, {call: theirs()}}
		for round := -1; round < rounds; round++ {
			for i := range ways {
				// who is first changes; the first round is for warming up
				if err := ways[(i+round&1)%2].measure(ctx, callers, 400*time.Millisecond, round >= 0); err != nil {
					return err
				}
			}
		}
		a, b := ways[0].told(), ways[1].told()
		fmt.Printf("| %d | %v | %v | %v | %v | %v | %v | %.2f | %.2f | %.2f |\n", callers, a[0], a[1], a[2], b[0], b[1], b[2],
			ratio(a[0], b[0]), ratio(a[1], b[1]), ratio(a[2], b[2]))
	}
	return nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// theirs is what a program does without the library.
func theirs() func(context.Context) error {
	transport := &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}
	client := &http.Client{Transport: transport, Timeout: 18 * time.Second}
	url, token := os.Getenv("BGE_ENDPOINT")+"/profile", "Bearer "+os.Getenv("BGE_ACCESS_TOKEN")
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", token)
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		var envelope struct {
			Code int             `json:"code"`
			Msg  string          `json:"msg"`
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(body, &envelope); err != nil {
			return err
		}
		if envelope.Code != 0 {
			return fmt.Errorf("code %d: %s", envelope.Code, envelope.Msg)
		}
		var user struct {
			UserID            string `json:"userId"`
			Username          string `json:"username"`
			Nickname          string `json:"nickname"`
			Sex               int    `json:"sex"`
			Birthday          string `json:"birthday"`
			Email             string `json:"email"`
			Phone             string `json:"phone"`
			UserAddress       string `json:"userAddress"`
			Avatar            string `json:"avatar"`
			PersonnelInfoCode string `json:"personnelInfoCode"`
		}
		if err := json.Unmarshal(envelope.Data, &user); err != nil {
			return err
		}
		if user.Username == "" {
			return fmt.Errorf("no user")
		}
		return nil
	}
}

func (w *way) measure(ctx context.Context, callers int, length time.Duration, counts bool) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var failure error
	before, until := cpu(), time.Now().Add(length)
	for range callers {
		group.Add(1)
		go func() {
			defer group.Done()
			var times []time.Duration
			for {
				at := time.Now()
				if at.After(until) {
					break
				}
				if err := w.call(ctx); err != nil {
					mu.Lock()
					failure = err
					mu.Unlock()
					return
				}
				times = append(times, time.Since(at))
			}
			if counts {
				mu.Lock()
				w.times = append(w.times, times...)
				mu.Unlock()
			}
		}()
	}
	group.Wait()
	if counts {
		w.cpu += cpu() - before
	}
	return failure
}

// told gives the median, the 99th percentile, and the CPU of one call.
func (w *way) told() [3]time.Duration {
	slices.Sort(w.times)
	n := len(w.times)
	told := [3]time.Duration{w.times[n/2], w.times[n*99/100], w.cpu / time.Duration(n)}
	for i := range told {
		told[i] = told[i].Round(100 * time.Nanosecond)
	}
	return told
}

// cpu is what this process has used, in all its threads.
func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
