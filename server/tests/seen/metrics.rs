//! The metrics count what happened, exactly.

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};

use robot_api::v1;

use crate::scrape::{Metrics, Seen, request};
use crate::support::turns;

const BIDI: (&str, &str) = ("bidi_stream", "ExecuteStream");

#[tokio::test]
async fn commands_are_counted_by_what_came_of_them() {
    let seen = Seen::start(&["--workers", "3"]).await;
    let mut client = seen.server.connect().await;
    let mut wrong = turns(1000, 7);
    for command in &mut wrong.commands[..5] {
        command.script = "fly 3".to_owned();
    }
    wrong.commands[5].state = None;
    let messages = vec![turns(0, 40), wrong, turns(2000, 3)];
    let responses = client.execute_stream(tokio_stream::iter(messages)).await;
    let mut responses = responses.unwrap().into_inner();
    let mut sent = 0.0;
    while let Some(response) = responses.next().await {
        response.unwrap();
        sent += 1.0;
    }
    let handled = |code: &str| format!(",grpc_code=\"{code}\"");
    let metrics = seen
        .metrics_when(|metrics| {
            metrics.of_method("grpc_server_handled_total", BIDI.0, BIDI.1, &handled("OK")) == 1.0
        })
        .await;
    assert_eq!(
        metrics.value(r#"robot_commands_total{outcome="state"}"#),
        44.0
    );
    assert_eq!(
        metrics.value(r#"robot_commands_total{outcome="error"}"#),
        6.0
    );
    let rejected = |reason| {
        metrics.value(&format!(
            r#"robot_commands_rejected_total{{reason="{reason}"}}"#
        ))
    };
    assert_eq!(
        [rejected("SCRIPT_SYNTAX"), rejected("STATE_MISSING")],
        [5.0, 1.0]
    );
    assert_eq!(metrics.sum("robot_commands_rejected_total"), 6.0);
    assert_eq!(metrics.sum("robot_worker_commands_total"), 50.0);
    let jobs = metrics.sum("robot_worker_jobs_total");
    assert!(jobs >= 1.0, "{jobs}");
    for times in ["robot_command_queue_seconds", "robot_command_run_seconds"] {
        assert_eq!(metrics.value(&format!("{times}_count")), jobs);
        assert_eq!(
            metrics.value(&format!("{times}_bucket{{le=\"+Inf\"}}")),
            jobs
        );
    }
    let busy = metrics.sum("robot_worker_busy_seconds_total");
    let run = metrics.value("robot_command_run_seconds_sum");
    assert!((busy - run).abs() < 1e-6 && run > 0.0, "{busy} {run}");

    let of_stream = |name| metrics.of_method(name, BIDI.0, BIDI.1, "");
    assert_eq!(of_stream("grpc_server_started_total"), 1.0);
    assert_eq!(of_stream("grpc_server_msg_received_total"), 3.0);
    assert_eq!(of_stream("grpc_server_msg_sent_total"), sent);
    assert_eq!(of_stream("grpc_server_handling_seconds_count"), 1.0);
    for idle in [
        "robot_streams_open",
        "robot_commands_in_flight",
        "robot_queue_jobs",
        "robot_queue_bytes",
    ] {
        assert_eq!(metrics.value(idle), 0.0, "{idle}");
    }
    assert_eq!(
        [
            metrics.value("robot_workers"),
            metrics.value("robot_workers_idle")
        ],
        [3.0, 3.0]
    );
    assert_eq!(metrics.value("robot_connections_open"), 1.0);
    assert!(metrics.value("process_resident_memory_bytes") > 1e6);
    assert!(metrics.value("process_open_fds") > 3.0);
}

#[tokio::test]
async fn calls_are_counted_by_how_they_ended() {
    let seen = Seen::start(&["--message-bytes-max", "1024"]).await;
    let mut client = seen.server.connect().await;
    client.execute(one_shot(3)).await.unwrap();
    let too_large = client.execute(one_shot(500)).await.unwrap_err();
    assert_eq!(too_large.code(), Code::ResourceExhausted);
    let mut never = Request::new(one_shot(1));
    let timeout = MetadataValue::from_static("never");
    never.metadata_mut().insert("grpc-timeout", timeout);
    assert_eq!(
        client.execute(never).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let watch = v1::WatchWorkersRequest { interval_ms: 7 };
    assert_eq!(
        client.watch_workers(watch).await.unwrap_err().code(),
        Code::InvalidArgument
    );

    // Open while it is looked at, and then given up.
    let (sender, requests) = mpsc::channel(1);
    sender.send(turns(0, 2)).await.unwrap();
    let responses = client.execute_stream(ReceiverStream::new(requests)).await;
    let mut responses = responses.unwrap().into_inner();
    responses.next().await.unwrap().unwrap();
    let open = seen
        .metrics_when(|metrics| metrics.value("robot_commands_in_flight") == 0.0)
        .await;
    assert_eq!(open.value("robot_streams_open"), 1.0);
    assert_eq!(
        open.of_method("grpc_server_msg_received_total", BIDI.0, BIDI.1, ""),
        1.0
    );
    drop((sender, responses));

    let handled = |shape: &str, method: &str, code: &str| {
        format!(
            "grpc_server_handled_total{{grpc_type=\"{shape}\",grpc_service=\"robot.v1.RobotService\",\
             grpc_method=\"{method}\",grpc_code=\"{code}\"}}"
        )
    };
    let expected = [
        handled("unary", "Execute", "OK"),
        handled("unary", "Execute", "ResourceExhausted"),
        handled("unary", "Execute", "InvalidArgument"),
        handled("server_stream", "WatchWorkers", "InvalidArgument"),
        handled("bidi_stream", "ExecuteStream", "Canceled"),
    ];
    let metrics = seen
        .metrics_when(|metrics| expected.iter().all(|series| metrics.has(series)))
        .await;
    for series in &expected {
        assert_eq!(metrics.value(series), 1.0, "{series}");
    }
    assert_eq!(
        metrics.of_method("grpc_server_started_total", "unary", "Execute", ""),
        3.0
    );
    assert_eq!(
        metrics.of_method("grpc_server_msg_sent_total", "unary", "Execute", ""),
        1.0
    );
    assert_eq!(metrics.value("robot_streams_open"), 0.0);
}

#[tokio::test]
async fn a_browsers_calls_are_counted_as_any_others() {
    let seen = Seen::start(&[]).await;
    for (body, status) in [("\0\0\0\0\0", 200), ("\0\0\0\0\u{1}\u{1}", 200)] {
        let call = format!(
            "POST /robot.v1.RobotService/Execute HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             content-type: application/grpc-web+proto\r\ncontent-length: {}\r\n\r\n{body}",
            seen.server.address(),
            body.len(),
        );
        assert_eq!(request(seen.server.address(), &call).await.status, status);
    }
    let handled = |metrics: &Metrics, code: &str| {
        let code = format!(",grpc_code=\"{code}\"");
        let service = "robot.v1.RobotService";
        metrics.has(&format!(
            "grpc_server_handled_total{{grpc_type=\"unary\",grpc_service=\"{service}\",grpc_method=\"Execute\"{code}}}"
        ))
    };
    let metrics = seen
        .metrics_when(|metrics| handled(metrics, "InvalidArgument"))
        .await;
    assert!(!metrics.has(r#"robot_requests_refused_total{reason="foreign"}"#));
    let of_execute = |name, code: &str| metrics.of_method(name, "unary", "Execute", code);
    let ok = ",grpc_code=\"OK\"";
    assert_eq!(of_execute("grpc_server_handled_total", ok), 1.0);
    assert_eq!(of_execute("grpc_server_started_total", ""), 2.0);
    assert_eq!(of_execute("grpc_server_msg_received_total", ""), 2.0);
    assert_eq!(of_execute("grpc_server_msg_sent_total", ""), 1.0);

    let elsewhere = "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    let answer = request(seen.server.address(), elsewhere).await;
    assert_eq!(answer.status, 403);
    let metrics = seen.metrics().await;
    let refused = metrics.value(r#"robot_requests_refused_total{reason="foreign"}"#);
    assert_eq!(refused, 1.0);
}

fn one_shot(commands: u64) -> v1::ExecuteRequest {
    let v1::ExecuteStreamRequest { commands } = turns(0, commands);
    v1::ExecuteRequest { commands }
}
