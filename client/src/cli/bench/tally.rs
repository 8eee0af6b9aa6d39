//! What came back: every result is judged, timed and credited to its worker as it arrives, and then forgotten.

use std::collections::BTreeMap;
use std::time::Instant;

use robot_api::v1;
use robot_api::v1::robot_result::Outcome;

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
    /// Results of commands that were due before are checked, and nothing else.
    measured_from: Instant,
    pub(crate) sent: u64,
    /// Sent later than they were due, or not at all.
    pub(crate) late: u64,
    pub(crate) answered: u64,
    /// Answered with an error.
    pub(crate) failed: u64,
    /// Other than they must be, or results that nobody waited for.
    pub(crate) mismatched: u64,
    /// Errors by reason.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// What was wrong first, for people.
    pub(crate) first_complaint: Option<String>,
    pub(crate) round_trip: Times,
    pub(crate) jobs: JobTimes,
    /// Commands run, by worker number.
    pub(crate) workers: BTreeMap<u32, u64>,
}

impl Tally {
    /// For a server whose workers are numbered 1 to `workers`.
    pub(crate) fn new(workload: Workload, workers: u32, measured_from: Instant) -> Self {
        let idle = 1..=workers.min(IDLE_WORKERS_MAX);
        Self {
            workload,
            measured_from,
            sent: 0,
            late: 0,
            answered: 0,
            failed: 0,
            mismatched: 0,
            reasons: BTreeMap::new(),
            first_complaint: None,
            round_trip: Times::default(),
            jobs: JobTimes::default(),
            workers: idle.map(|worker| (worker, 0)).collect(),
        }
    }

    /// So many commands that were due at that time were sent.
    pub(crate) fn sent(&mut self, commands: u64, due_at: Instant, late: bool) {
        if due_at < self.measured_from {
            return;
        }
        self.sent += commands;
        if late {
            self.late += commands;
        }
    }

    /// A result came; its command was sent, or due, at `sent_at`, if one of its id was waited for. Whether it is right.
    pub(crate) fn take(
        &mut self,
        result: &v1::RobotResult,
        sent_at: Option<Instant>,
        received_at: Instant,
    ) -> bool {
        let right = self.judge(result, sent_at.is_some());
        let Some(sent_at) = sent_at.filter(|sent_at| *sent_at >= self.measured_from) else {
            return right;
        };
        self.answered += 1;
        let round_trip = received_at.saturating_duration_since(sent_at);
        self.round_trip.record(round_trip.as_nanos() as u64);
        if let Some(execution) = result.execution {
            self.jobs.seen(execution);
            *self.workers.entry(execution.worker).or_default() += 1;
        }
        right
    }

    /// Adds what another stream's results came to.
    pub(crate) fn merge(&mut self, other: Self) {
        self.sent += other.sent;
        self.late += other.late;
        self.answered += other.answered;
        self.failed += other.failed;
        self.mismatched += other.mismatched;
        self.round_trip.merge(&other.round_trip);
        self.jobs.merge(&other.jobs);
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        for (worker, commands) in other.workers {
            *self.workers.entry(worker).or_default() += commands;
        }
        if self.first_complaint.is_none() {
            self.first_complaint = other.first_complaint;
        }
    }

    fn judge(&mut self, result: &v1::RobotResult, waited_for: bool) -> bool {
        let expected = match waited_for {
            true => self.workload.expected(result.id),
            false => None,
        };
        match expected.as_ref().map(|expected| verdict(expected, result)) {
            Some(Verdict::Same) => return true,
            Some(Verdict::Failed) => {
                self.failed += 1;
                let reason = reason_of(result);
                *self.reasons.entry(reason).or_default() += 1;
            }
            Some(Verdict::Differs) | None => self.mismatched += 1,
        }
        self.first_complaint
            .get_or_insert_with(|| complaint(expected.as_ref(), result));
        false
    }
}

fn reason_of(result: &v1::RobotResult) -> String {
    match &result.outcome {
        Some(Outcome::Error(error)) => error.reason().as_str_name().to_owned(),
        _ => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::bench::workload::{Content, Mode};

    const WORKLOAD: Workload = Workload {
        mode: Mode::Pipelined,
        turns: 3,
        content: Content::Turns,
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
        let now = Instant::now();
        let mut tally = Tally::new(WORKLOAD, 3, now);
        assert!(tally.take(&result(1, 2), Some(now), now));
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

    #[test]
    fn what_was_due_before_the_measurement_is_checked_only() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut tally = Tally::new(WORKLOAD, 3, later);
        tally.sent(1, now, true);
        tally.sent(2, later, true);
        assert!(tally.take(&result(1, 2), Some(now), later));
        assert_eq!((tally.sent, tally.late, tally.answered), (2, 2, 0));
        let wrong = v1::RobotResult {
            id: 2,
            ..result(1, 2)
        };
        assert!(!tally.take(&wrong, Some(now), later));
        let mut all = Tally::new(WORKLOAD, 1, now);
        all.merge(tally);
        assert_eq!((all.sent, all.answered, all.mismatched), (2, 0, 1));
        assert!(all.workers.into_keys().eq([1, 2, 3]));
    }
}
