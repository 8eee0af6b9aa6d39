//! Brings together what was recorded of a command and what came of it now, whichever is known first.

use robot_api::v1;
use rustc_hash::FxHashMap;

use super::difference::differences;
use crate::cli::RunError;

/// Commands of which the recorded or the new result is still to come. `record` has no more under way than its window.
const OPEN_MAX: usize = 1_000_000;

/// Commands are known by a number of our own: a recording may use an id again.
#[derive(Debug)]
pub(super) struct Pairs {
    /// Recorded ids that have no recorded result yet, and their numbers.
    unanswered: FxHashMap<u64, u64>,
    open: FxHashMap<u64, Pair>,
    differences_max: usize,
    report: Report,
}

#[derive(Debug)]
struct Pair {
    id: u64,
    recorded: Option<v1::RobotResult>,
    replayed: Option<v1::RobotResult>,
}

/// What came of it all.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) commands: u64,
    pub(super) compared: u64,
    pub(super) differing: u64,
    /// Commands whose result was not recorded.
    pub(super) unrecorded: u64,
    /// Recorded results of commands that were not.
    pub(super) unasked: u64,
    pub(super) shown: Vec<String>,
}

impl Report {
    pub(super) fn is_good(&self) -> bool {
        self.differing == 0 && self.unasked == 0
    }
}

impl Pairs {
    pub(super) fn new(differences_max: usize) -> Self {
        Self {
            unanswered: FxHashMap::default(),
            open: FxHashMap::default(),
            differences_max,
            report: Report::default(),
        }
    }

    /// A recorded command; the number that it has here.
    pub(super) fn command(&mut self, id: u64) -> Result<u64, RunError> {
        if self.open.len() >= OPEN_MAX {
            return Err(RunError::RecordingTooOpen { max: OPEN_MAX });
        }
        self.report.commands += 1;
        let number = self.report.commands;
        self.unanswered.insert(id, number);
        let pair = Pair {
            id,
            recorded: None,
            replayed: None,
        };
        self.open.insert(number, pair);
        Ok(number)
    }

    pub(super) fn recorded(&mut self, result: v1::RobotResult) {
        let Some(number) = self.unanswered.remove(&result.id) else {
            self.report.unasked += 1;
            return;
        };
        if let Some(pair) = self.open.get_mut(&number) {
            pair.recorded = Some(result);
            self.compare(number);
        }
    }

    /// A result by the command's number.
    pub(super) fn replayed(&mut self, result: v1::RobotResult) {
        let number = result.id;
        if let Some(pair) = self.open.get_mut(&number) {
            pair.replayed = Some(result);
            self.compare(number);
        }
    }

    pub(super) fn finish(self) -> Report {
        Report {
            unrecorded: self.open.len() as u64,
            ..self.report
        }
    }

    fn compare(&mut self, number: u64) {
        let whole = |pair: &Pair| pair.recorded.is_some() && pair.replayed.is_some();
        if !self.open.get(&number).is_some_and(whole) {
            return;
        }
        let Some(Pair {
            id,
            recorded: Some(recorded),
            replayed: Some(replayed),
        }) = self.open.remove(&number)
        else {
            return;
        };
        self.report.compared += 1;
        let differences = differences(&recorded, &replayed);
        if differences.is_empty() {
            return;
        }
        self.report.differing += 1;
        if self.report.shown.len() < self.differences_max {
            let heading = format!("command {id}, the recording's no. {number}:");
            let lines = [heading].into_iter().chain(differences);
            self.report
                .shown
                .push(lines.collect::<Vec<_>>().join("\n  "));
        }
    }
}

#[cfg(test)]
mod tests {
    use robot_api::v1::robot_result::Outcome;

    use super::*;

    fn result(id: u64, x: f64) -> v1::RobotResult {
        v1::RobotResult {
            id,
            outcome: Some(Outcome::State(v1::RobotState {
                x,
                ..Default::default()
            })),
            ..Default::default()
        }
    }

    #[test]
    fn compares_whichever_comes_first_and_ids_that_are_used_again() {
        let mut pairs = Pairs::new(1);
        assert_eq!(pairs.command(7).unwrap(), 1);
        pairs.recorded(result(7, 1.0));
        assert_eq!(pairs.command(7).unwrap(), 2);
        pairs.replayed(result(2, 3.0));
        pairs.replayed(result(1, 1.0));
        pairs.recorded(result(7, 2.0));
        assert_eq!(pairs.command(8).unwrap(), 3);
        pairs.replayed(result(3, 1.0));
        pairs.recorded(result(9, 1.0));
        let report = pairs.finish();
        assert_eq!(
            (report.commands, report.compared, report.differing),
            (3, 2, 1)
        );
        assert_eq!((report.unrecorded, report.unasked), (1, 1));
        assert!(!report.is_good());
        assert!(report.shown[0].starts_with("command 7, the recording's no. 2:\n  x:"));
    }
}
