//! Gateways that die: their own clients resume once it is back, and the clients of the other gateways notice nothing, though
//! what the dead one had published is still run, for nobody.

use std::path::Path;

use super::system::{System, WORKERS};
use crate::calls::Calls;
use crate::scale::Scale;
use crate::sessions::{Uris, described};
use crate::table::Row;
use crate::through::come_through;
use crate::work;

const GATEWAYS: usize = 2;

/// One of two gateways is killed under load, and comes back on the same port. At the other one are a client that calls,
/// and sends nothing again, and the healthy client.
pub(crate) async fn gateway_kills(scale: &Scale, nats: &Path) -> anyhow::Result<Row> {
    let mut system = System::start(nats, GATEWAYS, WORKERS).await?;
    let kills = scale.nats_gateway_kills;
    let row = Row::new(
        "1 of 2 gateways killed (-9)",
        format!(
            "{} on the one, 2 clients on the other",
            described(kills.commands)
        ),
    );
    let other = system.gateways[1].server.uri();
    let calls = Calls::start(&other).await?;
    let uris = Uris {
        healthy: other,
        ..system.uris()
    };
    let victim = &mut system.gateways[0].server;
    let kill = async |_time| {
        victim.kill().await?;
        victim.restart().await
    };
    let mut row = come_through(row, scale, kills, uris, work::answer, kill).await?;
    let (called, errors) = calls.stop().await?;
    row.judge_finished("the client that calls the other gateway", &called);
    row.note(format!(
        "the other gateway's clients: {} reconnects of the healthy one; {} of {} calls failed",
        row.healthy_reconnects,
        errors.len(),
        called.sent
    ));
    if row.healthy_reconnects > 0 {
        row.problem("the other gateway's session had to reconnect");
    }
    if let Some(first) = errors.first() {
        row.problem(format!("a call of the other gateway failed: {first}"));
    }
    row.peak_rss_bytes = system.peak_rss_bytes();
    Ok(row)
}
