//! Clients that send and never read: they cost the server no more memory than was set aside for them, and others
//! hardly notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use robot_api::v1;
use tokio::task::JoinSet;

use crate::healthy::Healthy;
use crate::raw::{RawStream, connect};
use crate::scale::Scale;
use crate::server::Server;
use crate::table::{Row, mib};
use crate::work;

/// The least that these clients take off the server's hands.
const WINDOW_BYTES: u32 = 16;
const STREAMS_PER_CONNECTION: u64 = 10;
const BATCH: u64 = 1000;
/// What they may cost, all together.
const GROWTH_BYTES_MAX: u64 = 64 << 20;
/// What they may cost a client that reads.
const LATENCY_RATIO_MAX: f64 = 2.0;

/// Streams of ordinary commands.
pub(crate) async fn never_readers(scale: &Scale) -> anyhow::Result<Row> {
    never_read("clients that never read", scale, work::command).await
}

/// Streams of commands whose results are as large as their bytes allow.
pub(crate) async fn never_readers_of_events(scale: &Scale) -> anyhow::Result<Row> {
    never_read(
        "clients that never read, large results",
        scale,
        work::talkative,
    )
    .await
}

async fn never_read(
    fault: &str,
    scale: &Scale,
    command: fn(u64) -> v1::RobotCommand,
) -> anyhow::Result<Row> {
    let (streams, seconds) = (scale.never_readers, scale.never_read_for.as_secs());
    let load = format!("{streams} streams, {WINDOW_BYTES} bytes of window each, {seconds} s");
    let mut row = Row::new(fault, load);
    let server = Server::start(&[]).await?;
    let healthy = Healthy::start(server.uri())?;
    row.before = Some(healthy.measure(scale.before).await);
    let idle = server.rss_bytes();

    let sent = Arc::new(AtomicU64::new(0));
    let mut stuck = JoinSet::new();
    for first in (0..streams).step_by(STREAMS_PER_CONNECTION as usize) {
        let service = connect(&server.uri(), Some(WINDOW_BYTES)).await?;
        for _ in first..streams.min(first + STREAMS_PER_CONNECTION) {
            let stream = RawStream::open(&service).await?;
            stuck.spawn(only_send(stream, command, Arc::clone(&sent)));
            row.tried += 1;
        }
    }
    tokio::time::sleep(scale.never_read_for).await;
    row.during = Some(healthy.lap());
    row.peak_rss_bytes = server.peak_rss_bytes();
    if stuck.try_join_next().is_some() {
        row.problem("a stream that never reads has come to an end");
    }
    row.note(format!(
        "{} commands went out before all streams were stuck",
        sent.load(Ordering::Relaxed)
    ));
    drop(stuck);
    row.judge_finished("the healthy client", &healthy.stop().await?);
    judge_growth(&mut row, idle);
    judge_latency(&mut row, scale);
    Ok(row)
}

/// Sends until there is no more room on the way to the server, and then waits for ever.
async fn only_send(stream: RawStream, command: fn(u64) -> v1::RobotCommand, sent: Arc<AtomicU64>) {
    let RawStream {
        requests,
        responses: _never_read,
    } = stream;
    for first in (1..).step_by(BATCH as usize) {
        let commands = (first..first + BATCH).map(command).collect();
        let request = v1::ExecuteStreamRequest { commands };
        if requests.send(request).await.is_err() {
            return;
        }
        sent.fetch_add(BATCH, Ordering::Relaxed);
    }
}

fn judge_growth(row: &mut Row, idle_bytes: u64) {
    let growth = row.peak_rss_bytes.saturating_sub(idle_bytes);
    row.note(format!(
        "the server grew by {} MiB, from {} MiB",
        mib(growth),
        mib(idle_bytes)
    ));
    if growth > GROWTH_BYTES_MAX {
        row.problem(format!("it may grow by {} MiB", mib(GROWTH_BYTES_MAX)));
    }
}

fn judge_latency(row: &mut Row, scale: &Scale) {
    let Some(ratio) = row.latency_ratio() else {
        return;
    };
    row.note(format!(
        "the healthy client's p99 is {ratio:.2} x what it was"
    ));
    if scale.judges_times && ratio > LATENCY_RATIO_MAX {
        row.problem(format!("its p99 may be {LATENCY_RATIO_MAX} x what it was"));
    }
}
