//! Commands from a file, to be sent over and over: a text program, or JSON Lines of commands. It is held in memory.

use std::path::Path;
use std::sync::Arc;

use robot::{Command, State, script};
use robot_api::{json, v1, wire};

use crate::cli::error::UsageError;

const FILE_BYTES_MAX: u64 = 64 << 20;
/// The server's own limit is for it to enforce.
const ACTIONS_MAX: usize = 1_000_000;

/// At least one command. Events are not asked for.
pub(super) fn read(path: &Path) -> Result<Arc<[Command]>, UsageError> {
    let unreadable = |error| UsageError::Unreadable {
        flag: "--workload",
        path: path.to_owned(),
        error,
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        let error = format!("it has {bytes} bytes; at most {FILE_BYTES_MAX} are allowed");
        return Err(unreadable(std::io::Error::other(error)));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    commands(&text).map_err(|reason| UsageError::Workload {
        path: path.to_owned(),
        reason,
    })
}

fn commands(text: &str) -> Result<Arc<[Command]>, String> {
    if !text.trim_start().starts_with('{') {
        let actions = script::parse(text, ACTIONS_MAX).map_err(|error| error.to_string())?;
        return Ok(Arc::new([Command {
            state: State::default(),
            actions,
            with_events: false,
        }]));
    }
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| command(line).map_err(|error| format!("line {}: {error}", index + 1)))
        .collect()
}

fn command(line: &str) -> Result<Command, String> {
    let message: v1::RobotCommand = json::from_str(line).map_err(|error| error.to_string())?;
    let command = wire::command_from(&message, ACTIONS_MAX).map_err(|error| error.to_string())?;
    Ok(Command {
        with_events: false,
        ..command
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_program_or_commands() {
        assert_eq!(commands("turn 90; move 5").unwrap()[0].actions.len(), 2);
        let lines = "{\"state\": {\"x\": 1}, \"script\": \"move 1\"}\n\n{\"state\": {}}\n";
        let read = commands(lines).unwrap();
        let lengths: Vec<_> = read.iter().map(|command| command.actions.len()).collect();
        assert_eq!(lengths, [1, 0]);
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        let error = commands("{\"state\": {}}\n{\"speed\": 1}").unwrap_err();
        assert!(error.starts_with("line 2: "), "{error}");
        assert!(commands("fly 3").is_err());
    }
}
