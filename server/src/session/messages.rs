//! What a session reads: request messages, lent where they lie or given away. It knows nothing of where they come from.

use std::ops::Deref;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::End;

/// The request messages of a stream, in order. After an error nothing more is asked for; an end that is not clean is an
/// error.
pub(crate) trait Messages {
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message<'_>, End>>>;
}

/// A request message, as its bytes.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// There until the next one is asked for.
    Lent(&'a [u8]),
    /// To keep.
    Own(Bytes),
}

impl Deref for Message<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Message::Lent(bytes) => bytes,
            Message::Own(bytes) => bytes,
        }
    }
}

impl Message<'_> {
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Message::Lent(bytes) => Bytes::copy_from_slice(bytes),
            Message::Own(bytes) => bytes,
        }
    }
}

/// For whoever has no body to read from.
#[cfg(any(test, feature = "bench-pool"))]
impl<S: tokio_stream::Stream<Item = Result<Bytes, End>> + Unpin> Messages for S {
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message<'_>, End>>> {
        let polled = std::pin::Pin::new(self).poll_next(cx);
        polled.map(|message| message.map(|message| message.map(Message::Own)))
    }
}
