//! `repl`: a prompt. Every line is a call of its own, from the state that is shown; the states are kept here, never on the
//! server.

mod reader;
mod states;
mod words;

use std::path::PathBuf;

use robot::State;
use robot_api::v1::command_error::Location;
use robot_api::v1::robot_result::Outcome as ResultOutcome;
use robot_api::{v1, wire};
use robot_client::Client;

use super::server::{Place, Server};
use super::show::event_text;
use super::state::{parse_state, state_text};
use super::words::write_out;
use super::{Outcome, RunError, check_semantics, within};
use reader::Reader;
use states::States;
use words::Order;

const EXAMPLES: &str = "\
Examples:
  robot-client repl
  robot-client repl --server 10.0.0.7:50051 --state 1,2,90,soap
  printf 'turn 90\\nmove 5\\n' | robot-client repl";

/// Talk to a robot, line by line
///
/// Each line is a program that runs from the state of the line before it. :help says what else there is. Without a
/// terminal on stdin it reads lines from there, and the exit code says whether all of them ran.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    server: Place,

    /// State to begin from: x,y,heading,mode [default: 0,0,0,water]
    #[arg(long, value_name = "STATE", value_parser = parse_state, allow_hyphen_values = true)]
    state: Option<State>,

    /// File for what was typed [default: robot-client/history in the user's folder for state]
    #[arg(long, env = "ROBOT_CLIENT_HISTORY", value_name = "FILE")]
    history: Option<PathBuf>,
}

/// True if every line ran.
pub(super) async fn run(args: &Args) -> Outcome {
    Server::with(&args.server, async |server| talk(server, args).await).await
}

async fn talk(server: &Server, args: &Args) -> Outcome {
    let client = server.connect().await?;
    check_semantics(&client.server_info().await?)?;
    let mut reader = Reader::open(args.history.clone()).await?;
    let mut states = States::new(args.state.unwrap_or_default());
    if reader.is_terminal() {
        say(&format!(
            "{}   (:help says what there is)",
            state_text(states.now())
        ))?;
    }
    // Of each line.
    let timeout = args.server.timeout();
    let mut good = true;
    while let Some(line) = reader.next().await? {
        match words::order(&line) {
            Ok(Order::Nothing) => {}
            Ok(Order::Quit) => break,
            Ok(Order::Help) => say(words::HELP)?,
            Ok(Order::Show) => say(&state_text(states.now()))?,
            Ok(Order::Set(state)) => say(&state_text(states.go(state)))?,
            Ok(Order::Undo) => match states.back() {
                Some(state) => say(&state_text(state))?,
                None => eprintln!("error: there is no state before this one"),
            },
            Ok(Order::Run) => match within(timeout, execute(&client, states.now(), &line)).await {
                Ok(Some(state)) => say(&state_text(states.go(state)))?,
                Ok(None) => good = false,
                // A server that comes back is there for the next line.
                Err(error) if reader.is_terminal() => eprintln!("error: {error}"),
                Err(error) => return Err(error),
            },
            Err(error) => {
                eprintln!("error: {error}");
                good = false;
            }
        }
    }
    reader.close();
    Ok(good || reader.is_terminal())
}

fn say(line: &str) -> std::io::Result<()> {
    write_out(&format!("{line}\n"))
}

/// The state after the line; none if it cannot be run, which is said already.
async fn execute(client: &Client, state: State, line: &str) -> Result<Option<State>, RunError> {
    let command = v1::RobotCommand {
        id: 1,
        state: Some(wire::state_to(state)),
        script: line.to_owned(),
        with_events: true,
        ..Default::default()
    };
    let results = client.execute(vec![command]).await?;
    let result = results.into_iter().next();
    let result = result.ok_or(RunError::NoOutcome { id: 1 })?;
    match result.outcome {
        Some(ResultOutcome::State(after)) => {
            for event in &result.events {
                say(&format!("  {}", event_text(event)))?;
            }
            let after = wire::state_from(&after);
            Ok(Some(
                after.map_err(|_rejection| RunError::NoOutcome { id: 1 })?,
            ))
        }
        Some(ResultOutcome::Error(error)) => {
            if let Some(Location::ScriptPosition(position)) = error.location {
                let before = position.column.saturating_sub(1) as usize;
                eprintln!("{line}\n{}^", " ".repeat(before));
            }
            eprintln!("error: {}", error.message);
            Ok(None)
        }
        None => Err(RunError::NoOutcome { id: 1 }),
    }
}
