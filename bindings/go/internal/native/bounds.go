package native

// Bounds say how many goroutines of a client may wait inside C at once, each of which holds a thread.
type Bounds struct {
	Calls   int // that are carried out there; more than these wait in Go
	Streams int // reads and writes of streams; more than these wait for their turn
}
