//! A broker with gateways and workers around it, as one starts them. It knows nothing of loads.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use super::broker::Broker;
use super::gateway::Gateway;
use super::network::Host;
use super::worker::Worker;
use crate::sessions::Uris;

/// After so long the broker gives what a worker that is gone had to another; must be the same for all.
pub(crate) const ACK_WAIT: Duration = Duration::from_millis(1000);
const ACK_WAIT_FLAGS: [&str; 2] = ["--nats-ack-wait-ms", "1000"];
/// Of each worker process: there are several.
const WORKER_FLAGS: [&str; 2] = ["--workers", "1"];
pub(crate) const WORKERS: usize = 3;

/// The processes of a run. They are killed when this is dropped, clients' ends first.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) broker: Broker,
}

impl System {
    /// So many of each, all the same.
    pub(crate) async fn start(
        nats: &Path,
        gateways: usize,
        workers: usize,
    ) -> anyhow::Result<Self> {
        let mut system = Self::bare(nats).await?;
        for _ in 0..gateways {
            system.add_gateway(&[]).await?;
        }
        for _ in 0..workers {
            system.add_worker(&[]).await?;
        }
        Ok(system)
    }

    /// A broker alone.
    pub(crate) async fn bare(nats: &Path) -> anyhow::Result<Self> {
        Ok(Self::around(Broker::start(nats).await?))
    }

    /// This broker alone.
    pub(crate) fn around(broker: Broker) -> Self {
        Self {
            gateways: Vec::new(),
            workers: Vec::new(),
            broker,
        }
    }

    /// One more, with these flags of `robot-server`.
    pub(crate) async fn add_gateway(&mut self, flags: &[&str]) -> anyhow::Result<()> {
        let flags = [&ACK_WAIT_FLAGS, flags].concat();
        self.gateways
            .push(Gateway::start(&self.broker, &flags).await?);
        Ok(())
    }

    /// One more, with these flags of `robot-server worker`. There has to be a gateway, which makes the stream.
    pub(crate) async fn add_worker(&mut self, flags: &[&str]) -> anyhow::Result<()> {
        let flags = [&ACK_WAIT_FLAGS, &WORKER_FLAGS[..], flags].concat();
        self.workers
            .push(Worker::start(&self.broker, &flags).await?);
        Ok(())
    }

    /// One more, on a host of its own.
    pub(crate) async fn add_worker_on(&mut self, host: &Host) -> anyhow::Result<()> {
        let flags = [ACK_WAIT_FLAGS, WORKER_FLAGS].concat();
        self.workers
            .push(Worker::start_on(host, &self.broker, &flags).await?);
        Ok(())
    }

    /// All clients go to the first gateway.
    pub(crate) fn uris(&self) -> Uris {
        let uri = self.gateways[0].server.uri();
        Uris {
            healthy: uri.clone(),
            sessions: uri,
            streams: NonZeroUsize::MIN,
        }
    }

    /// The most bytes of memory that any gateway had.
    pub(crate) fn peak_rss_bytes(&self) -> u64 {
        let gateways = self.gateways.iter();
        let peaks = gateways.map(|gateway| gateway.server.peak_rss_bytes());
        peaks.max().unwrap_or_default()
    }
}
