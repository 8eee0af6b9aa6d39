//! `run`: executes a program, or commands one a line, and prints what came of it.

mod lines;
mod script;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use robot::State;
use robot_client::{Client, SessionConfig};

use super::input::Lines;
use super::recording::Tape;
use super::server::{Place, Server};
use super::state::parse_state;
use super::{Outcome, check_semantics};

const EXAMPLES: &str = "\
Examples:
  robot-client run examples/square.robot
  echo 'turn 90; move 5' | robot-client run -
  robot-client run --state 1,2,90,soap program.robot
  echo '{\"id\": 1, \"state\": {}, \"script\": \"turn 90; move 5\"}' | robot-client run - --server 10.0.0.7:50051";

/// Run a program, or JSON Lines of commands, from a file or stdin (-)
///
/// A text program is run as it is read, each part from the state that the part before it led to; the transcript and
/// the final state are printed. If the first character is `{`, each line is a RobotCommand in the protobuf JSON
/// mapping: they are sent as they are read, and each result is printed as one line, a RobotResult, as it comes. A
/// command without an id gets the number of its line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Program or commands; - is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    pub(super) server: Place,

    /// State to begin from: x,y,heading,mode [default: 0,0,0,water]
    #[arg(long, value_name = "STATE", value_parser = parse_state, allow_hyphen_values = true)]
    state: Option<State>,

    /// Print the final state of a program only
    #[arg(long, short)]
    quiet: bool,

    /// Commands that may be unanswered (JSON Lines)
    #[arg(long, value_name = "COMMANDS", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    window: u32,
}

/// What is sent and what comes is put on the tape.
pub(super) async fn run(args: &Args, tape: &Tape) -> Outcome {
    let mut lines = Lines::open(&args.file).await?;
    let commands = lines.begin_with('{').await?;
    Server::with(&args.server, async |server| {
        run_against(server, args, lines, commands, tape).await
    })
    .await
}

async fn run_against(
    server: &Server,
    args: &Args,
    lines: Lines,
    commands: bool,
    tape: &Tape,
) -> Outcome {
    let client = server.connect().await?;
    let info = client.server_info().await?;
    check_semantics(&info)?;
    tape.begin(server.address(), &info)?;
    let limits = info.limits.unwrap_or_default();
    if commands {
        let session = session(&client, args.window).await?;
        return lines::run(lines, session, limits, args.state, tape).await;
    }
    let session = session(&client, 1).await?;
    let state = args.state.unwrap_or_default();
    script::run(lines, session, limits, state, args.quiet, tape).await
}

async fn session(client: &Client, window: u32) -> Result<robot_client::Session, super::RunError> {
    let window = NonZeroUsize::new(window as usize).expect("the flag's range begins at 1");
    Ok(client.session(SessionConfig::new(window)).await?)
}
