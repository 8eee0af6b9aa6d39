//! Calls as a page makes them: each that a browser can make, and how each ends.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use robot_api::v1;
use robot_api::v1::robot_result::Outcome;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::http1::{Answer, call, connect, post};
use crate::http2;
use crate::support::{Server, turns};
use crate::web::*;

/// Turns of 90 degrees, each from a heading of 0.
fn commands(count: u64) -> Vec<u8> {
    let v1::ExecuteStreamRequest { commands } = turns(0, count);
    framed(&v1::ExecuteRequest { commands })
}

fn check_turned(body: &[u8], count: u64) {
    let (answers, code, _message) = messages::<v1::ExecuteResponse>(body);
    assert_eq!(code, Code::Ok);
    let results = answers.into_iter().flat_map(|answer| answer.results);
    let mut ids = Vec::new();
    for result in results {
        match result.outcome {
            Some(Outcome::State(state)) => assert_eq!(state.heading_degrees, 90.0),
            other => panic!("{other:?} is no state"),
        }
        ids.push(result.id);
    }
    assert_eq!(ids, (0..count).collect::<Vec<_>>(), "in order");
}

/// A status that stands alone, where the headers are.
fn only_status(answer: &Answer) -> (Code, &str) {
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/grpc-web+proto")
    );
    let code = Code::from_bytes(answer.header("grpc-status").unwrap().as_bytes());
    (code, answer.header("grpc-message").unwrap())
}

#[tokio::test]
async fn calls_are_answered_one_after_the_other_on_one_connection() {
    let server = Server::start(&[]).await;
    let mut connection = connect(server.address()).await;
    for count in [1, 1000, 0] {
        let request = call("localhost", EXECUTE, "", &commands(count));
        connection.send(&request).await;
        let answer = connection.answer(false).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            Some("application/grpc-web+proto")
        );
        check_turned(&answer.body, count);
    }
    // Sent before the first is answered.
    let request = call("localhost", EXECUTE, "", &commands(3));
    connection.send(&[&request[..], &request].concat()).await;
    for _ in 0..2 {
        check_turned(&connection.answer(false).await.body, 3);
    }
    let request = call(
        "localhost",
        GET_SERVER_INFO,
        "",
        &framed(&v1::GetServerInfoRequest {}),
    );
    connection.send(&request).await;
    let answer = connection.answer(false).await;
    let (infos, code, _message) = messages::<v1::GetServerInfoResponse>(&answer.body);
    assert_eq!(code, Code::Ok);
    assert_eq!(infos[0].limits.unwrap().message_bytes_max, 1 << 20);
    let request = call(
        "localhost",
        HEALTH_CHECK,
        "",
        &framed(&HealthCheckRequest::default()),
    );
    connection.send(&request).await;
    let answer = connection.answer(false).await;
    let (health, code, _message) = messages::<HealthCheckResponse>(&answer.body);
    assert_eq!((health[0].status, code), (1, Code::Ok));
}

#[tokio::test]
async fn calls_are_answered_over_http_2_too() {
    let server = Server::start(&[]).await;
    let request = Request::post(format!("http://{}{EXECUTE}", server.address()))
        .header("content-type", "application/grpc-web+proto")
        .header("origin", format!("http://{}", server.address()));
    let answer = http2::send(server.address(), request.body(()).unwrap(), commands(5)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.trailers, None, "a browser could not read them");
    check_turned(&answer.body, 5);
}

#[tokio::test]
async fn a_body_in_chunks_and_one_in_base64_are_read() {
    let server = Server::start(&[]).await;
    let mut connection = connect(server.address()).await;
    let body = commands(2);
    let (first, second) = body.split_at(7);
    let head = format!(
        "POST {EXECUTE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web+proto\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    connection.send(head.as_bytes()).await;
    for part in [first, second] {
        connection
            .send(format!("{:x}\r\n", part.len()).as_bytes())
            .await;
        connection.send(part).await;
        connection.send(b"\r\n").await;
    }
    connection.send(b"0\r\n\r\n").await;
    check_turned(&connection.answer(false).await.body, 2);

    let body = BASE64_STANDARD.encode(commands(2));
    let head = format!(
        "POST {EXECUTE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web-text\r\n\
         accept: application/grpc-web-text\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.send(head.as_bytes()).await;
    let answer = connection.answer(false).await;
    // Each part is encoded for itself, so that there may be padding in between.
    let text = answer.text().as_bytes();
    let decoded: Vec<u8> = text
        .chunks(4)
        .flat_map(|four| BASE64_STANDARD.decode(four).unwrap())
        .collect();
    check_turned(&decoded, 2);
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_its_status() {
    let server = Server::start(&["--message-bytes-max=2048"]).await;
    let address = server.address();
    let large = framed(&v1::ExecuteRequest {
        commands: vec![v1::RobotCommand {
            script: "x".repeat(2048),
            ..Default::default()
        }],
    });
    let answer = post(address, EXECUTE, "", &large).await;
    assert_eq!(
        only_status(&answer).0,
        Code::ResourceExhausted,
        "{answer:?}"
    );
    let answer = post(address, EXECUTE, "", b"\0\0\0\0\x01\xff").await;
    assert_eq!(only_status(&answer).0, Code::InvalidArgument, "{answer:?}");
    let answer = post(address, EXECUTE, "", b"\0\0\0").await;
    assert_eq!(only_status(&answer).0, Code::InvalidArgument, "{answer:?}");
    let answer = post(address, EXECUTE, "grpc-timeout: 0n\r\n", &commands(1)).await;
    assert_eq!(only_status(&answer).0, Code::DeadlineExceeded, "{answer:?}");
    let answer = post(address, EXECUTE, "grpc-timeout: soon\r\n", &commands(1)).await;
    assert_eq!(only_status(&answer).0, Code::InvalidArgument, "{answer:?}");
    let answer = post(address, "/robot.v1.RobotService/Dance", "", &commands(1)).await;
    assert_eq!(answer.header("grpc-status"), Some("12"), "{answer:?}");
    let answer = post(address, EXECUTE_STREAM, "", &commands(1)).await;
    let (code, message) = only_status(&answer);
    assert_eq!(code, Code::Unimplemented);
    assert!(message.contains("use Execute"), "{message}");
}
