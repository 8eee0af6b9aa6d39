//! What the state machine of a session answers to what happens: plain values, for others to act on.

use std::time::Duration;

use super::patience::Exhausted;

/// Why a batch was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not now: too much is unanswered.
    NoRoom,
    /// A command of that id is unanswered already, or comes twice in the batch.
    DuplicateId(u64),
    /// The session is over.
    Over,
}

/// Results of commands that the stream was not given, or that were answered already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unasked {
    pub(crate) results: usize,
}

/// What to do about a stream that has ended, or could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Open another one.
    Open {
        /// Not before this has passed.
        after: Duration,
    },
    /// Wait until there is something to send: see `Resend::wake`.
    Wait,
    /// Nothing: everything is answered and no more will come.
    Done,
    /// Surface what the stream ended with: it must not be tried again.
    Fail,
    /// Surface it as the last of too many failures.
    GiveUp(Exhausted),
}

/// What a stream has to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// Something was put where it was asked for.
    Messages,
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    End,
}
