package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"robot.example/robotv1"
)

// answers are the results that are still to come.
type answers struct {
	left    map[uint64]exchange
	workers spread
}

func newAnswers(exchanges []exchange, workers spread) *answers {
	a := &answers{left: make(map[uint64]exchange, len(exchanges)), workers: workers}
	for _, e := range exchanges {
		a.left[e.command.GetId()] = e
	}
	return a
}

// take checks a result and strikes it out.
func (a *answers) take(result *robotv1.RobotResult) error {
	e, known := a.left[result.GetId()]
	if !known {
		return fmt.Errorf("id %d was answered, which nobody asked for, or asked for once", result.GetId())
	}
	delete(a.left, result.GetId())
	a.workers[result.GetExecution().GetWorker()]++
	return e.check(result)
}

// judge compares the end of a stream with what it has to be. Where a stream is not cut off, all has to be answered.
func (a *answers) judge(s scenario, end error) error {
	end = unlessEOF(end)
	if code := status.Code(end); code != s.Status {
		return fmt.Errorf("it ended %v (%v), not %v", code, end, s.Status)
	}
	cutOff := s.Status != codes.OK && s.Call != "deadline"
	if !cutOff && len(a.left) > 0 {
		return fmt.Errorf("it ended %v with %d commands unanswered", s.Status, len(a.left))
	}
	return nil
}

// check compares a result with what it has to be: doubles of the state by their bits, all else by value.
func (e exchange) check(got *robotv1.RobotResult) error {
	id := e.result.GetId()
	if got.GetExecution().GetWorker() < 1 {
		return fmt.Errorf("id %d: it does not say which worker ran it", id)
	}
	if got.GetError() != nil && got.GetError().GetMessage() == "" {
		return fmt.Errorf("id %d: its error has no message", id)
	}
	if state := got.GetState(); state != nil && e.bits != nil {
		for _, double := range []struct {
			name string
			got  float64
			want string
		}{
			{"x", state.GetX(), e.bits.X},
			{"y", state.GetY(), e.bits.Y},
			{"heading_degrees", state.GetHeadingDegrees(), e.bits.HeadingDegrees},
		} {
			if bits := fmt.Sprintf("%016x", math.Float64bits(double.got)); bits != double.want {
				return fmt.Errorf("id %d: %s is %s, not %s", id, double.name, bits, double.want)
			}
		}
	}
	// What differs from run to run, and what is for people.
	got, want := proto.CloneOf(got), proto.CloneOf(e.result)
	got.Execution = nil
	for _, result := range []*robotv1.RobotResult{got, want} {
		if result.GetError() != nil {
			result.GetError().Message = ""
		}
	}
	if !proto.Equal(got, want) {
		return fmt.Errorf("id %d: it is %v, not %v", id, got, want)
	}
	return nil
}

// spread counts the results of each worker.
type spread map[uint32]int

func (s spread) results() int {
	sum := 0
	for _, results := range s {
		sum += results
	}
	return sum
}

// String is such as "1: 512, 2: 488".
func (s spread) String() string {
	var parts []string
	for _, worker := range slices.Sorted(maps.Keys(s)) {
		parts = append(parts, fmt.Sprintf("%d: %d", worker, s[worker]))
	}
	return strings.Join(parts, ", ")
}
