//! What a session must remember to survive its streams: the commands that are unanswered, and which of them the stream
//! that is open now has still to send. A state machine without I/O, clock or randomness: each method is an event, and
//! what it returns is what to do next.
//!
//! Invariants: a result is surfaced once for each submission, and only if its command is unanswered; while a stream is
//! open, all that is unanswered has been given to it; what is given is given in the order of submission.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use robot_api::v1::RobotCommand;
use rustc_hash::FxHashMap;

use super::SessionConfig;
use super::message::{Batch, Kept, Outgoing};
use super::patience::{Failed, Patience};
use super::retry::Ending;
use super::step::{Given, Next, Refusal, Unasked};

/// What a session has gone through so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Streams opened after the first.
    pub reconnects: u64,
    /// Commands sent again, each as often as it was.
    pub resent_commands: u64,
}

impl Resumed {
    /// Of another session, or of another stream of the same.
    pub(crate) fn add(&mut self, other: Self) {
        let Self {
            reconnects,
            resent_commands,
        } = other;
        self.reconnects += reconnects;
        self.resent_commands += resent_commands;
    }
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Resend {
    config: SessionConfig,
    /// By id.
    unanswered: FxHashMap<u64, Unanswered>,
    /// Commands so far: the next one's place in the order of submission.
    submitted: u64,
    /// What the open stream has still to send; empty if none is open.
    outgoing: VecDeque<Outgoing>,
    /// The number of the stream that is open or will be next.
    stream: u64,
    opened_before: bool,
    phase: Phase,
    finished: bool,
    patience: Patience,
    resumed: Resumed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Down,
    Open,
    Over,
}

#[derive(Debug)]
struct Unanswered {
    /// In the order of submission.
    order: u64,
    kept: Kept,
    /// A stream was given it, this one or an earlier one.
    given: bool,
}

impl Resend {
    pub(crate) fn new(config: SessionConfig) -> Self {
        Self {
            config,
            unanswered: FxHashMap::default(),
            submitted: 0,
            outgoing: VecDeque::new(),
            stream: 0,
            opened_before: false,
            phase: Phase::Down,
            finished: false,
            patience: Patience::default(),
            resumed: Resumed::default(),
        }
    }

    /// Whether so many commands fit: a batch larger than the window does when nothing is unanswered.
    pub(crate) fn room(&self, commands: usize) -> Result<(), Refusal> {
        let unanswered = self.unanswered.len();
        let fits = unanswered.saturating_add(commands) <= self.config.window.get();
        match self.phase {
            Phase::Over => Err(Refusal::Over),
            Phase::Down | Phase::Open if unanswered == 0 || fits => Ok(()),
            Phase::Down | Phase::Open => Err(Refusal::NoRoom),
        }
    }

    /// Takes a batch, all of it or nothing.
    pub(crate) fn submit(&mut self, batch: &Batch) -> Result<(), Refusal> {
        self.room(batch.commands.len())?;
        let open = self.phase == Phase::Open;
        for (index, command) in batch.commands.iter().enumerate() {
            let unanswered = Unanswered {
                order: self.submitted + index as u64,
                kept: Kept {
                    batch: Arc::clone(batch),
                    index,
                },
                given: open,
            };
            if let Some(before) = self.unanswered.insert(command.id, unanswered) {
                self.unanswered.insert(command.id, before);
                self.take_back(&batch.commands[..index]);
                return Err(Refusal::DuplicateId(command.id));
            }
        }
        self.submitted += batch.commands.len() as u64;
        if open {
            self.outgoing.push_back(Outgoing::Batch(Arc::clone(batch)));
        }
        Ok(())
    }

    /// No more will be submitted.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }

    /// The next stream is open: it is given all that is unanswered, and has this number from now on.
    pub(crate) fn opened(&mut self) -> u64 {
        self.phase = Phase::Open;
        self.patience.opened();
        self.resumed.reconnects += u64::from(self.opened_before);
        self.opened_before = true;
        let mut unanswered: Vec<_> = self.unanswered.values_mut().collect();
        unanswered.sort_unstable_by_key(|command| command.order);
        for command in unanswered {
            self.resumed.resent_commands += u64::from(command.given);
            command.given = true;
            self.outgoing
                .push_back(Outgoing::Single(command.kept.clone()));
        }
        self.stream
    }

    /// Moves what stream `stream` has to send to the end of `messages`.
    pub(crate) fn give(&mut self, stream: u64, messages: &mut VecDeque<Outgoing>) -> Given {
        if stream != self.stream || self.phase == Phase::Over {
            return Given::End;
        }
        if !self.outgoing.is_empty() {
            messages.append(&mut self.outgoing);
            return Given::Messages;
        }
        match self.phase {
            Phase::Open if self.finished => Given::End,
            _ => Given::Nothing,
        }
    }

    /// Results have come on stream `stream`, of the commands of these ids. False: they must not be surfaced, since the
    /// stream is an earlier one, whose commands have been given to another.
    pub(crate) fn answered(
        &mut self,
        stream: u64,
        ids: impl Iterator<Item = u64>,
    ) -> Result<bool, Unasked> {
        if stream != self.stream || self.phase != Phase::Open {
            return Ok(false);
        }
        let before = self.unanswered.len();
        let unasked = ids
            .filter(|id| self.unanswered.remove(id).is_none())
            .count();
        if unasked > 0 {
            return Err(Unasked { results: unasked });
        }
        if self.unanswered.len() < before {
            self.patience.progressed();
        }
        Ok(true)
    }

    /// The stream has ended, or could not be opened. `chance` is from 0 to 1.
    pub(crate) fn ended(&mut self, ending: Ending, now: Duration, chance: f64) -> Next {
        let open = self.phase == Phase::Open;
        self.down();
        let next = self.next(ending, open, now, chance);
        if matches!(next, Next::Done | Next::Fail | Next::GiveUp(_)) {
            self.over();
        }
        next
    }

    /// After [`Next::Wait`]: something may have been submitted.
    pub(crate) fn wake(&mut self) -> Next {
        match (self.unanswered.is_empty(), self.finished) {
            (true, false) => Next::Wait,
            (true, true) => {
                self.over();
                Next::Done
            }
            (false, _) => Next::Open {
                after: Duration::ZERO,
            },
        }
    }

    /// Nothing will be surfaced any more.
    pub(crate) fn over(&mut self) {
        self.phase = Phase::Over;
        self.outgoing = VecDeque::new();
    }

    /// A stream is open, so that what is submitted goes out by itself.
    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// The number of the stream that is open or will be next.
    pub(crate) fn stream(&self) -> u64 {
        self.stream
    }

    pub(crate) fn resumed(&self) -> Resumed {
        self.resumed
    }

    /// The ids of what is unanswered, in the order of submission.
    pub(crate) fn unanswered(&self) -> Vec<u64> {
        let mut ids: Vec<_> = self.unanswered.keys().copied().collect();
        ids.sort_unstable_by_key(|id| self.unanswered[id].order);
        ids
    }

    pub(crate) fn unanswered_commands(&self) -> usize {
        self.unanswered.len()
    }

    fn next(&mut self, ending: Ending, open: bool, now: Duration, chance: f64) -> Next {
        if ending == Ending::Refused {
            return Next::Fail;
        }
        let idle = self.unanswered.is_empty();
        if idle && self.finished {
            return Next::Done;
        }
        if idle && open {
            return Next::Wait;
        }
        let oldest = self.unanswered.values().map(|command| command.order).min();
        let failed = Failed { open, oldest, now };
        match self.patience.failed(failed, &self.config.retry) {
            Ok(failures) => Next::Open {
                after: self.config.retry.backoff(failures, chance),
            },
            Err(exhausted) => Next::GiveUp(exhausted),
        }
    }

    fn down(&mut self) {
        self.phase = Phase::Down;
        self.stream += 1;
        self.outgoing.clear();
    }

    fn take_back(&mut self, commands: &[RobotCommand]) {
        for command in commands {
            self.unanswered.remove(&command.id);
        }
    }
}

#[cfg(test)]
mod tests;
