//! Sessions that have to come through whatever is done to them: every command answered once, every bit right. What is
//! done, and when, is counted in answers and not in time, so that each fault strikes in the middle of the work.

use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::ensure;
use robot_client::Resumed;
use tokio::sync::watch;

use crate::healthy::Healthy;
use crate::history::Answer;
use crate::proxy::{Fault, Proxy, Way};
use crate::scale::{Scale, Through};
use crate::server::Server;
use crate::sessions::{Carried, Steps, Uris, all_ended, carry, described, reached};
use crate::table::Row;
use crate::work;

/// Later, but far from any timeout.
const DELAY: Fault = Fault::Delay {
    each: Duration::from_millis(5),
    chunks: 20,
};
const STALL: Fault = Fault::Stall(Duration::from_millis(300));

/// The server dies again and again, by SIGKILL and by SIGTERM in turn, and comes back on the same port.
pub(crate) async fn kills(scale: &Scale) -> anyhow::Result<Row> {
    let mut server = Server::start(&[]).await?;
    let row = Row::new(
        "server killed, -9 and SIGTERM in turn",
        described(scale.kills.commands),
    );
    let uris = Uris {
        healthy: server.uri(),
        sessions: server.uri(),
        streams: NonZeroUsize::MIN,
    };
    let kill = async |time| {
        if time % 2 == 0 {
            server.kill().await?;
        } else {
            let life = server.terminate().await?;
            ensure!(life.code == Some(0), "a drain failed: {life:?}");
        }
        server.restart().await
    };
    let mut row = come_through(row, scale, scale.kills, uris, work::answer, kill).await?;
    row.peak_rss_bytes = server.peak_rss_bytes();
    row.note("the healthy client goes through the same restarts");
    Ok(row)
}

/// Connections are reset.
pub(crate) async fn resets(scale: &Scale) -> anyhow::Result<Row> {
    proxied("connection reset", scale, scale.resets, &[Fault::Reset]).await
}

/// Connections are closed in the middle of what they carry, each way in turn.
pub(crate) async fn cuts(scale: &Scale) -> anyhow::Result<Row> {
    let faults = [Way::Requests, Way::Responses].map(Fault::Cut);
    proxied(
        "connection cut in mid-message",
        scale,
        scale.strikes,
        &faults,
    )
    .await
}

/// Connections become slow for a while.
pub(crate) async fn delays(scale: &Scale) -> anyhow::Result<Row> {
    proxied("20 chunks delayed by 5 ms", scale, scale.strikes, &[DELAY]).await
}

/// Connections fall silent for a while.
pub(crate) async fn stalls(scale: &Scale) -> anyhow::Result<Row> {
    proxied("silence of 300 ms", scale, scale.strikes, &[STALL]).await
}

/// One way of a connection is closed, in turn.
pub(crate) async fn half_open(scale: &Scale) -> anyhow::Result<Row> {
    let faults = [Way::Requests, Way::Responses].map(Fault::HalfOpen);
    proxied("connection half closed", scale, scale.strikes, &faults).await
}

/// Connections fall silent for ever.
pub(crate) async fn black_holes(scale: &Scale) -> anyhow::Result<Row> {
    let faults = [Fault::BlackHole];
    proxied("silence for ever", scale, scale.black_holes, &faults).await
}

async fn proxied(
    name: &str,
    scale: &Scale,
    through: Through,
    faults: &[Fault],
) -> anyhow::Result<Row> {
    let server = Server::start(&[]).await?;
    let proxy = Proxy::start(server.address(), None).await?;
    let row = Row::new(name, described(through.commands));
    let uris = Uris {
        healthy: server.uri(),
        sessions: proxy.uri(),
        streams: NonZeroUsize::MIN,
    };
    let strike = async |time: u64| {
        proxy.strike(faults[time as usize % faults.len()]).await;
        Ok(())
    };
    let mut row = come_through(row, scale, through, uris, work::answer, strike).await?;
    row.peak_rss_bytes = server.peak_rss_bytes();
    Ok(row)
}

/// Holds a load on the servers, beside a healthy client, and judges what came through the strikes.
pub(crate) async fn come_through(
    mut row: Row,
    scale: &Scale,
    through: Through,
    uris: Uris,
    expected: impl Fn(u64) -> Answer,
    strike: impl AsyncFnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<Row> {
    let healthy = Healthy::start(uris.healthy.clone())?;
    row.before = Some(healthy.measure(scale.before).await);
    let (carried, tried) = strike_through(&uris, through, expected, strike).await?;
    row.during = Some(healthy.lap());
    row.tried = tried;
    row.judge_tried(through.times);
    judge_carried(&mut row, &carried);
    let Resumed {
        reconnects,
        resent_commands,
    } = carried.resumed;
    row.note(format!(
        "{reconnects} reconnects, {resent_commands} commands sent again, the longest wait {} ms",
        carried.longest_wait.as_millis()
    ));
    let (findings, resumed) = healthy.end().await?;
    row.healthy_reconnects = resumed.reconnects;
    row.judge_finished("the healthy client", &findings);
    Ok(row)
}

/// Each session must have come to a good end.
pub(crate) fn judge_carried(row: &mut Row, carried: &Carried) {
    for findings in &carried.findings {
        row.judge_finished("a session", findings);
    }
}

/// Runs the sessions to their end, in one step more than strikes, and strikes them in the middle of each but the last;
/// gives how often.
pub(crate) async fn strike_through(
    uris: &Uris,
    through: Through,
    expected: impl Fn(u64) -> Answer,
    mut strike: impl AsyncFnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<(Carried, u64)> {
    let Through {
        commands,
        times,
        outlasts,
    } = through;
    let (progress, mut answered) = watch::channel(0);
    let mut ended = answered.clone();
    let (release, released) = watch::channel(1);
    let strikes = async {
        let release = release;
        let mut tried = 0;
        // In the middle of each step but the last.
        while tried < times && reached(&mut answered, middle(tried, through)).await {
            // The fault is put in place first: there is traffic for it, however late we are.
            let struck = async {
                tokio::join!(biased; strike(tried), async { release.send_replace(tried + 2) }).0
            };
            tokio::select! {
                biased;
                struck = struck => struck?,
                // There is nothing left to strike.
                () = all_ended(&mut ended), if !outlasts => break,
            }
            tried += 1;
        }
        anyhow::Ok(tried)
    };
    let run = Steps {
        commands,
        steps: times + 1,
        released,
    };
    tokio::try_join!(carry(uris, run, progress, expected), strikes)
}

/// So many commands are answered in the middle of that step.
fn middle(step: u64, through: Through) -> u64 {
    let Through {
        commands, times, ..
    } = through;
    commands * (2 * step + 1) / (2 * (times + 1))
}
