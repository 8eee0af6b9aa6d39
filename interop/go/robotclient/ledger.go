package robotclient

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"robot.example/robotv1"
)

// Stats counts what a session had to get over.
type Stats struct {
	// Broken streams, those that could not be opened included.
	Broken int
	// Resent commands.
	Resent int
}

// ledger knows which commands are unanswered, and which of those are still to be sent on the stream of the day. It is
// all that Send, the sending and the receiving goroutine share, and it knows nothing of streams.
type ledger struct {
	window int
	room   chan struct{} // wakes who waits to have commands accepted
	work   chan struct{} // wakes who waits for something to send

	mu         sync.Mutex
	unanswered map[uint64]entry
	pending    [][]*robotv1.RobotCommand
	messages   int
	closed     bool
	stats      Stats
}

// entry is an unanswered command and the number of its message: commands are sent again in the messages that they came
// in, which the server's limits have room for.
type entry struct {
	command *robotv1.RobotCommand
	message int
}

func newLedger(window int) *ledger {
	return &ledger{
		window:     window,
		room:       make(chan struct{}, 1),
		work:       make(chan struct{}, 1),
		unanswered: make(map[uint64]entry),
	}
}

// accept takes the commands of one message in, if the window has room for them.
func (l *ledger) accept(commands []*robotv1.RobotCommand) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false, errors.New("send after CloseSend")
	}
	if len(l.unanswered) > 0 && len(l.unanswered)+len(commands) > l.window {
		return false, nil
	}
	for n, command := range commands {
		id := command.GetId()
		if _, known := l.unanswered[id]; known {
			for _, taken := range commands[:n] {
				delete(l.unanswered, taken.GetId())
			}
			return false, fmt.Errorf("id %d is that of another unanswered command", id)
		}
		l.unanswered[id] = entry{command, l.messages}
	}
	if len(commands) > 0 {
		l.pending = append(l.pending, commands)
		l.messages++
		wake(l.work)
	}
	return true, nil
}

// close says that nothing more will be accepted.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	wake(l.work)
}

// next takes out the message to send next. None and closed means that there will be no more.
func (l *ledger) next() (message []*robotv1.RobotCommand, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) == 0 {
		return nil, l.closed
	}
	message, l.pending = l.pending[0], l.pending[1:]
	return message, false
}

// settle strikes out a command that was answered.
func (l *ledger) settle(id uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.unanswered[id]; !known {
		return fmt.Errorf("the server sent a result for id %d, which is no unanswered command's", id)
	}
	delete(l.unanswered, id)
	wake(l.room)
	return nil
}

// startOver makes all that is unanswered pending, for a new stream.
func (l *ledger) startOver() {
	l.mu.Lock()
	defer l.mu.Unlock()
	neverSent := 0
	for _, message := range l.pending {
		neverSent += len(message)
	}
	l.stats.Resent += len(l.unanswered) - neverSent

	messages := make(map[int][]*robotv1.RobotCommand)
	for _, e := range l.unanswered {
		messages[e.message] = append(messages[e.message], e.command)
	}
	l.pending = nil
	for _, number := range slices.Sorted(maps.Keys(messages)) {
		l.pending = append(l.pending, messages[number])
	}
}

// ended judges a stream that ended OK: the server says by that that it answered everything.
func (l *ledger) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.unanswered) > 0 {
		return status.Errorf(codes.Unavailable, "the stream ended OK with %d commands unanswered", len(l.unanswered))
	}
	return nil
}

// broken counts a broken stream, and returns how many commands are unanswered.
func (l *ledger) broken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Broken++
	return len(l.unanswered)
}

func (l *ledger) state() (unanswered int, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unanswered), l.closed
}

func (l *ledger) statsSoFar() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// wake wakes whoever waits, or who waits next.
func wake(waiting chan<- struct{}) {
	select {
	case waiting <- struct{}{}:
	default:
	}
}
