//! The end of a server's life, and the calls that it has to wait for. It knows nothing of what the calls do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::session::End;
use crate::watch::Activity;
use crate::who::Who;

/// How a server is told to end.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Stop reading, answer what was accepted, then end.
    pub drain: CancellationToken,
    /// End now, whatever is unanswered.
    pub at_once: CancellationToken,
}

/// What became of the commands of a server's life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Commands read off their streams.
    pub accepted: u64,
    /// Commands whose results were handed to their connections.
    pub answered: u64,
    /// Calls that were cut off, at the drain deadline or by [`Shutdown::at_once`], before all that they were owed was
    /// with their clients. Those saw a broken call, never an OK.
    pub cut_off: u64,
}

/// How far a drain has come, of the server or of one connection; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drain {
    /// The server was told to end.
    begun: CancellationToken,
    /// No new calls, no more reading.
    stopping: CancellationToken,
    /// All sessions are done: what else is open may end.
    drained: CancellationToken,
    /// Only this connection ends.
    connection_only: Arc<AtomicBool>,
    /// Connections are dropped.
    cutting: CancellationToken,
    calls: TaskTracker,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicU64,
    answered: AtomicU64,
    cut_off: AtomicU64,
}

/// One call that runs commands; the drain waits for it to be dropped.
#[derive(Debug)]
pub(crate) struct OpenCall {
    drain: Drain,
    activity: Arc<Activity>,
    ended: bool,
    _tracked: TaskTrackerToken,
}

impl Drain {
    /// From here on the server is on its way to its end.
    pub(crate) fn begin(&self) {
        self.begun.cancel();
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    pub(crate) fn drained(&self) -> &CancellationToken {
        &self.drained
    }

    pub(crate) fn cutting(&self) -> &CancellationToken {
        &self.cutting
    }

    /// The drain as one connection sees it, which may end before the server does.
    pub(crate) fn of_connection(&self) -> Self {
        Self {
            stopping: self.stopping.child_token(),
            drained: self.drained.child_token(),
            connection_only: Arc::default(),
            ..self.clone()
        }
    }

    /// Ends this connection, and no other: its sessions stop reading, its other calls end.
    pub(crate) fn end_connection(&self) {
        self.connection_only.store(true, Ordering::Relaxed);
        self.stopping.cancel();
        self.drained.cancel();
    }

    /// Why nothing more is read.
    pub(crate) fn end(&self) -> End {
        match self.connection_only.load(Ordering::Relaxed) {
            true => End::ConnectionAged,
            false => End::ShuttingDown,
        }
    }

    pub(crate) fn open_call(&self, activity: Arc<Activity>) -> OpenCall {
        OpenCall {
            drain: self.clone(),
            activity,
            ended: false,
            _tracked: self.calls.token(),
        }
    }

    /// Waits until no call is open.
    pub(crate) async fn calls_ended(&self) {
        self.calls.close();
        self.calls.wait().await;
    }

    /// Calls that are open now.
    pub(crate) fn open_calls(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn summary(&self) -> Summary {
        let Counts {
            accepted,
            answered,
            cut_off,
        } = &*self.counts;
        Summary {
            accepted: accepted.load(Ordering::Relaxed),
            answered: answered.load(Ordering::Relaxed),
            cut_off: cut_off.load(Ordering::Relaxed),
        }
    }
}

impl OpenCall {
    pub(crate) fn drain(&self) -> &Drain {
        &self.drain
    }

    /// Whose it is.
    pub(crate) fn who(&self) -> &Who {
        self.activity.who()
    }

    pub(crate) fn accepted(&mut self, commands: usize) {
        self.activity.accepted(commands as u64);
    }

    pub(crate) fn answered(&mut self, commands: u32) {
        self.activity.answered(commands.into());
    }

    /// The call ends with a status of its own.
    pub(crate) fn ended(&mut self, end: &End) {
        self.ended = true;
        if tracing::enabled!(tracing::Level::DEBUG) {
            let (accepted, answered) = self.activity.commands();
            let unanswered = accepted - answered;
            let who = self.activity.who();
            who.log(|| tracing::debug!(accepted, unanswered, %end, "call ended"));
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let counts = &self.drain.counts;
        let (accepted, answered) = self.activity.commands();
        counts.accepted.fetch_add(accepted, Ordering::Relaxed);
        counts.answered.fetch_add(answered, Ordering::Relaxed);
        if !self.ended && accepted > 0 && self.drain.cutting.is_cancelled() {
            counts.cut_off.fetch_add(1, Ordering::Relaxed);
        }
    }
}
