//! What tonic's own client cannot do: send each command in a frame of its own, as most languages' clients do, where it
//! joins messages; and cancel a call while its request waits for flow control.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../client/tests/support/mod.rs"]
mod support;
mod workers;

use std::collections::HashSet;
use std::future::poll_fn;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::SendStream;
use h2::client::ResponseFuture;
use prost::Message;
use tokio::net::TcpStream;
use tokio::time::timeout;

use robot_api::v1;
use robot_server::Config;
use support::*;
use workers::{commands, commands_when_quiet, until};

/// No capacity for so long is the end of what the server takes for now.
const NO_CAPACITY: Duration = Duration::from_millis(300);

/// A connection and an open stream on it.
async fn open(address: &str) -> (SendStream<Bytes>, ResponseFuture) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async move {
        let _closed_with_the_test = connection.await;
    });
    let mut client = client.ready().await.unwrap();
    let request = http::Request::post(format!("http://{address}{EXECUTE_STREAM}"))
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let (response, sender) = client.send_request(request, false).unwrap();
    (sender, response)
}

/// A message with its gRPC header.
fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.extend_from_slice(message);
    framed.freeze()
}

/// Sends one command a frame until the server takes no more; how many that were.
async fn fill(sender: &mut SendStream<Bytes>) -> u64 {
    for id in 0.. {
        let frame = framed(&encoded(vec![turn(id, 1.0)]));
        sender.reserve_capacity(frame.len());
        while sender.capacity() < frame.len() {
            match timeout(NO_CAPACITY, poll_fn(|cx| sender.poll_capacity(cx))).await {
                Ok(more) => more.expect("the stream is open").expect("it goes on"),
                Err(_elapsed) => return id,
            };
        }
        sender.send_data(frame, false).expect("it goes on");
    }
    unreachable!("ids do not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn small_frames_that_wait_to_be_read_are_held_and_all_answered() {
    let server = Server::start(Config::default()).await;
    let (mut sender, response) = open(server.uri.trim_start_matches("http://")).await;
    let sent = fill(&mut sender).await;
    // More than what h2 would hold in frames of this size with its default connection window: 256 bytes each, less
    // their payload, of half the window.
    assert!(sent > 2 * (1 << 19) / 256, "{sent} frames are no test");
    sender.reserve_capacity(0);
    sender.send_data(Bytes::new(), true).unwrap();

    let mut body = response.await.unwrap().into_body();
    let mut received = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.expect("the connection goes on");
        body.flow_control().release_capacity(data.len()).unwrap();
        received.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.unwrap().unwrap();
    assert_eq!(trailers.get("grpc-status").unwrap(), "0");
    let mut answered = HashSet::new();
    while !received.is_empty() {
        let header = received.split_to(5);
        let bytes = u32::from_be_bytes(header[1..].try_into().unwrap());
        let message = received.split_to(bytes as usize);
        let response = v1::ExecuteStreamResponse::decode(message).unwrap();
        answered.extend(response.results.iter().map(|result| result.id));
    }
    assert_eq!(answered, (0..sent).collect());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_cancels_stops_the_execution_of_what_it_has_sent() {
    const COMMANDS: u64 = 40_000;
    const BATCH: usize = 4000;
    let server = Server::start(Config::default()).await;
    let (mut sender, _response) = open(server.uri.trim_start_matches("http://")).await;
    // Empty commands: so many fit into the window, while their results, which say what they lack, do not.
    let message = encoded(vec![v1::RobotCommand::default(); BATCH]);
    for _ in 0..COMMANDS / BATCH as u64 {
        sender.send_data(framed(&message), false).unwrap();
    }
    until(&server, |snapshot| commands(snapshot) > 0).await;
    sender.send_reset(h2::Reason::CANCEL);
    let [run, later] = commands_when_quiet(&server).await;
    assert!(run < COMMANDS, "{run} were run");
    assert_eq!(run, later);
    assert_eq!(server.stop().await.cut_off, 0);
}
