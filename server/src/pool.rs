//! The worker pool: the queue and the tasks that serve it, or, where the workers are elsewhere, what is known of those. It
//! knows nothing of who submits jobs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use robot_api::v1;

use crate::queue::{Queue, QueueLimits};
use crate::worker::{WorkerConfig, WorkerCounts, work};

/// Of workers that are elsewhere, no more are remembered.
const REMOTE_WORKERS_MAX: usize = 4096;

/// A queue, and what its workers have done so far.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: Queue,
    /// By the workers' numbers.
    counts: Mutex<Vec<Arc<WorkerCounts>>>,
    started: Instant,
    closed: CancellationToken,
    /// The workers are elsewhere, and this many jobs may be there.
    beyond_max: Option<u32>,
    /// So many are.
    beyond: AtomicUsize,
}

impl Pool {
    /// Starts so many workers. They run until the queue is closed; the caller awaits them.
    pub(crate) fn start(
        workers: u32,
        limits: QueueLimits,
        config: WorkerConfig,
    ) -> (Arc<Self>, JoinSet<()>) {
        Self::start_from(1, workers, limits, config)
    }

    /// The same, and the first worker has this number.
    pub(crate) fn start_from(
        first: u32,
        workers: u32,
        limits: QueueLimits,
        config: WorkerConfig,
    ) -> (Arc<Self>, JoinSet<()>) {
        let queue = Queue::new(limits);
        let counts: Vec<_> = (0..workers)
            .map(|place| Arc::new(WorkerCounts::new(first.wrapping_add(place))))
            .collect();
        let mut tasks = JoinSet::new();
        for counts in &counts {
            let (queue, counts) = (queue.clone(), Arc::clone(counts));
            tasks.spawn(async move { work(queue, config, &counts).await });
        }
        (Arc::new(Self::of(queue, counts, None)), tasks)
    }

    /// A queue without workers: those are elsewhere. So many jobs may be with them.
    pub(crate) fn remote(limits: QueueLimits, beyond_max: u32) -> Arc<Self> {
        let queue = Queue::new(limits);
        Arc::new(Self::of(queue, Vec::new(), Some(beyond_max)))
    }

    fn of(queue: Queue, counts: Vec<Arc<WorkerCounts>>, beyond_max: Option<u32>) -> Self {
        Self {
            queue,
            counts: Mutex::new(counts),
            started: Instant::now(),
            closed: CancellationToken::new(),
            beyond_max,
            beyond: AtomicUsize::new(0),
        }
    }

    /// Lets the workers empty the queue and then end.
    pub(crate) fn close(&self) {
        self.queue.close();
        self.closed.cancel();
    }

    /// Cancelled once nobody waits for a job any more.
    pub(crate) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// The workers are elsewhere.
    pub(crate) fn is_remote(&self) -> bool {
        self.beyond_max.is_some()
    }

    /// So many jobs are with workers that are elsewhere.
    pub(crate) fn set_beyond(&self, jobs: usize) {
        self.beyond.store(jobs, Ordering::Relaxed);
    }

    /// A worker that is elsewhere has run a job. Only ever called by one task at a time.
    pub(crate) fn note_remote(&self, execution: &v1::Execution, commands: u32) {
        let queued = Duration::from_nanos(execution.queue_nanos);
        let run = Duration::from_nanos(execution.run_nanos);
        let mut counts = self.lock();
        let found = counts.binary_search_by_key(&execution.worker, |counts| counts.worker);
        let place = match found {
            Ok(place) => place,
            Err(_place) if counts.len() == REMOTE_WORKERS_MAX => return,
            Err(place) => {
                counts.insert(place, Arc::new(WorkerCounts::new(execution.worker)));
                place
            }
        };
        counts[place].add(commands as usize, queued, run);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<WorkerCounts>>> {
        // Nothing in here panics halfway.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// What each worker has done.
    pub(crate) fn counts(&self) -> Vec<Arc<WorkerCounts>> {
        self.lock().clone()
    }

    /// How many there are, or of how many is known.
    pub(crate) fn workers(&self) -> u32 {
        self.lock().len() as u32
    }

    /// Workers that wait for a job; of those elsewhere nobody knows.
    pub(crate) fn idle_workers(&self) -> usize {
        match self.is_remote() {
            true => 0,
            false => self.queue.idle_workers(),
        }
    }

    /// What the workers have done, and what waits for them.
    pub(crate) fn snapshot(&self, open_calls: usize) -> v1::WatchWorkersResponse {
        v1::WatchWorkersResponse {
            workers: self
                .counts()
                .iter()
                .map(|counts| counts.snapshot())
                .collect(),
            queue: Some(v1::QueueSnapshot {
                jobs: (self.queue.len() + self.beyond.load(Ordering::Relaxed)) as u32,
                jobs_max: self.queue.limits().jobs_max as u32 + self.beyond_max.unwrap_or(0),
                idle_workers: self.idle_workers() as u32,
            }),
            open_calls: open_calls as u32,
            uptime_nanos: self.started.elapsed().as_nanos() as u64,
        }
    }
}
