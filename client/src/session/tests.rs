//! Sessions against servers that keep their promise and servers that break it.

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use robot_api::v1::robot_service_server::{RobotService, RobotServiceServer};
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status, Streaming};

use super::*;
use crate::Client;

type Answers = Result<Vec<u64>, Status>;
type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A server whose answer to each message, given its ids, is `answer`; it ends OK when the client has finished.
struct Fake {
    answer: fn(Vec<u64>) -> Answers,
}

#[tonic::async_trait]
impl RobotService for Fake {
    type ExecuteStreamStream = Items<Bytes>;
    type WatchWorkersStream = Items<v1::WatchWorkersResponse>;

    async fn execute_stream(
        &self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<Items<Bytes>>, Status> {
        let answer = self.answer;
        let responses = request
            .into_inner()
            .map(move |message| answer(ids_of(&message?)).map(response_of));
        Ok(Response::new(Box::pin(responses)))
    }

    async fn execute(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        let ids = ids_of(&request.into_inner());
        (self.answer)(ids).map(|ids| Response::new(response_of(ids)))
    }

    async fn get_server_info(
        &self,
        _request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        Err(Status::unimplemented("not needed"))
    }

    async fn watch_workers(
        &self,
        _request: Request<v1::WatchWorkersRequest>,
    ) -> Result<Response<Items<v1::WatchWorkersResponse>>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

/// `ExecuteRequest` is the same on the wire.
fn ids_of(message: &Bytes) -> Vec<u64> {
    let request = v1::ExecuteStreamRequest::decode(message.clone()).unwrap();
    request.commands.iter().map(|command| command.id).collect()
}

fn response_of(ids: Vec<u64>) -> Bytes {
    let results = ids.into_iter().map(|id| v1::RobotResult {
        id,
        ..Default::default()
    });
    let results = results.collect();
    v1::ExecuteStreamResponse { results }.encode_to_vec().into()
}

fn commands(ids: impl IntoIterator<Item = u64>) -> Vec<v1::RobotCommand> {
    let command = |id| v1::RobotCommand {
        id,
        ..Default::default()
    };
    ids.into_iter().map(command).collect()
}

/// Runs `test` against a server that answers so; both are gone when it returns.
async fn against<T>(answer: fn(Vec<u64>) -> Answers, test: impl AsyncFnOnce(Client) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server::builder()
        .add_service(RobotServiceServer::new(Fake { answer }))
        .serve_with_incoming(TcpIncoming::from(listener));
    let test = async {
        let client = Client::connect(&address).await.unwrap();
        test(client).await
    };
    tokio::select! {
        ended = server => panic!("the server ended: {ended:?}"),
        value = test => value,
        () = tokio::time::sleep(Duration::from_secs(10)) => panic!("it hangs"),
    }
}

/// Gives up soon, as these servers get no better.
async fn split(client: &Client, window: usize) -> (CommandSender, ResultReceiver) {
    let retry = RetryConfig {
        backoff_ms_min: 1,
        ..RetryConfig::default()
    };
    let window = NonZeroUsize::new(window).unwrap();
    let session = client.session(SessionConfig { window, retry }).await;
    session.unwrap().split()
}

/// How many commands are unanswered, and how the last of so many tries ended.
fn gave_up(
    end: Result<Option<Vec<v1::RobotResult>>, ClientError>,
    after_tries: u32,
) -> (usize, ClientError) {
    match end {
        Err(ClientError::GaveUp {
            tries,
            unanswered,
            last,
            ..
        }) if tries == after_tries => (unanswered, *last),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers_everything_and_ends() {
    against(Ok, async |client| {
        let (mut sender, mut receiver) = split(&client, 3).await;
        let send = async move {
            for first in (0..1000).step_by(10) {
                sender.send(commands(first..first + 10)).await.unwrap();
            }
            sender.send(Vec::new()).await.unwrap();
        };
        let receive = async {
            let mut ids = Vec::new();
            while let Some(results) = receiver.next().await.unwrap() {
                ids.extend(results.iter().map(|result| result.id));
            }
            ids
        };
        let ((), ids) = tokio::join!(send, receive);
        assert!(ids.into_iter().eq(0..1000));
    })
    .await;
}

#[tokio::test]
async fn an_ok_end_with_commands_unanswered_is_tried_again_and_then_an_error() {
    let all_but_last = |mut ids: Vec<u64>| {
        ids.pop();
        Ok(ids)
    };
    against(all_but_last, async |client| {
        let (mut sender, mut receiver) = split(&client, 8).await;
        sender.send(commands(0..3)).await.unwrap();
        sender.send(commands(3..5)).await.unwrap();
        sender.finish();
        let mut answered = Vec::new();
        let end = loop {
            match receiver.next().await {
                Ok(Some(results)) => answered.extend(results.iter().map(|result| result.id)),
                end => break end,
            }
        };
        assert_eq!(answered, [0, 1, 3]);
        // The first stream brought results, the three after it none.
        let (unanswered, last) = gave_up(end, 3);
        assert_eq!((unanswered, receiver.unanswered()), (2, vec![2, 4]));
        assert!(matches!(last, ClientError::Unanswered { commands: 2 }));
        let resumed = receiver.resumed();
        assert_eq!((resumed.reconnects, resumed.resent_commands), (3, 6));
        let after = receiver.next().await;
        assert!(matches!(after, Err(ClientError::Closed)));
    })
    .await;
}

#[tokio::test]
async fn a_broken_stream_is_tried_three_times_and_then_ends_both_ends() {
    let unavailable = |_ids: Vec<u64>| Err(Status::unavailable("closing"));
    against(unavailable, async |client| {
        let (mut sender, mut receiver) = split(&client, 1).await;
        sender.send(commands([1])).await.unwrap();
        let send = async { sender.send(commands([2])).await };
        let (sent, received) = tokio::join!(send, receiver.next());
        let (unanswered, ClientError::Status(status)) = gave_up(received, 3) else {
            panic!("it ends with a status");
        };
        assert_eq!((status.code(), unanswered), (Code::Unavailable, 1));
        assert_eq!(receiver.resumed().reconnects, 2);
        assert!(matches!(sent, Err(ClientError::Closed)));
    })
    .await;
}

#[tokio::test]
async fn a_refusal_ends_both_ends_at_once() {
    let refused = |_ids: Vec<u64>| Err(Status::resource_exhausted("too large"));
    against(refused, async |client| {
        let (mut sender, mut receiver) = split(&client, 1).await;
        sender.send(commands([1])).await.unwrap();
        let send = async { sender.send(commands([2])).await };
        let (sent, received) = tokio::join!(send, receiver.next());
        let Err(ClientError::Status(status)) = received else {
            panic!("{received:?}");
        };
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(receiver.resumed(), Resumed::default());
        assert!(matches!(sent, Err(ClientError::Closed)));
    })
    .await;
}

#[tokio::test]
async fn a_duplicate_id_is_refused_and_the_session_goes_on() {
    against(Ok, async |client| {
        let (mut sender, mut receiver) = split(&client, 8).await;
        sender.send(commands([1, 2])).await.unwrap();
        let refused = sender.send(commands([3, 2])).await;
        assert!(matches!(refused, Err(ClientError::DuplicateId { id: 2 })));
        assert_eq!(receiver.next().await.unwrap().unwrap().len(), 2);
        sender.send(commands([2])).await.unwrap();
        assert_eq!(receiver.next().await.unwrap().unwrap().len(), 1);
        sender.finish();
        assert!(receiver.next().await.unwrap().is_none());
        assert!(receiver.next().await.unwrap().is_none(), "and stays so");
    })
    .await;
}

#[tokio::test]
async fn results_of_nothing_are_an_error() {
    let twice = |ids: Vec<u64>| Ok([ids.clone(), ids].concat());
    against(twice, async |client| {
        let (mut sender, mut receiver) = split(&client, 8).await;
        sender.send(commands(0..3)).await.unwrap();
        let received = receiver.next().await;
        assert!(matches!(received, Err(ClientError::Unasked { results: 3 })));
    })
    .await;
}

#[tokio::test]
async fn dropping_the_receiver_closes_the_sender() {
    against(Ok, async |client| {
        let (mut sender, receiver) = split(&client, 1).await;
        sender.send(commands([1])).await.unwrap();
        let waiting = sender.send(commands([2]));
        drop(receiver);
        assert!(matches!(waiting.await, Err(ClientError::Closed)));
    })
    .await;
}

#[tokio::test]
async fn one_shot_results_are_counted() {
    let all_but_last = |mut ids: Vec<u64>| {
        ids.pop();
        Ok(ids)
    };
    against(all_but_last, async |client| {
        let executed = client.execute(commands(0..3)).await;
        assert!(matches!(
            executed,
            Err(ClientError::Unanswered { commands: 1 })
        ));
        assert!(client.execute(Vec::new()).await.unwrap().is_empty());
    })
    .await;
}
