//! The server's times. They are a whole job's, and each of its commands carries them: each job is counted once, or
//! large jobs would count for more than small ones.

use robot_api::v1;
use rustc_hash::FxHashMap;

use super::times::Times;

/// Jobs of which some results are still to come. Beyond it those seen so far are forgotten: the server splits jobs
/// over messages in a way that cannot be followed.
const OPEN_JOBS_MAX: usize = 4096;

/// The times of the jobs that have been seen whole.
#[derive(Debug, Default)]
pub(crate) struct JobTimes {
    /// Results seen so far. Two jobs that ran at the same time may be equal; they still make two, in the end.
    open: FxHashMap<v1::Execution, u32>,
    pub(crate) jobs: u64,
    /// Commands of those jobs.
    pub(crate) commands: u64,
    pub(crate) queue: Times,
    pub(crate) run: Times,
}

impl JobTimes {
    /// One command of a job was answered.
    pub(crate) fn seen(&mut self, execution: v1::Execution) {
        let seen = match execution.job_commands {
            0 | 1 => 1,
            _ => self.seen_before(execution) + 1,
        };
        if seen < execution.job_commands {
            self.open.insert(execution, seen);
            return;
        }
        self.open.remove(&execution);
        let v1::Execution {
            worker: _,
            queue_nanos,
            run_nanos,
            job_commands,
        } = execution;
        self.jobs += 1;
        self.commands += u64::from(job_commands);
        self.queue.record(queue_nanos);
        self.run.record(run_nanos);
    }

    fn seen_before(&mut self, execution: v1::Execution) -> u32 {
        if self.open.len() >= OPEN_JOBS_MAX {
            self.open.clear();
        }
        self.open.get(&execution).copied().unwrap_or_default()
    }

    /// Jobs that neither has seen whole are forgotten.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Self {
            open: _,
            jobs,
            commands,
            queue,
            run,
        } = other;
        self.jobs += jobs;
        self.commands += commands;
        self.queue.merge(queue);
        self.run.merge(run);
    }

    /// The mean; 0 without a job.
    pub(crate) fn commands_per_job(&self) -> f64 {
        match self.jobs {
            0 => 0.0,
            jobs => self.commands as f64 / jobs as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(worker: u32, run_nanos: u64, job_commands: u32) -> v1::Execution {
        v1::Execution {
            worker,
            queue_nanos: 5,
            run_nanos,
            job_commands,
        }
    }

    #[test]
    fn counts_each_job_once_however_its_results_are_mixed() {
        let mut times = JobTimes::default();
        let (three, two, one) = (
            execution(1, 30, 3),
            execution(2, 20, 2),
            execution(1, 10, 1),
        );
        for seen in [three, two, three, one, two, three, one] {
            times.seen(seen);
        }
        assert_eq!((times.jobs, times.commands), (4, 7));
        assert_eq!(times.commands_per_job(), 1.75);
        assert_eq!(times.run.quantiles_us().max, 0.03);
        assert!(times.open.is_empty());
    }

    #[test]
    fn does_not_count_half_a_job() {
        let mut times = JobTimes::default();
        times.seen(execution(1, 30, 2));
        assert_eq!((times.jobs, times.commands_per_job()), (0, 0.0));
    }

    #[test]
    fn forgets_when_too_many_are_open() {
        let mut times = JobTimes::default();
        for run_nanos in 0..100_000 {
            times.seen(execution(1, run_nanos, 2));
        }
        assert!(times.open.len() <= OPEN_JOBS_MAX);
    }
}
