//! Jobs that nobody came back from. One of their commands may be what ends workers, so their commands are run one by one,
//! and one at a time: the others get their states, and the culprit an error. It knows nothing of connections.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use robot_api::batch;
use robot_api::direct::{CommandReader, ResultWriter};
use robot_api::v1;
use robot_api::v1::command_error::Reason;

use crate::queue::{Failure, Lease};

const CULPRIT_MESSAGE: &str =
    "the workers that ran this command did not come back; the others are not touched by it";

/// The jobs that are on trial: the first, and those that wait for its end.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    waiting: VecDeque<(Lease, Trial)>,
    /// A command of the first is being run.
    under_way: bool,
}

/// What came of the command that was run.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// These results.
    Answered(&'a [u8]),
    /// Nobody came back from it either.
    Culprit,
    /// It cannot be read, so its stream ends.
    Malformed,
}

/// The commands of one job, on trial.
#[derive(Debug)]
struct Trial {
    commands: Vec<Bytes>,
    /// The command that is on trial now.
    next: usize,
    results: BytesMut,
}

impl Trials {
    pub(crate) fn add(&mut self, lease: Lease) {
        let trial = Trial::of(&lease.job().bytes);
        self.waiting.push_back((lease, trial));
    }

    /// Whether a command has to be run now, which is then taken to be under way. Jobs that are through are completed.
    pub(crate) fn begin_next(&mut self) -> bool {
        while !self.under_way
            && let Some((lease, trial)) = self.waiting.front()
        {
            if trial.command().is_some() && !lease.is_abandoned() {
                self.under_way = true;
                return true;
            }
            if let Some((lease, trial)) = self.waiting.pop_front() {
                let (results, answered) = trial.into_results();
                lease.complete(results, answered, None);
            }
        }
        false
    }

    /// The command that is to be run, as a message of its own, and the bytes that its result may take.
    pub(crate) fn command(&self) -> Option<(Bytes, usize)> {
        let (lease, trial) = self.waiting.front()?;
        Some((trial.command()?.clone(), lease.job().results_bytes_max))
    }

    /// What came of it. Gives the id of a culprit; `why` says why a job cannot be read.
    pub(crate) fn judge(
        &mut self,
        verdict: Verdict<'_>,
        why: impl FnOnce(&Bytes) -> Option<Failure>,
    ) -> Option<u64> {
        self.under_way = false;
        let (_lease, trial) = self.waiting.front_mut()?;
        match verdict {
            Verdict::Answered(results) => trial.answered(results),
            Verdict::Culprit => return Some(trial.condemn()),
            Verdict::Malformed => {
                let (lease, _trial) = self.waiting.pop_front()?;
                let failure = why(&lease.job().bytes);
                lease.complete(Bytes::new(), 0, failure);
            }
        }
        None
    }

    /// The first job is lost.
    pub(crate) fn give_up(&mut self) {
        self.under_way = false;
        self.waiting.pop_front();
    }
}

impl Trial {
    /// Of a job's bytes; those that are no command on the outside end it.
    fn of(job: &Bytes) -> Self {
        let frames = batch::frames(job).map_while(Result::ok);
        let commands = frames.map(|frame| job.slice_ref(frame.framed)).collect();
        Self {
            commands,
            next: 0,
            results: BytesMut::new(),
        }
    }

    /// The command to be run now, as a message of its own; `None`: all are done.
    fn command(&self) -> Option<&Bytes> {
        self.commands.get(self.next)
    }

    /// It was run.
    fn answered(&mut self, results: &[u8]) {
        self.results.extend_from_slice(results);
        self.next += 1;
    }

    /// Nobody came back from it either. Gives its id.
    fn condemn(&mut self) -> u64 {
        let id = self.command().and_then(|command| id_of(command));
        let id = id.unwrap_or_default();
        let mut results = ResultWriter::default();
        results.error(id, Reason::Internal, CULPRIT_MESSAGE, None);
        let execution = v1::Execution {
            job_commands: 1,
            ..Default::default()
        };
        self.answered(&results.finish(&execution));
        id
    }

    /// The results of all commands, in their order, and how many those are.
    fn into_results(self) -> (Bytes, u32) {
        (self.results.freeze(), self.commands.len() as u32)
    }
}

/// Of a message with one command.
fn id_of(message: &[u8]) -> Option<u64> {
    let frame = batch::frames(message).next()?.ok()?;
    let mut reader = CommandReader::default();
    // It is decoded and not checked, so there is nothing to limit.
    let head = reader.decode(frame.command, usize::MAX).ok()?;
    Some(head.id)
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::nats::messages::request_of;

    #[test]
    fn only_the_culprit_gets_an_error() {
        let mut trial = Trial::of(&request_of(&[5, 6, 7]));
        for _ in 0..3 {
            let command = trial.command().unwrap();
            let id = id_of(command).unwrap();
            if id == 6 {
                assert_eq!(trial.condemn(), 6);
                continue;
            }
            let state = v1::robot_result::Outcome::State(v1::RobotState::default());
            let result = v1::RobotResult {
                id,
                outcome: Some(state),
                ..Default::default()
            };
            let response = v1::ExecuteStreamResponse {
                results: vec![result],
            };
            trial.answered(&response.encode_to_vec());
        }
        assert_eq!(trial.command(), None);
        let (results, answered) = trial.into_results();
        assert_eq!(answered, 3);
        let response = v1::ExecuteStreamResponse::decode(results).unwrap();
        let found = response.results.iter().map(|result| {
            let error = match &result.outcome {
                Some(v1::robot_result::Outcome::Error(error)) => Some(error.reason()),
                _ => None,
            };
            (result.id, error)
        });
        let found: Vec<_> = found.collect();
        assert_eq!(found, [(5, None), (6, Some(Reason::Internal)), (7, None)]);
    }
}
