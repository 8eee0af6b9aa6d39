//! How much a gateway gives the broker at a time. The workers are to have enough to do, and one more bundle each that waits;
//! what is beyond that waits in the gateway, where it can still be joined, and where it stands in nobody's way: a gateway
//! with much to do does not fill the broker for the others. It knows nothing of connections.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use robot_api::v1::Execution;

use super::bundle;

/// A bundle of several jobs runs for no longer than this, as far as is known.
const RUN_MAX: Duration = Duration::from_millis(1);
/// Bundles with the broker for each worker: one that it runs, and one that waits.
const BUNDLES_PER_WORKER: usize = 2;
/// What waits is published once it is this part of what is with the broker, or if nothing is: so the first job does not wait,
/// and the more is under way the larger are the bundles.
const WAITING_SHARE: usize = 3;
/// A worker that has answered nothing for so long is not counted any more.
const WORKER_FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// Nor are more workers than this.
const WORKERS_MAX: usize = 4096;
/// How much what is known of the run time changes with each bundle, and by how much if a bundle takes many times as long: a
/// few that had to wait for a processor say nothing, and workers that have become slow are noticed soon.
const STEP: f64 = 1.05;
const LEAP: f64 = 1.25;
const MANY_TIMES: f64 = 4.0;

/// What is known of the workers.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// By their numbers, when each has answered last.
    workers: BTreeMap<u32, Instant>,
    /// How long a worker runs for a byte of a job, the median of late. Bytes say more of that than commands, which may hold one
    /// action or thousands.
    nanos_per_byte: Option<f64>,
}

impl Pace {
    /// A worker has run a bundle of so many bytes.
    pub(crate) fn ran(&mut self, execution: &Execution, bytes: usize, now: Instant) {
        let nanos = execution.run_nanos.max(1) as f64 / bytes.max(1) as f64;
        self.nanos_per_byte = Some(match self.nanos_per_byte {
            None => nanos,
            Some(before) if nanos > MANY_TIMES * before => before * LEAP,
            Some(before) if nanos > before => before * STEP,
            Some(before) => before / STEP,
        });
        if self.workers.len() < WORKERS_MAX || self.workers.contains_key(&execution.worker) {
            self.workers.insert(execution.worker, now);
        }
    }

    /// Forgets workers that are most likely not there any more.
    pub(crate) fn forget(&mut self, now: Instant) {
        let is_there = |at: &mut Instant| now.duration_since(*at) < WORKER_FORGOTTEN_AFTER;
        self.workers.retain(|_worker, at| is_there(at));
    }

    /// Bundles that the broker is given before the first of them is answered.
    pub(crate) fn bundles_max(&self) -> usize {
        BUNDLES_PER_WORKER * self.workers.len().max(1)
    }

    /// Whether so many jobs that wait are to be published now, where so many bundles of so many jobs are with the workers.
    pub(crate) fn is_due(
        &self,
        waiting: usize,
        is_full: bool,
        bundles: usize,
        jobs: usize,
    ) -> bool {
        let is_much = is_full || WAITING_SHARE * waiting >= jobs;
        bundles < self.bundles_max() && is_much
    }

    /// Jobs of the next bundle, where so many wait, and so many bundles are with the broker: workers that have nothing share
    /// what waits.
    pub(crate) fn jobs_max(&self, waiting: usize, bundles: usize) -> usize {
        let idle = self.workers.len().saturating_sub(bundles);
        waiting.div_ceil(idle.max(1))
    }

    /// Bytes of a bundle of more than one job.
    pub(crate) fn bytes_max(&self) -> usize {
        let Some(nanos) = self.nanos_per_byte else {
            return 0;
        };
        // A cast of a large or odd number gives the largest.
        let bytes = (RUN_MAX.as_nanos() as f64 / nanos) as usize;
        bytes.min(bundle::BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(worker: u32, run_nanos: u64) -> Execution {
        Execution {
            worker,
            run_nanos,
            ..Execution::default()
        }
    }

    #[test]
    fn the_slower_the_workers_the_smaller_the_bundles() {
        let now = Instant::now();
        assert_eq!(Pace::default().bytes_max(), 0, "nothing is known yet");
        for (nanos_per_byte, bytes_max) in [(0, bundle::BYTES_MAX), (100, 10_000), (2_000_000, 0)] {
            let mut pace = Pace::default();
            pace.ran(&run(1, 1000 * nanos_per_byte), 1000, now);
            assert_eq!(pace.bytes_max(), bytes_max, "{nanos_per_byte} ns");
        }
    }

    #[test]
    fn a_few_that_take_long_change_little_and_many_are_noticed_soon() {
        let now = Instant::now();
        let mut pace = Pace::default();
        for bundle in 0..1000 {
            let waited = bundle % 20 == 0;
            pace.ran(&run(1, if waited { 1_000_000 } else { 10_000 }), 1000, now);
        }
        let bytes_max = pace.bytes_max();
        assert!(
            (50_000..200_000).contains(&bytes_max.max(50_000)),
            "{bytes_max}"
        );
        for _ in 0..50 {
            pace.ran(&run(1, 10_000_000), 1000, now);
        }
        assert!(pace.bytes_max() < 1000, "{}", pace.bytes_max());
    }

    #[test]
    fn each_worker_gets_one_bundle_to_run_and_one_to_wait() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.bundles_max(), 2, "there may be one");
        for worker in [7, 8, 9, 8] {
            pace.ran(&run(worker, 1), 1, now);
        }
        assert_eq!(pace.bundles_max(), 6);
        let later = now + WORKER_FORGOTTEN_AFTER;
        pace.ran(&run(8, 1), 1, later);
        pace.forget(later);
        assert_eq!(pace.bundles_max(), 2, "two are gone");
    }

    #[test]
    fn what_waits_is_published_if_nothing_or_little_is_under_way() {
        let pace = Pace::default();
        for (waiting, is_full, bundles, jobs, is_due) in [
            (1, false, 0, 0, true),
            (1, false, 1, 3, true),
            (1, false, 1, 4, false),
            (1, true, 1, 4, true),
            (9, true, 2, 4, false),
        ] {
            let what = format!("{waiting} {is_full} {bundles} {jobs}");
            assert_eq!(
                pace.is_due(waiting, is_full, bundles, jobs),
                is_due,
                "{what}"
            );
        }
    }

    #[test]
    fn workers_that_have_nothing_share_what_waits() {
        let mut pace = Pace::default();
        assert_eq!(pace.jobs_max(10, 0), 10, "of none anything is known");
        for worker in 1..=4 {
            pace.ran(&run(worker, 1), 1, Instant::now());
        }
        for (waiting, bundles, jobs) in [(8, 0, 2), (9, 0, 3), (1, 0, 1), (8, 3, 8), (8, 9, 8)] {
            assert_eq!(pace.jobs_max(waiting, bundles), jobs, "{waiting} {bundles}");
        }
    }
}
