//! One ExecuteStream: request messages in, jobs out; completions in, response messages out. The response stream polls
//! the request stream itself, so there is no task between them: a client that does not read is not read from either,
//! and a dropped stream takes its session along. It knows nothing of gRPC: it ends with an [`End`].
//!
//! Invariants: results are only in flight in room that was reserved before their job was queued; a session ends
//! `Answered` only if it read a clean end and answered all that it accepted.

mod end;
mod messages;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_stream::Stream;
use tokio_util::sync::WaitForCancellationFutureOwned;

use robot_api::batch;

use crate::access::Caller;
use crate::cut::{Cutter, Filled, JobLimits};
use crate::drain::{Drain, OpenCall};
use crate::queue::{Abandon, Completion, Failure, Queue, QueueClosed, Slot};
use crate::watch::Activity;

pub(crate) use end::End;
pub(crate) use messages::{Message, Messages};

/// Jobs of one stream that are queued, run, or waiting to be sent back.
const JOBS_IN_FLIGHT_MAX: usize = 64;
/// Messages that are read before the other streams of the thread get their turn.
const MESSAGES_PER_POLL_MAX: usize = 1024;
/// A response message takes no further job once it has this many bytes. With one job more, whose size the
/// configuration bounds, it stays below the 4 MiB that clients accept by default.
const RESPONSE_BYTES_ENOUGH: usize = 64 * 1024;

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
            abandon: Abandon::default(),
            call: drain.open_call(),
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

    /// Reads what is ready and makes jobs of it, as long as there is room.
    fn read(&mut self, cx: &mut Context<'_>) {
        if self.waiting.is_some() && !self.submit(cx) {
            return;
        }
        self.share_out();
        let mut messages = 0;
        loop {
            match self.fill() {
                Filled::Full if self.submit(cx) => {}
                Filled::Full => return,
                // The completions that free the room wake this task.
                Filled::NoRoom => break,
                Filled::Drained if messages == MESSAGES_PER_POLL_MAX => {
                    cx.waker().wake_by_ref();
                    break;
                }
                Filled::Drained if self.end.is_none() && self.poll_request(cx).is_ready() => {
                    messages += 1;
                }
                Filled::Drained => break,
            }
        }
        if messages > 0 {
            self.activity.read(messages);
        }
        self.submit(cx);
    }

    fn fill(&mut self) -> Filled {
        let room = self.room();
        self.cutter.fill(room, self.jobs_in_flight == 0)
    }

    /// Bounds the next job.
    fn share_out(&mut self) {
        let share = self.queue.share(self.limits.job.commands_max);
        self.cutter.bound(share);
    }

    /// Bytes that the results of jobs to come may take.
    fn room(&self) -> usize {
        let used = self.results_in_flight_bytes;
        self.limits.in_flight_bytes_max.saturating_sub(used)
    }

    /// Ready when its caller may send more.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(rate) = self.caller.as_ref().and_then(Caller::rate) else {
            return Poll::Ready(());
        };
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            // Other calls of the same caller may have used it up in the meantime.
            let Some(wait) = rate.wait() else {
                return Poll::Ready(());
            };
            self.pause = Some(Box::pin(tokio::time::sleep(wait)));
        }
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_pause(cx));
        let room = self.room();
        match ready!(self.requests.poll_message(cx)) {
            Some(Ok(message)) => match accept(&message, self.limits.commands_per_message_max) {
                Ok(commands) => {
                    self.call.accepted(commands);
                    if let Some(rate) = self.caller.as_ref().and_then(Caller::rate) {
                        rate.charge(commands);
                    }
                    if !self.cutter.push_whole(&message, commands, room) {
                        self.cutter.push(message.into_bytes());
                    }
                }
                Err(end) => self.end = Some(end),
            },
            Some(Err(end)) => self.end = Some(end),
            None => self.end = Some(End::Answered),
        }
        Poll::Ready(())
    }

    /// Queues the open job, if there is one. False: there is no place for it yet; this task will be woken.
    fn submit(&mut self, cx: &mut Context<'_>) -> bool {
        if self.cutter.open_bytes() == 0 {
            return true;
        }
        // Each place that is taken belongs to a job in flight, whose completion wakes this task.
        let Ok(reply) = self.reply.clone().try_reserve_owned() else {
            return false;
        };
        let slot = match self.poll_slot(cx) {
            Poll::Ready(Ok(slot)) => slot,
            Poll::Ready(Err(closed)) => {
                self.give_up(closed.into());
                return true;
            }
            Poll::Pending => return false,
        };
        let job = self.cutter.seal();
        self.jobs_in_flight += 1;
        self.results_in_flight_bytes += job.results_bytes_max;
        self.queue.submit(job, slot, reply, &self.abandon);
        self.share_out();
        true
    }

    fn poll_slot(&mut self, cx: &mut Context<'_>) -> Poll<Result<Slot, QueueClosed>> {
        let bytes = self.cutter.open_bytes();
        if self.waiting.is_none() {
            if let Some(slot) = self.queue.try_reserve(bytes) {
                return Poll::Ready(Ok(slot));
            }
            self.waiting = Some(Box::pin(self.queue.clone().reserve(bytes)));
        }
        let waiting = self.waiting.as_mut().expect("it was just put there");
        let slot = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(slot)
    }

    /// Whether what is ready waits until the other tasks of this thread have had their turn. While all workers are busy
    /// and have jobs of this session to do, some of those will be done by then; and one larger response costs less
    /// than two, by a system call and a wake-up at the client.
    fn waits_a_turn(&mut self, cx: &mut Context<'_>) -> bool {
        let ready = self.completions.len();
        let more = ready > 0 && ready < self.jobs_in_flight && self.queue.idle_workers() == 0;
        let waits = more && !self.waited_a_turn;
        self.waited_a_turn = waits;
        if waits {
            cx.waker().wake_by_ref();
        }
        waits
    }

    /// Joins the completions that are there into one response message.
    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<BytesMut> {
        let mut parts = Vec::new();
        let mut bytes = 0;
        while bytes < RESPONSE_BYTES_ENOUGH {
            let Poll::Ready(Some(completion)) = self.completions.poll_recv(cx) else {
                break;
            };
            let results = self.take(completion);
            bytes += results.len();
            parts.push(results);
        }
        if bytes == 0 {
            return Poll::Pending;
        }
        let mut response = BytesMut::with_capacity(HEAD_BYTES + bytes);
        response.put_bytes(0, HEAD_BYTES);
        for results in parts {
            response.extend_from_slice(&results);
        }
        Poll::Ready(response)
    }

    fn take(&mut self, completion: Completion) -> Bytes {
        let Completion {
            results,
            answered,
            failure,
            sequence: _,
            results_bytes_max,
        } = completion;
        self.jobs_in_flight -= 1;
        self.results_in_flight_bytes -= results_bytes_max;
        self.call.answered(answered);
        match failure {
            None => {}
            Some(Failure::Malformed(malformed)) => self.stop(End::Malformed(malformed)),
            Some(Failure::Lost) => self.stop(End::Lost),
        }
        results
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

/// Counts the commands of a message, or says why it cannot be accepted.
pub(crate) fn accept(message: &[u8], commands_max: usize) -> Result<usize, End> {
    let found = batch::count(message)?;
    if found > commands_max {
        return Err(End::TooManyCommands {
            found,
            max: commands_max,
        });
    }
    Ok(found)
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
