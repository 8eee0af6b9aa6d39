//! Finds the commands in a request message without decoding them: only the outer tags and lengths are read. That is
//! enough to count the commands, to cut a message at their boundaries and to join messages, so whoever moves commands
//! never pays for decoding them. It knows nothing of what is inside a command.

use crate::cursor::{self, Cursor, DELIMITED};

pub use crate::cursor::Malformed;

/// The number of the field that holds the commands, in `ExecuteStreamRequest` and `ExecuteRequest` alike; and of the
/// field that holds the results, in both responses.
pub const REPEATED_FIELD: u32 = 1;
const COMMANDS: u32 = cursor::key(REPEATED_FIELD, DELIMITED);

/// One command in a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame<'a> {
    /// The encoded `RobotCommand`.
    pub command: &'a [u8],
    /// The same with its tag and length before it. Frames put end to end are a valid request message.
    pub framed: &'a [u8],
}

/// The commands of an encoded request message, in order; after an error, none.
#[derive(Debug, Clone, Default)]
pub struct Frames<'a> {
    cursor: Cursor<'a>,
}

/// Walks over the commands of an encoded `ExecuteStreamRequest` or `ExecuteRequest`. Unknown fields are skipped.
pub fn frames(message: &[u8]) -> Frames<'_> {
    Frames {
        cursor: Cursor::new(message),
    }
}

/// Counts the commands of an encoded request message. An error says that the message is no valid protobuf on the
/// outside; a command may still turn out to be malformed inside.
pub fn count(message: &[u8]) -> Result<usize, Malformed> {
    let mut frames = frames(message);
    let mut count = 0;
    while frames.try_next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

impl<'a> Frames<'a> {
    /// How many bytes of the message are left.
    pub fn remaining(&self) -> usize {
        self.cursor.rest.len()
    }

    /// The next command; must not be called again after an error.
    #[inline]
    fn try_next(&mut self) -> Result<Option<Frame<'a>>, Malformed> {
        self.read().map_err(|reason| Malformed {
            what: "the request message",
            reason,
        })
    }

    #[inline]
    fn read(&mut self) -> Result<Option<Frame<'a>>, &'static str> {
        let cursor = &mut self.cursor;
        while !cursor.is_empty() {
            let start = cursor.rest;
            match cursor.key()? {
                COMMANDS => {
                    let command = cursor.delimited()?;
                    let framed = &start[..start.len() - cursor.rest.len()];
                    return Ok(Some(Frame { command, framed }));
                }
                other => cursor.skip(other, REPEATED_FIELD, cursor::DEPTH_MAX)?,
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.try_next();
        if next.is_err() {
            self.cursor.rest = &[];
        }
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{ExecuteStreamRequest, RobotCommand, RobotState};
    use proptest::prelude::*;
    use prost::Message;

    fn request(ids: &[u64]) -> ExecuteStreamRequest {
        let commands = ids.iter().map(|&id| RobotCommand {
            id,
            state: Some(RobotState::default()),
            ..Default::default()
        });
        ExecuteStreamRequest {
            commands: commands.collect(),
        }
    }

    #[test]
    fn skips_unknown_fields_between_commands() {
        let mut message = vec![0x10, 0x07]; // field 2, varint
        message.extend(request(&[1]).encode_to_vec());
        message.extend([0x1a, 0x02, 0xff, 0xff]); // field 3, two bytes
        message.extend([0x23, 0x08, 0x01, 0x24]); // field 4, a group
        message.extend(request(&[2, 0]).encode_to_vec());
        assert_eq!(count(&message), Ok(3));
        let joined: Vec<u8> = frames(&message)
            .flat_map(|frame| frame.unwrap().framed.to_vec())
            .collect();
        assert_eq!(
            ExecuteStreamRequest::decode(&joined[..]).unwrap(),
            request(&[1, 2, 0])
        );
    }

    #[test]
    fn names_what_is_malformed() {
        for message in [
            &[0x0a][..],         // no length
            &[0x0a, 0x05, 0x00], // five bytes promised, one there
            &[0x08, 0x01],       // commands as a varint
            &[0x0c],             // the end of a group that never began
            &[0x23, 0x08, 0x01], // a group that never ends
            &[0xff; 11],         // a tag that never ends
            &[0x00, 0x00],       // field 0
        ] {
            let error = count(message).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with("the request message is malformed: "),
                "{error}"
            );
            assert!(ExecuteStreamRequest::decode(message).is_err());
        }
    }

    proptest! {
        #[test]
        fn finds_what_prost_finds(ids in proptest::collection::vec(any::<u64>(), 0..20)) {
            let message = request(&ids).encode_to_vec();
            let found: Vec<u64> = frames(&message)
                .map(|frame| RobotCommand::decode(frame.unwrap().command).unwrap().id)
                .collect();
            prop_assert_eq!(found, ids);
        }

        #[test]
        fn refuses_no_message_that_prost_accepts(message in proptest::collection::vec(any::<u8>(), 0..40)) {
            match ExecuteStreamRequest::decode(&message[..]) {
                Ok(request) => prop_assert_eq!(count(&message), Ok(request.commands.len())),
                Err(_) => {
                    // Either the outside is malformed or one of the commands is.
                    let inside = frames(&message)
                        .any(|frame| frame.is_err() || RobotCommand::decode(frame.unwrap().command).is_err());
                    prop_assert!(inside);
                }
            }
        }
    }
}
