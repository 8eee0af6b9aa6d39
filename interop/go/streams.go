package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"robot.example/interop/robotclient"
	"robot.example/robotv1"
)

// stream runs all in a session, and tells surfaced how many results there were whenever one has come.
func (p *peer) stream(ctx context.Context, t task, surfaced func(results int, session *robotclient.Session) error) error {
	answers := newAnswers(t.exchanges, t.workers)
	group, ctx := errgroup.WithContext(ctx)
	session := p.client.NewSession(ctx, t.InFlightMax)
	group.Go(func() error {
		for some := range slices.Chunk(t.exchanges, t.MessagesOf) {
			// That the session is over is for who receives to judge.
			if err := session.Send(commandsOf(some)...); err != nil {
				return unlessEOF(err)
			}
		}
		if t.HalfClose == "after_commands" {
			session.CloseSend()
		}
		return nil
	})
	group.Go(func() error {
		for results := 1; ; results++ {
			result, err := session.Recv()
			if err != nil {
				return answers.judge(t.scenario, err)
			}
			if err := answers.take(result); err != nil {
				return err
			}
			if surfaced != nil {
				if err := surfaced(results, session); err != nil {
					return err
				}
			}
			if t.HalfClose == "after_results" && len(answers.left) == 0 {
				session.CloseSend()
			}
		}
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if stats := session.Stats(); t.Call == "stream" && stats.Broken > 0 {
		return fmt.Errorf("%d streams broke, though nothing was done to them", stats.Broken)
	}
	return nil
}

// bareStream sends all, half-closes, and only then reads, by the generated client and nothing else.
func (p *peer) bareStream(ctx context.Context, t task) error {
	answers := newAnswers(t.exchanges, t.workers)
	stream, err := p.client.ExecuteStream(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(t.exchanges, t.MessagesOf) {
		err := stream.Send(&robotv1.ExecuteStreamRequest{Commands: commandsOf(some)})
		if err := unlessEOF(err); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return answers.judge(t.scenario, err)
		}
		for _, result := range response.GetResults() {
			if err := answers.take(result); err != nil {
				return err
			}
		}
	}
}

// chain sends each command with the state of the result before.
func (p *peer) chain(ctx context.Context, t task) error {
	session := p.client.NewSession(ctx, 1)
	var state *robotv1.RobotState
	for _, e := range t.exchanges {
		command := proto.CloneOf(e.command)
		if state != nil {
			command.State = state
		}
		if err := unlessEOF(session.Send(command)); err != nil {
			return err
		}
		result, err := session.Recv()
		if err != nil {
			return err
		}
		if err := e.check(result); err != nil {
			return err
		}
		t.workers[result.GetExecution().GetWorker()]++
		state = result.GetState()
	}
	session.CloseSend()
	if result, err := session.Recv(); err != io.EOF {
		return fmt.Errorf("after the last command came %v and %v, not the end", result, err)
	}
	return nil
}

// cancel cancels a session in the middle, and uses the connection for another call.
func (p *peer) cancel(ctx context.Context, t task) error {
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	err := p.stream(cancelled, t, func(results int, _ *robotclient.Session) error {
		if results == t.CancelAfter {
			cancel()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.unary(ctx, task{scenario{Status: codes.OK}, t.exchanges[:1], spread{}})
}

// restart kills the server in the middle; the session has to send something again.
func (p *peer) restart(ctx context.Context, t task) error {
	if p.pidFile == "" {
		return skipped("no --pid-file")
	}
	resent := 0
	err := p.stream(ctx, t, func(results int, session *robotclient.Session) error {
		resent = session.Stats().Resent
		if results != t.RestartAfter {
			return nil
		}
		return kill(p.pidFile)
	})
	if err == nil && resent == 0 {
		return errors.New("no command had to be sent again, so nothing was proven")
	}
	return err
}

// kill kills the process whose pid stands in the file, as `kill -9` does.
func kill(pidFile string) error {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return fmt.Errorf("%s: %q is no pid", pidFile, text)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// unlessEOF is err, or nil for [io.EOF]: a stream that has ended, which is no failure of who sends.
func unlessEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
