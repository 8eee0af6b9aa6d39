//! gRPC's framing, for the call whose messages are too many to be handled singly: messages out of the pieces of an HTTP
//! body, lent where they lie, and what stands before a message that is sent. tonic does the same for the other calls;
//! there a message is an object of its own. It knows nothing of what is in a message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;

use crate::session::{End, HEAD_BYTES, Message, Messages};

/// What stands before each message: whether it is compressed, and its length.
pub(crate) const PREFIX_BYTES: usize = 5;
// Invariant: sessions leave just so much room for it.
const _: () = assert!(HEAD_BYTES == PREFIX_BYTES);

/// The messages of a request's body.
#[derive(Debug)]
pub(crate) struct RequestMessages<B> {
    body: B,
    message_bytes_max: usize,
    /// What came last, and how much of it has been handed out.
    piece: Bytes,
    taken: usize,
    /// A message that began in an earlier piece, with its prefix. It grows with what has come, not with what was
    /// announced.
    begun: BytesMut,
}

impl<B> RequestMessages<B> {
    pub(crate) fn new(body: B, message_bytes_max: usize) -> Self {
        Self {
            body,
            message_bytes_max,
            piece: Bytes::new(),
            taken: 0,
            begun: BytesMut::new(),
        }
    }

    fn rest(&self) -> &[u8] {
        &self.piece[self.taken..]
    }

    /// Moves up to so many bytes of the piece to the message that has begun.
    fn carry_over(&mut self, bytes_max: usize) {
        let bytes = bytes_max.min(self.piece.len() - self.taken);
        self.begun
            .extend_from_slice(&self.piece[self.taken..self.taken + bytes]);
        self.taken += bytes;
    }

    /// The message that has begun, if it is whole now.
    fn complete(&mut self) -> Result<Option<Bytes>, End> {
        self.carry_over(PREFIX_BYTES.saturating_sub(self.begun.len()));
        let Some(length) = length_of(&self.begun, self.message_bytes_max)? else {
            return Ok(None);
        };
        let missing = PREFIX_BYTES + length - self.begun.len();
        self.carry_over(missing);
        if self.begun.len() < PREFIX_BYTES + length {
            return Ok(None);
        }
        // Taken as a whole, so that a stream keeps nothing of it.
        let mut message = std::mem::take(&mut self.begun);
        message.advance(PREFIX_BYTES);
        Ok(Some(message.freeze()))
    }
}

impl<B: Body<Data = Bytes> + Unpin> RequestMessages<B> {
    /// The next piece; false at the end of a body that ends where a message does.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, End>> {
        debug_assert!(self.rest().is_empty());
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) if frame.is_data() => {
                self.piece = frame.into_data().unwrap_or_default();
                self.taken = 0;
                Ok(true)
            }
            // Trailers come last.
            Some(Ok(_)) | None if self.begun.is_empty() => Ok(false),
            Some(Ok(_)) | None => Err(End::BrokenFraming(
                "unexpected EOF in the middle of a message",
            )),
            // A reset, or the connection is gone.
            Some(Err(_)) => Err(End::Cancelled),
        })
    }
}

impl<B: Body<Data = Bytes> + Unpin> Messages for RequestMessages<B> {
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message<'_>, End>>> {
        loop {
            if !self.begun.is_empty() {
                if let Some(message) = self.complete()? {
                    return Poll::Ready(Some(Ok(Message::Own(message))));
                }
            } else if let Some(length) = length_of(self.rest(), self.message_bytes_max)? {
                let start = self.taken + PREFIX_BYTES;
                let end = start + length;
                if end <= self.piece.len() {
                    self.taken = end;
                    return Poll::Ready(Some(Ok(Message::Lent(&self.piece[start..end]))));
                }
            }
            self.carry_over(usize::MAX);
            if !ready!(self.poll_piece(cx))? {
                return Poll::Ready(None);
            }
        }
    }
}

/// The length of the message that begins here, if its prefix is there.
fn length_of(bytes: &[u8], message_bytes_max: usize) -> Result<Option<usize>, End> {
    let Some(&[flag, ref length @ ..]) = bytes.first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    match flag {
        0 => {}
        1 => {
            return Err(End::BrokenFraming(
                "a message has the compressed-flag set, and the call names no encoding",
            ));
        }
        _ => {
            return Err(End::BrokenFraming(
                "invalid compression flag before a message; it must be 0, or 1 if it is compressed",
            ));
        }
    }
    let found = u32::from_be_bytes(*length) as usize;
    match found <= message_bytes_max {
        true => Ok(Some(found)),
        false => Err(End::MessageTooLarge {
            found,
            max: message_bytes_max,
        }),
    }
}

/// Writes the prefix of the message that follows it in `framed`.
pub(crate) fn put_prefix(framed: &mut [u8]) {
    let length = framed.len() - PREFIX_BYTES;
    let length = u32::try_from(length).expect("a response is shorter than 4 GiB");
    framed[0] = 0;
    framed[1..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests;
