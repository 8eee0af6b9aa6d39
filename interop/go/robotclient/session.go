package robotclient

import (
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"robot.example/robotv1"
)

// Session sends commands and receives their results over one ExecuteStream after another: when a stream breaks, what
// is unanswered is sent again on the next, and each result is surfaced once. That is safe because commands are pure.
//
// Like the generated stream it is used from two goroutines at the same time, one that calls Send and CloseSend, one
// that calls Recv: Send waits while the window is full. To give up early, cancel the context.
type Session struct {
	ctx     context.Context // of the whole session, as that of a generated stream
	rpc     robotv1.RobotServiceClient
	ledger  *ledger
	results chan *robotv1.RobotResult
	done    chan struct{} // closed once err is set
	err     error
}

type executeStream = grpc.BidiStreamingClient[robotv1.ExecuteStreamRequest, robotv1.ExecuteStreamResponse]

// NewSession begins a session in which at most window commands are unanswered. Metadata and a deadline come with ctx.
func (c *Client) NewSession(ctx context.Context, window int) *Session {
	s := &Session{
		ctx:     ctx,
		rpc:     c.RobotServiceClient,
		ledger:  newLedger(window),
		results: make(chan *robotv1.RobotResult),
		done:    make(chan struct{}),
	}
	go func() {
		s.err = s.run()
		close(s.done)
	}()
	return s
}

// Send sends commands as one message, once the window has room for them; more than the window holds wait until nothing
// is unanswered. The ids of unanswered commands must differ, and the session keeps the commands until they are
// answered: leave them as they are. [io.EOF] means that the session is over, and Recv says why.
func (s *Session) Send(commands ...*robotv1.RobotCommand) error {
	for {
		select {
		case <-s.done:
			return io.EOF
		default:
		}
		accepted, err := s.ledger.accept(commands)
		if accepted || err != nil {
			return err
		}
		select {
		case <-s.ledger.room:
		case <-s.done:
		}
	}
}

// CloseSend says that there are no more commands. What was sent is still answered.
func (s *Session) CloseSend() {
	s.ledger.close()
}

// Recv returns the next result, in the order in which they complete. [io.EOF] means that all is sent and answered; any
// other error is the status of a stream that it would not have helped, or did not help, to replace.
func (s *Session) Recv() (*robotv1.RobotResult, error) {
	select {
	case result := <-s.results:
		return result, nil
	case <-s.done:
		return nil, s.err
	}
}

// Stats returns what the session had to get over so far.
func (s *Session) Stats() Stats {
	return s.ledger.statsSoFar()
}

// run uses one stream after another until all is answered, or until another one would not help.
func (s *Session) run() error {
	failures := 0
	for {
		// A stream that the server ended while nothing was unanswered is replaced when there is something to send.
		if err := s.awaitWork(); err != nil {
			return err
		}
		results, err := s.stream()
		if s.ctx.Err() != nil {
			return status.FromContextError(s.ctx.Err()).Err()
		}
		if err == nil {
			continue
		}
		if !anotherMayHelp(err) {
			return err
		}
		left := s.ledger.broken()
		failures++
		if results > 0 {
			failures = 0
		}
		if failures == failuresMax {
			return fmt.Errorf("gave up on %d unanswered commands after %d streams without a result: %w", left, failures, err)
		}
		select {
		case <-time.After(backoff(failures)):
		case <-s.ctx.Done():
		}
	}
}

// awaitWork waits until something is unanswered; [io.EOF] if nothing is and nothing will be.
func (s *Session) awaitWork() error {
	for {
		unanswered, closed := s.ledger.state()
		if unanswered > 0 {
			return nil
		}
		if closed {
			return io.EOF
		}
		select {
		case <-s.ledger.work:
		case <-s.ctx.Done():
			return status.FromContextError(s.ctx.Err()).Err()
		}
	}
}

// stream opens a stream, uses it to its end, and returns how many results came over it. No error means that it ended
// OK with all answered.
func (s *Session) stream() (int, error) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	opening := time.AfterFunc(openMax, cancel)
	stream, err := s.rpc.ExecuteStream(ctx)
	opening.Stop()
	if err != nil {
		return 0, err
	}
	s.ledger.startOver()
	sent := make(chan struct{})
	go func() {
		s.send(ctx, stream)
		close(sent)
	}()
	results, err := s.receive(stream)
	cancel()
	<-sent
	return results, err
}

// send sends what is to be sent, until the stream or ctx ends. Why a stream ended is for receive to say: gRPC gives it
// to Recv, even where the reason lies in Send.
func (s *Session) send(ctx context.Context, stream executeStream) {
	for {
		message, closed := s.ledger.next()
		if message != nil {
			if stream.Send(&robotv1.ExecuteStreamRequest{Commands: message}) != nil {
				return
			}
			continue
		}
		if closed {
			stream.CloseSend()
			return
		}
		// Not stream.Context(): asking for that would keep gRPC from repeating a call that no server has seen.
		select {
		case <-s.ledger.work:
		case <-ctx.Done():
			return
		}
	}
}

// receive surfaces results until the stream ends, and counts them.
func (s *Session) receive(stream executeStream) (results int, err error) {
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			return results, s.ledger.ended()
		}
		if err != nil {
			return results, err
		}
		for _, result := range response.GetResults() {
			if err := s.ledger.settle(result.GetId()); err != nil {
				return results, err
			}
			results++
			select {
			case s.results <- result:
			case <-s.ctx.Done():
				return results, s.ctx.Err()
			}
		}
	}
}
