//! Traces: one span for each call of the contract's own, with counts as attributes and never one a command, sent to a
//! collector over OTLP. A call that says which trace it belongs to (W3C Trace Context) becomes part of it. It knows nothing
//! of what calls do.

use http::{HeaderMap, Uri};
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use robot_otlp::OtlpError;
use tonic::Code;

use crate::method::Method;
use crate::watch::Activity;

/// The way to the collector. Spans wait in a bounded queue of the library's (`OTEL_BSP_MAX_QUEUE_SIZE`, 2048) and are
/// dropped when it is full.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// The span of one call that has not ended.
#[derive(Debug)]
pub(crate) struct CallSpan(opentelemetry_sdk::trace::Span);

/// Reads headers.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

impl Traces {
    /// Does not wait for the collector: one that is not there costs the spans, and nothing else.
    pub(crate) fn open(endpoint: &Uri, name: &'static str) -> Result<Self, OtlpError> {
        let provider = robot_otlp::open(endpoint, name, env!("CARGO_PKG_VERSION"))?;
        Ok(Self {
            tracer: provider.tracer(name),
            provider,
        })
    }

    pub(crate) fn tracer(&self) -> &SdkTracer {
        &self.tracer
    }

    /// A call begins. None of a service that only looks after others: those are called every few seconds.
    pub(crate) fn begin(&self, method: &'static Method, headers: &HeaderMap) -> Option<CallSpan> {
        if !method.is_robots() {
            return None;
        }
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        let span = self
            .tracer
            .span_builder(format!("{}/{}", method.service, method.name))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("rpc.system", "grpc"),
                KeyValue::new("rpc.service", method.service),
                KeyValue::new("rpc.method", method.name),
            ]);
        Some(CallSpan(self.tracer.build_with_context(span, &parent)))
    }

    /// Sends what was not sent yet, and waits for that no longer than it should take.
    pub(crate) async fn close(&self) {
        if let Err(error) = robot_otlp::close(self.provider.clone()).await {
            tracing::warn!(%error, "cannot send all spans");
        }
    }
}

impl CallSpan {
    /// What whoever does something for the call is told; `None` if nobody keeps the span.
    pub(crate) fn traceparent(&self) -> Option<String> {
        let Self(span) = self;
        let context = span.span_context();
        let (trace, id) = (context.trace_id(), context.span_id());
        context.is_sampled().then(|| format!("00-{trace}-{id}-01"))
    }

    /// The call has come to its end.
    pub(crate) fn end(&mut self, call: &Activity, messages_sent: u64, code: Code) {
        let Self(span) = self;
        let count = |name, count: u64| KeyValue::new(name, count as i64);
        let (accepted, answered) = call.commands();
        let who = call.who();
        span.set_attributes([
            KeyValue::new("client.address", who.peer().ip().to_string()),
            KeyValue::new("client.port", i64::from(who.peer().port())),
            KeyValue::new("rpc.grpc.status_code", code as i64),
            count("robot.stream", who.stream()),
            count("robot.messages.received", call.messages()),
            count("robot.messages.sent", messages_sent),
            count("robot.commands.accepted", accepted),
            count("robot.commands.answered", answered),
        ]);
        if let Some(identity) = who.identity() {
            span.set_attribute(KeyValue::new("enduser.id", identity.to_owned()));
        }
        if is_servers_fault(code) {
            span.set_status(Status::error(code.description()));
        }
        span.end();
    }
}

/// Which codes are the server's errors is OpenTelemetry's choice: what the caller did wrong is none.
fn is_servers_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}
