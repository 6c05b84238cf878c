package bge

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2020-08-31T04:03:09+0000":   "2020-08-31T04:03:09Z",
		"1989-10-01T08:00:00+0800":   "1989-10-01T00:00:00Z",
		"2019-07-16T08:29:45Z":       "2019-07-16T08:29:45Z",
		"2021-04-01 10:11:00.123456": "2021-04-01T10:11:00.123456Z",
		"2021-04-01T10:11:00.5":      "2021-04-01T10:11:00.5Z",
		"2020-05-10":                 "2020-05-10T00:00:00Z",
		"1970-01":                    "1970-01-01T00:00:00Z",
	} {
		if at, err := Time(text); err != nil || at.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%s is %v (%v)", text, at, err)
		}
	}
	for _, text := range []string{"", "yesterday", "2020-13-01"} {
		if at, err := Time(text); err == nil {
			t.Errorf("%q is %v", text, at)
		}
	}
}

func TestTimesOfAnswers(t *testing.T) {
	at := func(at time.Time, err error) string {
		if err != nil {
			return err.Error()
		}
		return at.UTC().Format(time.RFC3339)
	}
	for i, c := range []struct{ got, want string }{
		{at(Sample{UpdateTime: "2020-08-31T04:03:09+0000"}.Updated()), "2020-08-31T04:03:09Z"},
		{at(Sample{SampleCollectionTime: "2020-08-31T04:03:09+0800"}.Collected()), "2020-08-30T20:03:09Z"},
		{at(StorageCredentials{Expiration: "2019-07-16T08:29:45Z"}.Expiry()), "2019-07-16T08:29:45Z"},
		{at(DownloadURL{Expires: "1563265785"}.Expiry()), "2019-07-16T08:29:45Z"},
		{at(ReportCollection{CreateTimestamp: "1563265785.75"}.Created()), "2019-07-16T08:29:45Z"},
		{at(ModelVersion{CreateTime: json.RawMessage(`"2019-07-16T08:29:45+0000"`)}.Created()), "2019-07-16T08:29:45Z"},
		{at(ModelVersion{CreateTime: json.RawMessage(`1563265785`)}.Created()), "2019-07-16T08:29:45Z"},
		{at(Token{ObtainedAt: "1563265785", ExpiresIn: "60"}.Expiry(), nil), "2019-07-16T08:30:45Z"},
	} {
		if c.got != c.want {
			t.Errorf("%d: %s, not %s", i, c.got, c.want)
		}
	}
	var stored Token // as a profile of the bge command has it
	if err := json.Unmarshal([]byte(`{"access_token":"a","expires_in":"60","obtained_at":"1563265785"}`), &stored); err != nil ||
		at(stored.Expiry(), nil) != "2019-07-16T08:30:45Z" {
		t.Errorf("%v (%v)", stored.Expiry(), err)
	}
	if !(Token{AccessToken: "a"}).Expiry().IsZero() {
		t.Error("a token of which nothing is known ends")
	}
	if _, err := (DownloadURL{Expires: "1e300"}).Expiry(); err == nil {
		t.Error("a time that no calendar has")
	}
}
