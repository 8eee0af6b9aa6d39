//! What [`robot_server::run_with`] promises: other services stand beside the robot's and behind the same door.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;

use robot_api::v1::GetServerInfoRequest;
use robot_api::v1::robot_service_client::RobotServiceClient;
use robot_interop_cases::proto::test_service_client::TestServiceClient;
use robot_interop_cases::proto::{
    Empty, Payload, ResponseParameters, SimpleRequest, StreamingOutputCallRequest,
};
use robot_server::{Beside, Config, Shutdown, Summary, run_with};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

const MESSAGE_BYTES_MAX: usize = 1000;
const TOKEN: &str = "secret";
/// SHA-256 of the token.
const TOKEN_HASH: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

async fn start(config: Config) -> (Channel, Shutdown, JoinHandle<Summary>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::default();
    let beside = Beside {
        routes: robot_interop_cases::routes(MESSAGE_BYTES_MAX),
        ..Beside::default()
    };
    let server = run_with(listener, config, beside, shutdown.clone());
    let running = tokio::spawn(async { server.await.unwrap() });
    let endpoint = Endpoint::new(format!("http://{address}")).unwrap();
    (endpoint.connect().await.unwrap(), shutdown, running)
}

async fn stop(shutdown: Shutdown, running: JoinHandle<Summary>) {
    shutdown.drain.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn both_services_answer_on_one_connection() {
    let (channel, shutdown, running) = start(Config::default()).await;
    let mut tests = TestServiceClient::new(channel.clone());
    let empty = tests.empty_call(Empty {}).await;
    assert_eq!(empty.unwrap().into_inner(), Empty {});
    let mut robot = RobotServiceClient::new(channel.clone());
    let info = robot.get_server_info(GetServerInfoRequest {}).await;
    assert_eq!(info.unwrap().into_inner().semantics_version, 1);
    drop((channel, tests, robot));
    stop(shutdown, running).await;
}

#[tokio::test]
async fn the_locks_are_those_of_the_robot() {
    let mut tokens = tempfile::NamedTempFile::new().unwrap();
    writeln!(tokens, "alice:{TOKEN_HASH}").unwrap();
    let mut config = Config::default();
    config.access.token_file = Some(tokens.path().to_owned());
    let (channel, shutdown, running) = start(config).await;

    let mut client = TestServiceClient::new(channel);
    let refused = client.empty_call(Empty {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let mut request = Request::new(Empty {});
    let bearer = format!("Bearer {TOKEN}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    client.empty_call(request).await.unwrap();
    drop(client);
    stop(shutdown, running).await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_as_one_of_the_robot_s_is() {
    let (channel, shutdown, running) = start(Config::default()).await;
    let mut client = TestServiceClient::new(channel);
    let request = SimpleRequest {
        payload: Some(Payload {
            body: vec![0; MESSAGE_BYTES_MAX],
            ..Payload::default()
        }),
        ..SimpleRequest::default()
    };
    let refused = client.unary_call(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    drop(client);
    stop(shutdown, running).await;
}

#[tokio::test]
async fn a_drain_ends_a_call_that_has_no_end() {
    let (channel, shutdown, running) = start(Config::default()).await;
    let mut client = TestServiceClient::new(channel);
    let request = StreamingOutputCallRequest {
        response_parameters: vec![ResponseParameters::default()],
        ..StreamingOutputCallRequest::default()
    };
    let requests = tokio_stream::once(request).chain(tokio_stream::pending());
    let mut responses = client
        .full_duplex_call(requests)
        .await
        .unwrap()
        .into_inner();
    assert!(responses.message().await.unwrap().is_some());

    shutdown.drain.cancel();
    let ended = responses.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    drop((client, responses));
    running.await.unwrap();
}
