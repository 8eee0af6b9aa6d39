//! The window of a session: how many commands may be unanswered, and the one sender's wait for room. It knows
//! nothing of streams.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::ClientError;

/// Counts unanswered commands. Shared by the one sender, who waits, and the one receiver, who makes room.
#[derive(Debug)]
pub(crate) struct Window {
    commands_max: usize,
    unanswered: AtomicUsize,
    closed: AtomicBool,
    /// Invariant: at most one waits, so that a stored permit is enough to lose no wake-up.
    changed: Notify,
}

impl Window {
    pub(crate) fn new(commands_max: NonZeroUsize) -> Self {
        Self {
            commands_max: commands_max.get(),
            unanswered: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// Waits until so many commands fit; a batch larger than the window fits when nothing is unanswered.
    pub(crate) async fn room(&self, commands: usize) -> Result<(), ClientError> {
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Err(ClientError::Closed);
            }
            let unanswered = self.unanswered();
            if unanswered == 0 || unanswered.saturating_add(commands) <= self.commands_max {
                return Ok(());
            }
            self.changed.notified().await;
        }
    }

    /// Commands are about to be sent.
    pub(crate) fn sent(&self, commands: usize) {
        self.unanswered.fetch_add(commands, Ordering::AcqRel);
    }

    /// Results have come.
    pub(crate) fn answered(&self, results: usize) -> Result<(), ClientError> {
        let unanswered = self.unanswered();
        if results > unanswered {
            let results = results - unanswered;
            return Err(ClientError::Unasked { results });
        }
        // Only this, the receiver's side, makes the count smaller: it cannot go below zero.
        self.unanswered.fetch_sub(results, Ordering::AcqRel);
        self.changed.notify_one();
        Ok(())
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::Acquire)
    }

    /// No result will come any more: whoever waits, or asks for room later, is told so.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn window(commands_max: usize) -> Window {
        Window::new(NonZeroUsize::new(commands_max).unwrap())
    }

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn waits_until_all_of_a_batch_fits() {
        let window = window(4);
        window.sent(3);
        let mut room = pin!(window.room(2));
        assert!(poll(room.as_mut()).is_pending());
        window.answered(1).unwrap();
        assert!(matches!(poll(room), Poll::Ready(Ok(()))));
    }

    #[test]
    fn a_batch_larger_than_the_window_waits_until_nothing_is_unanswered() {
        let window = window(4);
        window.sent(2);
        let mut room = pin!(window.room(10));
        assert!(poll(room.as_mut()).is_pending());
        window.answered(1).unwrap();
        assert!(poll(room.as_mut()).is_pending());
        window.answered(1).unwrap();
        assert!(matches!(poll(room), Poll::Ready(Ok(()))));
        window.sent(10);
        assert_eq!(window.unanswered(), 10);
        assert!(poll(pin!(window.room(1))).is_pending());
    }

    #[test]
    fn closing_wakes_who_waits_and_refuses_who_comes_later() {
        let window = window(1);
        window.sent(1);
        let mut room = pin!(window.room(1));
        assert!(poll(room.as_mut()).is_pending());
        window.close();
        assert!(matches!(poll(room), Poll::Ready(Err(ClientError::Closed))));
        let later = poll(pin!(window.room(1)));
        assert!(matches!(later, Poll::Ready(Err(ClientError::Closed))));
    }

    #[test]
    fn notices_more_results_than_commands() {
        let window = window(4);
        window.sent(1);
        let surplus = window.answered(3);
        assert!(matches!(surplus, Err(ClientError::Unasked { results: 2 })));
    }
}
