//! The worker pool: the queue and the tasks that serve it. It knows nothing of who submits jobs.

use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use robot_api::v1;

use crate::queue::{Queue, QueueLimits};
use crate::worker::{WorkerConfig, WorkerCounts, work};

/// A queue, and what its workers have done so far.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: Queue,
    counts: Vec<Arc<WorkerCounts>>,
    started: Instant,
}

impl Pool {
    /// Starts so many workers. They run until the queue is closed; the caller awaits them.
    pub(crate) fn start(
        workers: u32,
        limits: QueueLimits,
        config: WorkerConfig,
    ) -> (Arc<Self>, JoinSet<()>) {
        let queue = Queue::new(limits);
        let counts: Vec<_> = (1..=workers)
            .map(|number| Arc::new(WorkerCounts::new(number)))
            .collect();
        let mut tasks = JoinSet::new();
        for counts in &counts {
            let (queue, counts) = (queue.clone(), Arc::clone(counts));
            tasks.spawn(async move { work(queue, config, &counts).await });
        }
        let pool = Self {
            queue,
            counts,
            started: Instant::now(),
        };
        (Arc::new(pool), tasks)
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// What each worker has done.
    pub(crate) fn counts(&self) -> &[Arc<WorkerCounts>] {
        &self.counts
    }

    pub(crate) fn workers(&self) -> u32 {
        self.counts.len() as u32
    }

    /// What the workers have done, and what waits for them.
    pub(crate) fn snapshot(&self, open_calls: usize) -> v1::WatchWorkersResponse {
        v1::WatchWorkersResponse {
            workers: self.counts.iter().map(|counts| counts.snapshot()).collect(),
            queue: Some(v1::QueueSnapshot {
                jobs: self.queue.len() as u32,
                jobs_max: self.queue.limits().jobs_max as u32,
                idle_workers: self.queue.idle_workers() as u32,
            }),
            open_calls: open_calls as u32,
            uptime_nanos: self.started.elapsed().as_nanos() as u64,
        }
    }
}
