//! Log lines say about whom they are, and nobody can cause more of them than there should be.

use serde_json::Value;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};

use robot_api::v1;

use crate::scrape::Seen;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Of the token `secret`.
const TOKENS: &str = "alice:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n";
const CALLS: u64 = 300;

fn call(token: &'static str) -> Request<v1::GetServerInfoRequest> {
    let mut request = Request::new(v1::GetServerInfoRequest {});
    let metadata = request.metadata_mut();
    metadata.insert("authorization", MetadataValue::from_static(token));
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    metadata.insert("traceparent", parent.parse().unwrap());
    request
}

#[tokio::test]
async fn lines_say_about_whom_they_are_and_a_noisy_peer_has_only_some() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, TOKENS).unwrap();
    let seen = Seen::start(&["--token-file", tokens.to_str().unwrap()]).await;
    let mut client = seen.server.connect().await;
    for _ in 0..CALLS {
        let refused = client
            .get_server_info(call("Bearer wrong"))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    client.get_server_info(call("Bearer secret")).await.unwrap();
    let metrics = seen.metrics().await;
    assert_eq!(
        metrics.value(r#"robot_requests_refused_total{reason="wrong_token"}"#),
        CALLS as f64
    );
    let left_out = metrics.value("robot_log_lines_left_out_total");
    seen.server.signal("TERM").await;
    let (mut log, mut child) = seen.server.take_log();
    let mut lines = Vec::new();
    while let Some(line) = log.next_line().await.unwrap() {
        assert!(
            !line.contains("secret") && !line.contains("Bearer"),
            "{line}"
        );
        lines.push(serde_json::from_str::<Value>(&line).unwrap());
    }
    child.wait().await.unwrap();
    let refused = |line: &&Value| line["fields"]["message"] == "a call was not let in";
    let refused: Vec<_> = lines.iter().filter(refused).collect();
    assert!(!refused.is_empty(), "{lines:?}");
    assert_eq!(refused.len() as f64 + left_out, CALLS as f64);
    let span = &refused[0]["span"];
    assert_eq!(span["trace_id"], TRACE);
    assert_eq!(span["stream"], 1);
    assert!(
        span["peer"].as_str().unwrap().starts_with("127.0.0.1:"),
        "{span}"
    );
}

#[tokio::test]
async fn a_call_that_was_let_in_carries_its_identity() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, TOKENS).unwrap();
    let flags = [
        "--token-file",
        tokens.to_str().unwrap(),
        "--stream-idle-ms-max",
        "100",
        "--stream-stall-ms-max",
        "100",
    ];
    let mut server = crate::support::binary();
    server
        .env("RUST_LOG", "debug")
        .args(flags)
        .args(["--log-format", "json"]);
    let mut server = crate::support::Server::launch(server).await;
    let mut client = server.connect().await;
    let mut request = Request::new(tokio_stream::pending());
    *request.metadata_mut() = call("Bearer secret").metadata().clone();
    let mut responses = client.execute_stream(request).await.unwrap().into_inner();
    // Nothing is sent for too long.
    let ended = responses.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    let line = server.log_line("call ended").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["span"]["identity"], &line["span"]["trace_id"]),
        (&"alice".into(), &TRACE.into())
    );
}
