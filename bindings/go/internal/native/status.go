package native

// The statuses that this module tells apart.
const (
	StatusArgument    int32 = 1
	StatusTimeout     int32 = 3
	StatusIO          int32 = 10
	StatusCancelled   int32 = 11
	StatusClosed      int32 = 12
	StatusUnsupported int32 = 14
)

var statusNames = [...]string{
	"BGE_OK", "BGE_ERR_ARGUMENT", "BGE_ERR_TRANSPORT", "BGE_ERR_TIMEOUT", "BGE_ERR_HTTP", "BGE_ERR_API", "BGE_ERR_AUTH",
	"BGE_ERR_PROTOCOL", "BGE_ERR_STORAGE", "BGE_ERR_INTEGRITY", "BGE_ERR_IO", "BGE_ERR_CANCELLED", "BGE_ERR_CLOSED",
	"BGE_ERR_INTERNAL", "BGE_ERR_UNSUPPORTED",
}

// StatusName is the C name of a status.
func StatusName(status int32) string {
	if status >= 0 && int(status) < len(statusNames) {
		return statusNames[status]
	}
	return "BGE_ERR_UNKNOWN"
}

// Error is a failed call: its status, and all of it as the JSON text of bge_error_json.
type Error struct {
	Status int32
	JSON   string
}

func (e *Error) Error() string { return e.JSON }

// ErrClosed is what a call on a closed handle gives.
var ErrClosed error = &Error{Status: StatusClosed}

// ErrLate is what a stream gives that waited for its turn until its deadline.
var ErrLate error = &Error{Status: StatusTimeout}

// ErrNUL is what a text with a zero byte gives, which C would take for its end.
var ErrNUL error = &Error{Status: StatusArgument}
