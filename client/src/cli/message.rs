//! Commands that go out as one message: as many as there are, within what the server takes.

use prost::Message as _;
use robot_api::v1;

/// What a command costs in a message, beside its own bytes: its tag, and its length.
const TAG_AND_LENGTH_BYTES_MAX: usize = 6;
/// More in one message bring nothing.
const COMMANDS_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Message {
    commands: Vec<v1::RobotCommand>,
    bytes: usize,
    commands_max: usize,
    bytes_max: usize,
}

impl Message {
    pub(super) fn new(limits: v1::Limits) -> Self {
        Self {
            commands: Vec::new(),
            bytes: 0,
            commands_max: COMMANDS_MAX.min(limits.commands_per_message_max as usize),
            bytes_max: usize::try_from(limits.message_bytes_max).unwrap_or(usize::MAX),
        }
    }

    /// Adds a command. What has to be sent before, since it does not fit together with it, is returned.
    pub(super) fn push(&mut self, command: v1::RobotCommand) -> Option<Vec<v1::RobotCommand>> {
        let bytes = command.encoded_len() + TAG_AND_LENGTH_BYTES_MAX;
        let full = self.commands.len() >= self.commands_max || self.bytes + bytes > self.bytes_max;
        let before = (full && !self.commands.is_empty()).then(|| self.take());
        self.bytes += bytes;
        self.commands.push(command);
        before
    }

    pub(super) fn take(&mut self) -> Vec<v1::RobotCommand> {
        self.bytes = 0;
        std::mem::take(&mut self.commands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_the_server_takes() {
        let mut message = Message::new(v1::Limits {
            commands_per_message_max: 2,
            message_bytes_max: 100,
            ..Default::default()
        });
        let command = |script: usize| v1::RobotCommand {
            script: "x".repeat(script),
            ..Default::default()
        };
        assert!(message.push(command(1)).is_none());
        assert!(message.push(command(1)).is_none());
        assert_eq!(message.push(command(1)).unwrap().len(), 2);
        // Alone it goes out whatever its size: the server says what is wrong with it.
        assert_eq!(message.push(command(200)).unwrap().len(), 1);
        assert_eq!(message.push(command(1)).unwrap().len(), 1);
        assert_eq!(message.take().len(), 1);
        assert!(message.take().is_empty());
    }
}
