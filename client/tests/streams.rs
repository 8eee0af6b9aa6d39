//! Streams beside each other and under trouble: nobody's reading, panic or size harms another, a burst reaches every
//! worker, and a drain answers what was accepted.

mod support;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use robot_api::v1;
use robot_api::v1::command_error::Reason;
use robot_api::v1::robot_service_client::RobotServiceClient;
use robot_server::{Config, Summary};
use support::*;

type Responses = Streaming<v1::ExecuteStreamResponse>;

/// A stream and the end through which requests go into it.
async fn open(server: &Server) -> (mpsc::Sender<v1::ExecuteStreamRequest>, Responses) {
    let (sender, receiver) = mpsc::channel(4);
    let mut client = server.client().await;
    let responses = client
        .execute_stream(ReceiverStream::new(receiver))
        .await
        .expect("it opens");
    (sender, responses.into_inner())
}

async fn read_results(responses: &mut Responses, count: usize) -> Vec<v1::RobotResult> {
    let mut results = Vec::new();
    while results.len() < count {
        let response = responses.message().await.expect("the stream goes on");
        results.extend(response.expect("the stream goes on").results);
    }
    results
}

/// Sends until the stream ends.
fn flood(sender: mpsc::Sender<v1::ExecuteStreamRequest>, commands: Vec<v1::RobotCommand>) {
    tokio::spawn(async move {
        let message = request(commands);
        while sender.send(message.clone()).await.is_ok() {}
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_never_read_do_not_stop_others() {
    let server = Server::start(Config {
        workers: Some(2),
        ..Config::default()
    })
    .await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let (sender, responses) = open(&server).await;
        flood(sender, (0..1000).map(|id| turn(id, 1.0)).collect());
        stalled.push(responses);
    }
    let (sender, mut responses) = open(&server).await;
    for id in 0..1000 {
        sender.send(request(vec![turn(id, 1.0)])).await.unwrap();
        assert_eq!(ids(&read_results(&mut responses, 1).await), [id]);
    }
    drop(sender);
    assert!(responses.message().await.unwrap().is_none());
    server.shutdown.at_once.cancel();
    assert_eq!(server.ended().await.cut_off, stalled.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_its_commands_error_and_the_workers_go_on() {
    let config = Config {
        workers: Some(2),
        panic_on_multiples_of: NonZeroU64::new(10),
        ..Config::default()
    };
    let server = Server::start(config).await;
    let messages = (0..100).map(|batch| {
        encoded(
            (batch * 10 + 1..=batch * 10 + 10)
                .map(|id| turn(id, 1.0))
                .collect(),
        )
    });
    let messages: Vec<_> = messages.collect();
    let (results, end) = call_raw(
        server.channel().await,
        EXECUTE_STREAM,
        tokio_stream::iter(messages),
    )
    .await;
    end.expect("all were answered");
    assert_eq!(ids(&results), (1..=1000).collect::<Vec<_>>());
    for result in &results {
        match result.id % 10 {
            0 => assert_eq!(reason(result), Reason::Internal),
            _ => assert_eq!(state(result).heading_degrees, 1.0),
        }
    }
    let summary = server.stop().await;
    assert_eq!(
        summary,
        Summary {
            accepted: 1000,
            answered: 1000,
            cut_off: 0
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_1000_reaches_every_worker() {
    let server = Server::start(Config {
        workers: Some(5),
        ..Config::default()
    })
    .await;
    // Long enough that no worker can run them all before the others have woken up.
    let messages: Vec<_> = (0..1000)
        .map(|id| encoded(vec![program(id, 1000)]))
        .collect();
    let (results, end) = call_raw(
        server.channel().await,
        EXECUTE_STREAM,
        tokio_stream::iter(messages),
    )
    .await;
    end.expect("all were answered");
    let mut spread = BTreeMap::new();
    for result in &results {
        *spread.entry(result.execution.unwrap().worker).or_insert(0) += 1;
    }
    assert_eq!(
        spread.keys().copied().collect::<Vec<_>>(),
        [1, 2, 3, 4, 5],
        "{spread:?}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_answers_while_every_worker_runs_the_largest_program() {
    let server = Server::start(Config {
        workers: Some(2),
        ..Config::default()
    })
    .await;
    for _ in 0..4 {
        let (sender, mut responses) = open(&server).await;
        flood(sender, vec![program(1, 10_000)]);
        read_results(&mut responses, 1).await;
        tokio::spawn(async move { while let Ok(Some(_response)) = responses.message().await {} });
    }
    let mut health = HealthClient::new(server.channel().await);
    for service in ["", "robot.v1.RobotService"] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let response = health.check(request).await.unwrap().into_inner();
        assert_eq!(response.status(), ServingStatus::Serving);
    }
    let unknown = health
        .check(HealthCheckRequest {
            service: "robot.v9".to_owned(),
        })
        .await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_answers_what_was_accepted_and_ends_every_call() {
    let server = Server::start(Config {
        workers: Some(2),
        ..Config::default()
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let (sender, mut responses) = open(&server).await;
        flood(sender, (0..10).map(|id| turn(id, 1.0)).collect());
        read_results(&mut responses, 100).await;
        streams.push(responses);
    }
    let (_idle_sender, mut idle) = open(&server).await;
    let _silent = TcpStream::connect(server.uri.trim_start_matches("http://"))
        .await
        .unwrap();
    let mut watch = HealthClient::new(server.channel().await)
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    server.shutdown.drain.cancel();

    for mut responses in streams {
        let end = loop {
            match responses.next().await {
                Some(Ok(_response)) => {}
                Some(Err(status)) => break status.code(),
                None => panic!("a drained stream never ends OK"),
            }
        };
        assert_eq!(end, Code::Unavailable);
    }
    assert_eq!(idle.message().await.unwrap_err().code(), Code::Unavailable);
    let mut health = Vec::new();
    while let Some(Ok(status)) = watch.next().await {
        health.push(status.status());
    }
    assert_eq!(health, [ServingStatus::Serving, ServingStatus::NotServing]);
    let Summary {
        accepted,
        answered,
        cut_off,
    } = server.ended().await;
    assert!(accepted >= 800);
    assert_eq!((answered, cut_off), (accepted, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_delay_is_over_only_health_tells_of_the_drain() {
    let config = Config {
        drain_delay_ms: 600_000,
        drain_ms_max: 600_000,
        ..Config::default()
    };
    let server = Server::start(config).await;
    let channel = server.channel().await;
    let mut health = HealthClient::new(channel.clone());
    let mut watch = health
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );
    server.shutdown.drain.cancel();
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    for channel in [channel, server.channel().await] {
        let message = tokio_stream::once(encoded(vec![turn(1, 1.0)]));
        let (results, end) = call_raw(channel, EXECUTE_STREAM, message).await;
        end.expect("it is still served");
        assert_eq!(ids(&results), [1]);
    }
    server.shutdown.at_once.cancel();
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_more_than_a_connection_may_hold_waits_at_the_client() {
    let config = Config {
        streams_per_connection_max: 1,
        ..Config::default()
    };
    let server = Server::start(config).await;
    let channel = server.channel().await;
    let (sender, receiver) = mpsc::channel(1);
    let mut client = RobotServiceClient::new(channel.clone());
    let first = client
        .execute_stream(ReceiverStream::new(receiver))
        .await
        .unwrap();
    let message = tokio_stream::once(encoded(vec![turn(1, 1.0)]));
    let second = tokio::spawn(call_raw(channel, EXECUTE_STREAM, message));
    let message = tokio_stream::once(encoded(vec![turn(2, 1.0)]));
    let elsewhere = call_raw(server.channel().await, EXECUTE_STREAM, message).await;
    assert_eq!(ids(&elsewhere.0), [2]);
    assert!(!second.is_finished(), "there is no room for it yet");
    drop(sender);
    assert!(first.into_inner().message().await.unwrap().is_none());
    assert_eq!(ids(&second.await.unwrap().0), [1]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_more_than_the_limit_waits_to_be_accepted() {
    let config = Config {
        connections_max: 1,
        ..Config::default()
    };
    let server = Server::start(config).await;
    let first = server.channel().await;
    let message = || tokio_stream::once(encoded(vec![turn(1, 1.0)]));
    call_raw(first.clone(), EXECUTE_STREAM, message())
        .await
        .1
        .unwrap();
    let endpoint = server.endpoint();
    let second = tokio::spawn(async move {
        let channel = endpoint.connect().await.expect("the kernel takes it");
        call_raw(channel, EXECUTE_STREAM, message()).await
    });
    let message = tokio_stream::once(encoded(vec![turn(2, 1.0)]));
    assert_eq!(ids(&call_raw(first, EXECUTE_STREAM, message).await.0), [2]);
    assert_eq!(ids(&second.await.unwrap().0), [1], "once the first is gone");
    server.stop().await;
}
