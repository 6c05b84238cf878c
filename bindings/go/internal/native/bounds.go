package native

// Bounds say how many goroutines of a client may wait inside C at once, each of which holds a thread.
type Bounds struct {
	Calls   int // that are carried out there; the library's own threads carry out what is more than these
	Streams int // reads and writes of streams; more than these wait for their turn
}
