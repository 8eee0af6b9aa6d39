//! Results in words, for people.

use robot::ScriptError;
use robot_api::v1;
use robot_api::v1::command_error::{Location, Reason};
use robot_api::v1::event::Kind;

use super::input::Line;

pub(super) fn error_text(error: &v1::CommandError) -> String {
    let v1::CommandError {
        reason,
        message,
        location,
    } = error;
    let reason = match Reason::try_from(*reason) {
        Ok(reason) => reason.as_str_name().to_owned(),
        Err(_unknown) => format!("reason {reason}"),
    };
    let place = match location {
        None => String::new(),
        Some(Location::ActionIndex(index)) => format!(" (action {index})"),
        Some(Location::ScriptPosition(v1::ScriptPosition { line, column })) => {
            format!(" (line {line}, column {column})")
        }
    };
    format!("{reason}: {message}{place}")
}

/// What is wrong with a statement of that line, which was read alone.
pub(super) fn script_error(mut error: ScriptError, line: &Line) -> String {
    error.position.line = u32::try_from(line.number).unwrap_or(u32::MAX);
    error.to_string()
}

/// What an action did.
pub(super) fn event_text(event: &v1::Event) -> String {
    match event.kind {
        Some(Kind::Moved(v1::Moved { x, y })) => format!("x {}, y {}", number(x), number(y)),
        Some(Kind::Turned(v1::Turned { heading_degrees })) => {
            format!("heading {}", number(heading_degrees))
        }
        Some(Kind::ModeSet(event)) => format!("mode {}", mode_text(event.mode())),
        Some(Kind::Started(event)) => format!("cleaning with {}", mode_text(event.mode())),
        Some(Kind::Stopped(v1::Stopped {})) => "not cleaning".to_owned(),
        None => "unknown to this client".to_owned(),
    }
}

fn mode_text(mode: v1::CleaningMode) -> String {
    let name = mode.as_str_name();
    name.trim_start_matches("CLEANING_MODE_").to_lowercase()
}

/// The shortest text of the same bits.
fn number(value: f64) -> String {
    robot::Finite::new(value).map_or_else(|| value.to_string(), |finite| finite.to_string())
}
