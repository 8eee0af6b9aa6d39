//! Encoded messages for the tests here. They say nothing but which commands they are of.

use bytes::Bytes;
use prost::Message;

use robot_api::v1;

/// A request of commands with these ids.
pub(crate) fn request_of(ids: &[u64]) -> Bytes {
    let commands = ids.iter().map(|&id| v1::RobotCommand {
        id,
        state: Some(v1::RobotState::default()),
        ..Default::default()
    });
    let request = v1::ExecuteStreamRequest {
        commands: commands.collect(),
    };
    request.encode_to_vec().into()
}
