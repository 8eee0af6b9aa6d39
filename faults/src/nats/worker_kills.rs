//! Workers that die with jobs in their hands: the broker gives those to others, and how long their clients wait for it is
//! measured. Each kill has sessions of its own, which end when all that the dead one had is answered.

use std::path::Path;
use std::time::Duration;

use super::system::{ACK_WAIT, System, WORKERS};
use crate::healthy::Healthy;
use crate::scale::{Scale, outlasting};
use crate::sessions::described;
use crate::table::Row;
use crate::through::{judge_carried, strike_through};
use crate::work;

/// What the broker had given to the dead is answered so soon after it may give it to others.
const BACK_MAX: Duration = Duration::from_millis(200);

/// One of three workers is killed under load, and comes back.
pub(crate) async fn worker_kills(scale: &Scale, nats: &Path) -> anyhow::Result<Row> {
    let mut system = System::start(nats, 1, WORKERS).await?;
    let kills = scale.nats_worker_kills;
    let mut row = Row::new(
        format!("1 of {WORKERS} workers killed (-9), ack wait {ACK_WAIT:?}"),
        format!("for each kill {}", described(kills.commands)),
    );
    let uris = system.uris();
    let healthy = Healthy::start(uris.healthy.clone())?;
    row.before = Some(healthy.measure(scale.before).await);
    let mut waits = Vec::new();
    for time in 0..kills.times {
        let victim = &mut system.workers[time as usize % WORKERS];
        let strike = async |_time| {
            victim.kill().await?;
            victim.restart().await
        };
        let once = outlasting(kills.commands, 1);
        let (carried, tried) = strike_through(&uris, once, work::answer, strike).await?;
        row.tried += tried;
        judge_carried(&mut row, &carried);
        waits.push(carried.longest_wait);
    }
    row.during = Some(healthy.lap());
    row.judge_tried(kills.times);
    judge_waits(&mut row, scale, &waits);
    row.judge_finished("the healthy client", &healthy.stop().await?);
    row.peak_rss_bytes = system.peak_rss_bytes();
    Ok(row)
}

/// Whether what the dead had was back in time.
fn judge_waits(row: &mut Row, scale: &Scale, waits: &[Duration]) {
    let longest = waits.iter().max().copied().unwrap_or_default();
    let with_jobs = waits.iter().filter(|&&wait| wait >= ACK_WAIT).count();
    row.note(format!(
        "{with_jobs} of {} had jobs in their hands; the longest wait of any command was {} ms, the ack wait and {} ms",
        waits.len(),
        longest.as_millis(),
        longest.saturating_sub(ACK_WAIT).as_millis()
    ));
    if scale.judges_times && longest > ACK_WAIT + BACK_MAX {
        row.problem(format!(
            "a command was answered after {longest:?}; it must be at most {:?}",
            ACK_WAIT + BACK_MAX
        ));
    }
    if scale.judges_times && with_jobs == 0 {
        row.problem("nobody was killed with jobs in its hands, so nothing was tried");
    }
}
