// Package robotclient is a client of robot.v1.RobotService that one can copy: the generated client, with the
// connection's settings that it needs in production, and a Session that survives a broken stream.
package robotclient

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"robot.example/robotv1"
)

// serviceConfig tells gRPC to wait for a connection rather than to fail while there is none, and to repeat calls that
// only ask: commands are pure, so the same holds for Execute. It cannot repeat a stream that has begun: Session does.
const serviceConfig = `{"methodConfig": [{
	"name": [{"service": "robot.v1.RobotService"}],
	"waitForReady": true
}, {
	"name": [
		{"service": "robot.v1.RobotService", "method": "Execute"},
		{"service": "robot.v1.RobotService", "method": "GetServerInfo"}
	],
	"waitForReady": true,
	"retryPolicy": {
		"maxAttempts": 4,
		"initialBackoff": "0.05s",
		"maxBackoff": "2s",
		"backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "ABORTED", "CANCELLED"]
	}
}]}`

// Client has the methods of the generated client, over one connection that is made anew whenever it breaks. All of
// them may be called at the same time. Calls wait for a connection, so give their contexts a deadline.
type Client struct {
	robotv1.RobotServiceClient
	conn *grpc.ClientConn
}

// Options says how to talk to the server. The zero value is plaintext, without a token.
type Options struct {
	// CAFile has the certificates to trust, PEM. Given means TLS.
	CAFile string
	// Token goes with every call, and only over TLS.
	Token string
}

// New returns a client of the server at target, HOST:PORT. It connects with the first call.
func New(target string, options Options) (*Client, error) {
	transport := insecure.NewCredentials()
	if options.CAFile != "" {
		tls, err := credentials.NewClientTLSFromFile(options.CAFile, "")
		if err != nil {
			return nil, fmt.Errorf("read the certificates to trust: %w", err)
		}
		transport = tls
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		// gRPC's own default begins with a second and ends with two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           grpcbackoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 10 * time.Second,
		}),
		// A server that has gone without a word is noticed in 20 s.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 10 * time.Second}),
	}
	if options.Token != "" {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer(options.Token)))
	}
	conn, err := grpc.NewClient(target, dial...)
	if err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", target, err)
	}
	return &Client{RobotServiceClient: robotv1.NewRobotServiceClient(conn), conn: conn}, nil
}

// Close ends the connection, and all calls on it.
func (c *Client) Close() error {
	return c.conn.Close()
}

// bearer is a token that is shown with each call.
type bearer string

// GetRequestMetadata implements [credentials.PerRPCCredentials].
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity makes gRPC refuse to send the token in the clear.
func (b bearer) RequireTransportSecurity() bool {
	return true
}
