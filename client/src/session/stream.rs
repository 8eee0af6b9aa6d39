//! Opens one stream, on a connection that is there or on a new one. It knows nothing of what is sent again, and when.

use std::pin::Pin;
use std::time::Duration;

use robot_api::v1::ExecuteStreamResponse;
use tonic::GrpcMethod;
use tonic::client::Grpc;
use tonic::codec::Streaming;
use tonic::transport::Channel;

use super::message::SessionCodec;
use super::shared::Requests;
use crate::ClientError;
use crate::connection::Connector;

const SERVICE: &str = "robot.v1.RobotService";
const METHOD: &str = "ExecuteStream";
const PATH: &str = "/robot.v1.RobotService/ExecuteStream";

/// The response messages of one stream.
pub(crate) struct Responses {
    messages: Streaming<ExecuteStreamResponse>,
    /// Invariant: it lives as long as the stream. Without a channel hyper takes a connection whose last stream is
    /// half-closed for idle, and asks no more whether the peer is still there: the wait could last for ever.
    _channel: Channel,
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
pub(crate) fn open_on(channel: Channel, connector: Connector, requests: Requests) -> Opening {
    Box::pin(async move { call(channel, &connector, requests).await })
}

/// On a new connection, after a wait.
pub(crate) fn open_anew(
    connector: Connector,
    requests: Requests,
    after: Duration,
    open_ms_max: u64,
) -> Opening {
    Box::pin(async move {
        tokio::time::sleep(after).await;
        let opening = async { call(connector.connect().await?, &connector, requests).await };
        let opened = tokio::time::timeout(Duration::from_millis(open_ms_max), opening).await;
        opened.unwrap_or(Err(ClientError::NotOpened {
            waited_ms: open_ms_max,
        }))
    })
}

/// Waits for the response's headers, which the server sends before it reads a command.
async fn call(
    channel: Channel,
    connector: &Connector,
    requests: Requests,
) -> Result<Responses, ClientError> {
    // Messages of up to 4 MiB are accepted, tonic's default; the contract keeps responses below it.
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready()
        .await
        .map_err(|error| connector.error_of(&error))?;
    let mut request = connector.request(requests);
    request
        .extensions_mut()
        .insert(GrpcMethod::new(SERVICE, METHOD));
    let path = http::uri::PathAndQuery::from_static(PATH);
    let response = grpc.streaming(request, path, SessionCodec).await?;
    Ok(Responses {
        messages: response.into_inner(),
        _channel: channel,
    })
}
