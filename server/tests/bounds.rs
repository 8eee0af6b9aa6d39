//! What the server does about clients that send nothing, read nothing or stay for ever: each bound against the real
//! server, in this process. None of these tests says how fast something is: an end is awaited, and may not come early.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../client/tests/support/mod.rs"]
mod support;
mod workers;

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use robot_server::Config;
use support::*;
use workers::until;

const LIMIT: Duration = Duration::from_millis(300);
const LIMIT_MS: u32 = LIMIT.as_millis() as u32;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

type Requests = mpsc::Sender<v1::ExecuteStreamRequest>;
type Responses = Streaming<v1::ExecuteStreamResponse>;

async fn open(channel: Channel) -> (Requests, Responses) {
    let (sender, receiver) = mpsc::channel(4);
    let responses = RobotServiceClient::new(channel)
        .execute_stream(ReceiverStream::new(receiver))
        .await
        .expect("it opens");
    (sender, responses.into_inner())
}

/// Sends one command and waits for its result.
async fn ping(requests: &Requests, responses: &mut Responses) -> Result<(), Status> {
    let message = request(vec![turn(7, 1.0)]);
    let _a_stream_that_ended_says_why = requests.send(message).await;
    let response = responses.message().await?.expect("it never ends OK");
    assert_eq!(ids(&response.results), [7]);
    Ok(())
}

/// Sends and receives until the stream ends.
async fn until_the_end(requests: &Requests, responses: &mut Responses) -> Status {
    loop {
        if let Err(end) = ping(requests, responses).await {
            return end;
        }
    }
}

/// A client that is owed more than its window takes, and never reads. A channel of its own window.
async fn never_reading(server: &Server) -> (Channel, Responses) {
    let endpoint = server.endpoint().initial_stream_window_size(16);
    let channel = endpoint.connect().await.unwrap();
    let (sender, responses) = open(channel.clone()).await;
    let message = request((0..100).map(|id| turn(id, 1.0)).collect());
    tokio::spawn(async move { while sender.send(message.clone()).await.is_ok() {} });
    (channel, responses)
}

/// Waits until so many calls are open and no job waits.
async fn until_open_calls(server: &Server, calls: u32) {
    until(server, |snapshot| {
        snapshot.open_calls == calls && snapshot.queue.is_some_and(|queue| queue.jobs == 0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_on_which_nothing_is_sent_ends_unavailable() {
    let server = Server::start(Config {
        stream_idle_ms_max: LIMIT_MS,
        ..Config::default()
    })
    .await;
    let (requests, mut responses) = open(server.channel().await).await;
    let last_sent = Instant::now();
    ping(&requests, &mut responses).await.unwrap();
    let end = responses.message().await.unwrap_err();
    assert!(last_sent.elapsed() >= LIMIT);
    assert_eq!(end.code(), Code::Unavailable);
    assert!(end.message().starts_with("nothing was sent"), "{end}");
    assert_eq!(server.stop().await.cut_off, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_is_not_waited_for_longer_than_an_idle_stream() {
    let server = Server::start(Config {
        stream_idle_ms_max: LIMIT_MS,
        ..Config::default()
    })
    .await;
    let begin = Instant::now();
    for path in [EXECUTE, WATCH_WORKERS] {
        let (_held, receiver) = mpsc::channel(1);
        let requests = ReceiverStream::new(receiver);
        let (_none, end) = call_raw(server.channel().await, path, requests).await;
        assert_eq!(end.unwrap_err().code(), Code::Cancelled, "{path}");
        assert!(begin.elapsed() >= LIMIT);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut_off_and_the_rest_of_its_connection_is_not() {
    let server = Server::start(Config {
        stream_stall_ms_max: LIMIT_MS,
        ..Config::default()
    })
    .await;
    let begin = Instant::now();
    let (channel, mut responses) = never_reading(&server).await;
    until_open_calls(&server, 1).await;
    // The neighbour reads slowly through the same tiny window, and goes on.
    let (requests, mut neighbour) = open(channel).await;
    until_open_calls(&server, 2).await;
    until_open_calls(&server, 1).await;
    assert!(begin.elapsed() >= LIMIT);
    ping(&requests, &mut neighbour).await.unwrap();
    let end = loop {
        match responses.message().await {
            Ok(response) => assert!(response.is_some(), "it never ends OK"),
            Err(end) => break end,
        }
    };
    assert_eq!(end.code(), Code::Cancelled, "{end}");
    drop(requests);
    assert!(neighbour.message().await.unwrap().is_none());
    assert_eq!(server.stop().await.cut_off, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_begin_is_closed_and_one_that_did_is_not() {
    let server = Server::start(Config {
        handshake_ms_max: LIMIT_MS,
        ..Config::default()
    })
    .await;
    let address = server.uri.trim_start_matches("http://").to_owned();
    let begun = server.channel().await;
    for said in [&b""[..], &PREFACE[..23]] {
        let begin = Instant::now();
        let mut connection = TcpStream::connect(&address).await.unwrap();
        connection.write_all(said).await.unwrap();
        // The server reads what was said, so it is closed, not reset.
        let read = connection.read(&mut [0; 64]).await.unwrap();
        assert_eq!(read, 0, "it is closed without a word");
        assert!(begin.elapsed() >= LIMIT);
    }
    let message = tokio_stream::once(encoded(vec![turn(1, 1.0)]));
    let (results, end) = call_raw(begun, EXECUTE_STREAM, message).await;
    end.expect("it has been silent for longer than that, but it had begun");
    assert_eq!(ids(&results), [1]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_answers_what_it_accepted_and_the_next_call_goes_elsewhere() {
    let server = Server::start(Config {
        connection_age_ms_max: LIMIT_MS,
        ..Config::default()
    })
    .await;
    let begin = Instant::now();
    let channel = server.channel().await;
    let (requests, mut responses) = open(channel.clone()).await;
    let mut watch = RobotServiceClient::new(channel.clone())
        .watch_workers(v1::WatchWorkersRequest { interval_ms: 0 })
        .await
        .unwrap()
        .into_inner();
    let end = until_the_end(&requests, &mut responses).await;
    assert!(begin.elapsed() >= LIMIT.mul_f64(0.9));
    assert_eq!(end.code(), Code::Unavailable);
    assert!(end.message().contains("has reached its age"), "{end}");
    let watched = loop {
        match watch.message().await {
            Ok(snapshot) => assert!(snapshot.is_some(), "it never ends OK"),
            Err(end) => break end.code(),
        }
    };
    assert_eq!(watched, Code::Unavailable);
    // A call that the client hands to the old connection while that closes fails at once; the next one connects.
    loop {
        let message = tokio_stream::once(encoded(vec![turn(1, 1.0)]));
        let (results, end) = call_raw(channel.clone(), EXECUTE_STREAM, message).await;
        match end {
            Ok(()) => break assert_eq!(ids(&results), [1]),
            Err(end) => assert!(
                matches!(end.code(), Code::Cancelled | Code::Unavailable),
                "{end}"
            ),
        }
    }
    let summary = server.stop().await;
    assert_eq!(summary.accepted, summary.answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_whose_client_does_not_read_is_dropped_after_its_grace() {
    let server = Server::start(Config {
        connection_age_ms_max: LIMIT_MS,
        drain_ms_max: LIMIT_MS,
        ..Config::default()
    })
    .await;
    let begin = Instant::now();
    let (_channel, mut responses) = never_reading(&server).await;
    until_open_calls(&server, 1).await;
    until_open_calls(&server, 0).await;
    assert!(begin.elapsed() >= LIMIT.mul_f64(1.9));
    let end = loop {
        match responses.message().await {
            Ok(response) => assert!(response.is_some(), "it never ends OK"),
            Err(end) => break end,
        }
    };
    assert_ne!(end.code(), Code::Ok);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_age_a_connection_is_not_ended() {
    let server = Server::start(Config {
        connection_age_ms_max: 0,
        stream_idle_ms_max: LIMIT_MS,
        ..Config::default()
    })
    .await;
    let channel = server.channel().await;
    let (requests, mut responses) = open(channel.clone()).await;
    ping(&requests, &mut responses).await.unwrap();
    let idle = responses.message().await.unwrap_err();
    assert!(idle.message().starts_with("nothing was sent"), "{idle}");
    let (requests, mut responses) = open(channel).await;
    ping(&requests, &mut responses).await.unwrap();
    drop(requests);
    assert!(responses.message().await.unwrap().is_none());
    server.stop().await;
}
