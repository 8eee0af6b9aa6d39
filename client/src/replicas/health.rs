//! Watches the health of one replica, for as long as somebody wants to know: `grpc.health.v1.Health/Watch`, which says
//! at once when a server begins to drain, and a connection that breaks at once when it is gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::standings::{Health, Standings};
use crate::connection::Connector;
use crate::session::SERVICE;
use crate::{ClientError, RetryConfig};

/// Between two tries to reach a replica, and to make it answer.
const RETRY: RetryConfig = RetryConfig {
    attempts_max: u32::MAX,
    attempts_of_oldest_max: u32::MAX,
    outage_ms_max: u64::MAX,
    open_ms_max: 10_000,
    backoff_ms_min: 50,
    backoff_ms_max: 1_000,
};
/// A replica that has no health to watch, or does not show it to us, is asked again after so long.
const UNWATCHED: Duration = Duration::from_secs(5);

/// One that is heard and lost again and again is not asked more often than this.
const HEARD_MIN: Duration = Duration::from_millis(50);

/// Never ends by itself.
pub(super) async fn watch(
    index: usize,
    connector: Connector,
    standings: Arc<watch::Sender<Standings>>,
) {
    let tell = |health| {
        standings.send_if_modified(|standings| standings.heard(index, health));
    };
    let mut failures = 0;
    loop {
        let begun = Instant::now();
        match watch_once(index, &connector, &standings, &tell).await {
            // It was heard, and is lost: whether it is gone shows now.
            Ok(()) => {
                failures = 0;
                tokio::time::sleep_until(begun + HEARD_MIN).await;
            }
            Err(error) if error.is_transient() => {
                tell(Health::NotServing(error.to_string()));
                failures += 1;
                tokio::time::sleep(RETRY.backoff(failures, fastrand::f64())).await;
            }
            // No such service, or not for us. What the calls themselves are told says more.
            Err(_) => {
                tell(Health::Serving);
                tokio::time::sleep(UNWATCHED).await;
            }
        }
    }
}

/// Until the connection or the call ends, after at least one word.
async fn watch_once(
    index: usize,
    connector: &Connector,
    standings: &watch::Sender<Standings>,
    tell: &impl Fn(Health),
) -> Result<(), ClientError> {
    let in_time = Duration::from_millis(RETRY.open_ms_max);
    let late = || ClientError::NotOpened {
        waited_ms: RETRY.open_ms_max,
    };
    let channel = timeout(in_time, connector.connect())
        .await
        .map_err(|_elapsed| late())??;
    standings.send_if_modified(|standings| {
        standings.share(index, channel.clone());
        false
    });
    // Invariant: this channel lives as long as the call; see `session::stream::Responses`.
    let mut health = HealthClient::new(channel.clone());
    let request = connector.request(HealthCheckRequest {
        service: SERVICE.to_owned(),
    });
    let opened = timeout(in_time, health.watch(request)).await;
    let mut words = opened.map_err(|_elapsed| late())??.into_inner();
    let first = timeout(in_time, words.message()).await;
    let mut next = first.map_err(|_elapsed| late())??.ok_or_else(late)?;
    loop {
        tell(match next.status() {
            ServingStatus::Serving => Health::Serving,
            other => Health::NotServing(format!("it says {}", other.as_str_name())),
        });
        match words.message().await {
            Ok(Some(word)) => next = word,
            Ok(None) | Err(_) => return Ok(()),
        }
    }
}
