//! Workers: take a lease, run its commands, complete it. Which session or robot a command belongs to is nothing that
//! a worker knows; it keeps no state between jobs but its counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use prost::Message;
use robot::{Outcome, Rejection};
use robot_api::batch::{self, Malformed};
use robot_api::{v1, wire};

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

/// Some job's results so far.
#[derive(Default)]
struct Progress {
    results: Vec<v1::RobotResult>,
    malformed: Option<Malformed>,
}

/// Why a command has no outcome.
enum Stopped {
    Rejected(Rejection),
    Panicked,
    Abandoned,
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
    while let Some(lease) = queue.take().await {
        let taken = Instant::now();
        let Some(progress) = run(&lease, config).await else {
            continue;
        };
        let run_time = taken.elapsed();
        counts.add(progress.results.len(), run_time);
        let execution = v1::Execution {
            worker: counts.worker,
            queue_nanos: nanos(lease.queued_for(taken)),
            run_nanos: nanos(run_time),
            job_commands: lease.job().commands,
        };
        let answered = progress.results.len() as u32;
        let failure = progress.malformed.map(Failure::from);
        lease.complete(encode(progress.results, &execution), answered, failure);
        // Jobs are taken in turn: without this, the worker that is awake would run them all while others wake up.
        if queue.len() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Runs a job's commands in order, up to the first that is malformed; `None` if nobody waits for them any more.
async fn run(lease: &Lease, config: WorkerConfig) -> Option<Progress> {
    let job = lease.job();
    let mut progress = Progress {
        results: Vec::with_capacity(job.commands as usize),
        malformed: None,
    };
    for frame in batch::frames(&job.bytes) {
        if lease.is_abandoned() {
            return None;
        }
        let decoded = frame.and_then(|frame| {
            v1::RobotCommand::decode(frame.command)
                .map_err(|source| Malformed::new("a command", source))
        });
        match decoded {
            Ok(command) => progress
                .results
                .push(answer(&command, lease, config).await?),
            Err(malformed) => {
                progress.malformed = Some(malformed);
                break;
            }
        }
    }
    Some(progress)
}

/// One command's result; `None` if nobody waits for it any more.
///
/// Invariant: whatever a command does, it harms no other.
async fn answer(
    message: &v1::RobotCommand,
    lease: &Lease,
    config: WorkerConfig,
) -> Option<v1::RobotResult> {
    match apply(message, lease, config).await {
        Ok(outcome) => Some(wire::result_to(message, Ok(outcome))),
        Err(Stopped::Rejected(rejection)) => Some(wire::result_to(message, Err(rejection))),
        Err(Stopped::Panicked) => Some(internal_error(message.id)),
        Err(Stopped::Abandoned) => None,
    }
}

/// Applies a command's actions, and lets others run after each slice of them.
async fn apply(
    message: &v1::RobotCommand,
    lease: &Lease,
    config: WorkerConfig,
) -> Result<Outcome, Stopped> {
    let command = guarded(|| {
        inject_fault(message, config);
        wire::command_from(message, config.actions_max)
    })?;
    let mut outcome = Outcome::start(&command);
    while guarded(|| robot::advance(&mut outcome, &command, ACTIONS_PER_TURN_MAX))? {
        tokio::task::yield_now().await;
        if lease.is_abandoned() {
            return Err(Stopped::Abandoned);
        }
    }
    Ok(outcome)
}

/// Turns a panic into that command's error. What the panic may have left half done is dropped with the command.
fn guarded<T>(step: impl FnOnce() -> Result<T, Rejection>) -> Result<T, Stopped> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(done) => done.map_err(Stopped::Rejected),
        Err(_panic) => Err(Stopped::Panicked),
    }
}

#[cfg(feature = "fault-injection")]
fn inject_fault(message: &v1::RobotCommand, config: WorkerConfig) {
    let Some(every) = config.panic_on_multiples_of else {
        return;
    };
    assert!(message.id % every != 0, "injected: command {}", message.id);
}

#[cfg(not(feature = "fault-injection"))]
fn inject_fault(_message: &v1::RobotCommand, _config: WorkerConfig) {}

fn internal_error(id: u64) -> v1::RobotResult {
    tracing::error!(id, "a command panicked");
    v1::RobotResult {
        id,
        outcome: Some(v1::robot_result::Outcome::Error(v1::CommandError {
            reason: v1::command_error::Reason::Internal.into(),
            message: INTERNAL_MESSAGE.to_owned(),
            location: None,
        })),
        events: Vec::new(),
        execution: None,
    }
}

/// An encoded response message with these results.
fn encode(results: Vec<v1::RobotResult>, execution: &v1::Execution) -> Bytes {
    let mut bytes = BytesMut::new();
    for mut result in results {
        result.execution = Some(*execution);
        prost::encoding::message::encode(batch::REPEATED_FIELD, &result, &mut bytes);
    }
    bytes.freeze()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
