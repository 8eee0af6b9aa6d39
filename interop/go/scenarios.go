package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"robot.example/robotv1"
)

// task is a scenario with all that belongs to it.
type task struct {
	scenario
	exchanges []exchange
	// workers is where results are counted.
	workers spread
}

// call makes the call that a scenario asks for.
func (p *peer) call(ctx context.Context, s scenario, workers spread) error {
	if s.Commands == "" {
		return p.ask(ctx, s)
	}
	exchanges, err := readExchanges(p.vectors, s)
	if err != nil {
		return err
	}
	t := task{s, exchanges, workers}
	switch s.Call {
	case "stream":
		// A session opens no stream for nothing, reads ahead, and refuses ids that come again, as they do where more
		// is sent than a server allows.
		if len(exchanges) == 0 || s.HalfClose == "before_reading" || s.Status != codes.OK {
			return p.bareStream(ctx, t)
		}
		return p.stream(ctx, t, nil)
	case "chain":
		return p.chain(ctx, t)
	case "unary":
		return p.unary(ctx, t)
	case "cancel":
		return p.cancel(ctx, t)
	case "deadline":
		ctx, cancel := context.WithTimeout(ctx, time.Duration(s.DeadlineMs)*time.Millisecond)
		defer cancel()
		return p.stream(ctx, t, nil)
	case "restart":
		return p.restart(ctx, t)
	default:
		return fmt.Errorf("unknown call %q", s.Call)
	}
}

// unary sends all in one message, and expects the results in the same order.
func (p *peer) unary(ctx context.Context, t task) error {
	response, err := p.client.Execute(ctx, &robotv1.ExecuteRequest{Commands: commandsOf(t.exchanges)})
	if code := status.Code(err); code != t.Status {
		return fmt.Errorf("it ended %v (%v), not %v", code, err, t.Status)
	}
	if err != nil {
		return nil
	}
	if len(response.GetResults()) != len(t.exchanges) {
		return fmt.Errorf("%d results for %d commands", len(response.GetResults()), len(t.exchanges))
	}
	for n, result := range response.GetResults() {
		if err := t.exchanges[n].check(result); err != nil {
			return err
		}
		t.workers[result.GetExecution().GetWorker()]++
	}
	return nil
}

// ask makes the calls that run no commands.
func (p *peer) ask(ctx context.Context, s scenario) error {
	switch s.Call {
	case "info":
		return p.info(ctx)
	case "watch":
		return p.watch(ctx)
	default:
		return fmt.Errorf("unknown call %q", s.Call)
	}
}

// info wants everything said that a server knows of itself.
func (p *peer) info(ctx context.Context) error {
	info, err := p.client.GetServerInfo(ctx, &robotv1.GetServerInfoRequest{})
	if err != nil {
		return err
	}
	limits := info.GetLimits()
	known := info.GetSemanticsVersion() == 1 && info.GetWorkers() >= 1 && info.GetVersion() != "" &&
		info.GetQueueKind() == robotv1.QueueKind_QUEUE_KIND_EMBEDDED &&
		limits.GetCommandsPerMessageMax() > 0 && limits.GetActionsPerCommandMax() > 0 && limits.GetMessageBytesMax() > 0 &&
		limits.GetStreamInFlightBytesMax() > 0 && limits.GetCommandsPerJobMax() > 0 && limits.GetQueueJobsMax() > 0 &&
		limits.GetQueueBytesMax() > 0 && limits.GetStreamIdleMsMax() > 0 && limits.GetStreamStallMsMax() > 0
	if !known {
		return fmt.Errorf("something is missing in %v", info)
	}
	return nil
}

// watch takes two snapshots and leaves.
func (p *peer) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.client.WatchWorkers(ctx, &robotv1.WatchWorkersRequest{IntervalMs: 100})
	if err != nil {
		return err
	}
	uptime := uint64(0)
	for range 2 {
		snapshot, err := stream.Recv()
		if err != nil {
			return err
		}
		if len(snapshot.GetWorkers()) == 0 || snapshot.GetUptimeNanos() <= uptime {
			return fmt.Errorf("no workers, or not later than %d: %v", uptime, snapshot)
		}
		uptime = snapshot.GetUptimeNanos()
	}
	cancel()
	for {
		if _, err := stream.Recv(); err != nil {
			if code := status.Code(err); code != codes.Canceled {
				return fmt.Errorf("it ended %v (%v) when it was cancelled", code, err)
			}
			return nil
		}
	}
}

func commandsOf(exchanges []exchange) []*robotv1.RobotCommand {
	commands := make([]*robotv1.RobotCommand, len(exchanges))
	for n, e := range exchanges {
		commands[n] = e.command
	}
	return commands
}
