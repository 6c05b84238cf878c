package bge

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

const (
	blockSize = 256 << 10 // of what ReadAt asks for at least
	mostKept  = 32        // blocks that a Reader remembers: 8 MiB
)

// blocks are the parts of an object that ReadAt has fetched, the last used at the end.
type blocks struct {
	open func(ctx context.Context, off, length int64) (*native.Reader, error)

	mu     sync.Mutex
	closed bool
	parts  map[*native.Reader]bool // under way
	kept   []*block
}

// block is a part of an object; a short one is its end.
type block struct {
	number int64
	bytes  []byte
}

// readAt is io.ReaderAt: what is not kept comes by one request for all that is missing in a row.
func (b *blocks) readAt(ctx context.Context, p []byte, off int64) (int, error) {
	read := 0
	for read < len(p) {
		number := (off + int64(read)) / blockSize
		found := b.get(number)
		if found == nil {
			last := (off + int64(len(p)) - 1) / blockSize
			var err error
			if found, err = b.fetch(ctx, number, last); err != nil {
				return read, err
			}
		}
		within := off + int64(read) - number*blockSize
		if within >= int64(len(found.bytes)) {
			return read, io.EOF
		}
		read += copy(p[read:], found.bytes[within:])
	}
	return read, nil
}

func (b *blocks) get(number int64) *block {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.kept, func(kept *block) bool { return kept.number == number })
	if at < 0 {
		return nil
	}
	found := b.kept[at]
	b.kept = append(slices.Delete(b.kept, at, at+1), found)
	return found
}

// fetch gets blocks from first on, up to last or the next that is kept, and gives the first.
func (b *blocks) fetch(ctx context.Context, first, last int64) (*block, error) {
	b.mu.Lock()
	for number := first + 1; number <= last; number++ {
		if slices.ContainsFunc(b.kept, func(kept *block) bool { return kept.number == number }) {
			last = number - 1
		}
	}
	b.mu.Unlock()
	last = min(last, first+mostKept/2-1) // a long read takes several rounds
	part, err := b.open(ctx, first*blockSize, (last-first+1)*blockSize)
	if err != nil {
		return nil, err
	}
	if !b.begin(part) {
		part.Close()
		return nil, native.ErrClosed
	}
	defer b.end(part)
	stop := context.AfterFunc(ctx, part.Cancel)
	defer stop()
	var found *block
	for number := first; number <= last; number++ {
		bytes := make([]byte, blockSize)
		n := 0
		for n < blockSize {
			more, err := part.Read(ctx, bytes[n:])
			if err != nil {
				return nil, b.cause(err)
			}
			if more == 0 {
				break
			}
			n += more
		}
		fetched := &block{number, bytes[:n:n]}
		b.keep(fetched)
		if found == nil {
			found = fetched
		}
		if n < blockSize {
			break
		}
	}
	return found, nil
}

func (b *blocks) keep(fetched *block) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = slices.DeleteFunc(b.kept, func(kept *block) bool { return kept.number == fetched.number })
	if b.kept = append(b.kept, fetched); len(b.kept) > mostKept {
		b.kept = slices.Delete(b.kept, 0, 1)
	}
}

func (b *blocks) begin(part *native.Reader) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.parts[part] = true
	}
	return !b.closed
}

func (b *blocks) end(part *native.Reader) {
	b.mu.Lock()
	delete(b.parts, part)
	b.mu.Unlock()
	part.Close()
}

// cause is why a read failed: also because somebody closed the reader.
func (b *blocks) cause(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return native.ErrClosed
	}
	return err
}

// close ends what is under way.
func (b *blocks) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.kept = true, nil
	for part := range b.parts {
		part.Cancel()
	}
}
