//! gzip, message by message: which of a call's messages came compressed, and which shall go so. tonic compresses all
//! messages of a call or none and does not tell which came compressed; and its feature for it would be switched on for
//! the server too whenever both are built together.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tonic::Status;

use crate::messages::Message;

/// What a call's handler knows and says of compression; clones share it. Messages go through both queues one at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gzip(Arc<Mutex<Queues>>);

#[derive(Debug, Default)]
struct Queues {
    /// How the messages came that the handler has not read.
    received: VecDeque<bool>,
    /// How the messages shall go that the handler has sent.
    to_send: VecDeque<bool>,
}

impl Gzip {
    /// Whether the message that the handler has just read came compressed.
    pub(crate) fn received(&self) -> bool {
        self.queues().received.pop_front().unwrap_or(false)
    }

    /// Whether the message that the handler sends next shall be compressed.
    pub(crate) fn send(&self, compressed: bool) {
        self.queues().to_send.push_back(compressed);
    }

    /// A message on its way to the handler.
    pub(crate) fn inflate(&self, message: Message, bytes_max: usize) -> Result<Message, Status> {
        self.queues().received.push_back(message.compressed);
        if !message.compressed {
            return Ok(message);
        }
        let mut bytes = Vec::new();
        let mut decoder = GzDecoder::new(&message.bytes[..]).take(bytes_max as u64 + 1);
        decoder
            .read_to_end(&mut bytes)
            .map_err(|error| Status::invalid_argument(format!("a message is no gzip: {error}")))?;
        if bytes.len() > bytes_max {
            return Err(Status::resource_exhausted(format!(
                "a message has more than {bytes_max} bytes"
            )));
        }
        Ok(Message {
            compressed: false,
            bytes: bytes.into(),
        })
    }

    /// A message on its way from the handler to a client that accepts gzip.
    pub(crate) fn deflate(&self, message: Message) -> Message {
        let compressed = self.queues().to_send.pop_front().unwrap_or(false);
        if !compressed {
            return message;
        }
        let memory = "writing to memory does not fail";
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&message.bytes).expect(memory);
        Message {
            compressed,
            bytes: encoder.finish().expect(memory).into(),
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        // Nothing that holds the lock panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    fn plain(bytes: &'static [u8]) -> Message {
        Message {
            compressed: false,
            bytes: bytes.into(),
        }
    }

    #[test]
    fn messages_are_compressed_one_by_one_as_asked_and_said_to_be_so() {
        let gzip = Gzip::default();
        for compressed in [true, false, true] {
            gzip.send(compressed);
            let sent = gzip.deflate(plain(&[0; 1000]));
            assert_eq!(sent.compressed, compressed);
            assert_eq!(sent.bytes.len() < 100, compressed);

            assert_eq!(gzip.inflate(sent, 1000).unwrap(), plain(&[0; 1000]));
            assert_eq!(gzip.received(), compressed);
        }
    }

    #[test]
    fn what_inflates_to_too_much_or_is_no_gzip_is_refused() {
        let gzip = Gzip::default();
        gzip.send(true);
        let sent = gzip.deflate(plain(&[0; 1000]));
        let status = gzip.inflate(sent, 999).unwrap_err();
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);

        let no_gzip = Message {
            compressed: true,
            ..plain(b"plain")
        };
        let status = gzip.inflate(no_gzip, 999).unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
    }
}
