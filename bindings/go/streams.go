package bge

import (
	"context"
	"encoding/json"
	"iter"
)

// StreamItem is one value of a data stream.
type StreamItem struct {
	StreamID               string          `json:"stream_id"`
	DataElement            DataElement     `json:"data_element"`
	StreamGenerateTime     string          `json:"stream_generate_time"`      // such as 1986-01-01T00:00:00+0800
	StreamGenerateTimeMask string          `json:"stream_generate_time_mask"` // which parts of the time are known
	CreateTime             string          `json:"create_time"`
	StreamMeta             StreamMeta      `json:"stream_meta"`
	StreamData             json.RawMessage `json:"stream_data"` // the values, as written
	Extra                  Extra           `json:"-"`
	members                `json:"-"`
}

func (s *StreamItem) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s StreamItem) MarshalJSON() ([]byte, error)       { return marshal(s) }

// DataElement is what a value is a value of.
type DataElement struct {
	ID          string `json:"data_element_id"`
	Name        string `json:"data_element_name"`
	Description string `json:"data_element_description"`
	Extra       Extra  `json:"-"`
	members     `json:"-"`
}

func (d *DataElement) UnmarshalJSON(object []byte) error { return unmarshal(object, d) }
func (d DataElement) MarshalJSON() ([]byte, error)       { return marshal(d) }

// StreamMeta says whose a value is.
type StreamMeta struct {
	UserEntityID string `json:"user_entity_id"`
	Namespace    string `json:"namespace"`
	Extra        Extra  `json:"-"`
	members      `json:"-"`
}

func (s *StreamMeta) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s StreamMeta) MarshalJSON() ([]byte, error)       { return marshal(s) }

// WrittenPhenotype is what WritePhenotype gives.
type WrittenPhenotype struct {
	StreamID string `json:"stream_id"`
	Extra    Extra  `json:"-"`
	members  `json:"-"`
}

func (w *WrittenPhenotype) UnmarshalJSON(object []byte) error { return unmarshal(object, w) }
func (w WrittenPhenotype) MarshalJSON() ([]byte, error)       { return marshal(w) }

// DataItem is a data item of a biosample.
type DataItem struct {
	Namespace   string          `json:"namespace"`
	BiosampleID string          `json:"biosample_id"`
	DataElement DataElement     `json:"data_element"`
	Value       json.RawMessage `json:"value"` // as written
	Unit        string          `json:"unit"`
	Extra       Extra           `json:"-"`
	members     `json:"-"`
}

func (d *DataItem) UnmarshalJSON(object []byte) error { return unmarshal(object, d) }
func (d DataItem) MarshalJSON() ([]byte, error)       { return marshal(d) }

// RangeStreamOptions choose among a data element's values.
type RangeStreamOptions struct {
	BiosampleID   string    `json:"biosample_id"`   // client-credentials tokens need it
	StartTime     string    `json:"start_time"`     // such as 1970-01
	EndTime       string    `json:"end_time"`       // such as 2021-04-01 10:11:00.123456
	SortDirection string    `json:"sort_direction"` // asc or desc; desc on the platform
	NextPage      PageToken `json:"next_page"`
	Limit         int       `json:"limit"` // rows of a page, 100 unless given

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// AggregateOmicsDataOptions are those of AggregateOmicsData.
type AggregateOmicsDataOptions struct {
	EndTime     string `json:"end_time"`
	BiosampleID string `json:"biosample_id"`
	Interval    int    `json:"interval"` // time dimensions of one period, 1 unless given
	Periods     int    `json:"periods"`  // number of periods, at most 100, 100 unless given

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// WritePhenotypeOptions are those of WritePhenotype.
type WritePhenotypeOptions struct {
	DuplicateEnabled bool `json:"duplicate_enabled"` // allow the same values once more

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// DataItemsOptions take at most one of CollectionID and DataElementIDs.
type DataItemsOptions struct {
	CollectionID   string    `json:"collection_id"`
	DataElementIDs []string  `json:"data_element_ids"` // at most 100
	NextPage       PageToken `json:"next_page"`

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// RangeStream gives one page of a data element's values over a time range.
func (c *Client) RangeStream(ctx context.Context, dataElementID string, opts *RangeStreamOptions) (*Page[StreamItem], error) {
	return callFor[Page[StreamItem]](ctx, c, "get_range_stream", args{"data_element_id": dataElementID}, opts)
}

// AllRangeStream walks through all pages of RangeStream.
func (c *Client) AllRangeStream(ctx context.Context, dataElementID string, opts *RangeStreamOptions) iter.Seq2[StreamItem, error] {
	return all(ctx, func() *Pager[StreamItem] { return c.RangeStreamPager(dataElementID, opts) })
}

// RangeStreamPager walks through RangeStream page by page.
func (c *Client) RangeStreamPager(dataElementID string, opts *RangeStreamOptions) *Pager[StreamItem] {
	return newPager[StreamItem](c, "get_range_stream", args{"data_element_id": dataElementID}, opts)
}

// AggregateOmicsData gives a data element's values by period. timeDimension is year, quarter, month, week, day, minute
// or second.
func (c *Client) AggregateOmicsData(ctx context.Context, dataElementID, timeDimension, startTime string, opts *AggregateOmicsDataOptions) (json.RawMessage, error) {
	required := args{"data_element_id": dataElementID, "time_dimension": timeDimension, "start_time": startTime}
	return rawCall(ctx, c, "aggregate_omics_data", required, opts)
}

// WritePhenotype writes a phenotype of a biosample. streamGenerateTime is such as 2021-03-02T10:00:00Z; streamData is
// what encoding/json makes an object of. For client-credentials tokens.
func (c *Client) WritePhenotype(ctx context.Context, biosampleID, dataElementID, streamGenerateTime string, streamData any, opts *WritePhenotypeOptions) (*WrittenPhenotype, error) {
	required := args{
		"biosample_id": biosampleID, "data_element_id": dataElementID,
		"stream_generate_time": streamGenerateTime, "stream_data": streamData,
	}
	return callFor[WrittenPhenotype](ctx, c, "write_phenotype", required, opts)
}

// DataItems gives one page of the data items of a biosample.
func (c *Client) DataItems(ctx context.Context, namespace, biosampleID string, opts *DataItemsOptions) (*Page[DataItem], error) {
	return callFor[Page[DataItem]](ctx, c, "get_data_items", args{"namespace": namespace, "biosample_id": biosampleID}, opts)
}

// AllDataItems walks through all pages of DataItems.
func (c *Client) AllDataItems(ctx context.Context, namespace, biosampleID string, opts *DataItemsOptions) iter.Seq2[DataItem, error] {
	return all(ctx, func() *Pager[DataItem] { return c.DataItemsPager(namespace, biosampleID, opts) })
}

// DataItemsPager walks through DataItems page by page.
func (c *Client) DataItemsPager(namespace, biosampleID string, opts *DataItemsOptions) *Pager[DataItem] {
	return newPager[DataItem](c, "get_data_items", args{"namespace": namespace, "biosample_id": biosampleID}, opts)
}
