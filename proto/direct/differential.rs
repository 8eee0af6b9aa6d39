//! The oracle of the hot path's codec: prost, with [`wire`] after it. The tests and the fuzz target of `fuzz/` include
//! this file; it sees nothing but what is public.

use prost::Message;

use robot_api::direct::{CommandReader, ResultWriter};
use robot_api::{batch, v1, wire};

const EXECUTION: v1::Execution = v1::Execution {
    worker: 300,
    queue_nanos: 0,
    run_nanos: u64::MAX,
    job_commands: 1,
};

/// Runs the commands of an encoded request message through both codecs, and panics unless both refuse it or both give
/// the same bytes. Gives how many commands were answered, or `None` if it was refused.
pub(crate) fn check(message: &[u8], actions_max: usize) -> Option<usize> {
    let direct = through_direct(message, actions_max);
    let reference = through_prost(message, actions_max);
    match (direct, reference) {
        (Ok((results, bytes)), Ok(response)) => {
            assert_eq!(results, response.results.len());
            assert_eq!(bytes, response.encode_to_vec(), "{response:?}");
            Some(results)
        }
        (Err(_), Err(_)) => None,
        (direct, reference) => {
            panic!("{message:02x?}: {direct:02x?} here, {reference:?} by prost")
        }
    }
}

fn through_direct(
    message: &[u8],
    actions_max: usize,
) -> Result<(usize, Vec<u8>), batch::Malformed> {
    let mut reader = CommandReader::default();
    let mut writer = ResultWriter::default();
    for frame in batch::frames(message) {
        let head = reader.decode(frame?.command, actions_max)?;
        let checked = reader.check(&head, actions_max);
        match checked.and_then(|()| robot::apply(reader.command())) {
            Ok(outcome) => writer.outcome(head.id, &outcome),
            Err(rejection) => {
                writer.rejection(head.id, &rejection, head.script);
            }
        }
    }
    Ok((writer.len(), writer.finish(&EXECUTION).into()))
}

fn through_prost(
    message: &[u8],
    actions_max: usize,
) -> Result<v1::ExecuteStreamResponse, prost::DecodeError> {
    let v1::ExecuteStreamRequest { commands } = v1::ExecuteStreamRequest::decode(message)?;
    let results = commands.iter().map(|command| {
        let read = wire::command_from(command, actions_max);
        let outcome = read.and_then(|command| robot::apply(&command));
        v1::RobotResult {
            execution: Some(EXECUTION),
            ..wire::result_to(command, outcome)
        }
    });
    Ok(v1::ExecuteStreamResponse {
        results: results.collect(),
    })
}
