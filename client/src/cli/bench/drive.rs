//! Runs a plan's streams at the same time, each in a task, until all is answered or time is up, and adds up what came
//! back. What a stream does is for `stream`.

mod stream;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use robot_client::{ClientError, Resumed, Session};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::args::Plan;
use super::pace::Schedule;
use super::progress::Progress;
use super::tally::Tally;

/// Streams share so many tallies, so that thousands of them need no more memory.
const TALLIES_MAX: u32 = 16;
/// After the last command was sent, its result is waited for so long if a run was stopped.
const DRAIN_SECONDS_MAX: u64 = 10;

/// How a run went.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) tally: Tally,
    pub(crate) elapsed: Duration,
    /// What the sessions got over.
    pub(crate) resumed: Resumed,
    /// Somebody wanted it to stop before it was done.
    pub(crate) interrupted: bool,
    /// Streams that ended too early, by their gRPC code.
    pub(crate) broken: BTreeMap<String, u64>,
    /// What broke the first of them off.
    pub(crate) error: Option<ClientError>,
}

/// The results so far, of some streams.
pub(super) type SharedTally = Arc<Mutex<Tally>>;

/// What a stream is left with.
type Ended = (Resumed, Result<(), ClientError>);

/// Runs all of the plan's workload, or as much of it as the streams live to see: a stream for each session.
pub(crate) async fn run(sessions: Vec<Session>, plan: &Plan, workers: u32) -> Ran {
    let start = Instant::now();
    let measured_from = start + plan.warmup;
    let stop = CancellationToken::new();
    // However this ends, whoever keeps time or draws ends too.
    let _stop = stop.clone().drop_guard();
    let tallies: Vec<SharedTally> = (0..plan.streams.min(TALLIES_MAX))
        .map(|_| Tally::new(plan.workload.clone(), workers, measured_from))
        .map(|tally| Arc::new(Mutex::new(tally)))
        .collect();
    let mut paces = plan.rate.map_or_else(Vec::new, |rate| {
        Schedule::new(start, rate, plan.batch, plan.streams).keep(stop.clone())
    });
    paces.reverse();

    let mut streams = JoinSet::new();
    for (session, number) in sessions.into_iter().zip(0..) {
        let tally = Arc::clone(&tallies[number as usize % tallies.len()]);
        let stream = stream::Stream {
            ids: plan.ids(number),
            batch: plan.batch,
            workload: plan.workload.clone(),
            pace: paces.pop(),
            stop: stop.clone(),
            tally,
        };
        streams.spawn(stream.run(session));
    }
    let mut ran = Ran {
        tally: Tally::new(plan.workload.clone(), workers, measured_from),
        elapsed: Duration::ZERO,
        resumed: Resumed::default(),
        interrupted: false,
        broken: BTreeMap::new(),
        error: None,
    };
    {
        let progress = Progress::new(plan, start, &tallies);
        tokio::select! {
            () = conduct(&mut streams, plan, start, &stop, &mut ran) => {}
            () = progress.show() => {}
        }
    }
    ran.elapsed = measured_from.elapsed();
    streams.shutdown().await;
    for tally in tallies {
        let empty = Tally::new(plan.workload.clone(), workers, measured_from);
        ran.tally
            .merge(std::mem::replace(&mut *lock(&tally), empty));
    }
    ran
}

/// Waits for the streams to end, and sees to it that they do once time is up or somebody interrupts.
async fn conduct(
    streams: &mut JoinSet<Ended>,
    plan: &Plan,
    start: Instant,
    stop: &CancellationToken,
    ran: &mut Ran,
) {
    let end = plan.duration.map(|duration| start + plan.warmup + duration);
    let mut time_is_up = pin!(sleep_until(end));
    let mut interrupt = pin!(interrupted());
    let mut drained = pin!(async {
        stop.cancelled().await;
        tokio::time::sleep(Duration::from_secs(DRAIN_SECONDS_MAX)).await;
    });
    loop {
        tokio::select! {
            ended = streams.join_next() => match ended {
                None => return,
                Some(Ok(ended)) => ran.take(ended),
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            },
            () = &mut time_is_up, if !stop.is_cancelled() => stop.cancel(),
            () = &mut interrupt => {
                // Who asks twice does not want to wait.
                if ran.interrupted {
                    return;
                }
                ran.interrupted = true;
                stop.cancel();
                interrupt.set(interrupted());
            }
            () = &mut drained => return,
        }
    }
}

/// Never, if there is no such time.
async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// SIGINT. Never, where it cannot be waited for.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// A tally is in order even if somebody panicked over it.
pub(super) fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ran {
    fn take(&mut self, (resumed, ended): Ended) {
        self.resumed.reconnects += resumed.reconnects;
        self.resumed.resent_commands += resumed.resent_commands;
        if let Err(error) = ended {
            let code = format!("{:?}", error.code());
            *self.broken.entry(code).or_default() += 1;
            self.error.get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests;
