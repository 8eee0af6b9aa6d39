package robotclient

import (
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// failuresMax is how many streams in a row may break without a result.
	failuresMax = 3
	// openMax is how long one try to open a stream may take, connecting included.
	openMax = 10 * time.Second
	// backoffMin is the wait after a stream that had brought results; each failure doubles it, up to backoffMax.
	backoffMin = 50 * time.Millisecond
	backoffMax = 2 * time.Second
)

// anotherMayHelp tells whether what broke one stream may spare the next. What is wrong with a message or with its sender
// would be wrong again, and so would an answer that nobody asked for.
func anotherMayHelp(err error) bool {
	ending, ok := status.FromError(err)
	if !ok {
		return false
	}
	switch ending.Code() {
	case codes.Unavailable, codes.Internal, codes.Unknown, codes.Aborted:
		return true
	case codes.Canceled:
		// Not by the caller, whose context is looked at first: by the server, or somebody on the way.
		return true
	default:
		return false
	}
}

// backoff is the wait before the next stream. It is made shorter by chance, by up to a half, so that many clients do
// not come back at once.
func backoff(failures int) time.Duration {
	longest := min(backoffMin<<failures, backoffMax)
	return longest/2 + rand.N(longest/2)
}
