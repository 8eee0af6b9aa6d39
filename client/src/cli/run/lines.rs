//! Commands one a line, in and out: they are sent as they are read, and results are printed as they come.

use std::io::Write;

use robot::State;
use robot_api::v1::robot_result::Outcome as ResultOutcome;
use robot_api::{json, v1, wire};
use robot_client::{CommandSender, ResultReceiver, Session};

use crate::cli::input::{Line, Lines};
use crate::cli::message::Message;
use crate::cli::recording::Tape;
use crate::cli::{Outcome, RunError};

/// True if every command has a state.
pub(super) async fn run(
    lines: Lines,
    session: Session,
    limits: v1::Limits,
    state: Option<State>,
    tape: &Tape,
) -> Outcome {
    let (sender, receiver) = session.split();
    let (sent, printed) = tokio::join!(
        send_all(lines, sender, limits, state.map(wire::state_to), tape),
        print_all(receiver, tape)
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
    tape: &Tape,
) -> Result<(), RunError> {
    let mut message = Message::new(limits);
    while let Some(line) = lines.next().await? {
        let mut next = Some(line);
        while let Some(line) = next {
            // What was read before a line that cannot be is sent all the same.
            let command = match command_of(&line, state) {
                Ok(command) => command,
                Err(error) => {
                    send(&mut sender, message.take(), tape).await?;
                    return Err(error);
                }
            };
            if let Some(before) = command.and_then(|command| message.push(command)) {
                send(&mut sender, before, tape).await?;
            }
            next = lines.next_ready().await?;
        }
        send(&mut sender, message.take(), tape).await?;
    }
    Ok(())
}

/// What was refused is not recorded, and no result can come in between.
async fn send(
    sender: &mut CommandSender,
    commands: Vec<v1::RobotCommand>,
    tape: &Tape,
) -> Result<(), RunError> {
    let kept = tape.is_recording().then(|| commands.clone());
    sender.send(commands).await?;
    Ok(tape.commands(&kept.unwrap_or_default())?)
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

async fn print_all(mut receiver: ResultReceiver, tape: &Tape) -> Outcome {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut good = true;
    while let Some(results) = receiver.next().await? {
        tape.results(&results)?;
        for result in &results {
            good &= matches!(result.outcome, Some(ResultOutcome::State(_)));
            writeln!(out, "{}", json::to_string(result))?;
        }
        out.flush()?;
    }
    Ok(good)
}
