//! gRPC's framing on the receiving side: messages out of the pieces of a response's body. It knows nothing of what is
//! in them.

use bytes::{Buf, Bytes, BytesMut};

/// A message's prefix: whether it is compressed, and its length in four bytes.
pub(crate) const PREFIX_BYTES: usize = 5;

/// The end of a message whose rest is still to come.
#[derive(Debug, Default)]
pub(crate) struct Deframer {
    begun: BytesMut,
}

impl Deframer {
    /// Takes the next piece, and hands each message that is whole to `each`.
    pub(crate) fn push(
        &mut self,
        mut piece: Bytes,
        mut each: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if !self.begun.is_empty() {
            self.begun.extend_from_slice(&piece);
            piece = self.begun.split().freeze();
        }
        while let Some(length) = length_of(&piece) {
            let end = PREFIX_BYTES + length;
            if piece.len() < end {
                break;
            }
            each(&piece[PREFIX_BYTES..end])?;
            piece.advance(end);
        }
        self.begun.extend_from_slice(&piece);
        Ok(())
    }

    /// Whether no message is half received.
    pub(crate) fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }
}

fn length_of(piece: &[u8]) -> Option<usize> {
    let prefix = piece.get(1..PREFIX_BYTES)?;
    let length = u32::from_be_bytes(prefix.try_into().expect("it is four bytes"));
    Some(length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_same_messages_however_they_are_cut() {
        let messages: [&[u8]; 4] = [b"one", b"", b"three", b"4"];
        let mut all = Vec::new();
        for message in messages {
            all.push(0);
            all.extend((message.len() as u32).to_be_bytes());
            all.extend(message);
        }
        for size in 1..=all.len() {
            let mut deframer = Deframer::default();
            let mut found = Vec::new();
            for piece in all.chunks(size) {
                let take = |message: &[u8]| {
                    found.push(message.to_vec());
                    Ok(())
                };
                deframer.push(Bytes::copy_from_slice(piece), take).unwrap();
            }
            assert_eq!(found, messages, "cut into {size}");
            assert!(deframer.is_empty());
        }
    }
}
