//! The messages in a body: finds them, hands each to a function that may change it, and puts them together again. It
//! knows gRPC's framing and nothing of what is in the messages.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tonic::Status;

/// One byte that says whether the message is compressed, four that say how long it is.
const PREFIX_BYTES: usize = 5;

/// One message as it is sent.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) compressed: bool,
    pub(crate) bytes: Bytes,
}

pin_project! {
    /// A body whose messages are changed as they pass, and to whose trailers some are added.
    pub(crate) struct Changed<B, F> {
        #[pin]
        body: B,
        change: F,
        message_bytes_max: usize,
        // What has come of the next message.
        held: BytesMut,
        trailers: HeaderMap,
    }
}

impl<B, F> Changed<B, F>
where
    F: FnMut(Message) -> Result<Message, Status>,
{
    pub(crate) fn new(body: B, message_bytes_max: usize, change: F) -> Self {
        Self {
            body,
            change,
            message_bytes_max,
            held: BytesMut::new(),
            trailers: HeaderMap::new(),
        }
    }

    pub(crate) fn with_trailers(self, trailers: HeaderMap) -> Self {
        Self { trailers, ..self }
    }
}

impl<B, F> Body for Changed<B, F>
where
    B: Body<Data = Bytes, Error = Status>,
    F: FnMut(Message) -> Result<Message, Status>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut this = self.project();
        loop {
            if let Some(message) = take_message(this.held, *this.message_bytes_max)? {
                let changed = (this.change)(message)?;
                return Poll::Ready(Some(Ok(Frame::data(framed(&changed)))));
            }
            match ready!(this.body.as_mut().poll_frame(cx)).transpose()? {
                // A message that was cut off is left for the reader to complain about.
                None if !this.held.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(this.held.split().freeze()))));
                }
                None => return Poll::Ready(None),
                Some(frame) => match frame.into_data() {
                    Ok(data) => this.held.put(data),
                    Err(frame) => {
                        let mut trailers = frame.into_trailers().unwrap_or_default();
                        trailers.extend(std::mem::take(this.trailers));
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                },
            }
        }
    }

    // Without this a response that is only a status would be followed by an empty frame, and clients refuse that.
    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.body.is_end_stream()
    }
}

/// The first message, once all of it is there.
fn take_message(held: &mut BytesMut, bytes_max: usize) -> Result<Option<Message>, Status> {
    let Some((&[compressed, a, b, c, d], _rest)) = held.split_first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    let bytes = u32::from_be_bytes([a, b, c, d]) as usize;
    if bytes > bytes_max {
        return Err(Status::resource_exhausted(format!(
            "a message has {bytes} bytes; it may have at most {bytes_max}"
        )));
    }
    if held.len() < PREFIX_BYTES + bytes {
        return Ok(None);
    }
    held.advance(PREFIX_BYTES);
    Ok(Some(Message {
        compressed: compressed != 0,
        bytes: held.split_to(bytes).freeze(),
    }))
}

fn framed(message: &Message) -> Bytes {
    let Message { compressed, bytes } = message;
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + bytes.len());
    framed.put_u8(u8::from(*compressed));
    framed.put_u32(bytes.len() as u32);
    framed.put_slice(bytes);
    framed.freeze()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::BodyExt;

    use super::*;

    /// A body that comes in the given parts.
    struct Parts(VecDeque<Frame<Bytes>>);

    impl Body for Parts {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.0.pop_front().map(Ok))
        }
    }

    fn parts(bytes: &[u8], part_bytes: usize) -> Parts {
        let data = bytes.chunks(part_bytes).map(Bytes::copy_from_slice);
        Parts(data.map(Frame::data).collect())
    }

    const TWO: &[u8] = b"\x00\x00\x00\x00\x02hi\x01\x00\x00\x00\x00";

    #[tokio::test]
    async fn messages_are_found_however_they_come() {
        for part_bytes in 1..=TWO.len() {
            let mut seen = Vec::new();
            let body = Changed::new(parts(TWO, part_bytes), 2, |message| {
                seen.push((message.compressed, message.bytes.clone()));
                Ok(message)
            });
            let all = body.collect().await.unwrap().to_bytes();
            assert_eq!(all, TWO, "in parts of {part_bytes}");
            let expected = [(false, Bytes::from("hi")), (true, Bytes::new())];
            assert_eq!(seen, expected, "in parts of {part_bytes}");
        }
    }

    #[tokio::test]
    async fn a_changed_message_has_its_new_length() {
        let body = Changed::new(parts(TWO, 64), 2, |message| {
            let bytes = [&message.bytes[..], b"!"].concat().into();
            Ok(Message { bytes, ..message })
        });
        let all = body.collect().await.unwrap().to_bytes();
        assert_eq!(&all[..], b"\x00\x00\x00\x00\x03hi!\x01\x00\x00\x00\x01!");
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_or_cut_off_is_not_hidden() {
        let too_large = Changed::new(parts(TWO, 64), 1, Ok);
        let status = too_large.collect().await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);

        let cut_off = Changed::new(parts(&TWO[..6], 64), 2, Ok);
        let all = cut_off.collect().await.unwrap().to_bytes();
        assert_eq!(all, TWO[..6]);
    }

    #[tokio::test]
    async fn trailers_are_added_to_those_that_are_there() {
        let mut body = parts(TWO, 64);
        let status = HeaderMap::from_iter([("grpc-status".parse().unwrap(), 0.into())]);
        body.0.push_back(Frame::trailers(status));
        let more = HeaderMap::from_iter([("more".parse().unwrap(), 1.into())]);
        let body = Changed::new(body, 2, Ok).with_trailers(more);
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().unwrap();
        assert_eq!(
            (&trailers["grpc-status"], &trailers["more"]),
            (&0.into(), &1.into())
        );
    }
}
