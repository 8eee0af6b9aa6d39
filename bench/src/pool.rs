//! The worker pool by itself: how much faster two workers are than one.

use std::time::Duration;

use anyhow::ensure;
use bytes::BytesMut;
use robot_server::{Config, bench_pool};

use crate::frames::PREFIX_BYTES;
use crate::load::Measured;
use crate::program::{FIRST_ID, Program, Stamp, command, expected};
use crate::tally::Tally;

/// About how long one program takes, to choose how many there are.
const PROGRAM_MICROS: u64 = 150;

/// Runs programs of so many turns for about so long with so many workers.
pub(crate) fn run(workers: u32, turns: usize, measure: Duration) -> anyhow::Result<Measured> {
    let config = Config {
        workers: Some(workers),
        ..Config::default()
    };
    let command = command(Program::Turns(turns));
    let stamp = Stamp::new(&command, 1);
    let programs = (measure.as_micros() as u64 / PROGRAM_MICROS).max(1) as u32;
    let mut framed = BytesMut::new();
    stamp.put(&mut framed, FIRST_ID);
    let message = framed.freeze().slice(PREFIX_BYTES..);
    let mut tally = Tally::new(expected(&command), 1);
    let mut taken = Ok(());
    let ran = bench_pool::run(&config, message, 1, programs, |response| {
        if taken.is_ok() {
            taken = tally.take(response);
        }
    });
    let elapsed = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers as usize)
        .enable_all()
        .build()?
        .block_on(ran);
    taken?;
    let programs = u64::from(programs);
    ensure!(
        tally.answered == programs,
        "{} of {programs}",
        tally.answered
    );
    Ok(Measured {
        seconds: elapsed.as_secs_f64(),
        commands: programs,
        compared: tally.compared,
        ..Measured::default()
    })
}
