//! Compares what a server answers with what the vectors say: each command exactly once, each state by its bits. It
//! knows nothing of calls.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, ensure};
use robot_api::v1;
use robot_api::v1::robot_result::Outcome;

use crate::vectors::{Expected, bits_of};

/// What is unanswered, and who answered the rest.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    unanswered: HashMap<u64, &'a Expected>,
    answered: usize,
    workers: BTreeMap<u32, usize>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(expected: &'a [Expected]) -> Self {
        let by_id = |expected: &'a Expected| (expected.command.id, expected);
        Self {
            unanswered: expected.iter().map(by_id).collect(),
            answered: 0,
            workers: BTreeMap::new(),
        }
    }

    /// Takes a result of any command.
    pub(crate) fn take(&mut self, result: v1::RobotResult) -> anyhow::Result<()> {
        let id = result.id;
        let expected = self.unanswered.remove(&id);
        let expected =
            expected.with_context(|| format!("id {id} was answered twice, or never asked"))?;
        let worker = compare(result, expected).with_context(|| format!("id {id}"))?;
        *self.workers.entry(worker).or_default() += 1;
        self.answered += 1;
        Ok(())
    }

    pub(crate) fn answered(&self) -> usize {
        self.answered
    }

    pub(crate) fn all_answered(&self) -> bool {
        self.unanswered.is_empty()
    }

    pub(crate) fn expect_all(&self) -> anyhow::Result<()> {
        let unanswered = self.unanswered.len();
        ensure!(unanswered == 0, "{unanswered} commands are unanswered");
        Ok(())
    }

    /// How many commands each worker ran.
    pub(crate) fn spread(&self) -> String {
        let workers = self.workers.iter();
        let workers: Vec<_> = workers
            .map(|(worker, commands)| format!("{worker}: {commands}"))
            .collect();
        workers.join(", ")
    }
}

/// The worker that ran it.
pub(crate) fn compare(result: v1::RobotResult, expected: &Expected) -> anyhow::Result<u32> {
    let v1::RobotResult {
        id,
        outcome,
        events,
        execution,
    } = &result;
    let right = &expected.result;
    ensure!(*id == right.id, "its id is {id}, not {}", right.id);
    match (outcome, &right.outcome) {
        (Some(Outcome::State(state)), Some(Outcome::State(right))) => {
            let (bits, expected) = (bits_of(&result), expected.bits.clone());
            ensure!(bits == expected, "its state is {bits:?}, not {expected:?}");
            let (mode, right) = (state.mode, right.mode);
            ensure!(mode == right, "its mode is {mode}, not {right}");
        }
        (Some(Outcome::Error(error)), Some(Outcome::Error(right))) => {
            let place = |error: &v1::CommandError| (error.reason(), error.location);
            let (found, right) = (place(error), place(right));
            ensure!(found == right, "its error is {found:?}, not {right:?}");
            ensure!(!error.message.is_empty(), "its error has no message");
        }
        (outcome, right) => ensure!(false, "its outcome is {outcome:?}, not {right:?}"),
    }
    let right = &right.events;
    ensure!(events == right, "its events are {events:?}, not {right:?}");
    let worker = execution.map_or(0, |execution| execution.worker);
    ensure!(worker > 0, "it does not say which worker ran it");
    Ok(worker)
}
