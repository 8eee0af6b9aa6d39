//! A small collector of OpenTelemetry: it takes spans over OTLP and keeps them.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// Keeps what it is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<ResourceSpans>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans;
        self.0.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(crate) async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        format!("http://{address}")
    }

    /// Each span with the name of its service.
    pub(crate) fn spans(&self) -> Vec<(String, Span)> {
        let mut spans = Vec::new();
        for of_resource in self.0.lock().unwrap().iter() {
            let attributes = &of_resource.resource.as_ref().unwrap().attributes;
            let name = attributes.iter().find(|pair| pair.key == "service.name");
            let name = name.and_then(|name| name.value.clone()?.value);
            let Some(Value::StringValue(name)) = name else {
                panic!("a resource without a name: {attributes:?}");
            };
            for scope in &of_resource.scope_spans {
                let named = |span: &Span| (name.clone(), span.clone());
                spans.extend(scope.spans.iter().map(named));
            }
        }
        spans
    }
}

/// What this attribute of a span is.
pub(crate) fn number(span: &Span, key: &str) -> i64 {
    let found = span.attributes.iter().find(|pair| pair.key == key);
    match found.and_then(|pair| pair.value.clone()?.value) {
        Some(Value::IntValue(number)) => number,
        other => panic!("{key} is {other:?} in {span:?}"),
    }
}
