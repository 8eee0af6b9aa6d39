//! Commands that make their worker panic: each is answered with an error of its own, nobody else notices, and no
//! worker is lost.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::{Context, bail};
use robot_api::v1;

use crate::raw::{RawStream, Service, connect, snapshot};
use crate::scale::{Scale, through};
use crate::server::Server;
use crate::sessions::{Uris, described};
use crate::table::Row;
use crate::through::come_through;
use crate::work;

/// One command of so many panics.
const POISON_EVERY: u64 = 100;
/// Bursts that are sent until each worker has run a command.
const BURSTS_MAX: usize = 1000;
const BURST_COMMANDS: u64 = 1000;

/// A load of which one command in a hundred panics.
pub(crate) async fn poison_commands(scale: &Scale) -> anyhow::Result<Row> {
    if !cfg!(feature = "fault-injection") {
        bail!("no server to poison in this build; add --features fault-injection");
    }
    let every = POISON_EVERY.to_string();
    let server = Server::start(&["--panic-on-multiples-of", &every]).await?;
    let commands = scale.poison_commands;
    let row = Row::new(
        format!("1 command in {POISON_EVERY} panics"),
        described(commands),
    );
    let uris = Uris {
        healthy: server.uri(),
        sessions: server.uri(),
        streams: NonZeroUsize::MIN,
    };
    let expected = |id| work::answer_with_poison(id, POISON_EVERY);
    let nothing_else = through(commands, 0);
    let strike = async |_time| Ok(());
    let mut row = come_through(row, scale, nothing_else, uris, expected, strike).await?;
    row.tried = commands / POISON_EVERY;

    let service = connect(&server.uri(), None).await?;
    let workers = all_workers_work(&service).await?;
    row.note(format!("all {workers} workers still take commands"));
    row.peak_rss_bytes = server.peak_rss_bytes();
    Ok(row)
}

/// Sends bursts until each worker has run a command since now; gives how many workers there are.
async fn all_workers_work(service: &Service) -> anyhow::Result<usize> {
    let before = runs(&snapshot(service).await?);
    let RawStream {
        requests,
        mut responses,
    } = RawStream::open(service).await?;
    for burst in 0..BURSTS_MAX as u64 {
        let first = 1 + burst * BURST_COMMANDS;
        let ids = (first..first + BURST_COMMANDS).filter(|id| id % POISON_EVERY != 0);
        let commands = work::commands(ids);
        let mut unanswered = commands.len();
        requests
            .send(v1::ExecuteStreamRequest { commands })
            .await
            .context("the stream has ended")?;
        while unanswered > 0 {
            let response = responses.message().await?.context("an early end")?;
            unanswered -= response.results.len();
        }
        let now = runs(&snapshot(service).await?);
        if now.iter().all(|(worker, run)| before[worker] < *run) {
            return Ok(now.len());
        }
    }
    bail!("after {BURSTS_MAX} bursts some workers have run nothing; before: {before:?}");
}

/// Commands that each worker has run.
fn runs(snapshot: &v1::WatchWorkersResponse) -> BTreeMap<u32, u64> {
    let workers = snapshot.workers.iter();
    workers.map(|run| (run.worker, run.commands)).collect()
}
