//! The messages of a session's streams: whole batches as they were submitted, and single commands of them that are sent
//! again, all encoded from where they are kept; responses as prost reads them. It knows nothing of streams.

use std::sync::Arc;

use bytes::BufMut;
use prost::Message;
use robot_api::batch::REPEATED_FIELD;
use robot_api::v1::{ExecuteStreamRequest, ExecuteStreamResponse, RobotCommand};
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::ProstCodec;

/// The key of [`REPEATED_FIELD`], length-delimited: one byte, as its number is below 16.
const COMMAND_KEY: u8 = (REPEATED_FIELD << 3 | 2) as u8;

/// Commands that were submitted together.
pub(crate) type Batch = Arc<ExecuteStreamRequest>;

/// One command of a batch, by its index. It keeps all of the batch.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) batch: Batch,
    pub(crate) index: usize,
}

impl Kept {
    fn command(&self) -> &RobotCommand {
        &self.batch.commands[self.index]
    }
}

/// One request message.
#[derive(Debug, Clone)]
pub(crate) enum Outgoing {
    Batch(Batch),
    /// By itself, since others of its batch may have been answered.
    Single(Kept),
}

impl Outgoing {
    fn encode(&self, buffer: &mut impl BufMut) -> Result<(), prost::EncodeError> {
        match self {
            Self::Batch(batch) => batch.encode(buffer),
            Self::Single(kept) => {
                buffer.put_u8(COMMAND_KEY);
                kept.command().encode_length_delimited(buffer)
            }
        }
    }
}

/// tonic's codec of a session's streams.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SessionCodec;

type Prost = ProstCodec<ExecuteStreamRequest, ExecuteStreamResponse>;

impl Codec for SessionCodec {
    type Encode = Outgoing;
    type Decode = ExecuteStreamResponse;
    type Encoder = SessionCodec;
    type Decoder = <Prost as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        SessionCodec
    }

    fn decoder(&mut self) -> Self::Decoder {
        Prost::default().decoder()
    }
}

impl Encoder for SessionCodec {
    type Item = Outgoing;
    type Error = Status;

    fn encode(&mut self, item: Outgoing, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).expect("the buffer grows as needed");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_by_itself_is_a_message_and_all_of_them_together_are_the_batch() {
        let command = |id, script: &str| RobotCommand {
            id,
            script: script.to_owned(),
            ..Default::default()
        };
        let long = "move 1;".repeat(10_000);
        let commands = vec![command(0, ""), command(7, &long), command(u64::MAX, "stop")];
        let batch = Arc::new(ExecuteStreamRequest { commands });
        let mut singles = Vec::new();
        for index in 0..3 {
            let batch = Arc::clone(&batch);
            let mut single = Vec::new();
            let outgoing = Outgoing::Single(Kept { batch, index });
            outgoing.encode(&mut single).unwrap();
            let decoded = ExecuteStreamRequest::decode(&single[..]).unwrap();
            assert_eq!(decoded.commands.len(), 1);
            singles.extend(single);
        }
        let mut whole = Vec::new();
        Outgoing::Batch(Arc::clone(&batch))
            .encode(&mut whole)
            .unwrap();
        assert_eq!(singles, whole);
        assert_eq!(ExecuteStreamRequest::decode(&whole[..]).unwrap(), *batch);
    }
}
