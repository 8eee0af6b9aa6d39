//! The robot cleaner's pure logic: a command carries a state and actions, [`apply`] gives the state
//! after them.
//!
//! It is a crate of its own so that a server, a client and a test on any machine compute the same
//! bits from the same command. It must not know how a command arrives or where a result goes: no
//! I/O, no clock, no wire format, no threads.
//!
//! ```
//! use robot::{Command, apply, script};
//!
//! let actions = script::parse("turn 90; move 2; set soap", 1000)?;
//! let command = Command { actions, ..Command::default() };
//! let outcome = apply(&command)?;
//! assert_eq!(outcome.state.y.get(), 2.0);
//! # Ok::<(), robot::Rejection>(())
//! ```
#![no_std]

extern crate alloc;

mod action;
mod apply;
mod command;
mod finite;
mod rejection;
pub mod script;
mod state;

pub use action::{Action, Event};
pub use apply::{advance, apply};
pub use command::{Command, Outcome};
pub use finite::Finite;
pub use rejection::{Location, Rejection};
pub use script::{Position, ScriptError};
pub use state::{Mode, State};

/// The version of what commands mean. It changes whenever the bits of any result could, so results
/// of the same version may be compared bit for bit, on whatever machine they were made.
pub const SEMANTICS_VERSION: u32 = 1;

// Invariant: every operation rounds to a double. The x87 unit keeps more bits, so its states would
// differ from others'.
#[cfg(all(target_arch = "x86", not(target_feature = "sse2")))]
compile_error!(
    "robot needs SSE2 on x86: without it the same command gives other bits than elsewhere"
);
