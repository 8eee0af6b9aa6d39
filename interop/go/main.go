// Command interop runs the scenarios of interop/vectors against a server, by the client in robotclient, and prints
// which passed. It knows what the scenarios' words mean; what the right answers are stands in the vectors.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"robot.example/interop/robotclient"
)

// scenarioMax is how long one scenario may take.
const scenarioMax = 20 * time.Second

// peer is what all scenarios need.
type peer struct {
	client  *robotclient.Client
	vectors string
	pidFile string
}

// skipped says why a scenario cannot be run here.
type skipped string

func (s skipped) Error() string { return string(s) }

func main() {
	server := flag.String("server", "", "`HOST:PORT` of the server")
	caFile := flag.String("ca", "", "`file` with the certificates to trust, PEM; means TLS")
	tokenFile := flag.String("token-file", "", "`file` with the token to show, in one line")
	pidFile := flag.String("pid-file", "", "`file` with the pid of the server, which is killed and comes back")
	only := flag.String("only", "", "`names` of the scenarios to run, separated by commas")
	vectors := flag.String("vectors", "interop/vectors", "`folder` of the vectors")
	flag.Parse()
	if *server == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	failed, err := run(*server, *caFile, *tokenFile, *pidFile, *only, *vectors)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
	}
	if failed > 0 || err != nil {
		os.Exit(1)
	}
}

func run(server, caFile, tokenFile, pidFile, only, vectors string) (failed int, err error) {
	options := robotclient.Options{CAFile: caFile}
	if tokenFile != "" {
		token, err := os.ReadFile(tokenFile)
		if err != nil {
			return 0, fmt.Errorf("read the token: %w", err)
		}
		options.Token = strings.TrimSpace(string(token))
	}
	scenarios, err := readScenarios(vectors, only)
	if err != nil {
		return 0, err
	}
	client, err := robotclient.New(server, options)
	if err != nil {
		return 0, err
	}
	defer client.Close()

	p := &peer{client: client, vectors: vectors, pidFile: pidFile}
	passed, skippedCount := 0, 0
	for _, s := range scenarios {
		spread, err := p.runOne(s)
		var why skipped
		switch {
		case errors.As(err, &why):
			skippedCount++
			fmt.Printf("skipped %s: %s\n", s.Name, why)
		case err != nil:
			failed++
			fmt.Printf("FAILED %s: %s\n", s.Name, strings.ReplaceAll(err.Error(), "\n", " "))
		default:
			passed++
			fmt.Printf("ok %s\n", s.Name)
			if spread != "" {
				fmt.Printf("  %s on workers %s\n", s.Name, spread)
			}
		}
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skippedCount)
	return failed, nil
}

// runOne runs a scenario, and returns how its results were spread over the workers if there were a thousand or more.
func (p *peer) runOne(s scenario) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), scenarioMax)
	defer cancel()
	ctx, err := withMetadata(ctx, s.Metadata)
	if err != nil {
		return "", err
	}
	workers := spread{}
	err = p.call(ctx, s, workers)
	if err != nil && ctx.Err() != nil {
		return "", fmt.Errorf("timed out: %w", err)
	}
	if workers.results() < 1000 {
		return "", err
	}
	return workers.String(), err
}
