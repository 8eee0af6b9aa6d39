//! The semantics: what each action does to a state, as a whole command or in slices.
//!
//! It is here alone because a change to any line of it may change the bits of results; whoever
//! makes one raises [`SEMANTICS_VERSION`](crate::SEMANTICS_VERSION). It must not know why a caller
//! slices or what it does in between.

use core::f64::consts::PI;

use crate::{Action, Command, Event, Outcome, Rejection, State};

/// Radians in one degree, rounded once, so that a heading becomes radians with one multiplication.
const RADIANS_PER_DEGREE: f64 = PI / 180.0;

/// Applies all actions of `command`, all or nothing. Pure: the same command gives the same bits
/// anywhere, any number of times.
///
/// # Errors
/// [`Rejection::Overflow`] if a position or a heading leaves the range of a double.
pub fn apply(command: &Command) -> Result<Outcome, Rejection> {
    let mut outcome = Outcome::start(command);
    advance(&mut outcome, command, usize::MAX)?;
    Ok(outcome)
}

/// Applies the next actions after `outcome.applied`, at most `actions_max` of them; true while some
/// are left. Between two calls a caller can let others run; however a program is sliced, the last
/// outcome is that of [`apply`]. An `actions_max` of 0 applies nothing.
///
/// `outcome` must come from [`Outcome::start`] with the same `command`, and nothing but this
/// function may change it.
///
/// # Errors
/// As for [`apply`]; `outcome` is then as it was before the call.
pub fn advance(
    outcome: &mut Outcome,
    command: &Command,
    actions_max: usize,
) -> Result<bool, Rejection> {
    let left = command.actions.get(outcome.applied..).unwrap_or_default();
    let slice = &left[..left.len().min(actions_max)];
    if command.with_events {
        outcome.events.reserve(slice.len());
    }
    let mut state = outcome.state;
    for (index, &action) in slice.iter().enumerate() {
        if let Err(field) = step(&mut state, action) {
            outcome.events.truncate(outcome.applied);
            return Err(Rejection::Overflow {
                field,
                action: outcome.applied + index,
            });
        }
        if command.with_events {
            outcome.events.push(Event::after(action, &state));
        }
    }
    outcome.state = state;
    outcome.applied += slice.len();
    Ok(slice.len() < left.len())
}

/// Applies one action; the error is the name of the field that would overflow.
fn step(state: &mut State, action: Action) -> Result<(), &'static str> {
    match action {
        Action::Move { distance } => {
            // Invariant: two roundings, of the product and of the sum; a fused multiply-add would
            // give other bits.
            let (sine, cosine) = libm::sincos(state.heading_degrees.get() * RADIANS_PER_DEGREE);
            state.x = state.x.plus(distance.get() * cosine).ok_or("x")?;
            state.y = state.y.plus(distance.get() * sine).ok_or("y")?;
        }
        Action::Turn { angle_degrees } => {
            let heading = state.heading_degrees.plus(angle_degrees.get());
            state.heading_degrees = heading.ok_or("heading_degrees")?;
        }
        Action::SetMode { mode } => state.mode = mode,
        Action::Start | Action::Stop => {}
    }
    Ok(())
}
