//! Opens one stream, on a connection that is there or on a new one. It knows nothing of what is sent again, and when.

use std::pin::Pin;
use std::time::Duration;

use robot_api::v1::ExecuteStreamResponse;
use tonic::GrpcMethod;
use tonic::client::Grpc;
use tonic::codec::Streaming;

use super::message::SessionCodec;
use super::shared::Requests;
use crate::ClientError;
use crate::route::{Line, Route};

/// As the contract and the health service call it.
pub(crate) const SERVICE: &str = "robot.v1.RobotService";
const METHOD: &str = "ExecuteStream";
const PATH: &str = "/robot.v1.RobotService/ExecuteStream";

/// The response messages of one stream.
pub(crate) struct Responses {
    messages: Streaming<ExecuteStreamResponse>,
    /// Invariant: it lives as long as the stream. Without its channel hyper takes a connection whose last stream is
    /// half-closed for idle, and asks no more whether the peer is still there: the wait could last for ever.
    _line: Line,
}

impl Responses {
    /// The next message. If its future is dropped, no message is lost.
    pub(crate) async fn message(&mut self) -> Result<Option<ExecuteStreamResponse>, ClientError> {
        Ok(self.messages.message().await?)
    }
}

/// Owned by whoever waits for it, so that a wait that is given up can be taken up again.
pub(crate) type Opening = Pin<Box<dyn Future<Output = Result<Responses, ClientError>> + Send>>;

/// On a connection that is there. Waits as long as it takes: the connection may be full.
pub(crate) fn open_on(line: Line, requests: Requests) -> Opening {
    Box::pin(call(line, requests))
}

/// On a new connection, after a wait.
pub(crate) fn open_anew(
    route: Route,
    requests: Requests,
    after: Duration,
    open_ms_max: u64,
) -> Opening {
    Box::pin(async move {
        tokio::time::sleep(after).await;
        let opening = async { call(route.line().await?, requests).await };
        let opened = tokio::time::timeout(Duration::from_millis(open_ms_max), opening).await;
        opened.unwrap_or(Err(ClientError::NotOpened {
            waited_ms: open_ms_max,
        }))
    })
}

/// Waits for the response's headers, which the server sends before it reads a command.
async fn call(mut line: Line, requests: Requests) -> Result<Responses, ClientError> {
    // Messages of up to 4 MiB are accepted, tonic's default; the contract keeps responses below it.
    let mut grpc = Grpc::new(line.channel.clone());
    grpc.ready()
        .await
        .map_err(|error| line.connector.error_of(&error))?;
    let mut request = line.request(requests);
    request
        .extensions_mut()
        .insert(GrpcMethod::new(SERVICE, METHOD));
    let path = http::uri::PathAndQuery::from_static(PATH);
    let response = grpc.streaming(request, path, SessionCodec).await?;
    line.taken();
    Ok(Responses {
        messages: response.into_inner(),
        _line: line,
    })
}
