package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"

	"robot.example/robotv1"
)

// scenario is one of interop/vectors/scenarios.json; interop/README.md says what its fields mean.
type scenario struct {
	Name, What, Call, Commands string
	Times                      int
	MessagesOf                 int
	InFlightMax                int
	HalfClose                  string
	Metadata                   map[string]string
	DeadlineMs                 int
	CancelAfter                int
	RestartAfter               int
	Status                     codes.Code
}

// exchange is a command and the result that it has to get.
type exchange struct {
	command *robotv1.RobotCommand
	result  *robotv1.RobotResult
	// bits are those of the state of the result, if it has one.
	bits *stateBits
}

// stateBits are doubles as sixteen hexadecimal digits each.
type stateBits struct{ X, Y, HeadingDegrees string }

// readScenarios reads those named in only, separated by commas; none means all.
func readScenarios(vectors, only string) ([]scenario, error) {
	var file struct{ Scenarios []scenario }
	if err := readJSON(filepath.Join(vectors, "scenarios.json"), &file); err != nil {
		return nil, err
	}
	if only == "" {
		return file.Scenarios, nil
	}
	var chosen []scenario
	for _, name := range strings.Split(only, ",") {
		at := slices.IndexFunc(file.Scenarios, func(s scenario) bool { return s.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no scenario %q", name)
		}
		chosen = append(chosen, file.Scenarios[at])
	}
	return chosen, nil
}

// readExchanges reads a file of commands, times times over.
func readExchanges(vectors string, s scenario) ([]exchange, error) {
	path := filepath.Join(vectors, "commands", s.Commands+".json")
	var file struct {
		What     string
		Commands []struct {
			Command, Result json.RawMessage
			Bits            *stateBits
		}
	}
	if err := readJSON(path, &file); err != nil {
		return nil, err
	}
	var exchanges []exchange
	for n, entry := range file.Commands {
		e := exchange{command: new(robotv1.RobotCommand), result: new(robotv1.RobotResult), bits: entry.Bits}
		err := errors.Join(protojson.Unmarshal(entry.Command, e.command), protojson.Unmarshal(entry.Result, e.result))
		if err != nil {
			return nil, fmt.Errorf("%s: command %d: %w", path, n, err)
		}
		exchanges = append(exchanges, e)
	}
	return slices.Repeat(exchanges, s.Times), nil
}

// readJSON refuses fields that this program does not know, and so would not heed.
func readJSON(path string, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// withMetadata sends metadata with the calls of ctx. gRPC wants the bytes of keys that end in -bin as they are.
func withMetadata(ctx context.Context, fields map[string]string) (context.Context, error) {
	for key, value := range fields {
		if strings.HasSuffix(key, "-bin") {
			bytes, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return nil, fmt.Errorf("metadata %s: %w", key, err)
			}
			value = string(bytes)
		}
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	return ctx, nil
}
