package bge

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"time"
)

// Time reads a time as the platform and the object store write it, such as 2020-08-31T04:03:09+0000,
// 2019-07-16T08:29:45Z or 2021-04-01 10:11:00.123456; one without a zone is taken as UTC.
func Time(text string) (time.Time, error) {
	for _, form := range [...]string{
		"2006-01-02T15:04:05Z0700", time.RFC3339, "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05Z07:00",
		"2006-01-02T15:04:05", time.DateTime, time.DateOnly, "2006-01", "2006",
	} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("bge: not a time as the platform writes it")
}

// epoch reads seconds since 1970, a part of one or more than there are included.
func epoch(seconds json.Number) (time.Time, error) {
	exact, ok := new(big.Float).SetString(string(seconds))
	if !ok {
		return time.Time{}, errors.New("bge: not a number of seconds")
	}
	value, _ := exact.Float64()
	if value < -1<<40 || value > 1<<40 {
		return time.Time{}, errors.New("bge: more seconds than a calendar has")
	}
	whole := math.Floor(value)
	return time.Unix(int64(whole), int64((value-whole)*1e9)).UTC(), nil
}

// Updated is UpdateTime as a time.
func (s Sample) Updated() (time.Time, error) { return Time(s.UpdateTime) }

// Collected is SampleCollectionTime as a time.
func (s Sample) Collected() (time.Time, error) { return Time(s.SampleCollectionTime) }

// Collected is SampleTime as a time.
func (s SampleInfo) Collected() (time.Time, error) { return Time(s.SampleTime) }

// Born is Birthday as a time.
func (u User) Born() (time.Time, error) { return Time(u.Birthday) }

// Updated is UpdateTime as a time.
func (s VariantSource) Updated() (time.Time, error) { return Time(s.UpdateTime) }

// Generated is StreamGenerateTime as a time; StreamGenerateTimeMask says which parts of it are known.
func (s StreamItem) Generated() (time.Time, error) { return Time(s.StreamGenerateTime) }

// Created is CreateTime as a time.
func (s StreamItem) Created() (time.Time, error) { return Time(s.CreateTime) }

// Created is CreateTimestamp as a time.
func (r ReportCollection) Created() (time.Time, error) { return epoch(r.CreateTimestamp) }

// Created is CreateTime as a time.
func (m ModelVersion) Created() (time.Time, error) {
	var text string
	if json.Unmarshal(m.CreateTime, &text) == nil {
		return Time(text)
	}
	return epoch(json.Number(m.CreateTime))
}

// Expiry is Expiration as a time.
func (s StorageCredentials) Expiry() (time.Time, error) { return Time(s.Expiration) }

// Expiry is Expires as a time.
func (d DownloadURL) Expiry() (time.Time, error) { return epoch(d.Expires) }

// Expiry is when the token ends, by this machine's clock: ObtainedAt and ExpiresIn together. It is the zero time when
// one of the two is not known.
func (t Token) Expiry() time.Time {
	obtained, err := epoch(t.ObtainedAt)
	lifetime, failure := epoch(t.ExpiresIn)
	if err != nil || failure != nil {
		return time.Time{}
	}
	return obtained.Add(lifetime.Sub(time.Unix(0, 0)))
}
