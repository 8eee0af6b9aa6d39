//! The bodies of requests and responses, and what is seen of them as they pass.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{GRPC_MESSAGE, GRPC_STATUS};
use crate::drain::Drain;
use crate::record::{Messages, Record};
use crate::watch::Activity;

pin_project! {
    /// A request's body that notes its messages, and that it ended: from there on the answer is what is waited for.
    pub(super) struct RequestBody<B> {
        #[pin]
        body: B,
        call: Arc<Activity>,
        messages: Messages,
    }
}

impl<B> RequestBody<B> {
    pub(super) fn new(body: B, call: Arc<Activity>) -> Self {
        Self {
            body,
            call,
            messages: Messages::default(),
        }
    }
}

impl<B: Body<Data = Bytes>> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        match &polled {
            Poll::Ready(None) => this.call.answers(),
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => this.call.answers(),
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.data_ref().map_or(&[][..], AsRef::as_ref);
                this.call.read(this.messages.count(data) as usize);
            }
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

pin_project! {
    /// A response that ends when its deadline passes, the server has been drained or the caller's token is withdrawn: for
    /// calls that have no end of their own.
    pub(super) struct UntilTold<B> {
        #[pin]
        body: B,
        #[pin]
        drained: WaitForCancellationFutureOwned,
        withdrawn: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
        deadline: Option<Pin<Box<Sleep>>>,
        ended: bool,
    }
}

impl<B> UntilTold<B> {
    pub(super) fn new(
        body: B,
        drain: &Drain,
        withdrawn: Option<CancellationToken>,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            body,
            drained: drain.drained().clone().cancelled_owned(),
            withdrawn: withdrawn.map(|withdrawn| Box::pin(withdrawn.cancelled_owned())),
            deadline: deadline.map(|at| Box::pin(sleep_until(at))),
            ended: false,
        }
    }
}

impl<B: Body<Data: Buf>> Body for UntilTold<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let withdrawn = this.withdrawn.as_mut();
        let deadline = this.deadline.as_mut();
        let (code, message) = if withdrawn.is_some_and(|token| token.as_mut().poll(cx).is_ready()) {
            (tonic::Code::Unauthenticated, "the token was withdrawn")
        } else if deadline.is_some_and(|passing| passing.as_mut().poll(cx).is_ready()) {
            (tonic::Code::DeadlineExceeded, "the deadline has passed")
        } else if let Poll::Ready(frame) = this.body.poll_frame(cx) {
            return Poll::Ready(frame);
        } else if this.drained.poll(cx).is_ready() {
            (tonic::Code::Unavailable, "the server is shutting down")
        } else {
            return Poll::Pending;
        };
        *this.ended = true;
        let mut trailers = HeaderMap::new();
        trailers.insert(GRPC_STATUS, HeaderValue::from(code as i32));
        // Nothing in it has to be percent-encoded.
        trailers.insert(GRPC_MESSAGE, HeaderValue::from_static(message));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }
}

pin_project! {
    /// A response that notes when the connection takes a frame, and when it asks for the next. In between it holds
    /// the frame, because the client does not read.
    pub(crate) struct Observed<B> {
        #[pin]
        body: B,
        record: Record,
        // Held until the call is over.
        place: Option<OwnedSemaphorePermit>,
    }
}

impl<B> Observed<B> {
    pub(super) fn new(body: B, record: Record, place: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            body,
            record,
            place,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for Observed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        this.record.activity().frame_wanted();
        let polled = this.body.poll_frame(cx);
        if polled.is_ready() {
            this.record.activity().frame_given();
        }
        match &polled {
            Poll::Ready(Some(Ok(frame))) => this.record.polled(Some(frame)),
            _ => this.record.polled(None),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
