//! A text program of any length: it is read in parts, and each part is a command from the state that the one before it
//! led to.

use std::io::Write;

use robot::script::statements;
use robot::{Action, Command, State};
use robot_api::v1::robot_result::Outcome as ResultOutcome;
use robot_api::{v1, wire};
use robot_client::{ClientError, CommandSender, ResultReceiver, Session};

use crate::cli::input::{Line, Lines};
use crate::cli::recording::Tape;
use crate::cli::show::{error_text, event_text, script_error};
use crate::cli::state::state_text;
use crate::cli::{Outcome, RunError};

/// Actions of one part; no more than the server allows in a command.
const PART_ACTIONS_MAX: usize = 1000;

/// True if all of it ran.
pub(super) async fn run(
    mut lines: Lines,
    session: Session,
    limits: v1::Limits,
    state: State,
    quiet: bool,
    tape: &Tape,
) -> Outcome {
    let (mut sender, mut receiver) = session.split();
    let actions_max = PART_ACTIONS_MAX.min(limits.actions_per_command_max as usize);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut command = Command {
        state,
        actions: Vec::new(),
        with_events: !quiet,
    };
    let mut id = 0;
    while let Some(part) = next_part(&mut lines, actions_max).await? {
        // A line may hold any number of statements.
        for actions in part.actions.chunks(actions_max) {
            id += 1;
            command.actions = actions.to_vec();
            let command_sent = wire::command_to(id, &command);
            tape.commands(std::slice::from_ref(&command_sent))?;
            let result = execute(command_sent, &mut sender, &mut receiver).await?;
            tape.results(std::slice::from_ref(&result))?;
            let after = match result.outcome {
                Some(ResultOutcome::State(after)) => after,
                Some(ResultOutcome::Error(error)) => {
                    out.flush()?;
                    eprintln!(
                        "error: lines {} to {}: {}",
                        part.first,
                        part.last,
                        error_text(&error)
                    );
                    return Ok(false);
                }
                None => return Err(RunError::NoOutcome { id }),
            };
            for (action, event) in actions.iter().zip(&result.events) {
                writeln!(out, "{:<24} {}", action.to_string(), event_text(event))?;
            }
            out.flush()?;
            command.state =
                wire::state_from(&after).map_err(|_rejection| RunError::NoOutcome { id })?;
        }
        if let Some(error) = part.error {
            eprintln!("error: {error}");
            return Ok(false);
        }
    }
    writeln!(out, "{:<24} {}", "state", state_text(command.state))?;
    out.flush()?;
    Ok(true)
}

/// Some lines, as actions.
struct Part {
    actions: Vec<Action>,
    first: u64,
    last: u64,
    /// What is wrong with the statement after the last action.
    error: Option<String>,
}

/// As many lines as are there and make a part; none at the end of the program.
async fn next_part(lines: &mut Lines, actions_max: usize) -> Result<Option<Part>, RunError> {
    let Some(line) = lines.next().await? else {
        return Ok(None);
    };
    let mut part = Part {
        actions: Vec::new(),
        first: line.number,
        last: line.number,
        error: None,
    };
    let mut next = Some(line);
    while let Some(line) = next {
        part.take(&line);
        let full = part.error.is_some() || part.actions.len() >= actions_max;
        next = match full {
            true => None,
            false => lines.next_ready().await?,
        };
    }
    Ok(Some(part))
}

impl Part {
    fn take(&mut self, line: &Line) {
        self.last = line.number;
        for statement in statements(&line.text) {
            match statement {
                Ok((_, action)) => self.actions.push(action),
                Err(error) => self.error = Some(script_error(error, line)),
            }
        }
    }
}

async fn execute(
    command: v1::RobotCommand,
    sender: &mut CommandSender,
    receiver: &mut ResultReceiver,
) -> Result<v1::RobotResult, RunError> {
    // An error of the sender says only that the receiver knows one.
    let sent = sender.send(vec![command]).await;
    while let Some(results) = receiver.next().await? {
        if let Some(result) = results.into_iter().next() {
            return Ok(result);
        }
    }
    sent?;
    Err(ClientError::Closed.into())
}
