//! Workers: take a lease, run its commands, complete it. Which session or robot a command belongs to is nothing that
//! a worker knows; it keeps no state between jobs but its counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use robot::{Command, Outcome, Rejection};
use robot_api::direct::{CommandReader, ResultWriter};
use robot_api::v1::command_error::Reason;
use robot_api::{batch, v1};

use crate::queue::{Failure, Lease, Queue};

/// Actions that a worker applies before it lets others run and looks whether anybody still waits.
const ACTIONS_PER_TURN_MAX: usize = 1000;
const INTERNAL_MESSAGE: &str =
    "the server failed while it ran this command; the others are not touched by it";

/// A worker's settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkerConfig {
    /// Actions that one command runs at most.
    pub(crate) actions_max: usize,
    /// Tests only: a command whose id is a multiple of this panics.
    #[cfg(feature = "fault-injection")]
    pub(crate) panic_on_multiples_of: Option<std::num::NonZeroU64>,
}

/// What one worker has done since it began.
#[derive(Debug)]
pub(crate) struct WorkerCounts {
    /// The worker's number, from 1.
    pub(crate) worker: u32,
    jobs: AtomicU64,
    commands: AtomicU64,
    busy_nanos: AtomicU64,
}

/// The memory that a worker uses for one job after the other.
#[derive(Default)]
struct Scratch {
    reader: CommandReader,
    outcome: Outcome,
    results: ResultWriter,
}

/// Why a job was not run to its end.
enum Stopped {
    Failed(Failure),
    /// Nobody waits for its results any more.
    Abandoned,
}

/// What became of a command.
enum Applied {
    Done,
    Rejected(Rejection),
    Panicked,
}

impl WorkerCounts {
    pub(crate) fn new(worker: u32) -> Self {
        Self {
            worker,
            jobs: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            busy_nanos: AtomicU64::new(0),
        }
    }

    fn add(&self, commands: usize, busy: Duration) {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(commands as u64, Ordering::Relaxed);
        self.busy_nanos.fetch_add(nanos(busy), Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> v1::WorkerSnapshot {
        v1::WorkerSnapshot {
            worker: self.worker,
            jobs: self.jobs.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            busy_nanos: self.busy_nanos.load(Ordering::Relaxed),
        }
    }
}

/// Runs jobs until the queue is closed and empty.
pub(crate) async fn work(queue: Queue, config: WorkerConfig, counts: &WorkerCounts) {
    let mut scratch = Scratch::default();
    while let Some(lease) = queue.take().await {
        let taken = Instant::now();
        scratch.results.clear();
        let failure = match run(&lease, config, &mut scratch).await {
            Ok(()) => None,
            Err(Stopped::Failed(failure)) => Some(failure),
            Err(Stopped::Abandoned) => continue,
        };
        let run_time = taken.elapsed();
        let answered = scratch.results.len();
        counts.add(answered, run_time);
        let execution = v1::Execution {
            worker: counts.worker,
            queue_nanos: nanos(lease.queued_for(taken)),
            run_nanos: nanos(run_time),
            job_commands: lease.job().commands,
        };
        lease.complete(scratch.results.finish(&execution), answered as u32, failure);
        // Jobs are taken in turn: without this, the worker that is awake would run them all while others wake up.
        if queue.len() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Runs a job's commands in order, up to the first that is malformed.
///
/// Invariant: whatever a command does, it harms no other.
async fn run(lease: &Lease, config: WorkerConfig, scratch: &mut Scratch) -> Result<(), Stopped> {
    let Scratch {
        reader,
        outcome,
        results,
    } = scratch;
    for frame in batch::frames(&lease.job().bytes) {
        let bytes = frame?.command;
        let head = guarded(|| reader.decode(bytes, config.actions_max)).ok_or(Failure::Lost)??;
        let applied = match guarded(|| reader.command(&head, config.actions_max)) {
            Some(Ok(command)) => apply(head.id, command, outcome, lease, config).await?,
            Some(Err(rejection)) => Applied::Rejected(rejection),
            None => Applied::Panicked,
        };
        match applied {
            Applied::Done => results.outcome(head.id, outcome),
            Applied::Rejected(rejection) => results.rejection(head.id, &rejection, head.script),
            Applied::Panicked => {
                tracing::error!(id = head.id, "a command panicked");
                results.error(head.id, Reason::Internal, INTERNAL_MESSAGE, None);
            }
        }
    }
    Ok(())
}

/// Applies a command's actions, and lets others run after each slice of them.
async fn apply(
    id: u64,
    command: &Command,
    outcome: &mut Outcome,
    lease: &Lease,
    config: WorkerConfig,
) -> Result<Applied, Stopped> {
    outcome.restart(command);
    loop {
        if lease.is_abandoned() {
            return Err(Stopped::Abandoned);
        }
        let advanced = guarded(|| {
            inject_fault(id, config);
            robot::advance(outcome, command, ACTIONS_PER_TURN_MAX)
        });
        match advanced {
            Some(Ok(true)) => tokio::task::yield_now().await,
            Some(Ok(false)) => return Ok(Applied::Done),
            Some(Err(rejection)) => return Ok(Applied::Rejected(rejection)),
            None => return Ok(Applied::Panicked),
        }
    }
}

/// `None` if it panicked. What the panic left half done must not be used any more.
fn guarded<T>(step: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(step)).ok()
}

impl<E: Into<Failure>> From<E> for Stopped {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}

#[cfg(feature = "fault-injection")]
fn inject_fault(id: u64, config: WorkerConfig) {
    let every = config.panic_on_multiples_of;
    assert!(
        every.is_none_or(|every| id % every != 0),
        "injected: command {id}"
    );
}

#[cfg(not(feature = "fault-injection"))]
fn inject_fault(_id: u64, _config: WorkerConfig) {}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
