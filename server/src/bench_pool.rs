//! The pool with no sessions and no transport around it, for the benchmark of how workers scale: end to end, a client on
//! the same machine takes too much of it. Not part of a build that serves.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::pool::Pool;
use crate::queue::{Abandon, Completion, Job, Queue};

/// Jobs that are queued or run.
const JOBS_IN_FLIGHT_MAX: usize = 64;

/// Runs the commands of an encoded request message, `commands` in number, as one job, so many times over, and gives the
/// encoded response messages to `each`. How long that took, from the first job to the last result.
///
/// # Panics
/// If they are not all answered.
pub async fn run(
    config: &Config,
    message: Bytes,
    commands: u32,
    jobs: u32,
    mut each: impl FnMut(&[u8]),
) -> Duration {
    let workers = config.worker_count();
    let (pool, mut tasks) = Pool::start(workers, config.queue_limits(), config.worker_config());
    let (reply, mut completions) = mpsc::channel(JOBS_IN_FLIGHT_MAX);
    let abandon = Abandon::default();
    let started = Instant::now();
    let submitted = submit(pool.queue(), message, commands, jobs, reply, &abandon);
    let collected = async {
        while let Some(completion) = completions.recv().await {
            assert_eq!(completion.answered, commands, "{:?}", completion.failure);
            each(&completion.results);
        }
    };
    tokio::join!(submitted, collected);
    let elapsed = started.elapsed();
    pool.close();
    while let Some(ended) = tasks.join_next().await {
        ended.expect("a worker does not panic");
    }
    elapsed
}

async fn submit(
    queue: &Queue,
    message: Bytes,
    commands: u32,
    jobs: u32,
    reply: mpsc::Sender<Completion>,
    abandon: &Abandon,
) {
    for sequence in 0..jobs {
        let place = reply.clone().reserve_owned().await;
        let slot = queue.clone().reserve(message.len()).await;
        let job = Job {
            bytes: message.clone(),
            commands,
            sequence,
            results_bytes_max: 0,
        };
        let open = "the receiver and the queue outlive this";
        queue.submit(job, slot.expect(open), place.expect(open), abandon);
    }
}
