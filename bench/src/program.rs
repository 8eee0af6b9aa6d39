//! What is sent, as bytes that are made once, and what must come back. Only ids differ between the commands of a load:
//! they are patched into the bytes, where they always take the same room.

use bytes::BytesMut;
use prost::Message;
use robot_api::v1::action::Kind;
use robot_api::{v1, wire};
use serde::{Deserialize, Serialize};

use crate::frames::PREFIX_BYTES;

/// The first id: from here on an id is five bytes long, for 34 billion commands.
pub(crate) const FIRST_ID: u64 = 1 << 28;
const ID_BYTES: usize = 5;
const ID_TAG: u8 = 0x08;
/// No command here holds as many actions.
const ACTIONS_MAX: usize = 100_000;

/// The kinds of commands that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Program {
    /// A turn and a move from a state in the middle of somewhere: 66 bytes.
    TurnAndMove,
    /// The same, and events are asked for.
    WithEvents,
    /// So many turns of one degree.
    Turns(usize),
    /// No state: each command is answered with an error.
    Rejected,
}

/// A command as it is without an id.
pub(crate) fn command(program: Program) -> v1::RobotCommand {
    let turn = v1::Action {
        kind: Some(Kind::Turn(v1::Turn {
            angle_degrees: 30.0,
        })),
    };
    let go = v1::Action {
        kind: Some(Kind::Move(v1::Move { distance: 2.5 })),
    };
    let one_degree = v1::Action {
        kind: Some(Kind::Turn(v1::Turn { angle_degrees: 1.0 })),
    };
    let state = v1::RobotState {
        x: 1.25,
        y: -7.5,
        heading_degrees: 45.0,
        mode: v1::CleaningMode::Soap.into(),
    };
    let (state, actions, with_events) = match program {
        Program::TurnAndMove => (Some(state), vec![turn, go], false),
        Program::WithEvents => (Some(state), vec![turn, go], true),
        Program::Turns(turns) => (Some(state), vec![one_degree; turns], false),
        Program::Rejected => (None, vec![turn, go], false),
    };
    v1::RobotCommand {
        id: 0,
        state,
        actions,
        with_events,
        ..Default::default()
    }
}

/// What the answer of `command` must be, without id and execution.
pub(crate) fn expected(command: &v1::RobotCommand) -> v1::RobotResult {
    let checked = wire::command_from(command, ACTIONS_MAX);
    wire::result_to(command, checked.and_then(|command| robot::apply(&command)))
}

/// What an echo answers.
pub(crate) fn echoed(command: &v1::RobotCommand) -> v1::RobotResult {
    v1::RobotResult {
        outcome: command.state.map(v1::robot_result::Outcome::State),
        ..Default::default()
    }
}

/// A request message behind its gRPC prefix, whose ids can be set.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    bytes: Vec<u8>,
    id_offsets: Vec<usize>,
}

impl Stamp {
    /// A message of so many of these commands.
    pub(crate) fn new(command: &v1::RobotCommand, batch: usize) -> Self {
        let numbered = v1::RobotCommand {
            id: FIRST_ID,
            ..command.clone()
        };
        let framed = v1::ExecuteStreamRequest {
            commands: vec![numbered.clone()],
        }
        .encode_to_vec();
        let id_offset = framed.len() - numbered.encoded_len() + 1;
        assert_eq!(framed[id_offset - 1], ID_TAG, "prost writes the id first");

        let mut bytes = vec![0];
        let length = u32::try_from(framed.len() * batch).expect("a message is small");
        bytes.extend(length.to_be_bytes());
        bytes.extend(framed.repeat(batch));
        let starts = (0..batch).map(|index| PREFIX_BYTES + index * framed.len());
        Self {
            id_offsets: starts.map(|start| start + id_offset).collect(),
            bytes,
        }
    }

    /// Bytes of the message and its prefix.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn commands(&self) -> u64 {
        self.id_offsets.len() as u64
    }

    /// Appends the message, its ids counting from `first`.
    pub(crate) fn put(&self, to: &mut BytesMut, first: u64) {
        let start = to.len();
        to.extend_from_slice(&self.bytes);
        let message = &mut to[start..];
        for (id, offset) in (first..).zip(&self.id_offsets) {
            put_id(&mut message[*offset..offset + ID_BYTES], id);
        }
    }
}

fn put_id(bytes: &mut [u8], id: u64) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        let more = if index + 1 < ID_BYTES { 0x80 } else { 0 };
        *byte = (id >> (7 * index)) as u8 & 0x7f | more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_message_is_what_prost_would_have_made() {
        for program in [
            Program::TurnAndMove,
            Program::WithEvents,
            Program::Turns(3000),
            Program::Rejected,
        ] {
            let command = command(program);
            for batch in [1, 7] {
                let stamp = Stamp::new(&command, batch);
                let mut sent = BytesMut::new();
                stamp.put(&mut sent, FIRST_ID + 130);
                let commands = (0..batch as u64).map(|index| v1::RobotCommand {
                    id: FIRST_ID + 130 + index,
                    ..command.clone()
                });
                let message = v1::ExecuteStreamRequest {
                    commands: commands.collect(),
                };
                assert_eq!(sent.len(), stamp.len());
                assert_eq!(sent[PREFIX_BYTES..], message.encode_to_vec());
                assert_eq!(
                    sent[..PREFIX_BYTES][1..],
                    (message.encoded_len() as u32).to_be_bytes()
                );
            }
        }
    }
}
