//! The metrics of calls, by the names that gRPC servers have for them in Go: started, handled by code, messages received
//! and sent, seconds. And whom the server did not let in. It knows nothing of commands.

use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tonic::Code;

use crate::method::{Method, Shape};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    grpc_type: &'static str,
    grpc_service: &'static str,
    grpc_method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandledLabels {
    grpc_type: &'static str,
    grpc_service: &'static str,
    grpc_method: &'static str,
    grpc_code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    reason: &'static str,
}

type Seconds = Family<MethodLabels, Histogram, fn() -> Histogram>;

/// The counters of all calls.
#[derive(Debug)]
pub(crate) struct Calls {
    started: Family<MethodLabels, Counter>,
    handled: Family<HandledLabels, Counter>,
    received: Family<MethodLabels, Counter>,
    sent: Family<MethodLabels, Counter>,
    seconds: Seconds,
    refused: Family<RefusedLabels, Counter>,
}

/// The counters of one call.
#[derive(Debug)]
pub(crate) struct CallMeter {
    method: &'static Method,
    began: Instant,
    received: Counter,
    sent: Counter,
}

impl Default for Calls {
    fn default() -> Self {
        let calls = Self {
            started: Family::default(),
            handled: Family::default(),
            received: Family::default(),
            sent: Family::default(),
            seconds: Seconds::new_with_constructor(seconds),
            refused: Family::default(),
        };
        // There from the beginning, so that the first call of a kind is an increase.
        for method in Method::all() {
            let labels = labels_of(method);
            drop(calls.started.get_or_create(&labels));
            drop(calls.received.get_or_create(&labels));
            drop(calls.sent.get_or_create(&labels));
            if method.is_robots() {
                drop(calls.handled.get_or_create(&handled(method, Code::Ok)));
                drop(calls.seconds.get_or_create(&labels));
            }
        }
        calls
    }
}

/// From 0.1 ms to half an hour: an answer takes less than one of them, and a stream may take all of them.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(1e-4, 4.0, 13))
}

impl Calls {
    pub(super) fn register(&self, registry: &mut Registry) {
        let Self {
            started,
            handled,
            received,
            sent,
            seconds,
            refused,
        } = self;
        registry.register(
            "grpc_server_started",
            "Calls that were begun",
            started.clone(),
        );
        registry.register(
            "grpc_server_handled",
            "Calls that came to their end, by code",
            handled.clone(),
        );
        registry.register(
            "grpc_server_msg_received",
            "Messages that were read",
            received.clone(),
        );
        registry.register(
            "grpc_server_msg_sent",
            "Messages that were handed to their connections",
            sent.clone(),
        );
        registry.register(
            "grpc_server_handling_seconds",
            "From a call's headers to its end",
            seconds.clone(),
        );
        registry.register(
            "robot_requests_refused",
            "Requests that were not let in, by why",
            refused.clone(),
        );
    }

    /// A call of this method begins.
    pub(crate) fn begin(&self, method: &'static Method) -> CallMeter {
        let labels = labels_of(method);
        self.started.get_or_create(&labels).inc();
        CallMeter {
            method,
            began: Instant::now(),
            received: self.received.get_or_create_owned(&labels),
            sent: self.sent.get_or_create_owned(&labels),
        }
    }

    /// A request is not let in.
    pub(crate) fn refuse(&self, reason: &'static str) {
        self.refused.get_or_create(&RefusedLabels { reason }).inc();
    }

    /// The call has come to its end.
    pub(crate) fn end(&self, call: &CallMeter, code: Code) {
        let CallMeter { method, began, .. } = call;
        self.handled.get_or_create(&handled(method, code)).inc();
        let seconds = self.seconds.get_or_create(&labels_of(method));
        seconds.observe(began.elapsed().as_secs_f64());
    }
}

impl CallMeter {
    /// So many messages more were read and handed to the connection.
    pub(crate) fn add(&self, received: u64, sent: u64) {
        for (counter, messages) in [(&self.received, received), (&self.sent, sent)] {
            if messages > 0 {
                counter.inc_by(messages);
            }
        }
    }
}

fn labels_of(method: &Method) -> MethodLabels {
    MethodLabels {
        grpc_type: type_of(method.shape),
        grpc_service: method.service,
        grpc_method: method.name,
    }
}

fn handled(method: &Method, code: Code) -> HandledLabels {
    HandledLabels {
        grpc_type: type_of(method.shape),
        grpc_service: method.service,
        grpc_method: method.name,
        grpc_code: name_of(code),
    }
}

fn type_of(shape: Shape) -> &'static str {
    match shape {
        Shape::Unary => "unary",
        Shape::ServerStream => "server_stream",
        Shape::BidiStream => "bidi_stream",
    }
}

/// As Go spells them, which dashboards look for.
fn name_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
