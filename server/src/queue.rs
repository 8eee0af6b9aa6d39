//! The bounded queue between the sessions and the workers. A [`Job`] is plain data, the bytes of some commands, and
//! could cross a broker; the [`Lease`] around it is what stays in this process: the room in the queue, the way back
//! to the session, and whether anybody still waits for the answer. It knows nothing of gRPC or of what a job says.
//!
//! Invariant: the place for a completion is reserved before its job is submitted, so that completing never waits and
//! a client that does not read stalls nobody but itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use robot_api::batch::Malformed;

use crate::sync::{
    AtomicBool, AtomicUsize, Ordering, OwnedPermit, OwnedSemaphorePermit, Semaphore,
};

/// Jobs are not shared out in smaller parts than this, however many workers wait.
const SHARE_COMMANDS_MIN: u32 = 8;

/// Some commands of one session, to be run by one worker.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    /// An encoded request message that holds exactly these commands.
    pub(crate) bytes: Bytes,
    /// How many there are.
    pub(crate) commands: u32,
    /// Its place among the jobs of its session, from 0.
    pub(crate) sequence: u32,
    /// Bytes that its results may take, at most.
    pub(crate) results_bytes_max: usize,
}

/// What a worker made of a job.
#[derive(Debug)]
pub(crate) struct Completion {
    /// An encoded response message with the results, or why there are fewer than there were commands.
    pub(crate) results: Bytes,
    /// Commands that `results` answers.
    pub(crate) answered: u32,
    /// Why the rest was not answered.
    pub(crate) failure: Option<Failure>,
    /// As in the job.
    pub(crate) sequence: u32,
    /// As in the job: the room that the session gets back.
    pub(crate) results_bytes_max: usize,
}

/// Why a job was not answered to its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    /// A command is no valid protobuf.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// The worker went away with the job.
    #[error("the job was lost on the way to its worker")]
    Lost,
}

/// The queue has been closed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the queue is closed")]
pub(crate) struct QueueClosed;

/// The queue's bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    /// Jobs that may wait.
    pub(crate) jobs_max: usize,
    /// Bytes of jobs that may wait or be run.
    pub(crate) bytes_max: usize,
}

/// A handle to the queue; clones share it. The workers' side and the sessions' side are one type, since a process
/// may hold both.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sender: async_channel::Sender<Lease>,
    receiver: async_channel::Receiver<Lease>,
    jobs: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    idle_workers: AtomicUsize,
    limits: QueueLimits,
}

/// Room in the queue for one job.
#[derive(Debug)]
pub(crate) struct Slot {
    job: OwnedSemaphorePermit,
    bytes: OwnedSemaphorePermit,
}

/// Tells workers that nobody waits for a session's results any more. Set when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Abandon(Arc<Origin>);

/// Where a session's jobs come from.
#[derive(Debug, Default)]
struct Origin {
    abandoned: AtomicBool,
    /// The call, as the W3C's `traceparent` says it, if it is part of a trace.
    trace: Option<Box<str>>,
    /// When nobody waits any more, if that is known.
    deadline: Option<Instant>,
}

/// A job on its way to a worker and back.
#[derive(Debug)]
pub(crate) struct Lease {
    job: Job,
    submitted: Instant,
    reply: Option<OwnedPermit<Completion>>,
    origin: Arc<Origin>,
    /// Held until a worker takes the job.
    waiting: Option<OwnedSemaphorePermit>,
    /// Held until the job is done.
    _bytes: OwnedSemaphorePermit,
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        let (sender, receiver) = async_channel::bounded(limits.jobs_max);
        Self {
            shared: Arc::new(Shared {
                sender,
                receiver,
                jobs: Arc::new(Semaphore::new(limits.jobs_max)),
                bytes: Arc::new(Semaphore::new(limits.bytes_max)),
                idle_workers: AtomicUsize::new(0),
                limits,
            }),
        }
    }

    /// Room for a job of so many bytes, if there is some right now.
    pub(crate) fn try_reserve(&self, bytes: usize) -> Option<Slot> {
        let Shared {
            jobs,
            bytes: budget,
            ..
        } = &*self.shared;
        Some(Slot {
            job: Arc::clone(jobs).try_acquire_owned().ok()?,
            bytes: Arc::clone(budget)
                .try_acquire_many_owned(weight(bytes))
                .ok()?,
        })
    }

    /// Waits in line for room for a job of so many bytes.
    ///
    /// Precondition: `bytes` is no more than the queue's `bytes_max`.
    pub(crate) async fn reserve(self, bytes: usize) -> Result<Slot, QueueClosed> {
        let Shared {
            jobs,
            bytes: budget,
            ..
        } = &*self.shared;
        let job = Arc::clone(jobs).acquire_owned().await;
        let bytes = Arc::clone(budget).acquire_many_owned(weight(bytes)).await;
        Ok(Slot {
            job: job.map_err(|_closed| QueueClosed)?,
            bytes: bytes.map_err(|_closed| QueueClosed)?,
        })
    }

    /// Queues a job; its completion comes through `reply`.
    pub(crate) fn submit(
        &self,
        job: Job,
        slot: Slot,
        reply: OwnedPermit<Completion>,
        abandon: &Abandon,
    ) {
        self.submit_aged(job, slot, reply, abandon, Duration::ZERO);
    }

    /// Queues a job that has been in another queue before, for so long.
    pub(crate) fn submit_aged(
        &self,
        job: Job,
        slot: Slot,
        reply: OwnedPermit<Completion>,
        abandon: &Abandon,
        age: Duration,
    ) {
        let now = Instant::now();
        let lease = Lease {
            job,
            submitted: now.checked_sub(age).unwrap_or(now),
            reply: Some(reply),
            origin: Arc::clone(&abandon.0),
            waiting: Some(slot.job),
            _bytes: slot.bytes,
        };
        // A slot is room in the channel, so it is never full. If it is closed the lease is dropped, which answers it.
        let _refused = self.shared.sender.try_send(lease);
    }

    /// The next job, if one is there.
    pub(crate) fn try_take(&self) -> Option<Lease> {
        self.shared.receiver.try_recv().ok().map(Lease::taken)
    }

    /// Waits for the next job; `None` once the queue is closed and empty. Nothing is lost if the wait is given up.
    pub(crate) async fn take(&self) -> Option<Lease> {
        let _idle = Idle::new(&self.shared.idle_workers);
        self.shared.receiver.recv().await.ok().map(Lease::taken)
    }

    /// Lets the workers empty the queue and then end.
    pub(crate) fn close(&self) {
        self.shared.sender.close();
        self.shared.jobs.close();
        self.shared.bytes.close();
    }

    /// Jobs that wait for a worker.
    pub(crate) fn len(&self) -> usize {
        self.shared.receiver.len()
    }

    /// Bytes of jobs that wait or are run.
    pub(crate) fn used_bytes(&self) -> usize {
        let free = self.shared.bytes.available_permits();
        self.shared.limits.bytes_max.saturating_sub(free)
    }

    /// Workers that wait for a job.
    pub(crate) fn idle_workers(&self) -> usize {
        self.shared.idle_workers.load(Ordering::Relaxed)
    }

    /// How many of `commands_max` commands the next job should hold: where several workers wait for jobs, they share
    /// what would be one, so that a burst reaches every worker.
    pub(crate) fn share(&self, commands_max: u32) -> u32 {
        let waiting = self.idle_workers().saturating_sub(self.len());
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        (commands_max / waiting.max(1)).max(SHARE_COMMANDS_MIN)
    }

    pub(crate) fn limits(&self) -> QueueLimits {
        self.shared.limits
    }
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a message is shorter than 4 GiB")
}

/// Somebody waits for a job, until it is dropped.
struct Idle<'a>(&'a AtomicUsize);

impl<'a> Idle<'a> {
    fn new(idle_workers: &'a AtomicUsize) -> Self {
        idle_workers.fetch_add(1, Ordering::Relaxed);
        Self(idle_workers)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lease {
    /// It makes room in the queue.
    fn taken(mut self) -> Self {
        self.waiting = None;
        self
    }

    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// How long the job has been in the queue by `now`.
    pub(crate) fn queued_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.submitted)
    }

    /// Nobody waits for the results any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.origin.abandoned.load(Ordering::Relaxed)
    }

    /// The call that the job belongs to, as the W3C's `traceparent` says it, if it is part of a trace.
    pub(crate) fn trace(&self) -> Option<&str> {
        self.origin.trace.as_deref()
    }

    /// When nobody waits for the results any more, if that is known.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.origin.deadline
    }

    /// Sends the results back. Never waits: the place was reserved.
    pub(crate) fn complete(mut self, results: Bytes, answered: u32, failure: Option<Failure>) {
        self.answer(results, answered, failure);
    }

    fn answer(&mut self, results: Bytes, answered: u32, failure: Option<Failure>) {
        if let Some(reply) = self.reply.take() {
            reply.send(Completion {
                results,
                answered,
                failure,
                sequence: self.job.sequence,
                results_bytes_max: self.job.results_bytes_max,
            });
        }
    }
}

impl Drop for Lease {
    /// Invariant: every submitted job is answered, or its session would wait for ever.
    fn drop(&mut self) {
        self.answer(Bytes::new(), 0, Some(Failure::Lost));
    }
}

impl Abandon {
    /// Of a call that is part of a trace, or of none, and that has a deadline, or none.
    pub(crate) fn of(trace: Option<&str>, deadline: Option<Instant>) -> Self {
        Self(Arc::new(Origin {
            abandoned: AtomicBool::new(false),
            trace: trace.map(Into::into),
            deadline,
        }))
    }
}

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
    }
}
