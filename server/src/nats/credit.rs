//! How many jobs a worker process asks the broker for. What it holds is what it cannot give back at once: a slow worker
//! holds one job and leaves the rest to the others, a fast one holds enough not to wait for the broker. It knows nothing
//! of connections.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A worker holds no more than what it runs in this time, but always one.
const HELD_MAX: Duration = Duration::from_millis(10);
/// Nor more jobs than this.
const JOBS_PER_WORKER_MAX: u32 = 32;
/// As long as nothing was measured.
const JOBS_PER_WORKER_FIRST: u32 = 4;
/// The weight of what was measured last.
const NEWEST: f64 = 0.2;
/// The broker answers a pull by then, and this much later it is taken for lost.
pub(crate) const PULL_MAX: Duration = Duration::from_secs(5);
const LOST_AFTER: Duration = Duration::from_secs(1);

/// Jobs asked for, and jobs held.
#[derive(Debug)]
pub(crate) struct Credit {
    workers: u32,
    held: u32,
    /// The run time of a job, on average.
    job_nanos: Option<f64>,
    pulls: VecDeque<Pull>,
    next_id: u64,
}

/// So many jobs were asked for and have not come yet.
#[derive(Debug)]
struct Pull {
    id: u64,
    jobs: u32,
    until: Instant,
}

impl Credit {
    pub(crate) fn new(workers: u32) -> Self {
        Self {
            workers,
            held: 0,
            job_nanos: None,
            pulls: VecDeque::new(),
            next_id: 0,
        }
    }

    /// The most jobs that are ever held.
    pub(crate) fn jobs_max(workers: u32) -> usize {
        (workers * JOBS_PER_WORKER_MAX) as usize
    }

    /// So many jobs ran for so long, all together.
    pub(crate) fn measured(&mut self, jobs: u64, busy: Duration) {
        if jobs == 0 {
            return;
        }
        let nanos = busy.as_nanos() as f64 / jobs as f64;
        let before = self.job_nanos.unwrap_or(nanos);
        self.job_nanos = Some(before + NEWEST * (nanos - before));
    }

    /// A job has come. The broker serves pulls in turn.
    pub(crate) fn came(&mut self) {
        self.held += 1;
        if let Some(pull) = self.pulls.front_mut() {
            pull.jobs -= 1;
            if pull.jobs == 0 {
                self.pulls.pop_front();
            }
        }
    }

    /// A job has gone.
    pub(crate) fn gone(&mut self) {
        self.held -= 1;
    }

    /// Nothing more comes for this pull.
    pub(crate) fn ended(&mut self, id: u64) {
        self.pulls.retain(|pull| pull.id != id);
    }

    /// Nothing more comes for any.
    pub(crate) fn all_ended(&mut self) {
        self.pulls.clear();
    }

    /// The next pull, if it is time for one: its number and how many jobs it asks for.
    pub(crate) fn pull(&mut self, now: Instant) -> Option<(u64, u32)> {
        self.pulls.retain(|pull| pull.until > now);
        let target = self.workers * self.jobs_per_worker();
        let asked: u32 = self.pulls.iter().map(|pull| pull.jobs).sum();
        let missing = target.saturating_sub(self.held + asked);
        // One pull for several jobs is cheaper than several.
        if missing < (target / 4).max(1) {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.pulls.push_back(Pull {
            id,
            jobs: missing,
            until: now + PULL_MAX + LOST_AFTER,
        });
        Some((id, missing))
    }

    fn jobs_per_worker(&self) -> u32 {
        let Some(nanos) = self.job_nanos else {
            return JOBS_PER_WORKER_FIRST;
        };
        let jobs = HELD_MAX.as_nanos() as f64 / nanos.max(1.0);
        // A cast of a large or odd number gives the largest.
        (jobs as u32).clamp(1, JOBS_PER_WORKER_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_after(job: Duration) -> u32 {
        let mut credit = Credit::new(1);
        credit.measured(10, job * 10);
        credit.pull(Instant::now()).expect("nothing is held").1
    }

    #[test]
    fn the_slower_the_jobs_the_fewer_are_held() {
        for (micros, jobs) in [
            (20, 32),
            (1000, 10),
            (2000, 5),
            (9900, 1),
            (10_000, 1),
            (50_000, 1),
        ] {
            assert_eq!(
                target_after(Duration::from_micros(micros)),
                jobs,
                "{micros} us"
            );
        }
    }

    #[test]
    fn what_is_asked_for_and_held_never_exceeds_the_target() {
        let now = Instant::now();
        let mut credit = Credit::new(2);
        let (_first, jobs) = credit.pull(now).unwrap();
        assert_eq!(jobs, 2 * JOBS_PER_WORKER_FIRST);
        assert_eq!(credit.pull(now), None);
        for _ in 0..jobs {
            credit.came();
        }
        assert_eq!(credit.pull(now), None, "all are held");
        credit.gone();
        assert_eq!(credit.pull(now), None, "one alone is not worth a pull");
        credit.gone();
        assert_eq!(credit.pull(now).unwrap().1, 2);
    }

    #[test]
    fn a_pull_that_ends_or_is_lost_is_made_again() {
        let now = Instant::now();
        let mut credit = Credit::new(1);
        let (first, jobs) = credit.pull(now).unwrap();
        credit.came();
        credit.ended(first);
        assert_eq!(credit.pull(now).unwrap().1, jobs - 1);
        let later = now + PULL_MAX + LOST_AFTER;
        assert_eq!(credit.pull(later).unwrap().1, jobs - 1);
        credit.all_ended();
        assert_eq!(credit.pull(later).unwrap().1, jobs - 1);
    }
}
