//! One-shot calls, so many at a time on one connection.

use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::BytesMut;
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::frames::Deframer;
use crate::load::{Counted, Interval, Load, block_on};
use crate::program::{FIRST_ID, Program, Stamp, command};
use crate::tally::Tally;

const SAMPLE_EVERY: u64 = 101;

/// Keeps so many calls of so many commands under way.
pub(crate) fn run(
    load: &Load,
    in_flight: usize,
    batch: usize,
    interval: Interval,
) -> anyhow::Result<Counted> {
    block_on(async {
        let connection = Connection::open(load.address).await?;
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight {
            tasks.spawn(call_after_call(connection.clone(), *load, batch, interval));
        }
        let mut all = Counted::default();
        while let Some(counted) = tasks.join_next().await {
            all.add(&counted.context("a task does not panic")??);
        }
        Ok(all)
    })
}

async fn call_after_call(
    mut connection: Connection,
    load: Load,
    batch: usize,
    interval: Interval,
) -> anyhow::Result<Counted> {
    let command = command(Program::TurnAndMove);
    let stamp = Stamp::new(&command, batch);
    let mut tally = Tally::new(load.expected(&command), SAMPLE_EVERY);
    let mut counted = Counted::default();
    let mut sent = 0;
    loop {
        let started = Instant::now();
        if started >= interval.end {
            break;
        }
        let mut request = BytesMut::with_capacity(stamp.len());
        stamp.put(&mut request, FIRST_ID + sent);
        let response = connection.execute(request.freeze()).await?;
        sent += stamp.commands();
        let mut deframer = Deframer::default();
        deframer.push(response, |message| tally.take(message))?;
        ensure!(deframer.is_empty(), "half a message came back");
        let now = Instant::now();
        if started >= interval.begin && now < interval.end {
            counted.commands += stamp.commands();
            counted.record(now.duration_since(started));
        }
    }
    tally.check(sent)?;
    counted.compared = tally.compared;
    Ok(counted)
}
