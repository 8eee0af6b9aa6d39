//! Calls that end early, by a deadline or by a drain under load: what they had under way is given up or answered, and
//! nothing in between.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../client/tests/support/mod.rs"]
mod support;
mod workers;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Streaming};

use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use robot_server::Config;
use support::*;
use workers::commands_when_quiet;

type Responses = Streaming<v1::ExecuteStreamResponse>;

/// A client that reads a little at a time, so that the server is never far ahead of it.
async fn client(server: &Server) -> RobotServiceClient<tonic::transport::Channel> {
    let endpoint = server.endpoint().initial_stream_window_size(16 << 10);
    RobotServiceClient::new(endpoint.connect().await.unwrap())
}

fn batches(count: u64, batch: u64) -> impl Iterator<Item = v1::ExecuteStreamRequest> {
    (0..count).map(move |at| {
        request(
            (at * batch..(at + 1) * batch)
                .map(|id| turn(id, 1.0))
                .collect(),
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_the_stream_and_frees_its_jobs() {
    let server = Server::start(Config {
        workers: Some(1),
        ..Config::default()
    })
    .await;
    let (sender, receiver) = mpsc::channel(1);
    let mut call = Request::new(ReceiverStream::new(receiver));
    call.set_timeout(Duration::from_millis(300));
    let mut responses = client(&server)
        .await
        .execute_stream(call)
        .await
        .unwrap()
        .into_inner();
    tokio::spawn(async move {
        // More than one worker can do in time: each of these takes it as long as the server allows.
        let message = request((0..8).map(|id| program(id, 10_000)).collect());
        while sender.send(message.clone()).await.is_ok() {}
    });
    let end = loop {
        match responses.message().await {
            Ok(response) => assert!(response.is_some(), "it never ends OK"),
            Err(end) => break end,
        }
    };
    assert_eq!(end.code(), Code::DeadlineExceeded);
    let [run, later] = commands_when_quiet(&server).await;
    assert_eq!(run, later);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_twice_among_unanswered_commands_is_answered_twice() {
    let server = Server::start(Config::default()).await;
    let messages = [vec![turn(5, 1.0), turn(5, 2.0)], vec![turn(5, 3.0)]];
    let messages = tokio_stream::iter(messages.map(encoded));
    let (results, end) = call_raw(server.channel().await, EXECUTE_STREAM, messages).await;
    end.expect("all were answered");
    assert_eq!(ids(&results), [5, 5, 5]);
    let mut headings: Vec<_> = results
        .iter()
        .map(|result| state(result).heading_degrees)
        .collect();
    headings.sort_by(f64::total_cmp);
    assert_eq!(headings, [1.0, 2.0, 3.0], "each command has its own result");
    server.stop().await;
}

const DRAINS: usize = 3;
const STREAMS: usize = 20;

/// Sends without a pause until the stream ends.
async fn flood(sender: mpsc::Sender<v1::ExecuteStreamRequest>) {
    for message in batches(u64::MAX / 10, 10) {
        if sender.send(message).await.is_err() {
            return;
        }
    }
}

/// Results up to the end, which must be UNAVAILABLE. Each id comes at most once.
async fn answered(mut responses: Responses) -> u64 {
    let mut answered = std::collections::HashSet::new();
    loop {
        match responses.message().await {
            Ok(response) => {
                for result in response.expect("a drained stream never ends OK").results {
                    assert!(
                        answered.insert(result.id),
                        "{} was answered twice",
                        result.id
                    );
                    assert_eq!(state(&result).heading_degrees, 1.0);
                }
            }
            Err(end) => {
                assert_eq!(end.code(), Code::Unavailable, "{end}");
                return answered.len() as u64;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_under_load_loses_nothing_that_was_accepted() {
    for _ in 0..DRAINS {
        let server = Server::start(Config::default()).await;
        let mut opened = Vec::new();
        for _ in 0..STREAMS {
            let (sender, receiver) = mpsc::channel(4);
            let mut client = server.client().await;
            let responses = client.execute_stream(ReceiverStream::new(receiver)).await;
            opened.push((sender, responses.unwrap().into_inner()));
        }
        let mut streams = JoinSet::new();
        let (under_way, mut all_under_way) = mpsc::channel(STREAMS);
        for (sender, mut responses) in opened {
            let under_way = under_way.clone();
            tokio::spawn(flood(sender));
            streams.spawn(async move {
                let first = responses.message().await.unwrap().unwrap();
                under_way.send(()).await.unwrap();
                first.results.len() as u64 + answered(responses).await
            });
        }
        for _ in 0..STREAMS {
            all_under_way.recv().await.unwrap();
        }
        // The server says itself whether it kept its deadline: what is cut off there counts as cut off.
        server.shutdown.drain.cancel();
        let answered: u64 = streams.join_all().await.iter().sum();
        let summary = server.ended().await;
        assert_eq!(
            (summary.accepted, summary.answered, summary.cut_off),
            (answered, answered, 0)
        );
    }
}
