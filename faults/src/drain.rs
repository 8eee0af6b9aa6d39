//! SIGTERM in the middle of the work of many streams: what the server says that it accepted is what its clients were
//! answered, to the last command.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Code;

use robot_api::v1;

use crate::healthy::Healthy;
use crate::history::{End, Findings, History};
use crate::process::Life;
use crate::raw::{RawStream, connect};
use crate::scale::Scale;
use crate::server::Server;
use crate::sessions::{Progress, reached};
use crate::table::Row;
use crate::work;

const STREAMS_PER_CONNECTION: u64 = 10;
/// Commands in one message.
const BATCH: u64 = 16;
/// Answers of a stream, on average, by which the server is told to end.
const ANSWERS_BEFORE_THE_SIGNAL: u64 = 1000;
/// As the server's flag has it by default.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Starts, loads and drains a server so many times.
pub(crate) async fn drains(scale: &Scale) -> anyhow::Result<Row> {
    let streams = scale.drain_streams;
    let load = format!("{streams} streams that send without a pause, {BATCH} commands a message");
    let mut row = Row::new("SIGTERM under load", load);
    let (mut longest, mut accepted) = (Duration::ZERO, 0);
    for time in 0..scale.drains {
        let (drained, life) = drain_once(&mut row, scale, time == 0).await?;
        longest = longest.max(drained);
        accepted += life.accepted;
        row.tried += 1;
    }
    row.judge_tried(scale.drains);
    row.note(format!(
        "{accepted} commands were accepted; the longest drain took {} ms",
        longest.as_millis()
    ));
    Ok(row)
}

/// How long the drain took, and what the server said at its end. With `latency` the healthy client is measured; it
/// leaves before the signal.
async fn drain_once(
    row: &mut Row,
    scale: &Scale,
    latency: bool,
) -> anyhow::Result<(Duration, Life)> {
    let mut server = Server::start(&[]).await?;
    let healthy = Healthy::start(server.uri())?;
    if latency {
        row.before = Some(healthy.measure(scale.before).await);
    }
    let (progress, mut answered) = watch::channel(0);
    let mut streams = flood(&server, scale.drain_streams, progress).await?;
    if latency {
        row.during = Some(healthy.measure(scale.before).await);
    }
    let healthy = healthy.stop().await?;
    let so_far = *answered.borrow();
    let enough = so_far + ANSWERS_BEFORE_THE_SIGNAL * scale.drain_streams;
    if !reached(&mut answered, enough).await {
        row.problem("all streams ended before the signal");
    }

    let signalled = Instant::now();
    let life = server.terminate().await?;
    let drained = signalled.elapsed();
    if drained > DRAIN_MAX {
        row.problem(format!("the drain took {drained:?}"));
    }
    let mut told = vec![healthy.clone()];
    while let Some(history) = streams.join_next().await {
        told.push(history?.check(work::answer));
    }
    row.judge_finished("the healthy client", &healthy);
    for findings in &told[1..] {
        row.judge("a stream", findings);
        if findings.end != Some(End::Status(Code::Unavailable)) {
            row.problem(format!("a stream did not end UNAVAILABLE: {findings:?}"));
        }
    }
    judge_life(row, life, &told);
    row.peak_rss_bytes = row.peak_rss_bytes.max(server.peak_rss_bytes());
    Ok((drained, life))
}

/// Whether the server's own account agrees with its clients'.
fn judge_life(row: &mut Row, life: Life, told: &[Findings]) {
    let seen: u64 = told.iter().map(|findings| findings.answered).sum();
    row.lost += life.accepted.saturating_sub(seen);
    let Life {
        code,
        accepted,
        answered,
        cut_off,
    } = life;
    if (code, accepted, answered, cut_off) != (Some(0), seen, seen, 0) {
        row.problem(format!("clients were answered {seen} commands: {life:?}"));
    }
}

/// Streams that send for as long as they live.
async fn flood(
    server: &Server,
    streams: u64,
    progress: Progress,
) -> anyhow::Result<JoinSet<History>> {
    let progress = Arc::new(progress);
    let mut running = JoinSet::new();
    for first in (0..streams).step_by(STREAMS_PER_CONNECTION as usize) {
        let service = connect(&server.uri(), None).await?;
        for _ in first..streams.min(first + STREAMS_PER_CONNECTION) {
            let stream = RawStream::open(&service).await?;
            let progress = Arc::clone(&progress);
            running.spawn(async move { one_stream(stream, &progress).await });
        }
    }
    Ok(running)
}

async fn one_stream(stream: RawStream, progress: &Progress) -> History {
    let RawStream {
        requests,
        mut responses,
    } = stream;
    let history = History::default();
    let send = async {
        for first in (1..).step_by(BATCH as usize) {
            let ids = first..first + BATCH;
            history.sent(ids.clone());
            let commands = work::commands(ids);
            let request = v1::ExecuteStreamRequest { commands };
            if requests.send(request).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let receive = async {
        loop {
            match responses.message().await {
                Ok(Some(v1::ExecuteStreamResponse { results })) => {
                    history.answered(&results);
                    progress.send_modify(|answered| *answered += results.len() as u64);
                }
                Ok(None) => return End::Ok,
                Err(status) => return End::Status(status.code()),
            }
        }
    };
    let end = tokio::select! {
        end = receive => end,
        () = send => unreachable!("it never ends"),
    };
    history.ended(end);
    history
}
