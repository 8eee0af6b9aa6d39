//! A trace goes from the client's command line through the server to a collector of OpenTelemetry, which is a small one
//! of the test's own: it takes spans over OTLP and keeps them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../server/tests/support/collector.rs"]
mod collector;
#[path = "support/command.rs"]
mod command;
#[path = "support/mod.rs"]
mod support;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use robot_server::Config;
use tokio::net::TcpListener;
use tokio::task::block_in_place;
use tonic::Request;

use collector::{Collector, number};

/// A server that is traced; when it has been stopped all spans are with the collector.
async fn traced(endpoint: &str) -> support::Server {
    let config = Config {
        otlp_endpoint: Some(endpoint.parse().unwrap()),
        ..Config::default()
    };
    support::Server::start(config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_and_its_calls_are_one_trace() {
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let server = traced(&endpoint).await;
    let args = [
        "--server",
        &server.uri,
        "--otlp-endpoint",
        &endpoint,
        "--turns",
        "300",
        "--batch",
        "10",
    ];
    let ran = block_in_place(|| command::run(&args));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    server.stop().await;

    let spans = collector.spans();
    let of_name = |name: &str| {
        let found: Vec<_> = spans
            .iter()
            .filter(|(_service, span)| span.name == name)
            .collect();
        assert_eq!(found.len(), 1, "{name} in {spans:?}");
        found[0]
    };
    let (service, root) = of_name("robot-client bench");
    assert_eq!(service, "robot-client");
    assert!(root.parent_span_id.is_empty());
    let (service, stream) = of_name("robot.v1.RobotService/ExecuteStream");
    assert_eq!(service, "robot-server");
    assert_eq!(stream.kind(), SpanKind::Server);
    for key in ["robot.commands.accepted", "robot.commands.answered"] {
        assert_eq!(number(stream, key), 300, "{key}");
    }
    assert_eq!(number(stream, "robot.messages.received"), 30);
    assert!(number(stream, "robot.messages.sent") >= 1);
    assert_eq!(number(stream, "rpc.grpc.status_code"), 0);
    of_name("robot.v1.RobotService/GetServerInfo");
    assert_eq!(spans.len(), 3, "none is of a command: {spans:?}");
    for (_service, span) in &spans {
        assert_eq!(span.trace_id, root.trace_id, "{span:?}");
        let is_root = span.span_id == root.span_id;
        assert!(is_root || span.parent_span_id == root.span_id, "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_say_no_trace_or_a_wrong_one_begin_their_own() {
    let collector = Collector::default();
    let server = traced(&collector.start().await).await;
    let mut client = RobotServiceClient::connect(server.uri.clone())
        .await
        .unwrap();
    for parent in [
        None,
        Some("nonsense"),
        Some("00-0-0-0"),
        Some("00-00000000000000000000000000000000-0000000000000000-01"),
    ] {
        let mut request = Request::new(v1::ExecuteRequest::default());
        if let Some(parent) = parent {
            request
                .metadata_mut()
                .insert("traceparent", parent.parse().unwrap());
        }
        client.execute(request).await.unwrap();
    }
    let mut not_sampled = Request::new(v1::ExecuteRequest::default());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    not_sampled
        .metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    client.execute(not_sampled).await.unwrap();
    let watch = v1::WatchWorkersRequest { interval_ms: 1 };
    client.watch_workers(watch).await.unwrap_err();
    server.stop().await;

    let spans = collector.spans();
    let mut traces: Vec<_> = spans
        .iter()
        .map(|(_service, span)| &span.trace_id)
        .collect();
    traces.sort_unstable();
    traces.dedup();
    assert_eq!((spans.len(), traces.len()), (5, 5), "{spans:?}");
    for (_service, span) in &spans {
        assert!(span.parent_span_id.is_empty(), "{span:?}");
        // What the caller did wrong is no error of the server's.
        let status = span.status.clone().unwrap_or_default();
        assert_eq!(status.code(), StatusCode::Unset, "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_costs_nothing_but_the_spans() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let server = traced(&nobody).await;
    let args = [
        "--server",
        &server.uri,
        "--otlp-endpoint",
        &nobody,
        "--turns",
        "10",
    ];
    let ran = block_in_place(|| command::run(&args));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: "), "{}", ran.stderr);
    server.stop().await;
}
