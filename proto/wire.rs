//! Converts between the messages of the contract and the pure types of the `robot` crate, both ways; it is the only
//! place that knows both. `*_from` reads what a peer sent and may reject it, `*_to` writes and cannot fail. Messages
//! are taken apart whole, so that a new field fails to compile until someone has decided what it means.

use robot::{
    Action, Command, Event, Finite, Location, Mode, Outcome, Position, Rejection, State, script,
};

use crate::v1;
use crate::v1::command_error::Reason;

/// Bytes that one result takes at most, its tag and length included but its events not: id 11, error 182 (message of
/// 160, place, reason), execution 36, tag and length 5. Kept by a property test.
const RESULT_BYTES_MAX: usize = 256;
/// Bytes that one event takes at most: the two doubles of a move and six bytes of tags and lengths.
const EVENT_BYTES_MAX: usize = 24;
/// The shortest action is four bytes long (`Move {}`), and asks for an event of 22.
const EVENT_BYTES_PER_REQUEST_BYTE_MAX: usize = 6;

/// The most bytes that the results of some commands can take, whatever is in them. `request_bytes` is the commands'
/// encoded size; none of them runs more than `actions_max` actions.
pub fn results_bytes_max(commands: usize, request_bytes: usize, actions_max: usize) -> usize {
    let by_actions = commands
        .saturating_mul(actions_max)
        .saturating_mul(EVENT_BYTES_MAX);
    let by_bytes = request_bytes.saturating_mul(EVENT_BYTES_PER_REQUEST_BYTE_MAX);
    commands
        .saturating_mul(RESULT_BYTES_MAX)
        .saturating_add(by_actions.min(by_bytes))
}

/// The parts of a command that say what is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) state: Option<&'a v1::RobotState>,
    pub(crate) actions: &'a [v1::Action],
    pub(crate) script: &'a str,
    pub(crate) with_events: bool,
}

/// Reads a command; its id is the caller's to keep. Rejects what no command may hold: see [`Rejection`].
pub fn command_from(message: &v1::RobotCommand, actions_max: usize) -> Result<Command, Rejection> {
    let v1::RobotCommand {
        id: _,
        state,
        actions,
        script,
        with_events,
    } = message;
    let parts = Parts {
        state: state.as_ref(),
        actions,
        script,
        with_events: *with_events,
    };
    let mut command = Command::default();
    command_into(parts, actions_max, &mut command)?;
    Ok(command)
}

/// The same into the memory of another command. After an error there is no telling what is in it.
pub(crate) fn command_into(
    parts: Parts<'_>,
    actions_max: usize,
    command: &mut Command,
) -> Result<(), Rejection> {
    let Parts {
        state,
        actions,
        script,
        with_events,
    } = parts;
    command.state = state_from(state.ok_or(Rejection::StateMissing)?)?;
    command.with_events = with_events;
    command.actions.clear();
    if !actions.is_empty() && !script.is_empty() {
        return Err(Rejection::ActionsAndScript);
    }
    if actions.len() > actions_max {
        return Err(Rejection::TooManyActions { max: actions_max });
    }
    if !script.is_empty() {
        return script::parse_into(script, actions_max, &mut command.actions);
    }
    command.actions.reserve(actions.len());
    for (index, action) in actions.iter().enumerate() {
        command.actions.push(action_from(index, action)?);
    }
    Ok(())
}

/// Writes a command in its structured form.
pub fn command_to(id: u64, command: &Command) -> v1::RobotCommand {
    let Command {
        state,
        actions,
        with_events,
    } = command;
    v1::RobotCommand {
        id,
        state: Some(state_to(*state)),
        actions: actions.iter().copied().map(action_to).collect(),
        script: String::new(),
        with_events: *with_events,
    }
}

/// Writes the result of `command`, without an execution.
pub fn result_to(
    command: &v1::RobotCommand,
    outcome: Result<Outcome, Rejection>,
) -> v1::RobotResult {
    let (outcome, events) = match outcome {
        Ok(outcome) => (
            v1::robot_result::Outcome::State(state_to(outcome.state)),
            outcome.events.into_iter().map(event_to).collect(),
        ),
        Err(rejection) => (
            v1::robot_result::Outcome::Error(error_to(&rejection, &command.script)),
            Vec::new(),
        ),
    };
    v1::RobotResult {
        id: command.id,
        outcome: Some(outcome),
        events,
        execution: None,
    }
}

/// Reads a state. An unspecified mode is water.
pub fn state_from(state: &v1::RobotState) -> Result<State, Rejection> {
    let v1::RobotState {
        x,
        y,
        heading_degrees,
        mode,
    } = *state;
    Ok(State {
        x: finite("x", x, None)?,
        y: finite("y", y, None)?,
        heading_degrees: finite("heading_degrees", heading_degrees, None)?,
        mode: match mode {
            0 => Mode::Water,
            number => mode_from(number).ok_or(Rejection::ModeUnknown {
                found: number,
                action: None,
            })?,
        },
    })
}

/// Writes a state.
pub fn state_to(state: State) -> v1::RobotState {
    v1::RobotState {
        x: state.x.get(),
        y: state.y.get(),
        heading_degrees: state.heading_degrees.get(),
        mode: mode_to(state.mode).into(),
    }
}

fn action_from(index: usize, action: &v1::Action) -> Result<Action, Rejection> {
    use v1::action::Kind;
    let v1::Action { kind } = action;
    Ok(match kind {
        Some(Kind::Move(v1::Move { distance })) => Action::Move {
            distance: finite("distance", *distance, Some(index))?,
        },
        Some(Kind::Turn(v1::Turn { angle_degrees })) => Action::Turn {
            angle_degrees: finite("angle_degrees", *angle_degrees, Some(index))?,
        },
        Some(Kind::SetMode(v1::SetMode { mode })) => Action::SetMode {
            mode: mode_from(*mode).ok_or(Rejection::ModeUnknown {
                found: *mode,
                action: Some(index),
            })?,
        },
        Some(Kind::Start(v1::Start {})) => Action::Start,
        Some(Kind::Stop(v1::Stop {})) => Action::Stop,
        None => return Err(Rejection::ActionUnknown { action: index }),
    })
}

fn action_to(action: Action) -> v1::Action {
    use v1::action::Kind;
    let kind = match action {
        Action::Move { distance } => Kind::Move(v1::Move {
            distance: distance.get(),
        }),
        Action::Turn { angle_degrees } => Kind::Turn(v1::Turn {
            angle_degrees: angle_degrees.get(),
        }),
        Action::SetMode { mode } => Kind::SetMode(v1::SetMode {
            mode: mode_to(mode).into(),
        }),
        Action::Start => Kind::Start(v1::Start {}),
        Action::Stop => Kind::Stop(v1::Stop {}),
    };
    v1::Action { kind: Some(kind) }
}

fn event_to(event: Event) -> v1::Event {
    use v1::event::Kind;
    let kind = match event {
        Event::Moved { x, y } => Kind::Moved(v1::Moved {
            x: x.get(),
            y: y.get(),
        }),
        Event::Turned { heading_degrees } => Kind::Turned(v1::Turned {
            heading_degrees: heading_degrees.get(),
        }),
        Event::ModeSet { mode } => Kind::ModeSet(v1::ModeSet {
            mode: mode_to(mode).into(),
        }),
        Event::Started { mode } => Kind::Started(v1::Started {
            mode: mode_to(mode).into(),
        }),
        Event::Stopped => Kind::Stopped(v1::Stopped {}),
    };
    v1::Event { kind: Some(kind) }
}

fn error_to(rejection: &Rejection, text: &str) -> v1::CommandError {
    v1::CommandError {
        reason: reason_of(rejection).into(),
        message: rejection.to_string(),
        location: place_of(rejection, text),
    }
}

/// What a rejection is called in the contract.
pub(crate) fn reason_of(rejection: &Rejection) -> Reason {
    match rejection {
        Rejection::StateMissing => Reason::StateMissing,
        Rejection::NotFinite { .. } => Reason::NumberNotFinite,
        Rejection::ModeUnknown { .. } => Reason::ModeUnknown,
        Rejection::ActionUnknown { .. } => Reason::ActionUnknown,
        Rejection::ActionsAndScript => Reason::ActionsAndScript,
        Rejection::TooManyActions { .. } => Reason::TooManyActions,
        Rejection::Overflow { .. } => Reason::Overflow,
        Rejection::Script(_) => Reason::ScriptSyntax,
    }
}

/// Where a rejection is. With a script, an action's place is given as the place of its statement.
pub(crate) fn place_of(rejection: &Rejection, text: &str) -> Option<v1::command_error::Location> {
    use v1::command_error::Location as Place;
    rejection.location().map(|location| match location {
        Location::Action(index) => match statement_position(text, index) {
            Some(position) => Place::ScriptPosition(position_to(position)),
            None => Place::ActionIndex(index as u32),
        },
        Location::Script(position) => Place::ScriptPosition(position_to(position)),
    })
}

fn statement_position(text: &str, index: usize) -> Option<Position> {
    let (position, _action) = script::statements(text).nth(index)?.ok()?;
    Some(position)
}

fn position_to(position: Position) -> v1::ScriptPosition {
    v1::ScriptPosition {
        line: position.line,
        column: position.column,
    }
}

fn mode_from(number: i32) -> Option<Mode> {
    Mode::ALL.into_iter().find(|mode| *mode as i32 == number)
}

fn mode_to(mode: Mode) -> v1::CleaningMode {
    match mode {
        Mode::Water => v1::CleaningMode::Water,
        Mode::Soap => v1::CleaningMode::Soap,
        Mode::Brush => v1::CleaningMode::Brush,
    }
}

fn finite(field: &'static str, value: f64, action: Option<usize>) -> Result<Finite, Rejection> {
    Finite::new(value).ok_or(Rejection::NotFinite {
        field,
        value,
        action,
    })
}

#[cfg(test)]
mod tests;
