//! A session's way in: messages are read as long as there is room for their results, and made into jobs.

use std::task::{Context, Poll, ready};

use robot_api::batch;

use super::{End, Messages, Session};
use crate::access::Caller;
use crate::cut::Filled;
use crate::queue::{QueueClosed, Slot};

/// Messages that are read before the other streams of the thread get their turn.
const MESSAGES_PER_POLL_MAX: usize = 1024;

impl<R: Messages> Session<R> {
    /// Reads what is ready and makes jobs of it, as long as there is room.
    pub(super) fn read(&mut self, cx: &mut Context<'_>) {
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
                    // Not what came in place of one.
                    messages += usize::from(self.end.is_none());
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
