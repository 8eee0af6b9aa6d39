//! Whether a side of the broker has all that it needs there, and saying so: at once where somebody asks, and in the log no
//! more often than anybody wants to read it. It knows nothing of what is needed.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::connect::LOG_INTERVAL;
use super::counts::LinkCounts;

/// Whether all that is needed is there.
#[derive(Debug)]
pub(crate) struct Readiness {
    /// What follows from its not being there.
    without: &'static str,
    sender: watch::Sender<bool>,
    counts: Arc<LinkCounts>,
    /// Since when it has been said that it is not.
    complained: Option<Instant>,
}

impl Readiness {
    pub(crate) fn new(
        without: &'static str,
        counts: Arc<LinkCounts>,
    ) -> (Self, watch::Receiver<bool>) {
        let (sender, receiver) = watch::channel(false);
        let readiness = Self {
            without,
            sender,
            counts,
            complained: None,
        };
        (readiness, receiver)
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.sender.borrow()
    }

    pub(crate) fn set(&mut self, ready: bool) {
        if ready {
            self.complained = None;
        }
        self.counts.ready.set(ready.into());
        self.sender
            .send_if_modified(|before| std::mem::replace(before, ready) != ready);
    }

    /// Says in the log why it is not, unless that was said a moment ago.
    pub(crate) fn complain(&mut self, error: &str) {
        let silent = |at: Instant| at.elapsed() < LOG_INTERVAL;
        if self.complained.is_some_and(silent) {
            return;
        }
        self.complained = Some(Instant::now());
        let without = self.without;
        tracing::warn!(error, "not ready: {without}; trying again");
    }
}
