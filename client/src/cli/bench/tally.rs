//! What came back: every result is judged, timed and credited to its worker as it arrives, and then forgotten.

use std::collections::BTreeMap;
use std::time::Instant;

use robot_api::v1;

use super::check::{Verdict, complaint, verdict};
use super::jobs::JobTimes;
use super::times::Times;
use super::workload::Workload;

/// Workers that are listed although they ran nothing.
const IDLE_WORKERS_MAX: u32 = 1024;

/// The results so far.
#[derive(Debug)]
pub(crate) struct Tally {
    workload: Workload,
    pub(crate) answered: u64,
    /// Answered with an error.
    pub(crate) failed: u64,
    /// Other than they must be, or results that nobody waited for.
    pub(crate) mismatched: u64,
    /// What was wrong first, for people.
    pub(crate) first_complaint: Option<String>,
    pub(crate) round_trip: Times,
    pub(crate) jobs: JobTimes,
    /// Commands run, by worker number.
    pub(crate) workers: BTreeMap<u32, u64>,
}

impl Tally {
    /// For a server whose workers are numbered 1 to `workers`.
    pub(crate) fn new(workload: Workload, workers: u32) -> Self {
        let idle = 1..=workers.min(IDLE_WORKERS_MAX);
        Self {
            workload,
            answered: 0,
            failed: 0,
            mismatched: 0,
            first_complaint: None,
            round_trip: Times::default(),
            jobs: JobTimes::default(),
            workers: idle.map(|worker| (worker, 0)).collect(),
        }
    }

    /// A result came; its command was sent at `sent_at`, if one of its id was waited for.
    pub(crate) fn take(
        &mut self,
        result: &v1::RobotResult,
        sent_at: Option<Instant>,
        received_at: Instant,
    ) {
        self.judge(result, sent_at.is_some());
        let Some(sent_at) = sent_at else {
            return;
        };
        self.answered += 1;
        let round_trip = received_at.saturating_duration_since(sent_at);
        self.round_trip.record(round_trip.as_nanos() as u64);
        if let Some(execution) = result.execution {
            self.jobs.seen(execution);
            *self.workers.entry(execution.worker).or_default() += 1;
        }
    }

    /// Whether no result so far was wrong.
    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0 && self.mismatched == 0
    }

    fn judge(&mut self, result: &v1::RobotResult, waited_for: bool) {
        let expected = match waited_for {
            true => self.workload.expected(result.id),
            false => None,
        };
        match expected.as_ref().map(|expected| verdict(expected, result)) {
            Some(Verdict::Same) => return,
            Some(Verdict::Failed) => self.failed += 1,
            Some(Verdict::Differs) | None => self.mismatched += 1,
        }
        self.first_complaint
            .get_or_insert_with(|| complaint(expected.as_ref(), result));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::workload::Mode;

    const WORKLOAD: Workload = Workload {
        mode: Mode::Pipelined,
        turns: 3,
    };

    fn result(id: u64, worker: u32) -> v1::RobotResult {
        let execution = v1::Execution {
            worker,
            job_commands: 1,
            ..Default::default()
        };
        v1::RobotResult {
            execution: Some(execution),
            ..WORKLOAD.expected(id).unwrap()
        }
    }

    #[test]
    fn counts_what_is_right_and_what_is_not() {
        let mut tally = Tally::new(WORKLOAD, 3);
        let now = Instant::now();
        tally.take(&result(1, 2), Some(now), now);
        assert!(tally.is_good());
        let other = v1::RobotResult {
            id: 2,
            ..result(1, 2)
        };
        tally.take(&other, Some(now), now);
        tally.take(&result(1, 1), None, now);
        assert_eq!((tally.answered, tally.failed, tally.mismatched), (2, 0, 2));
        assert_eq!(tally.jobs.jobs, 2);
        assert!(tally.first_complaint.unwrap().starts_with("command 2 gave"));
        assert!(tally.workers.into_iter().eq([(1, 0), (2, 2), (3, 0)]));
    }
}
