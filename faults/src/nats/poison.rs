//! A command that ends each worker that runs it: it is found out, and it alone gets an error.

use std::convert::Infallible;
use std::path::Path;

use anyhow::Context;
use tokio::task::JoinSet;

use super::system::{System, WORKERS};
use super::worker::Worker;
use crate::scale::{Scale, through};
use crate::sessions::described;
use crate::table::Row;
use crate::through::come_through;
use crate::work;

/// The one command whose id is a multiple of this; those of the healthy client are odd.
const POISON: u64 = 1000;
const GOOD: u64 = 1000;

/// One poisoned command among a thousand, and workers that a service manager starts again.
pub(crate) async fn poison(scale: &Scale, nats: &Path) -> anyhow::Result<Row> {
    let mut system = System::start(nats, 1, 0).await?;
    let poison = POISON.to_string();
    for _ in 0..WORKERS {
        let flags = ["--abort-on-multiples-of", &poison];
        system.add_worker(&flags).await?;
    }
    let mut tended = JoinSet::new();
    for worker in system.workers.drain(..) {
        tended.spawn(tend(worker));
    }
    let commands = GOOD + 1;
    let row = Row::new("1 command ends its worker", described(commands));
    let expected = |id| work::answer_with_poison(id, POISON);
    let no_strike = async |_time| Ok(());
    let uris = system.uris();
    let run = come_through(row, scale, through(commands, 0), uris, expected, no_strike);
    let mut row = tokio::select! {
        row = run => row?,
        ended = tended.join_next() => match ended.context("there are workers")?? {
            Ok(never) => match never {},
            Err(error) => return Err(error),
        },
    };
    row.tried = 1;
    judge_condemned(&mut row, &system).await?;
    row.peak_rss_bytes = system.peak_rss_bytes();
    Ok(row)
}

/// Starts it again whenever it has ended.
async fn tend(mut worker: Worker) -> anyhow::Result<Infallible> {
    loop {
        worker.ended().await?;
        worker.restart().await?;
    }
}

async fn judge_condemned(row: &mut Row, system: &System) -> anyhow::Result<()> {
    let gateway = &system.gateways[0];
    let condemned = gateway.count("robot_nats_commands_condemned").await?;
    let tried_singly = gateway.count("robot_nats_jobs_quarantined").await?;
    let lost = gateway.count("robot_nats_jobs_lost").await?;
    row.note(format!(
        "{GOOD} states and 1 error; {condemned} commands condemned, {tried_singly} jobs run command by command, {lost} \
         given up"
    ));
    if condemned != 1 {
        row.problem(format!("{condemned} commands were condemned; it must be 1"));
    }
    Ok(())
}
