//! Workers: take a lease, run its commands, hand it back. Which session or robot a command belongs to is nothing that
//! a worker knows; it keeps no state between jobs but its counts.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use robot_api::v1::command_error::Reason;
use robot_api::{batch, v1};

use crate::counter::add;
use crate::done::{Done, DoneJob};
use crate::queue::{Failure, Lease, Queue};
use crate::runner::{Progress, Runner};
use crate::times::{Times, TimesSnapshot};

/// A worker's settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkerConfig {
    /// Actions that one command runs at most.
    pub(crate) actions_max: usize,
    /// Tests only: a command whose id is a multiple of this panics.
    #[cfg(feature = "fault-injection")]
    pub(crate) panic_on_multiples_of: Option<std::num::NonZeroU64>,
    /// Tests only: a command whose id is a multiple of this ends the process.
    #[cfg(feature = "fault-injection")]
    pub(crate) abort_on_multiples_of: Option<std::num::NonZeroU64>,
    /// Tests only: each job takes this much longer.
    #[cfg(feature = "fault-injection")]
    pub(crate) slow: Duration,
}

/// One counter for each reason, by its number.
pub(crate) const REASONS: usize = Reason::Internal as usize + 1;

/// What one worker has done since it began.
#[derive(Debug)]
pub(crate) struct WorkerCounts {
    /// The worker's number, from 1.
    pub(crate) worker: u32,
    jobs: AtomicU64,
    commands: AtomicU64,
    busy_nanos: AtomicU64,
    rejected: [AtomicU64; REASONS],
    queue_times: Times,
    run_times: Times,
}

/// Nobody waits for the job's results any more.
struct Abandoned;

impl WorkerCounts {
    pub(crate) fn new(worker: u32) -> Self {
        Self {
            worker,
            jobs: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            busy_nanos: AtomicU64::new(0),
            rejected: Default::default(),
            queue_times: Times::default(),
            run_times: Times::default(),
        }
    }

    /// A job was run. Only ever called by one task at a time.
    pub(crate) fn add(&self, commands: usize, queued: Duration, busy: Duration) {
        self.queue_times.add(queued);
        self.run_times.add(busy);
        add(&self.jobs, 1);
        add(&self.commands, commands as u64);
        add(&self.busy_nanos, nanos(busy));
    }

    fn reject(&self, counts: &[u32; REASONS]) {
        for (rejected, count) in self.rejected.iter().zip(counts) {
            add(rejected, u64::from(*count));
        }
    }

    pub(crate) fn jobs(&self) -> u64 {
        self.jobs.load(Ordering::Relaxed)
    }

    /// Commands that were run, those with an error included.
    pub(crate) fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    pub(crate) fn busy_nanos(&self) -> u64 {
        self.busy_nanos.load(Ordering::Relaxed)
    }

    /// Commands that had this error, by its place in [`reasons`].
    pub(crate) fn rejected(&self, place: usize) -> u64 {
        self.rejected[place].load(Ordering::Relaxed)
    }

    /// How long its jobs waited.
    pub(crate) fn queue_times(&self) -> TimesSnapshot {
        self.queue_times.snapshot()
    }

    /// How long its jobs ran.
    pub(crate) fn run_times(&self) -> TimesSnapshot {
        self.run_times.snapshot()
    }

    pub(crate) fn snapshot(&self) -> v1::WorkerSnapshot {
        v1::WorkerSnapshot {
            worker: self.worker,
            jobs: self.jobs(),
            commands: self.commands(),
            busy_nanos: self.busy_nanos(),
            queue_time_counts: self.queue_times().into_counts(),
            run_time_counts: self.run_times().into_counts(),
        }
    }
}

/// The reasons that a command may be rejected for, each with its place, by the contract's names for them.
pub(crate) fn reasons() -> impl Iterator<Item = (usize, &'static str)> {
    (1..REASONS).filter_map(|place| {
        let name = Reason::try_from(place as i32).ok()?.as_str_name();
        Some((place, name.strip_prefix("REASON_").unwrap_or(name)))
    })
}

/// Runs jobs until the queue is closed and empty.
pub(crate) async fn work(queue: Queue, config: WorkerConfig, counts: &WorkerCounts) {
    let mut runner = Runner::new(config);
    let mut done = Done::default();
    while let Some(lease) = next(&queue, &mut done).await {
        let taken = Instant::now();
        runner.clear();
        #[cfg(feature = "fault-injection")]
        if !config.slow.is_zero() {
            done.hand_back();
            tokio::time::sleep(config.slow).await;
        }
        let Ok(failure) = run(&lease, &mut runner, &mut done).await else {
            continue;
        };
        let now = Instant::now();
        let run_time = now.saturating_duration_since(taken);
        let answered = runner.answered();
        let queue_time = lease.queued_for(taken);
        counts.add(answered, queue_time, run_time);
        if let Some(rejected) = runner.rejected() {
            counts.reject(rejected);
        }
        let execution = v1::Execution {
            worker: counts.worker,
            queue_nanos: nanos(queue_time),
            run_nanos: nanos(run_time),
            job_commands: lease.job().commands,
        };
        let job = DoneJob {
            lease,
            results: runner.finish(&execution),
            answered: answered as u32,
            failure,
        };
        done.push(job, now);
        // Jobs are taken in turn: without this, the worker that is awake would run them all while others wake up.
        let_others_run().await;
    }
}

/// The next job. Nothing is held back while there is none.
async fn next(queue: &Queue, done: &mut Done) -> Option<Lease> {
    if let Some(lease) = queue.try_take() {
        return Some(lease);
    }
    done.hand_back();
    queue.take().await
}

/// Runs a job to its end, or to why it has none. After each slice others get their turn, what was done before is
/// handed back, and a job that nobody waits for any more is given up.
async fn run(
    lease: &Lease,
    runner: &mut Runner,
    done: &mut Done,
) -> Result<Option<Failure>, Abandoned> {
    let mut progress = Progress::of(batch::frames(&lease.job().bytes));
    while !lease.is_abandoned() {
        match runner.run_slice(&mut progress) {
            Ok(true) => {
                done.hand_back();
                tokio::task::yield_now().await;
            }
            Ok(false) => return Ok(None),
            Err(failure) => return Ok(Some(failure)),
        }
    }
    Err(Abandoned)
}

/// As tokio's `yield_now`, but without asking the system for events first, which takes as long as a job.
async fn let_others_run() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_place() {
        assert!(Reason::try_from(REASONS as i32).is_err());
        let names: Vec<_> = reasons().map(|(_place, name)| name).collect();
        assert_eq!((names.len(), names[0]), (REASONS - 1, "STATE_MISSING"));
    }
}
