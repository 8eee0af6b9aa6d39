//! Snapshots from a server that may go away and come back. It knows nothing of who shows them.

use std::time::{Duration, Instant};

use robot_api::v1;
use robot_client::WorkerSnapshots;
use tokio::sync::mpsc::Sender;
use tokio_stream::StreamExt;

use super::Args;
use super::patience::Patience;
use crate::cli::RunError;

/// How late a snapshot may be before the server is taken for gone.
const LATE_MAX: Duration = Duration::from_secs(10);

/// How a watch ended that nobody wanted to end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    #[error("the server ended the watch with OK")]
    Ended,
    #[error("no snapshot within {}", humantime::format_duration(*waited))]
    Silent { waited: Duration },
    #[error("the server went away, and {tries} tries to reach it again failed: {last}")]
    GaveUp { tries: u32, last: Box<RunError> },
}

/// What there is to show.
#[derive(Debug)]
pub(super) enum Update {
    Snapshot(v1::WatchWorkersResponse),
    Outage(Outage),
}

/// The server is not there.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) reason: String,
    /// Before the next try.
    pub(super) wait: Duration,
    /// Which one that is, from 1.
    pub(super) next_try: u32,
}

/// Feeds until nobody takes any more or there are as many as were asked for. Whoever cannot be reached at first is an
/// error; who was there once is tried again.
pub(super) async fn run(args: &Args, updates: Sender<Update>) -> Result<(), RunError> {
    let mut feed = Feed {
        args,
        updates,
        patience: Patience::new(args.reconnect_for),
        shown: 0,
    };
    loop {
        let error = match feed.watch().await {
            Ok(()) => return Ok(()),
            Err(error) if feed.shown == 0 || !may_pass(&error) => return Err(error),
            Err(error) => error,
        };
        let Some(wait) = feed.patience.wait_after_failure(Instant::now()) else {
            let tries = feed.patience.failures() - 1;
            let last = Box::new(error);
            return Err(WatchError::GaveUp { tries, last }.into());
        };
        let outage = Outage {
            reason: error.to_string(),
            wait,
            next_try: feed.patience.failures(),
        };
        if feed.updates.send(Update::Outage(outage)).await.is_err() {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
    }
}

struct Feed<'a> {
    args: &'a Args,
    updates: Sender<Update>,
    patience: Patience,
    /// Snapshots.
    shown: u64,
}

impl Feed<'_> {
    /// One connection.
    async fn watch(&mut self) -> Result<(), RunError> {
        let mut snapshots = self.open().await?;
        let interval = Duration::from_millis(self.args.interval.milliseconds.into());
        let waited = interval + LATE_MAX;
        while self.args.count.is_none_or(|count| self.shown < count) {
            let next = tokio::time::timeout(waited, snapshots.next()).await;
            let next = next.map_err(|_elapsed| WatchError::Silent { waited })?;
            let snapshot = next.ok_or(WatchError::Ended)??;
            self.patience.restore();
            self.shown += 1;
            if self.updates.send(Update::Snapshot(snapshot)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn open(&self) -> Result<WorkerSnapshots, RunError> {
        let open = async {
            let client = self.args.server.connect().await?;
            let interval_ms = self.args.interval.milliseconds;
            Ok(client.watch_workers(interval_ms).await?)
        };
        match self.args.server.timeout() {
            None => open.await,
            Some(timeout) => tokio::time::timeout(timeout, open)
                .await
                .unwrap_or(Err(RunError::TimedOut { timeout })),
        }
    }
}

/// Whether another try may do better.
fn may_pass(error: &RunError) -> bool {
    match error {
        RunError::Client(error) => error.is_transient(),
        RunError::TimedOut { .. } | RunError::Watch(_) => true,
        _ => false,
    }
}
