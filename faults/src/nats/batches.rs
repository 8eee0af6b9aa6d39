//! The batches of commands that one client has sent: how long each took, and whether its commands were answered once and
//! rightly. It remembers only those that are unanswered, so that it can go on for long. It knows nothing of streams.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use robot_api::v1;

use crate::history::{Answer, End, Findings};

/// Commands in one batch.
pub(crate) const BATCH: u64 = 64;
const DIGITS: u8 = 3;
/// What takes longer is shown as this.
const NANOS_MAX: u64 = 120_000_000_000;

/// From the ids of a client: each batch has the next ones.
#[derive(Debug)]
pub(crate) struct Batches {
    next_id: u64,
    unanswered: HashMap<u64, Unanswered>,
    findings: Findings,
    lap: Lap,
}

/// What was answered since the last look.
#[derive(Debug, Clone)]
pub(crate) struct Lap {
    pub(crate) commands: u64,
    /// Nanoseconds from handing a batch over to its last answer.
    pub(crate) times: Histogram<u64>,
}

#[derive(Debug)]
struct Unanswered {
    sent: Instant,
    /// A bit for each of its commands.
    missing: u64,
}

impl Batches {
    /// The first id has to be a multiple of the size of a batch.
    pub(crate) fn from(first_id: u64) -> Self {
        Self {
            next_id: first_id,
            unanswered: HashMap::new(),
            findings: Findings::default(),
            lap: Lap::default(),
        }
    }

    /// The ids of the next batch, which is sent now.
    pub(crate) fn send(&mut self, now: Instant) -> std::ops::Range<u64> {
        let first = self.next_id;
        self.next_id += BATCH;
        self.findings.sent += BATCH;
        let unanswered = Unanswered {
            sent: now,
            missing: u64::MAX,
        };
        self.unanswered.insert(first / BATCH, unanswered);
        first..self.next_id
    }

    /// Compares with what is expected.
    pub(crate) fn answered(
        &mut self,
        results: &[v1::RobotResult],
        now: Instant,
        expected: impl Fn(u64) -> Answer,
    ) {
        for result in results {
            let (batch, bit) = (result.id / BATCH, 1 << (result.id % BATCH));
            let findings = &mut self.findings;
            findings.mismatched += u64::from(Answer::of(result) != expected(result.id));
            match self.unanswered.get_mut(&batch) {
                Some(unanswered) if unanswered.missing & bit != 0 => {
                    findings.answered += 1;
                    self.lap.commands += 1;
                    unanswered.missing &= !bit;
                    if unanswered.missing == 0 {
                        let took = now.saturating_duration_since(unanswered.sent);
                        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                        self.lap.times.saturating_record(nanos);
                        self.unanswered.remove(&batch);
                    }
                }
                _ if result.id < self.next_id => findings.duplicated += 1,
                _ => findings.unasked += 1,
            }
        }
    }

    pub(crate) fn all_answered(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// What there was since the last call.
    pub(crate) fn lap(&mut self) -> Lap {
        std::mem::take(&mut self.lap)
    }

    /// What is true of all of them.
    pub(crate) fn ended(mut self, end: End) -> Findings {
        self.findings.unanswered = self.findings.sent - self.findings.answered;
        self.findings.end = Some(end);
        self.findings
    }
}

impl Default for Lap {
    fn default() -> Self {
        let times = Histogram::new_with_max(NANOS_MAX, DIGITS);
        Self {
            commands: 0,
            times: times.expect("these bounds are valid"),
        }
    }
}

impl Lap {
    pub(crate) fn add(&mut self, other: &Self) {
        self.commands += other.commands;
        self.times
            .add(&other.times)
            .expect("all have the same bounds");
    }

    pub(crate) fn per_second(&self, period: Duration) -> f64 {
        self.commands as f64 / period.as_secs_f64()
    }

    pub(crate) fn p99_millis(&self) -> f64 {
        self.times.value_at_quantile(0.99) as f64 / 1e6
    }

    pub(crate) fn longest_millis(&self) -> f64 {
        self.times.max() as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No outcome.
    const EXPECTED: Answer = Answer::Nothing;

    fn results(ids: std::ops::Range<u64>) -> Vec<v1::RobotResult> {
        let result = |id| v1::RobotResult {
            id,
            ..Default::default()
        };
        ids.map(result).collect()
    }

    #[test]
    fn a_batch_takes_until_its_last_answer() {
        let mut batches = Batches::from(BATCH);
        let begun = Instant::now();
        let ids = batches.send(begun);
        assert_eq!(ids, BATCH..2 * BATCH);
        let all = results(ids);
        let (early, late) = all.split_at(60);
        batches.answered(early, begun + Duration::from_millis(1), |_| EXPECTED);
        assert!(!batches.all_answered());
        batches.answered(late, begun + Duration::from_millis(7), |_| EXPECTED);
        assert!(batches.all_answered());
        let lap = batches.lap();
        assert_eq!((lap.commands, lap.times.len()), (BATCH, 1));
        assert!((lap.p99_millis() - 7.0).abs() < 0.1);
        assert_eq!(batches.lap().commands, 0);
        assert!(batches.ended(End::Ok).is_kept());
    }

    #[test]
    fn what_is_answered_twice_never_asked_wrong_or_not_at_all_is_found() {
        let now = Instant::now();
        let judged = |ids: std::ops::Range<u64>, again: std::ops::Range<u64>, expected| {
            let mut batches = Batches::from(0);
            batches.send(now);
            batches.answered(&results(ids), now, |_| expected);
            batches.answered(&results(again), now, |_| expected);
            batches.ended(End::Ok)
        };
        assert!(judged(0..60, 60..64, EXPECTED).is_kept());
        assert_eq!(judged(0..64, 5..6, EXPECTED).duplicated, 1);
        assert_eq!(judged(0..8, 5..6, EXPECTED).duplicated, 1);
        assert_eq!(judged(0..64, 64..65, EXPECTED).unasked, 1);
        assert_eq!(judged(0..64, 0..0, Answer::Error(1)).mismatched, 64);
        assert_eq!(judged(0..60, 0..0, EXPECTED).lost(), 4);
    }
}
