//! What a gateway reads of jobs and answers, which it else moves as bytes. It knows nothing of connections.

use prost::Message;

use robot_api::direct::CommandReader;
use robot_api::{batch, v1};

use crate::queue::Failure;

/// Why a job's commands cannot be read: as its worker found, which does not send the reason.
pub(crate) fn malformed_in(job: &[u8], actions_max: usize) -> Option<Failure> {
    let mut reader = CommandReader::default();
    let mut frames = batch::frames(job);
    let failed = frames.find_map(|frame| {
        let read = frame.and_then(|frame| reader.decode(frame.command, actions_max).map(drop));
        read.err()
    });
    Some(failed.map_or(Failure::Lost, Failure::Malformed))
}

/// Who ran a job: all of its results say the same.
pub(crate) fn execution_in(results: &[u8]) -> Option<v1::Execution> {
    let first = batch::frames(results).next()?.ok()?;
    v1::RobotResult::decode(first.command).ok()?.execution
}
