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

/// True if all of it ran. An interrupt ends it after the part that is under way.
pub(super) async fn run(
    mut lines: Lines,
    session: Session,
    limits: v1::Limits,
    state: State,
    quiet: bool,
    tape: &Tape,
) -> Outcome {
    let (sender, receiver) = session.split();
    let mut program = Program {
        sender,
        receiver,
        parts: 0,
        actions_max: PART_ACTIONS_MAX.min(limits.actions_per_command_max as usize),
        state,
        quiet,
        out: std::io::BufWriter::new(std::io::stdout()),
        tape,
    };
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let part = tokio::select! {
            part = next_part(&mut lines, program.actions_max) => part?,
            signal = &mut interrupted => {
                signal?;
                None
            }
        };
        match part {
            None => break,
            Some(part) if !program.run(&part).await? => return Ok(false),
            Some(_) => {}
        }
    }
    let text = state_text(program.state);
    writeln!(program.out, "{:<24} {text}", "state")?;
    program.out.flush()?;
    Ok(true)
}

/// A program that is under way.
struct Program<'a> {
    sender: CommandSender,
    receiver: ResultReceiver,
    /// Commands so far.
    parts: u64,
    /// Of one command.
    actions_max: usize,
    state: State,
    quiet: bool,
    out: std::io::BufWriter<std::io::Stdout>,
    tape: &'a Tape,
}

impl Program<'_> {
    /// False if it failed, which is said already.
    async fn run(&mut self, part: &Part) -> Outcome {
        // A line may hold any number of statements.
        for actions in part.actions.chunks(self.actions_max) {
            let result = self.execute(actions).await?;
            let after = match result.outcome {
                Some(ResultOutcome::State(after)) => after,
                Some(ResultOutcome::Error(error)) => {
                    let (first, last) = (part.first, part.last);
                    eprintln!("error: lines {first} to {last}: {}", error_text(&error));
                    return Ok(false);
                }
                None => return Err(RunError::NoOutcome { id: self.parts }),
            };
            for (action, event) in actions.iter().zip(&result.events) {
                writeln!(self.out, "{:<24} {}", action.to_string(), event_text(event))?;
            }
            self.out.flush()?;
            let after = wire::state_from(&after);
            self.state = after.map_err(|_rejection| RunError::NoOutcome { id: self.parts })?;
        }
        if let Some(error) = &part.error {
            eprintln!("error: {error}");
        }
        Ok(part.error.is_none())
    }

    async fn execute(&mut self, actions: &[Action]) -> Result<v1::RobotResult, RunError> {
        self.parts += 1;
        let command = Command {
            state: self.state,
            actions: actions.to_vec(),
            with_events: !self.quiet,
        };
        let command = wire::command_to(self.parts, &command);
        self.tape.commands(std::slice::from_ref(&command))?;
        // An error of the sender says only that the receiver knows one.
        let sent = self.sender.send(vec![command]).await;
        while let Some(results) = self.receiver.next().await? {
            self.tape.results(&results)?;
            if let Some(result) = results.into_iter().next() {
                return Ok(result);
            }
        }
        sent?;
        Err(ClientError::Closed.into())
    }
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
