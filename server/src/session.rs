//! One ExecuteStream: request messages in, jobs out; completions in, response messages out. The response stream polls
//! the request stream itself, so there is no task between them: a client that does not read is not read from either,
//! and a dropped stream takes its session along. It knows nothing of gRPC: it ends with an [`End`].
//!
//! Invariants: results are only in flight in room that was reserved before their job was queued; a session ends
//! `Answered` only if it read a clean end and answered all that it accepted.

mod end;
mod input;
mod messages;
mod output;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_stream::Stream;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::access::Caller;
use crate::cut::{Cutter, JobLimits};
use crate::drain::{Drain, OpenCall};
use crate::queue::{Abandon, Completion, Queue, QueueClosed, Slot};
use crate::watch::Activity;

pub(crate) use end::End;
pub(crate) use input::accept;
pub(crate) use messages::{Message, Messages};

/// Jobs of one stream that are queued, run, or waiting to be sent back.
const JOBS_IN_FLIGHT_MAX: usize = 64;

/// Left free at the beginning of each response message, for whoever frames it.
pub(crate) const HEAD_BYTES: usize = 5;

/// What bounds a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLimits {
    /// Bytes in one message.
    pub(crate) message_bytes_max: usize,
    /// Commands in one message.
    pub(crate) commands_per_message_max: usize,
    /// Room for the results of unanswered commands, in bytes.
    pub(crate) in_flight_bytes_max: usize,
    /// How its jobs are cut.
    pub(crate) job: JobLimits,
}

type SlotFuture = Pin<Box<dyn Future<Output = Result<Slot, QueueClosed>> + Send>>;

/// A stream of response messages, made from the request messages of `R`. Each begins with [`HEAD_BYTES`] that mean
/// nothing. It yields at most one `Err`, the last item; without one it ended as [`End::Answered`].
pub(crate) struct Session<R> {
    requests: R,
    queue: Queue,
    limits: SessionLimits,
    cutter: Cutter,
    /// The wait for a place in the queue, once there was none at once.
    waiting: Option<SlotFuture>,
    completions: mpsc::Receiver<Completion>,
    reply: mpsc::Sender<Completion>,
    jobs_in_flight: usize,
    results_in_flight_bytes: usize,
    /// Set once nothing more is read.
    end: Option<End>,
    finished: bool,
    waited_a_turn: bool,
    ending: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Option<Pin<Box<Sleep>>>,
    /// Whose it is, if that matters.
    caller: Option<Caller>,
    withdrawn: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Its caller has sent more commands a second than it may: nothing is read until then.
    pause: Option<Pin<Box<Sleep>>>,
    abandon: Abandon,
    call: OpenCall,
    activity: Arc<Activity>,
}

impl<R: Messages> Session<R> {
    pub(crate) fn new(
        requests: R,
        queue: Queue,
        limits: SessionLimits,
        deadline: Option<Instant>,
        drain: &Drain,
        activity: Arc<Activity>,
    ) -> Self {
        let (reply, completions) = mpsc::channel(JOBS_IN_FLIGHT_MAX);
        Self {
            requests,
            queue,
            limits,
            cutter: Cutter::new(limits.job),
            waiting: None,
            completions,
            reply,
            jobs_in_flight: 0,
            results_in_flight_bytes: 0,
            end: None,
            finished: false,
            waited_a_turn: false,
            ending: Box::pin(activity.ending().clone().cancelled_owned()),
            deadline: deadline.map(|at| Box::pin(tokio::time::sleep_until(at))),
            caller: None,
            withdrawn: None,
            pause: None,
            abandon: Abandon::of(activity.who().trace(), deadline.map(Instant::into_std)),
            call: drain.open_call(Arc::clone(&activity)),
            activity,
        }
    }

    /// Bounds it by what its caller may do.
    pub(crate) fn of(mut self, caller: Option<Caller>) -> Self {
        let withdrawn = caller.as_ref().and_then(Caller::withdrawn).cloned();
        self.withdrawn = withdrawn.map(|withdrawn| Box::pin(withdrawn.cancelled_owned()));
        self.caller = caller;
        self
    }

    /// Looks for what ends a session from outside.
    fn poll_outside(&mut self, cx: &mut Context<'_>) {
        if self.end.is_none() && self.ending.as_mut().poll(cx).is_ready() {
            self.end = Some(match self.activity.has_idled() {
                true => End::Idle,
                false => self.call.drain().end(),
            });
        }
        let withdrawn = self.withdrawn.as_mut();
        if withdrawn.is_some_and(|token| token.as_mut().poll(cx).is_ready()) {
            self.withdrawn = None;
            self.stop(End::Withdrawn);
        }
        let Some(deadline) = &mut self.deadline else {
            return;
        };
        if deadline.as_mut().poll(cx).is_ready() {
            self.deadline = None;
            self.give_up(End::DeadlineExceeded);
        }
    }

    /// Reads no more and drops what is not queued yet; what is in flight is still answered.
    fn stop(&mut self, end: End) {
        self.end = Some(end);
        self.cutter.clear();
        self.waiting = None;
    }

    /// Ends without waiting for what is in flight.
    fn give_up(&mut self, end: End) {
        self.stop(end);
        self.abandon = Abandon::default();
        // What is in flight completes into a channel that nobody reads any more.
        (self.reply, self.completions) = mpsc::channel(JOBS_IN_FLIGHT_MAX);
        self.jobs_in_flight = 0;
        self.results_in_flight_bytes = 0;
    }

    /// There are commands that were read and are not answered.
    fn owes(&self) -> bool {
        self.jobs_in_flight > 0 || !self.cutter.is_empty()
    }

    fn poll_end(&mut self) -> Poll<Option<Result<BytesMut, End>>> {
        if self.owes() {
            return Poll::Pending;
        }
        let Some(end) = self.end.take() else {
            return Poll::Pending;
        };
        self.finished = true;
        self.call.ended(&end);
        Poll::Ready(match end {
            End::Answered => None,
            end => Some(Err(end)),
        })
    }
}

impl<R: Messages + Unpin> Stream for Session<R> {
    type Item = Result<BytesMut, End>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = self.get_mut();
        if session.finished {
            return Poll::Ready(None);
        }
        session.poll_outside(cx);
        session.read(cx);
        session
            .activity
            .owes(session.owes() || session.pause.is_some());
        if session.waits_a_turn(cx) {
            return Poll::Pending;
        }
        if let Poll::Ready(response) = session.poll_response(cx) {
            return Poll::Ready(Some(Ok(response)));
        }
        session.poll_end()
    }
}

#[cfg(test)]
mod interleaved;
#[cfg(test)]
mod tests;
