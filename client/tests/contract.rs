//! The contract on the wire: what each call answers, each limit at its edge and one past it, and the exact status of
//! whatever cannot be answered.

mod support;

use bytes::Bytes;
use http::{Method, StatusCode};
use tonic::Code;
use tower::ServiceExt;

use robot_api::v1;
use robot_api::v1::command_error::Reason;
use robot_server::{Config, Console};
use support::*;

/// A length without its bytes, and an id without an end.
const MALFORMED_OUTSIDE: &[u8] = &[0x0a, 0x05, 0x08];
const MALFORMED_INSIDE: &[u8] = &[0x0a, 0x02, 0x08, 0xff];

#[tokio::test]
async fn a_bad_command_among_good_ones_gets_its_error_and_the_stream_goes_on() {
    let server = Server::start(Config::default()).await;
    let bad = v1::RobotCommand {
        script: "turn left".to_owned(),
        ..turn(2, 0.0)
    };
    let bad = v1::RobotCommand {
        actions: vec![],
        ..bad
    };
    let messages = [
        encoded(vec![turn(1, 90.0), bad, turn(3, -90.0)]),
        encoded(vec![turn(4, 0.5)]),
    ];
    let (mut results, end) = call_raw(
        server.channel().await,
        EXECUTE_STREAM,
        tokio_stream::iter(messages),
    )
    .await;
    end.expect("all were answered");
    results.sort_by_key(|result| result.id);
    assert_eq!(ids(&results), [1, 2, 3, 4]);
    assert_eq!(state(&results[0]).heading_degrees, 90.0);
    assert_eq!(reason(&results[1]), Reason::ScriptSyntax);
    assert_eq!(state(&results[2]).heading_degrees, -90.0);
    assert_eq!(state(&results[3]).heading_degrees, 0.5);
    assert!(
        results
            .iter()
            .all(|result| result.execution.is_some_and(|execution| {
                execution.worker > 0 && execution.run_nanos > 0 && execution.job_commands > 0
            }))
    );
    server.stop().await;
}

#[tokio::test]
async fn malformed_bytes_end_the_stream_invalid_argument_after_what_came_before() {
    let server = Server::start(Config::default()).await;
    for malformed in [MALFORMED_OUTSIDE, MALFORMED_INSIDE] {
        let messages = [encoded(vec![turn(1, 90.0)]), Bytes::from_static(malformed)];
        let (results, end) = call_raw(
            server.channel().await,
            EXECUTE_STREAM,
            tokio_stream::iter(messages),
        )
        .await;
        assert_eq!(ids(&results), [1]);
        assert_eq!(end.unwrap_err().code(), Code::InvalidArgument);
    }
    server.stop().await;
}

#[tokio::test]
async fn malformed_bytes_are_invalid_argument_on_every_call() {
    let server = Server::start(Config::default()).await;
    for path in [EXECUTE, WATCH_WORKERS] {
        for malformed in [&[0x0a, 0x05, 0x08][..], &[0x08, 0xff]] {
            let message = tokio_stream::once(Bytes::from_static(malformed));
            let (_none, end) = call_raw(server.channel().await, path, message).await;
            let status = end.unwrap_err();
            assert_eq!(
                status.code(),
                Code::InvalidArgument,
                "{path} {malformed:?}: {status}"
            );
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn each_limit_holds_at_its_edge_and_one_past_it() {
    let config = Config {
        commands_per_message_max: 10,
        actions_per_command_max: 20,
        message_bytes_max: 1024,
        ..Config::default()
    };
    let server = Server::start(config).await;
    let commands = |count| encoded((0..count).map(|id| turn(id, 1.0)).collect());
    let sized = |bytes| {
        let script = v1::RobotCommand {
            actions: vec![],
            ..turn(1, 0.0)
        };
        let empty = encoded(vec![v1::RobotCommand {
            script: " ".repeat(800),
            ..script.clone()
        }]);
        let message = encoded(vec![v1::RobotCommand {
            script: " ".repeat(bytes - empty.len() + 800),
            ..script
        }]);
        assert_eq!(message.len(), bytes);
        message
    };
    for path in [EXECUTE_STREAM, EXECUTE] {
        for (message, expected) in [
            (commands(10), Ok(10)),
            (
                commands(11),
                Err("a message holds 11 commands; at most 10 are allowed"),
            ),
            (sized(1024), Ok(1)),
            (sized(1025), Err("too large: found 1025 bytes")),
        ] {
            let message = tokio_stream::once(message);
            let (results, end) = call_raw(server.channel().await, path, message).await;
            match expected {
                Ok(answered) => {
                    assert_eq!((results.len(), end.is_ok()), (answered, true), "{path}")
                }
                Err(text) => {
                    let status = end.unwrap_err();
                    assert_eq!(status.code(), Code::ResourceExhausted, "{path}: {status}");
                    assert!(status.message().contains(text), "{path}: {status}");
                }
            }
        }
        let message = tokio_stream::once(encoded(vec![program(1, 20), program(2, 21)]));
        let (mut results, end) = call_raw(server.channel().await, path, message).await;
        end.expect("both were answered");
        results.sort_by_key(|result| result.id);
        assert_eq!(state(&results[0]).heading_degrees, 20.0);
        assert_eq!(reason(&results[1]), Reason::TooManyActions);
    }
    server.stop().await;
}

#[tokio::test]
async fn execute_answers_in_the_order_of_the_commands() {
    let server = Server::start(Config {
        workers: Some(4),
        ..Config::default()
    })
    .await;
    let mut client = server.client().await;
    let commands = (0..4000).rev().map(|id| turn(id, id as f64)).collect();
    let response = client
        .execute(v1::ExecuteRequest { commands })
        .await
        .unwrap()
        .into_inner();
    for (result, id) in response.results.iter().zip((0..4000).rev()) {
        assert_eq!((result.id, state(result).heading_degrees), (id, id as f64));
    }
    assert_eq!(response.results.len(), 4000);
    let none = client
        .execute(v1::ExecuteRequest { commands: vec![] })
        .await
        .unwrap();
    assert!(none.into_inner().results.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn execute_says_when_its_answer_is_larger_than_a_message() {
    let server = Server::start(Config::default()).await;
    // Four bytes each, and an event of 22.
    let stay = v1::Action {
        kind: Some(v1::action::Kind::Move(v1::Move { distance: 0.0 })),
    };
    let chatty = v1::RobotCommand {
        state: Some(v1::RobotState {
            x: 1.0,
            y: 1.0,
            ..Default::default()
        }),
        actions: vec![stay; 10_000],
        with_events: true,
        ..turn(1, 0.0)
    };
    let request = |commands| v1::ExecuteRequest {
        commands: vec![chatty.clone(); commands],
    };
    // The client's own limit must not be what refuses it.
    let mut client = server.client().await.max_decoding_message_size(64 << 20);
    let fits = client.execute(request(18)).await.unwrap().into_inner();
    assert_eq!(fits.results.len(), 18);
    let answered = client
        .execute(request(24))
        .await
        .map(|response| response.into_inner().results.len());
    let status = answered.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("4194304 bytes"), "{status}");
    server.stop().await;
}

#[tokio::test]
async fn server_info_says_what_the_server_was_started_with() {
    let config = Config {
        workers: Some(3),
        commands_per_message_max: 77,
        ..Config::default()
    };
    let server = Server::start(config.clone()).await;
    let info = server
        .client()
        .await
        .get_server_info(v1::GetServerInfoRequest {})
        .await
        .unwrap();
    let info = info.into_inner();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(info.semantics_version, robot::SEMANTICS_VERSION);
    assert_eq!(info.workers, 3);
    assert_eq!(info.queue_kind(), v1::QueueKind::Embedded);
    let limits = info.limits.unwrap();
    assert_eq!(limits.commands_per_message_max, 77);
    assert_eq!(
        limits.actions_per_command_max,
        config.actions_per_command_max
    );
    assert_eq!(
        limits.message_bytes_max,
        u64::from(config.message_bytes_max)
    );
    server.stop().await;
}

#[tokio::test]
async fn watch_workers_counts_what_was_run_and_refuses_odd_intervals() {
    let server = Server::start(Config {
        workers: Some(2),
        ..Config::default()
    })
    .await;
    let mut client = server.client().await;
    let commands = (0..100).map(|id| turn(id, 1.0)).collect();
    client
        .execute(v1::ExecuteRequest { commands })
        .await
        .unwrap();
    let watch = |interval_ms| v1::WatchWorkersRequest { interval_ms };
    let mut snapshots = client.watch_workers(watch(100)).await.unwrap().into_inner();
    let first = snapshots.message().await.unwrap().unwrap();
    let second = snapshots.message().await.unwrap().unwrap();
    assert_eq!(
        first
            .workers
            .iter()
            .map(|worker| worker.worker)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(
        first
            .workers
            .iter()
            .map(|worker| worker.commands)
            .sum::<u64>(),
        100
    );
    assert!(second.uptime_nanos - first.uptime_nanos >= 90_000_000);
    for odd in [1, 99, 60_001] {
        let status = client.watch_workers(watch(odd)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(
            status.message().contains(&format!("interval_ms is {odd}")),
            "{status}"
        );
    }
    server.shutdown.drain.cancel();
    let end = loop {
        match snapshots.message().await {
            Ok(Some(_snapshot)) => {}
            Ok(None) => panic!("a watch never ends OK"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::Unavailable);
    server.ended().await;
}

#[tokio::test]
async fn a_deadline_ends_a_stream_that_stays_open() {
    let server = Server::start(Config::default()).await;
    let mut request = tonic::Request::new(tokio_stream::pending());
    request.set_timeout(std::time::Duration::from_millis(50));
    let mut responses = server
        .client()
        .await
        .execute_stream(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        responses.message().await.unwrap_err().code(),
        Code::DeadlineExceeded
    );
    server.stop().await;
}

#[tokio::test]
async fn without_a_console_what_is_no_grpc_request_gets_a_415() {
    let server = Server::start(Config {
        console: Console::Off,
        ..Config::default()
    })
    .await;
    for (method, content_type, expected) in [
        (
            Method::GET,
            Some("application/grpc"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (Method::POST, None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            Method::POST,
            Some("application/json"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            Method::POST,
            Some("application/grpc-web"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            Method::POST,
            Some("application/grpcx"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (Method::POST, Some("application/grpc+proto"), StatusCode::OK),
        (
            Method::POST,
            Some("application/grpc;charset=utf-8"),
            StatusCode::OK,
        ),
    ] {
        let uri = format!("{}{EXECUTE}", server.uri);
        let mut request = http::Request::builder().method(method.clone()).uri(uri);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let request = request.body(tonic::body::Body::empty()).unwrap();
        let response = server.channel().await.oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected, "{method} {content_type:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_call_is_unimplemented() {
    let server = Server::start(Config::default()).await;
    for path in [
        "/robot.v1.RobotService/Dance",
        "/robot.v2.RobotService/Execute",
    ] {
        let (_none, end) = call_raw(server.channel().await, path, tokio_stream::empty()).await;
        assert_eq!(end.unwrap_err().code(), Code::Unimplemented);
    }
    server.stop().await;
}

#[tokio::test]
async fn headers_larger_than_the_limit_are_refused() {
    let server = Server::start(Config::default()).await;
    for (bytes, expected) in [
        (8 << 10, StatusCode::OK),
        (20 << 10, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
    ] {
        let uri = format!("{}{EXECUTE}", server.uri);
        let request = http::Request::post(uri)
            .header("content-type", "application/grpc")
            .header("x-large", "x".repeat(bytes))
            .body(tonic::body::Body::empty())
            .unwrap();
        let response = server.channel().await.oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected, "{bytes}");
    }
    server.stop().await;
}
