//! Clients that mean well and send each message as a frame of its own, as most do that are not written in Rust. h2 takes
//! many small frames that nobody has read yet for an attack and closes the connection; a client that fills the window
//! of a stream must stay below that, or backpressure would be a drop.

use std::future::poll_fn;
use std::time::Duration;

use bytes::{Buf, Bytes};
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use http::Response;
use prost::Message;
use robot_api::v1;
use tokio::time::timeout;

use crate::beside::beside;
use crate::raw::{connect, message, request};
use crate::support::{Server, turns};

/// More than the windows of a stream, of a connection, and the room for results together.
const MESSAGES_MAX: usize = 400_000;
/// A window that has been full for so long is not being read.
const STALL: Duration = Duration::from_secs(1);

/// Sends the smallest messages there are, a frame each, until the server reads no more; how many those were.
async fn fill(requests: &mut SendStream<Bytes>, message: &Bytes) -> usize {
    for sent in 0..MESSAGES_MAX {
        requests.reserve_capacity(message.len());
        while requests.capacity() < message.len() {
            let capacity = poll_fn(|cx| requests.poll_capacity(cx));
            match timeout(STALL, capacity).await {
                Ok(capacity) => drop(capacity.expect("it is open").expect("it is not closed")),
                Err(_stalled) => return sent,
            }
        }
        requests.send_data(message.clone(), false).unwrap();
    }
    panic!("the server reads without an end");
}

/// Reads the answers to their end; how many results there were.
async fn read(response: Response<h2::RecvStream>) -> usize {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.expect("the call is not cut off");
        body.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.unwrap().expect("a status");
    assert_eq!(trailers["grpc-status"], "0");
    let mut bytes = &bytes[..];
    let mut results = 0;
    while bytes.has_remaining() {
        assert_eq!(bytes.get_u8(), 0);
        let (message, rest) = bytes[4..].split_at(bytes.get_u32() as usize);
        results += v1::ExecuteStreamResponse::decode(message)
            .unwrap()
            .results
            .len();
        bytes = rest;
    }
    results
}

fn open(sender: &mut SendRequest<Bytes>) -> (ResponseFuture, SendStream<Bytes>) {
    let request = request("/robot.v1.RobotService/ExecuteStream");
    sender
        .send_request(request.body(()).unwrap(), false)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_small_frames_and_does_not_read_is_held_back_and_not_dropped() {
    let server = Server::start(&[]).await;
    let empty = v1::RobotCommand {
        id: 1,
        state: Some(v1::RobotState::default()),
        ..Default::default()
    };
    let smallest = v1::ExecuteStreamRequest {
        commands: vec![empty],
    }
    .encode_to_vec();
    for message in [
        message(&smallest),
        message(&turns(1 << 40, 1).encode_to_vec()),
    ] {
        let attack = async {
            let mut sender = connect(server.address()).await;
            let (response, mut requests) = open(&mut sender);
            let response = response.await.unwrap();
            let sent = fill(&mut requests, &message).await;
            requests.send_data(Bytes::new(), true).unwrap();
            (sent, read(response).await)
        };
        let ((sent, answered), noticed) = beside(&server, attack).await;
        assert_eq!(answered, sent);
        let name = format!("{sent} frames of {} bytes, unread", message.len());
        noticed.report(&server, &name, 1, "all answered once it reads");
    }
}
