package bge

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"reflect"
	"runtime"
	"strings"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

// Page is one page of a list.
type Page[T any] struct {
	Result []T `json:"result"`
	// Count is what the platform says; whether of this page or in all it does not say, so nothing should depend on it.
	Count json.Number `json:"count"`
	// NextPage asks for the next page, as NextPage of the options; empty at the end.
	NextPage PageToken `json:"next_page"`
	Extra    Extra     `json:"-"`
	members  `json:"-"`
}

// check finds what would lose rows: a page without a list of objects, or with a next page that cannot be asked for.
func (p *Page[T]) check() error {
	if result, unfit := p.Extra["result"]; unfit {
		return badElement("result", result)
	}
	if p.Result == nil {
		return Misfit{Path: "result", Want: "a list"}
	}
	if next, unfit := p.Extra["next_page"]; unfit && !isNull(next) {
		return Misfit{Path: "next_page", Want: want(reflect.TypeFor[PageToken]()), Value: next}
	}
	return nil
}

func (p *Page[T]) UnmarshalJSON(object []byte) error { return unmarshal(object, p) }
func (p Page[T]) MarshalJSON() ([]byte, error)       { return marshal(p) }

// PageToken names a page of a list: a number or an opaque text, as the platform gave it. The zero value is the first
// page in options, and no page in answers.
type PageToken string

// UnmarshalJSON takes a string or a number.
func (t *PageToken) UnmarshalJSON(value []byte) error {
	var text string
	if strings.HasPrefix(string(value), `"`) {
		if err := json.Unmarshal(value, &text); err != nil {
			return err
		}
	} else {
		var number json.Number
		if err := json.Unmarshal(value, &number); err != nil {
			return err
		}
		text = number.String()
	}
	*t = PageToken(text)
	return nil
}

// Position is a place in a list: a page, and how many of its rows are behind. It is plain data, to be stored as JSON
// and taken up again by another process. The zero value is the start.
type Position struct {
	Page PageToken `json:"page,omitempty"`
	Row  int       `json:"row,omitempty"`
}

// Pager walks through a list page by page, with the next page fetched ahead. One goroutine at a time may use it.
type Pager[T any] struct {
	name   string
	open   func(ctx context.Context, from PageToken) error
	watch  *watch
	source *source
	id     uint64 // in events
	pages  *native.Pages
	how    CallOptions
	closed bool
	ended  bool

	text []byte    // a page that is still to be decoded
	page *Page[T]  // the page being handed over; its Result are the rows ahead
	next PageToken // the page after it
	pos  Position
}

// newPager makes a pager; nothing is checked or sent before its first page is asked for.
func newPager[T any](c *Client, name string, required args, opts any) *Pager[T] {
	p := &Pager[T]{name: name, watch: c.watch, source: c.source}
	p.open = func(ctx context.Context, from PageToken) error {
		defer runtime.KeepAlive(c)
		r, err := newRequest(name, required, opts)
		if err != nil {
			return err
		}
		delete(r.args, "next_page")
		if from != "" {
			if err := r.put("next_page", from); err != nil {
				return err
			}
		}
		if len(c.watch.told) > 0 {
			p.id = c.watch.last.Add(1)
		}
		// the deadline is each page's own, and those of their contexts are not known yet
		text, err := r.json(context.WithoutCancel(ctx), c.watch.switches(ctx, p.id))
		if err != nil {
			return err
		}
		pages, err := c.api.Pages(name, text)
		if err != nil {
			return failed(context.Background(), name, err)
		}
		p.pages, p.how, p.ended = pages, r.how, r.nothing
		return nil
	}
	if v := reflect.ValueOf(opts); !v.IsNil() {
		p.pos.Page = v.Elem().FieldByName("NextPage").Interface().(PageToken)
	}
	return p
}

// Resume goes to a position that Position gave, of a pager with the same arguments. After the first page has been asked
// for it is refused: ErrArgument.
func (p *Pager[T]) Resume(at Position) error {
	switch {
	case p.closed:
		return failed(context.Background(), p.name, native.ErrClosed)
	case p.pages != nil:
		return argument(p.name, "the walk has begun: Resume comes before anything else")
	case at.Row < 0:
		return argument(p.name, "the position's row must not be negative, and is %d", at.Row)
	}
	p.pos = at
	return nil
}

// Position is where the walk is: after the last row that was handed over.
func (p *Pager[T]) Position() Position { return p.pos }

// Next gives the next page, or what Rows has left of it; io.EOF when there is none. After another error the same page
// can be asked for again: nothing is skipped or doubled.
func (p *Pager[T]) Next(ctx context.Context) (*Page[T], error) {
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	page := *p.page
	p.page.Result = nil
	p.pass(len(page.Result))
	return &page, nil
}

// Rows gives the rows that are left, one by one, over all pages. An error ends it, and is given once; a later Rows goes
// on after the last row handed over, as does one after a break. The pager stays open: Close it in the end.
func (p *Pager[T]) Rows(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			err := p.ready(ctx)
			if err == io.EOF {
				return
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			row := p.page.Result[0]
			p.page.Result = p.page.Result[1:]
			p.pass(1)
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Close ends the walk. It may be called any number of times, and uses no network.
func (p *Pager[T]) Close() error {
	p.closed = true
	if p.pages != nil {
		p.pages.Close()
	}
	runtime.KeepAlive(p)
	return nil
}

// ready sees to it that there is a row to hand over.
func (p *Pager[T]) ready(ctx context.Context) error {
	for {
		switch {
		case ctx == nil:
			return alive(ctx, p.name)
		case p.closed:
			return failed(ctx, p.name, native.ErrClosed)
		case p.page != nil && len(p.page.Result) > 0:
			return nil
		case p.ended:
			return io.EOF
		}
		if err := p.fetch(ctx); err != nil {
			return err
		}
	}
}

func (p *Pager[T]) fetch(ctx context.Context) error {
	if err := alive(ctx, p.name); err != nil {
		return err
	}
	if p.pages == nil {
		p.next = p.pos.Page
		if err := p.open(ctx, p.next); err != nil {
			return err
		}
		runtime.AddCleanup(p, (*native.Pages).Close, p.pages)
		if p.ended {
			return nil
		}
	}
	defer runtime.KeepAlive(p)
	if p.text == nil {
		span := p.watch.begin(ctx, p.name, p.id)
		text, err := p.source.authorized(ctx, p.name, func() ([]byte, error) {
			text, err := p.pages.Next(ctx, p.how.Progress)
			return text, failed(ctx, p.name, err)
		})
		span.end(err)
		if err != nil {
			return err
		}
		p.text = text
	}
	if isNull(p.text) {
		p.ended = true
		return nil
	}
	page, err := decode[Page[T]](p.name, p.text, p.how.StrictTypes)
	if err != nil {
		return err
	}
	p.text = nil
	if p.pos.Page != p.next {
		p.pos = Position{Page: p.next}
	}
	// rows that are behind already, after Resume
	p.pos.Row = min(p.pos.Row, len(page.Result))
	page.Result = page.Result[p.pos.Row:]
	p.page, p.next = &page, page.NextPage
	return nil
}

// pass marks so many rows as handed over.
func (p *Pager[T]) pass(rows int) {
	p.pos.Row += rows
	if len(p.page.Result) == 0 && p.next != "" {
		p.pos = Position{Page: p.next}
	}
}

// all walks through a whole list with a pager of its own.
func all[T any](ctx context.Context, open func() *Pager[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		p := open()
		defer p.Close()
		for row, err := range p.Rows(ctx) {
			if !yield(row, err) {
				return
			}
		}
	}
}
