//! What `WatchWorkers` streams, as it comes. Nothing is computed of it here.

use std::pin::Pin;
use std::task::{Context, Poll};

use robot_api::v1;
use tokio_stream::Stream;
use tonic::Streaming;

use crate::ClientError;

/// Snapshots of a server's workers, from [`crate::Client::watch_workers`]. They come until it is dropped, or the server
/// shuts down, which is UNAVAILABLE. An error is the last item.
#[derive(Debug)]
pub struct WorkerSnapshots {
    snapshots: Streaming<v1::WatchWorkersResponse>,
}

impl WorkerSnapshots {
    pub(crate) fn new(snapshots: Streaming<v1::WatchWorkersResponse>) -> Self {
        Self { snapshots }
    }
}

impl Stream for WorkerSnapshots {
    type Item = Result<v1::WatchWorkersResponse, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.snapshots).poll_next(context);
        polled.map(|item| item.map(|snapshot| snapshot.map_err(ClientError::from)))
    }
}
