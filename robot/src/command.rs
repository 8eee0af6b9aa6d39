//! What is asked for, [`Command`], and what comes of it, [`Outcome`].
//!
//! A command holds all that its outcome depends on, so whoever has it can run it, and run it again.
//! Neither knows whose it is or which worker runs it.

use alloc::vec::Vec;

use crate::{Action, Event, State};

/// A state and the actions to apply to it. The default is the empty program in the initial state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Command {
    /// The state before the first action.
    pub state: State,
    /// What to do, in order; may be empty.
    pub actions: Vec<Action>,
    /// Whether the outcome shall hold an event for every action.
    pub with_events: bool,
}

/// How far a command has come; after its last action, its result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The state after the actions applied so far.
    pub state: State,
    /// One event for each action applied so far, in order; empty unless the command asked for
    /// events.
    pub events: Vec<Event>,
    /// How many actions have been applied so far, from the first on.
    pub applied: usize,
}

impl Outcome {
    /// The outcome of `command` before its first action, for [`advance`](crate::advance) to take
    /// further.
    pub fn start(command: &Command) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.restart(command);
        outcome
    }

    /// Makes it the [`Outcome::start`] of `command`, in the memory that is there already.
    pub fn restart(&mut self, command: &Command) {
        let Outcome {
            state,
            events,
            applied,
        } = self;
        *state = command.state;
        events.clear();
        *applied = 0;
    }
}
