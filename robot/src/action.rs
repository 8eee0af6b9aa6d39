//! What a robot is told to do, [`Action`], and what it reports when that is done, [`Event`].
//!
//! Both are plain values so that any format can carry them. They must not know how a state changes:
//! that is in `apply`.

use core::fmt;

use crate::{Finite, Mode, State};

/// One step of a program. It prints as the statement that scripts have for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Goes straight on along the heading.
    Move {
        /// How far, in the unit of the state's position; negative goes backwards.
        distance: Finite,
    },
    /// Turns on the spot.
    Turn {
        /// By how much, in degrees; positive is counter-clockwise.
        angle_degrees: Finite,
    },
    /// Changes what it cleans with.
    SetMode {
        /// The mode from now on.
        mode: Mode,
    },
    /// Starts cleaning; the state stays as it is.
    Start,
    /// Stops cleaning; the state stays as it is.
    Stop,
}

/// The statement of the action, such as `move 100`, `turn -90`, `set soap`, `start` or `stop`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Move { distance } => write!(f, "move {distance}"),
            Action::Turn { angle_degrees } => write!(f, "turn {angle_degrees}"),
            Action::SetMode { mode } => write!(f, "set {mode}"),
            Action::Start => f.write_str("start"),
            Action::Stop => f.write_str("stop"),
        }
    }
}

/// What one action did; a command that asks for events gets one per action, in their order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// It moved and is now here, in the unit of the state's position.
    Moved {
        /// Position along the x axis after the move.
        x: Finite,
        /// Position along the y axis after the move.
        y: Finite,
    },
    /// It turned.
    Turned {
        /// Degrees counter-clockwise from the x axis after the turn.
        heading_degrees: Finite,
    },
    /// It cleans with this from now on.
    ModeSet {
        /// The new mode.
        mode: Mode,
    },
    /// It started to clean.
    Started {
        /// What it cleans with.
        mode: Mode,
    },
    /// It stopped cleaning.
    Stopped,
}

impl Event {
    /// What is reported of `action`, given the state after it.
    pub(crate) fn after(action: Action, state: &State) -> Event {
        match action {
            Action::Move { .. } => Event::Moved {
                x: state.x,
                y: state.y,
            },
            Action::Turn { .. } => Event::Turned {
                heading_degrees: state.heading_degrees,
            },
            Action::SetMode { .. } => Event::ModeSet { mode: state.mode },
            Action::Start => Event::Started { mode: state.mode },
            Action::Stop => Event::Stopped,
        }
    }
}
