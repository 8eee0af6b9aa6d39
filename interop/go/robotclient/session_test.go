package robotclient

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"robot.example/robotv1"
)

// answers is a server that answers each command with its state, until a stream has had as many results as it may;
// then the stream ends with ending.
type answers struct {
	robotv1.UnimplementedRobotServiceServer
	perStream int
	ending    error
	streams   atomic.Int32
}

func (a *answers) ExecuteStream(stream grpc.BidiStreamingServer[robotv1.ExecuteStreamRequest, robotv1.ExecuteStreamResponse]) error {
	a.streams.Add(1)
	for sent := 0; ; {
		request, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for _, command := range request.GetCommands() {
			if sent == a.perStream {
				return a.ending
			}
			sent++
			result := &robotv1.RobotResult{Id: command.GetId(), Outcome: &robotv1.RobotResult_State{State: command.GetState()}}
			if err := stream.Send(&robotv1.ExecuteStreamResponse{Results: []*robotv1.RobotResult{result}}); err != nil {
				return err
			}
		}
	}
}

// unasked answers a command that nobody sent.
type unasked struct {
	robotv1.UnimplementedRobotServiceServer
}

func (unasked) ExecuteStream(stream grpc.BidiStreamingServer[robotv1.ExecuteStreamRequest, robotv1.ExecuteStreamResponse]) error {
	stream.Send(&robotv1.ExecuteStreamResponse{Results: []*robotv1.RobotResult{{Id: 4711}}})
	<-stream.Context().Done()
	return nil
}

// serve returns a client of a real server, both of which end with the test, and a context that ends before.
func serve(t *testing.T, service robotv1.RobotServiceServer) (*Client, context.Context) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	robotv1.RegisterRobotServiceServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	client, err := New(listener.Addr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(func() {
		cancel()
		client.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return client, ctx
}

func command(id int) *robotv1.RobotCommand {
	return &robotv1.RobotCommand{Id: uint64(id), State: &robotv1.RobotState{X: float64(id)}}
}

func TestSurfacesEachResultOnceWhateverBreaksTheStreams(t *testing.T) {
	t.Parallel()
	const commands = 1000
	for _, ending := range []error{
		status.Error(codes.Unavailable, ""),
		status.Error(codes.Internal, ""),
		status.Error(codes.Unknown, ""),
		status.Error(codes.Aborted, ""),
		status.Error(codes.Canceled, ""),
		nil, // OK, too early
	} {
		t.Run(status.Code(ending).String(), func(t *testing.T) {
			t.Parallel()
			client, ctx := serve(t, &answers{perStream: 170, ending: ending})
			session := client.NewSession(ctx, 64)
			sent := make(chan error, 1)
			go func() {
				defer session.CloseSend()
				for id := 0; id < commands; id += 4 {
					if err := session.Send(command(id), command(id+1), command(id+2), command(id+3)); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			seen := map[uint64]bool{}
			for {
				result, err := session.Recv()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if seen[result.GetId()] || result.GetState().GetX() != float64(result.GetId()) {
					t.Fatalf("a second or a wrong result: %v", result)
				}
				seen[result.GetId()] = true
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			if stats := session.Stats(); len(seen) != commands || stats.Broken != 5 || stats.Resent == 0 {
				t.Fatalf("%d results, %+v", len(seen), stats)
			}
		})
	}
}

func TestGivesUpAfterThreeStreamsWithoutAResult(t *testing.T) {
	t.Parallel()
	service := &answers{ending: status.Error(codes.Internal, "no luck")}
	client, ctx := serve(t, service)
	session := client.NewSession(ctx, 1)
	if err := session.Send(command(1)); err != nil {
		t.Fatal(err)
	}
	_, err := session.Recv()
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "gave up on 1 unanswered") {
		t.Fatal(err)
	}
	if streams := service.streams.Load(); streams != failuresMax {
		t.Fatalf("%d streams", streams)
	}
	if err := session.Send(command(2)); err != io.EOF {
		t.Fatal(err)
	}
}

func TestSendsNothingAgainThatWasRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{
		codes.InvalidArgument, codes.ResourceExhausted, codes.Unauthenticated, codes.PermissionDenied,
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			service := &answers{ending: status.Error(code, "")}
			client, ctx := serve(t, service)
			session := client.NewSession(ctx, 1)
			if err := session.Send(command(1)); err != nil {
				t.Fatal(err)
			}
			if _, err := session.Recv(); status.Code(err) != code {
				t.Fatal(err)
			}
			if streams := service.streams.Load(); streams != 1 {
				t.Fatalf("%d streams", streams)
			}
		})
	}
}

func TestDoesNotTrustAServerThatAnswersWhatNobodyAsked(t *testing.T) {
	t.Parallel()
	client, ctx := serve(t, unasked{})
	session := client.NewSession(ctx, 1)
	if err := session.Send(command(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Recv(); err == nil || !strings.Contains(err.Error(), "id 4711") {
		t.Fatal(err)
	}
}

func TestSaysWhichCommandCannotBeSent(t *testing.T) {
	t.Parallel()
	client, ctx := serve(t, &answers{perStream: 1})
	session := client.NewSession(ctx, 1)
	if err := session.Send(&robotv1.RobotCommand{Script: "\xff"}); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Recv(); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Fatal(err)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	client, ctx := serve(t, &answers{perStream: 2})
	ctx, cancel := context.WithCancel(ctx)
	session := client.NewSession(ctx, 1)
	if err := session.Send(command(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := session.Recv(); status.Code(err) != codes.Canceled {
		t.Fatal(err)
	}
}

func TestLedgerKeepsToItsWindow(t *testing.T) {
	accept := func(l *ledger, expected bool, commands ...*robotv1.RobotCommand) {
		t.Helper()
		if accepted, err := l.accept(commands); accepted != expected || err != nil {
			t.Fatalf("%v, %v", accepted, err)
		}
	}
	l := newLedger(2)
	accept(l, true, command(1), command(2), command(3)) // larger than the window, but alone
	accept(l, false, command(4))
	for id := range uint64(3) {
		if err := l.settle(id + 1); err != nil {
			t.Fatal(err)
		}
	}
	accept(l, true, command(4))
	accept(l, false, command(5), command(6))
	if _, err := l.accept([]*robotv1.RobotCommand{command(4)}); err == nil {
		t.Fatal("accepted an id twice")
	}
	accept(l, true, command(5))
	if err := l.settle(9); err == nil {
		t.Fatal("settled what is not unanswered")
	}
	l.close()
	if _, err := l.accept(nil); err == nil {
		t.Fatal("accepted after the end")
	}
}
