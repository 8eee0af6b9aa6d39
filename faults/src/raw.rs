//! One ExecuteStream by hand, for what the client library would never do: nothing is sent again, and nothing need be
//! read.

use anyhow::Context;
use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};

/// Messages between a sender and its connection.
const MESSAGES_QUEUED_MAX: usize = 1;

pub(crate) type Service = RobotServiceClient<Channel>;

/// The two ends of an open stream.
#[derive(Debug)]
pub(crate) struct RawStream {
    pub(crate) requests: mpsc::Sender<v1::ExecuteStreamRequest>,
    pub(crate) responses: Streaming<v1::ExecuteStreamResponse>,
}

/// A connection of its own. With `window_bytes` the server may send so much on each stream, until it is read.
pub(crate) async fn connect(uri: &str, window_bytes: Option<u32>) -> anyhow::Result<Service> {
    let endpoint = Endpoint::new(uri.to_owned()).context("the address is none")?;
    let endpoint = endpoint
        .tcp_nodelay(true)
        .initial_stream_window_size(window_bytes);
    let channel = endpoint.connect().await.context("cannot connect")?;
    Ok(RobotServiceClient::new(channel))
}

impl RawStream {
    pub(crate) async fn open(service: &Service) -> anyhow::Result<Self> {
        Self::open_with(service, |_request| {}).await
    }

    /// Lets `prepare` see the request first, to set a deadline, say.
    pub(crate) async fn open_with(
        service: &Service,
        prepare: impl FnOnce(&mut Request<ReceiverStream<v1::ExecuteStreamRequest>>),
    ) -> anyhow::Result<Self> {
        let (requests, messages) = mpsc::channel(MESSAGES_QUEUED_MAX);
        let mut request = Request::new(ReceiverStream::new(messages));
        prepare(&mut request);
        let responses = service.clone().execute_stream(request).await;
        Ok(Self {
            requests,
            responses: responses.context("cannot open a stream")?.into_inner(),
        })
    }
}

/// What the workers are doing right now.
pub(crate) async fn snapshot(service: &Service) -> anyhow::Result<v1::WatchWorkersResponse> {
    let request = v1::WatchWorkersRequest::default();
    let snapshots = service.clone().watch_workers(request).await;
    let first = snapshots?.into_inner().message().await?;
    first.context("no snapshot")
}

/// Commands that the workers have run since the server's start.
pub(crate) fn commands_run(snapshot: &v1::WatchWorkersResponse) -> u64 {
    snapshot.workers.iter().map(|worker| worker.commands).sum()
}
