//! What came back: results are counted and their ids added up, without decoding them; every so many are decoded and
//! compared with what they must be, so that speed never hides a wrong answer.

use anyhow::{Context, bail, ensure};
use prost::Message;
use robot_api::{batch, v1};

use crate::program::FIRST_ID;

/// Counts the results of one stream or of some calls.
#[derive(Debug)]
pub(crate) struct Tally {
    expected: v1::RobotResult,
    /// Of so many results one is decoded.
    sample_every: u64,
    pub(crate) answered: u64,
    ids: u64,
    pub(crate) compared: u64,
    /// Of the results that were decoded: each one's job's time, and commands in those jobs.
    pub(crate) run_nanos: u64,
    pub(crate) job_commands: u64,
}

impl Tally {
    pub(crate) fn new(expected: v1::RobotResult, sample_every: u64) -> Self {
        Self {
            expected,
            sample_every,
            answered: 0,
            ids: 0,
            compared: 0,
            run_nanos: 0,
            job_commands: 0,
        }
    }

    /// Counts the results in an encoded response message.
    pub(crate) fn take(&mut self, response: &[u8]) -> anyhow::Result<()> {
        // Responses hold their results where requests hold their commands.
        for frame in batch::frames(response) {
            let result = frame?.command;
            let id = id_of(result).context("a result does not begin with an id")?;
            self.answered += 1;
            self.ids = self.ids.wrapping_add(id);
            if self.answered.is_multiple_of(self.sample_every) {
                self.compare(result)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let result = v1::RobotResult::decode(bytes)?;
        let execution = result.execution.unwrap_or_default();
        self.run_nanos += execution.run_nanos;
        self.job_commands += u64::from(execution.job_commands);
        self.compared += 1;
        let expected = &self.expected;
        if result.outcome != expected.outcome || result.events != expected.events {
            bail!("{result:?} came back; {expected:?} was expected");
        }
        Ok(())
    }

    /// Whether `sent` commands, of ids from the first on, were answered once each.
    pub(crate) fn check(&self, sent: u64) -> anyhow::Result<()> {
        ensure!(
            self.answered == sent,
            "{sent} commands were sent and {} answered",
            self.answered
        );
        let ids = (FIRST_ID..FIRST_ID + sent).fold(0_u64, u64::wrapping_add);
        ensure!(
            self.ids == ids,
            "the ids of the answers add up to {}, not {ids}",
            self.ids
        );
        Ok(())
    }
}

fn id_of(result: &[u8]) -> Option<u64> {
    let (&tag, rest) = result.split_first()?;
    if tag != 0x08 {
        return None;
    }
    let mut id = 0;
    for (index, byte) in rest.iter().take(10).enumerate() {
        id |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(id);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Program, command, expected};

    fn response(ids: &[u64], of: &v1::RobotResult) -> Vec<u8> {
        let results = ids.iter().map(|&id| v1::RobotResult { id, ..of.clone() });
        let results = results.collect();
        v1::ExecuteStreamResponse { results }.encode_to_vec()
    }

    #[test]
    fn notices_what_is_missing_doubled_or_wrong() {
        let right = expected(&command(Program::TurnAndMove));
        let (first, second) = (FIRST_ID, FIRST_ID + 1);
        let tally = |ids: &[u64]| {
            let mut tally = Tally::new(right.clone(), 1);
            tally.take(&response(ids, &right)).unwrap();
            tally
        };
        assert!(tally(&[second, first]).check(2).is_ok());
        assert_eq!(tally(&[second, first]).compared, 2);
        assert!(tally(&[first]).check(2).is_err());
        assert!(tally(&[first, first]).check(2).is_err());

        let wrong = expected(&command(Program::Turns(1)));
        let mut tally = Tally::new(right, 1);
        assert!(tally.take(&response(&[first], &wrong)).is_err());
    }
}
