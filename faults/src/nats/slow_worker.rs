//! A worker that is slower than the others: it holds one job at a time, so that it keeps nobody waiting but whose job it
//! has, and one client's batches say whether that is so.

use std::path::Path;

use super::batches::Lap;
use super::load::{Load, described};
use super::system::{System, WORKERS};
use crate::scale::Scale;
use crate::table::Row;

/// How much longer than the others it takes for each job.
const SLOW_MS: u32 = 50;
/// Batches may take so many times what they take without it, and one of its jobs.
const RATIO_MAX: f64 = 2.0;

/// One of three workers is slow, then all three are well, in turn.
pub(crate) async fn slow_worker(scale: &Scale, nats: &Path) -> anyhow::Result<Row> {
    let mut system = System::start(nats, 1, WORKERS).await?;
    let mut load = Load::open(&system.uris().sessions, 1).await?;
    let mut row = Row::new(
        format!("1 of {WORKERS} workers slow by {SLOW_MS} ms a job"),
        format!("1 session, {}", described()),
    );
    let (mut well, mut slow) = (Lap::default(), Lap::default());
    for _ in 0..scale.nats_rounds.rounds {
        well.add(&load.measure(scale.nats_rounds).await?);
        // Nothing is on its way, so nothing that the one that goes has is missed.
        system.workers.pop();
        system
            .add_worker(&["--slow-ms", &SLOW_MS.to_string()])
            .await?;
        slow.add(&load.measure(scale.nats_rounds).await?);
        system.workers.pop();
        system.add_worker(&[]).await?;
        row.tried += 1;
    }
    judge(&mut row, scale, &well, &slow);
    for findings in load.stop().await? {
        row.judge_finished("the session", &findings);
    }
    row.peak_rss_bytes = system.peak_rss_bytes();
    Ok(row)
}

fn judge(row: &mut Row, scale: &Scale, well: &Lap, slow: &Lap) {
    let allowed = RATIO_MAX * well.p99_millis() + f64::from(SLOW_MS);
    row.note(format!(
        "a batch took {:.1} ms (p99, at most {:.1}) with three that are well, {:.1} ms (at most {:.1}) with one that is \
         slow; p99 may be {allowed:.1} ms",
        well.p99_millis(),
        well.longest_millis(),
        slow.p99_millis(),
        slow.longest_millis(),
    ));
    if scale.judges_times && slow.longest_millis() < f64::from(SLOW_MS) {
        row.problem("the slow worker was given nothing, so nothing was tried");
    }
    if scale.judges_times && slow.p99_millis() > allowed {
        row.problem(format!(
            "p99 of a batch is {:.1} ms; it must be at most {allowed:.1} ms",
            slow.p99_millis()
        ));
    }
}
