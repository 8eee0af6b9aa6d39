//! Commands one a line, in and out: they are sent as they are read, and results are printed as they come.

use std::io::Write;

use prost::Message;
use robot::State;
use robot_api::v1::robot_result::Outcome as ResultOutcome;
use robot_api::{json, v1, wire};
use robot_client::{CommandSender, ResultReceiver, Session};

use crate::cli::input::{Line, Lines};
use crate::cli::{Outcome, RunError};

/// What a command costs in a message, beside its own bytes: its tag, and its length.
const TAG_AND_LENGTH_BYTES_MAX: usize = 6;
/// Commands of one message, if so many are there.
const MESSAGE_COMMANDS_MAX: usize = 64;

/// True if every command has a state.
pub(super) async fn run(
    lines: Lines,
    session: Session,
    limits: v1::Limits,
    state: Option<State>,
) -> Outcome {
    let (sender, receiver) = session.split();
    let (sent, printed) = tokio::join!(
        send_all(lines, sender, limits, state.map(wire::state_to)),
        print_all(receiver)
    );
    match (sent, printed) {
        // Why a session has ended early is known to the receiver only.
        (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
        (Ok(()), Ok(good)) => Ok(good),
    }
}

async fn send_all(
    mut lines: Lines,
    mut sender: CommandSender,
    limits: v1::Limits,
    state: Option<v1::RobotState>,
) -> Result<(), RunError> {
    let bytes_max = usize::try_from(limits.message_bytes_max).unwrap_or(usize::MAX);
    let commands_max = MESSAGE_COMMANDS_MAX.min(limits.commands_per_message_max as usize);
    let mut message = Vec::new();
    let mut bytes = 0;
    while let Some(line) = lines.next().await? {
        let mut next = Some(line);
        while let Some(line) = next {
            // What was read before a line that cannot be is sent all the same.
            let command = match command_of(&line, state) {
                Ok(command) => command,
                Err(error) => {
                    sender.send(message).await?;
                    return Err(error);
                }
            };
            if let Some(command) = command {
                let command_bytes = command.encoded_len() + TAG_AND_LENGTH_BYTES_MAX;
                if bytes + command_bytes > bytes_max || message.len() == commands_max {
                    sender.send(std::mem::take(&mut message)).await?;
                    bytes = 0;
                }
                bytes += command_bytes;
                message.push(command);
            }
            next = lines.next_ready().await?;
        }
        sender.send(std::mem::take(&mut message)).await?;
        bytes = 0;
    }
    Ok(())
}

/// None for a blank line.
fn command_of(
    line: &Line,
    state: Option<v1::RobotState>,
) -> Result<Option<v1::RobotCommand>, RunError> {
    if line.text.trim().is_empty() {
        return Ok(None);
    }
    let malformed = |source| RunError::Json {
        line: line.number,
        source,
    };
    let mut command: v1::RobotCommand = json::from_str(&line.text).map_err(malformed)?;
    if command.id == 0 && !has_id(&line.text) {
        command.id = line.number;
    }
    command.state = command.state.or(state);
    Ok(Some(command))
}

/// An id of 0 is an id; only the text tells it from none.
fn has_id(text: &str) -> bool {
    let object: Result<serde_json::Value, _> = serde_json::from_str(text);
    object.is_ok_and(|object| object.get("id").is_some())
}

async fn print_all(mut receiver: ResultReceiver) -> Outcome {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut good = true;
    while let Some(results) = receiver.next().await? {
        for result in &results {
            good &= matches!(result.outcome, Some(ResultOutcome::State(_)));
            writeln!(out, "{}", json::to_string(result))?;
        }
        out.flush()?;
    }
    Ok(good)
}
