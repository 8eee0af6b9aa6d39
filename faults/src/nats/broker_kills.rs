//! A broker that dies with all that it held, and comes back with nothing: the gateways send again what is unanswered, and
//! their clients see no more of it than a wait.

use std::path::Path;

use super::system::{System, WORKERS};
use crate::scale::Scale;
use crate::sessions::described;
use crate::table::Row;
use crate::through::come_through;
use crate::work;

/// The broker is killed under load, and comes back on the same port.
pub(crate) async fn broker_kills(scale: &Scale, nats: &Path) -> anyhow::Result<Row> {
    let mut system = System::start(nats, 1, WORKERS).await?;
    let kills = scale.nats_broker_kills;
    let row = Row::new(
        "broker killed (-9), which loses all that it has",
        described(kills.commands),
    );
    let uris = system.uris();
    let broker = &mut system.broker;
    let kill = async |_time| {
        broker.kill().await?;
        broker.restart().await
    };
    let mut row = come_through(row, scale, kills, uris, work::answer, kill).await?;
    system.gateways[0].note_resent(&mut row).await?;
    row.peak_rss_bytes = system.peak_rss_bytes();
    Ok(row)
}
