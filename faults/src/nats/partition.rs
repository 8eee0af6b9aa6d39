//! Hosts that cannot reach each other for a while: the broker's link is down, then a worker's, under load. Clients see a
//! wait, and then all their answers, each once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;

use super::broker::Broker;
use super::network::{Network, within};
use super::system::System;
use crate::scale::Scale;
use crate::sessions::described;
use crate::table::Row;
use crate::through::come_through;
use crate::work;

/// How long a link is down.
const CUT: Duration = Duration::from_secs(10);
/// A host's place in the network. The clients are where the gateway is.
const GATEWAY: usize = 0;
const BROKER: usize = 1;
const WORKERS: [usize; 2] = [2, 3];
const HOSTS: u8 = 4;

/// Why there cannot be one on this machine, if that is so.
pub(crate) async fn possible() -> anyhow::Result<()> {
    Network::lay(HOSTS).await.map(drop)
}

/// Gateway and clients, broker and two workers on hosts of their own; the broker's link is cut, then a worker's.
pub(crate) async fn partition(scale: &Scale, nats: &Path) -> anyhow::Result<Row> {
    let network = Network::lay(HOSTS).await?;
    let gateway = network.hosts[GATEWAY].namespace().to_owned();
    let (scale, nats) = (*scale, nats.to_owned());
    within(&gateway, move || on_the_gateway(scale, nats, network)).await
}

async fn on_the_gateway(scale: Scale, nats: PathBuf, network: Network) -> anyhow::Result<Row> {
    let broker = Broker::start_on(&network.hosts[BROKER], &nats).await?;
    let mut system = System::around(broker);
    system.add_gateway(&[]).await?;
    for host in WORKERS {
        system.add_worker_on(&network.hosts[host]).await?;
    }
    let row = Row::new(
        format!(
            "the link of the broker, then of 1 of 2 workers, down for {CUT:?}; each a host of its own"
        ),
        described(scale.nats_partition.commands),
    );
    let uris = system.uris();
    let gateway = &system.gateways[0];
    let cut = async |time: u64| {
        let host = match time.is_multiple_of(2) {
            true => BROKER,
            false => WORKERS[0],
        };
        network.cut(host).await?;
        tokio::time::sleep(CUT).await;
        let noticed = host != BROKER || !gateway.is_ready().await?;
        network.mend(host).await?;
        ensure!(noticed, "the gateway still takes its broker for there");
        Ok(())
    };
    let through = scale.nats_partition;
    let mut row = come_through(row, &scale, through, uris, work::answer, cut).await?;
    gateway.note_resent(&mut row).await?;
    row.peak_rss_bytes = system.peak_rss_bytes();
    Ok(row)
}
