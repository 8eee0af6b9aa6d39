//! Why a command is refused, [`Rejection`], and where in it, [`Location`].
//!
//! All reasons are here, those too that only a conversion from some wire format raises: what makes
//! a command valid is the domain's business. It must not know the codes or statuses that others
//! make of a reason.

use core::fmt;

use crate::script::{Position, ScriptError};

/// The reason a command has no result. Every message is printable ASCII, at most 160 bytes, and
/// quotes at most a bounded piece of the input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The command carries no state; the origin is never assumed.
    #[error("state is missing, expected one in every command (an empty one is the initial state)")]
    StateMissing,

    /// A number is NaN or infinite.
    #[error("{}: {field} is {value:?}, expected a finite number", Place(*action))]
    NotFinite {
        /// The name of the number's field.
        field: &'static str,
        /// What it holds.
        value: f64,
        /// The action it is in, counted from 0; `None` if it is in the state.
        action: Option<usize>,
    },

    /// A mode's number stands for no mode.
    #[error("{}: mode is {found}, expected 1 (water), 2 (soap) or 3 (brush)", Place(*action))]
    ModeUnknown {
        /// The number.
        found: i32,
        /// The action it is in, counted from 0; `None` if it is in the state.
        action: Option<usize>,
    },

    /// An action is unset, or of a kind that this version does not know.
    #[error(
        "{}: no known action is set, expected move, turn, set_mode, start or stop",
        Place(Some(*action))
    )]
    ActionUnknown {
        /// Which action, counted from 0.
        action: usize,
    },

    /// The program is there twice, as actions and as a script.
    #[error("both actions and script are set, expected at most one of them")]
    ActionsAndScript,

    /// The program is too long.
    #[error("too many actions, expected at most {max} in one command")]
    TooManyActions {
        /// How many are allowed.
        max: usize,
    },

    /// An action would take the position or the heading out of the range of a double.
    #[error(
        "{}: {field} would overflow, expected a result between -1.79e308 and 1.79e308",
        Place(Some(*action))
    )]
    Overflow {
        /// The name of the state's field.
        field: &'static str,
        /// Which action, counted from 0.
        action: usize,
    },

    /// The script does not follow the grammar.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl Rejection {
    /// Where in the command the reason lies; `None` if it is in the state or in the command as a
    /// whole.
    pub fn location(&self) -> Option<Location> {
        match self {
            Rejection::NotFinite { action, .. } | Rejection::ModeUnknown { action, .. } => {
                action.map(Location::Action)
            }
            Rejection::ActionUnknown { action } | Rejection::Overflow { action, .. } => {
                Some(Location::Action(*action))
            }
            Rejection::Script(error) => Some(Location::Script(error.position)),
            Rejection::StateMissing
            | Rejection::ActionsAndScript
            | Rejection::TooManyActions { .. } => None,
        }
    }
}

/// A place in a command's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The index of an action, counted from 0; in a script, of a statement that is not empty.
    Action(usize),
    /// A line and column of the script.
    Script(Position),
}

/// Prints where a field is: in the state, or in the action with this index.
struct Place(Option<usize>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(action) => write!(f, "actions[{action}]"),
            None => f.write_str("state"),
        }
    }
}
