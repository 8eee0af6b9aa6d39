//! `grpc.testing.TestService`, which the official interop clients of gRPC call, as a service that the robot's server
//! runs beside its own ([`robot_server::run_with`]): what those clients find out about HTTP/2, TLS, flow control,
//! metadata and statuses they find out about the server as it is. It knows nothing of robots.

mod edge;
mod gzip;
mod messages;
mod service;

use tonic::service::Routes;

use edge::Edge;
use proto::test_service_server::TestServiceServer;
use service::TestService;

/// What `proto/grpc/testing/test.proto` makes.
pub mod proto {
    #![allow(missing_docs, unreachable_pub, reason = "generated")]
    #![allow(clippy::all, reason = "generated")]
    tonic::include_proto!("grpc.testing");
}

/// The service, for messages of at most so many bytes.
pub fn routes(message_bytes_max: usize) -> Routes {
    let service = TestServiceServer::new(TestService).max_decoding_message_size(message_bytes_max);
    Routes::new(Edge::new(service, message_bytes_max))
}
