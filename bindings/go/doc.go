// Package bge is the SDK of the BGE open omics platform for Go, over the C library libbge.
//
//	client, err := bge.Open(ctx)
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	for sample, err := range client.AllSamples(ctx, &bge.SamplesOptions{Omics: []int{2}}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(sample.BiosampleID)
//	}
//
// # Calls
//
// Each call of the platform is a method: the context, the required arguments in the order of the platform's
// documentation, and a pointer to a struct of the optional ones, which may be nil. A field of zero value is not sent.
// Every such struct has two fields more: Extra, for parameters that this package does not know, and Call, for how this
// one call is carried out (its timeout, say, or a func that is told its progress).
//
// Results have the type that documents them. Numbers whose digits matter are json.Number, as the platform wrote them;
// a null number is empty. Members that a type does not name, and values that are not of the type they should be, are in
// its Extra: see [Misfits]. Results that the platform does not document are json.RawMessage. [Client.CallRaw] gives any result as it came; [Client.Request] reaches calls that are
// not in the table of [Endpoints].
//
// # Contexts
//
// When the context of a call ends, the call returns within a fraction of a second, whatever the server does; its
// connection is closed and no other call is touched. The error is then both what the context says and [ErrCancelled]:
// errors.Is(err, context.Canceled) or errors.Is(err, context.DeadlineExceeded) holds.
//
// The deadline of a context reaches the library, which then does not begin to wait for what would come too late.
//
// # Errors
//
// Every failure is an [*Error]. errors.Is tells its kind ([ErrTimeout], [ErrAuth], …), errors.As its details.
//
// # Pages
//
// Lists come as one [Page] (Samples), as a loop over all rows (AllSamples), or through a [Pager] (SamplesPager) whose
// [Position] can be stored and taken up again.
//
// # Watching
//
// [WithLogger] writes a client's log to a slog.Logger, [WithEvents] tells of calls, requests, repeats and renewed tokens,
// [WithHeaderFunc] adds headers such as traceparent, [Client.Stats] counts.
//
// # Testing
//
// Package bgetest starts a platform on this machine, and gives clients of it.
//
// # Building
//
// The package uses cgo and finds libbge with pkg-config: CGO_ENABLED=1, a C compiler, and PKG_CONFIG_PATH if libbge is
// installed in a place of its own. The build tag bge_dev links the library of the source tree that this package is part
// of instead; bge_static links libbge.a; bge_nolib builds without the library and without cgo, and then nothing works, but
// everything compiles.
package bge
