//! Starts the real server in this process on a free port, and talks to it with typed messages or raw bytes.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::net::SocketAddr;

use bytes::Bytes;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use robot_api::codec::BytesCodec;
use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use robot_server::{Config, Shutdown, Summary, run};

pub(crate) const EXECUTE_STREAM: &str = "/robot.v1.RobotService/ExecuteStream";
pub(crate) const EXECUTE: &str = "/robot.v1.RobotService/Execute";
pub(crate) const WATCH_WORKERS: &str = "/robot.v1.RobotService/WatchWorkers";

pub(crate) struct Server {
    pub(crate) uri: String,
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    running: JoinHandle<Summary>,
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), config).await
    }

    pub(crate) async fn start_at(address: SocketAddr, config: Config) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shutdown = Shutdown::default();
        let server = run(listener, config, shutdown.clone());
        let running = tokio::spawn(async { server.await.expect("the settings are valid") });
        Self {
            uri: format!("http://{address}"),
            address,
            shutdown,
            running,
        }
    }

    /// A connection of its own.
    pub(crate) async fn channel(&self) -> Channel {
        self.endpoint().connect().await.expect("the server listens")
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.uri.clone()).expect("it is a valid address")
    }

    pub(crate) async fn client(&self) -> RobotServiceClient<Channel> {
        RobotServiceClient::new(self.channel().await)
    }

    /// Drains it.
    pub(crate) async fn stop(self) -> Summary {
        self.shutdown.drain.cancel();
        self.ended().await
    }

    pub(crate) async fn ended(self) -> Summary {
        self.running.await.expect("the server does not panic")
    }
}

/// A call whose messages are bytes; the results so far and how it ended.
pub(crate) async fn call_raw(
    channel: Channel,
    path: &'static str,
    messages: impl Stream<Item = Bytes> + Send + 'static,
) -> (Vec<v1::RobotResult>, Result<(), Status>) {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.expect("the server is there");
    let path = path.parse().expect("it is a path");
    let mut results = Vec::new();
    let called = grpc
        .streaming(Request::new(messages), path, BytesCodec)
        .await;
    let mut responses = match called {
        Ok(responses) => responses.into_inner(),
        Err(status) => return (results, Err(status)),
    };
    loop {
        match responses.message().await {
            Ok(Some(response)) => {
                let response = v1::ExecuteStreamResponse::decode(response).expect("it is valid");
                results.extend(response.results);
            }
            Ok(None) => return (results, Ok(())),
            Err(status) => return (results, Err(status)),
        }
    }
}

/// A turn of `degrees` from a heading of 0.
pub(crate) fn turn(id: u64, degrees: f64) -> v1::RobotCommand {
    v1::RobotCommand {
        id,
        state: Some(v1::RobotState::default()),
        actions: vec![v1::Action {
            kind: Some(v1::action::Kind::Turn(v1::Turn {
                angle_degrees: degrees,
            })),
        }],
        ..Default::default()
    }
}

/// Turns of 1 degree on the spot: as long a program as the server allows.
pub(crate) fn program(id: u64, actions: usize) -> v1::RobotCommand {
    let one = turn(id, 1.0);
    v1::RobotCommand {
        actions: vec![one.actions[0]; actions],
        ..one
    }
}

pub(crate) fn request(commands: Vec<v1::RobotCommand>) -> v1::ExecuteStreamRequest {
    v1::ExecuteStreamRequest { commands }
}

pub(crate) fn encoded(commands: Vec<v1::RobotCommand>) -> Bytes {
    request(commands).encode_to_vec().into()
}

/// The ids of some results, in ascending order.
pub(crate) fn ids(results: &[v1::RobotResult]) -> Vec<u64> {
    let mut ids: Vec<u64> = results.iter().map(|result| result.id).collect();
    ids.sort_unstable();
    ids
}

/// The reason of a result that must be an error.
pub(crate) fn reason(result: &v1::RobotResult) -> v1::command_error::Reason {
    match &result.outcome {
        Some(v1::robot_result::Outcome::Error(error)) => error.reason(),
        other => panic!("{other:?} is no error"),
    }
}

/// The state of a result that must have one.
pub(crate) fn state(result: &v1::RobotResult) -> v1::RobotState {
    match &result.outcome {
        Some(v1::robot_result::Outcome::State(state)) => *state,
        other => panic!("{other:?} is no state"),
    }
}
