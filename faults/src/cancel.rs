//! Clients that change their mind: once a call is cancelled, or its deadline has passed, its commands are not run any
//! more and the workers are free for others.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use robot_api::v1;
use tonic::Code;

use crate::healthy::Healthy;
use crate::raw::{RawStream, Service, commands_run, connect, snapshot};
use crate::scale::Scale;
use crate::server::Server;
use crate::table::Row;
use crate::work;

/// More room than the defaults give, so that all commands of a client can be with the server when it cancels.
const FLAGS: [&str; 7] = [
    "--workers=2",
    "--stream-in-flight-bytes-max=67108864",
    "--queue-bytes-max=268435456",
    "--job-bytes-max=65536",
    "--job-commands-max=1024",
    "--queue-jobs-max=4096",
    "--commands-per-message-max=4096",
];
const COMMANDS: u64 = 40_000;
/// Jobs of one stream are bounded in number, hence several streams.
const STREAMS: u64 = 16;
const BATCH: u64 = 100;
const STOPPED_AFTER_MAX: Duration = Duration::from_millis(100);
/// Long enough to send all commands, and too short to run them.
const DEADLINE: Duration = Duration::from_millis(500);
/// A server that is still at work then does not stop.
const GIVE_UP_AFTER: Duration = Duration::from_secs(20);

/// A client cancels all its calls, with 40,000 commands under way.
pub(crate) async fn cancels(scale: &Scale) -> anyhow::Result<Row> {
    let load = format!("{COMMANDS} slow commands on {STREAMS} streams of one client");
    let mut watched = Watched::start("calls cancelled", load, scale).await?;
    for _ in 0..scale.cancels {
        let service = connect(&watched.server.uri(), None).await?;
        let run_before = watched.commands_run().await?;
        let streams = open_all(&service, None).await?;
        send_all(&streams).await?;
        let run = watched.commands_run().await? - run_before;
        drop(streams);
        let stopped = watched.until_free(Instant::now()).await?;
        let run_after = watched.commands_run().await? - run_before - run;
        watched.row.note(format!(
            "cancelled after {run} of {COMMANDS} commands: execution stopped in {} ms, {run_after} more were run",
            stopped.as_millis()
        ));
        watched.judge(run + run_after, stopped, scale);
    }
    watched.finish(scale.cancels).await
}

/// The deadline of all its calls passes instead.
pub(crate) async fn deadlines(scale: &Scale) -> anyhow::Result<Row> {
    let ms = DEADLINE.as_millis();
    let load = format!("{COMMANDS} slow commands on {STREAMS} streams, grpc-timeout {ms} ms");
    let mut watched = Watched::start("deadline passed", load, scale).await?;
    for _ in 0..scale.deadlines {
        let service = connect(&watched.server.uri(), None).await?;
        let run_before = watched.commands_run().await?;
        let streams = open_all(&service, Some(DEADLINE)).await?;
        let passes = Instant::now() + DEADLINE;
        // On a slow machine the deadline comes first.
        let sent_all = send_all(&streams).await.is_ok();
        let mut codes = Vec::new();
        for stream in streams {
            codes.push(read_to_the_end(stream).await);
        }
        let freed = watched.until_free(passes).await?;
        let run = watched.commands_run().await? - run_before;
        watched.row.note(format!(
            "{run} of {COMMANDS} commands were run{}; execution stopped {} ms after the deadline",
            if sent_all { "" } else { ", not all were sent" },
            freed.as_millis()
        ));
        if codes.iter().any(|&code| code != Code::DeadlineExceeded) {
            watched.row.problem(format!("the streams ended {codes:?}"));
        }
        watched.judge(run, freed, scale);
    }
    watched.finish(scale.deadlines).await
}

/// A server with a healthy client, and a connection to look at its workers.
struct Watched {
    server: Server,
    healthy: Healthy,
    watch: Service,
    row: Row,
}

impl Watched {
    async fn start(fault: &str, load: String, scale: &Scale) -> anyhow::Result<Self> {
        let mut row = Row::new(fault, load);
        let server = Server::start(&FLAGS).await?;
        let healthy = Healthy::start(server.uri())?;
        row.before = Some(healthy.measure(scale.before).await);
        Ok(Self {
            watch: connect(&server.uri(), None).await?,
            server,
            healthy,
            row,
        })
    }

    async fn commands_run(&self) -> anyhow::Result<u64> {
        Ok(commands_run(&snapshot(&self.watch).await?))
    }

    /// Looks at the workers until they and the queue are empty, and no call is left but the healthy client's; gives how
    /// long after `since` that was.
    async fn until_free(&self, since: Instant) -> anyhow::Result<Duration> {
        loop {
            let snapshot = snapshot(&self.watch).await?;
            let queue = snapshot.queue.context("a snapshot without a queue")?;
            let idle = queue.idle_workers as usize == snapshot.workers.len();
            if idle && queue.jobs == 0 && snapshot.open_calls <= 1 {
                return Ok(since.elapsed());
            }
            if since.elapsed() > GIVE_UP_AFTER {
                bail!("still at work after {GIVE_UP_AFTER:?}: {snapshot:?}");
            }
        }
    }

    /// So many commands were run in all, and execution stopped so late.
    fn judge(&mut self, run: u64, took: Duration, scale: &Scale) {
        self.row.tried += 1;
        if run >= COMMANDS {
            self.row.problem("there was nothing left to stop");
        }
        if scale.judges_times && took > STOPPED_AFTER_MAX {
            let max = STOPPED_AFTER_MAX.as_millis();
            self.row.problem(format!("at most {max} ms are allowed"));
        }
    }

    async fn finish(mut self, times: u64) -> anyhow::Result<Row> {
        self.row.during = Some(self.healthy.lap());
        self.row.judge_tried(times);
        let run = self.commands_run().await?;
        let findings = self.healthy.stop().await?;
        self.row.judge_finished("the healthy client", &findings);
        let life = self.server.terminate().await?;
        self.row.note(format!(
            "the server accepted {} commands in all, and ran {}",
            life.accepted, run
        ));
        if life.code != Some(0) {
            self.row
                .problem(format!("the server ended badly: {life:?}"));
        }
        self.row.peak_rss_bytes = self.server.peak_rss_bytes();
        Ok(self.row)
    }
}

/// The streams of one client, each with a deadline if there is one.
async fn open_all(service: &Service, deadline: Option<Duration>) -> anyhow::Result<Vec<RawStream>> {
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let opened = RawStream::open_with(service, |request| {
            if let Some(deadline) = deadline {
                request.set_timeout(deadline);
            }
        });
        streams.push(opened.await?);
    }
    Ok(streams)
}

/// Sends all commands and reads nothing; returns once the last has been handed to the connection.
async fn send_all(streams: &[RawStream]) -> anyhow::Result<()> {
    for first in (0..COMMANDS / STREAMS).step_by(BATCH as usize) {
        for stream in streams {
            let sent = stream.requests.send(slow(first)).await;
            sent.context("a stream has ended")?;
        }
    }
    for stream in streams {
        // There is one place, and it is free once the last message has been taken out of it.
        let taken = stream.requests.reserve().await;
        taken.context("a stream has ended")?;
    }
    Ok(())
}

/// How a stream ends.
async fn read_to_the_end(mut stream: RawStream) -> Code {
    loop {
        match stream.responses.message().await {
            Ok(Some(_results)) => {}
            Ok(None) => return Code::Ok,
            Err(status) => return status.code(),
        }
    }
}

fn slow(first: u64) -> v1::ExecuteStreamRequest {
    v1::ExecuteStreamRequest {
        commands: (first..first + BATCH).map(work::slow).collect(),
    }
}
