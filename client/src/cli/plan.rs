//! `plan`: one state, many futures. A template with parameters becomes as many commands as there are combinations, which
//! run as one batch.

mod futures;
mod table;
mod template;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use robot::State;
use robot_client::SessionConfig;

use super::path::Path;
use super::server::{Place, Server};
use super::state::parse_state;
use super::words::write_out;
use super::{Outcome, RunError, check_semantics, draw};
use futures::Future;
use table::Column;
use template::Template;

/// Commands that may be unanswered.
const WINDOW_COMMANDS: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  robot-client plan --sweep 'turn {-90..90/15}; move 100'
  robot-client plan --sweep 'turn {0..350/10}; move {1,2,3}' --sort y --top 5
  robot-client plan --state 1,2,90,soap --sweep 'set {water,soap}; move {0..1/0.25}' --json
  robot-client plan --sweep 'start; move 3; turn {-60..60/4}; move 9' -o fan.svg";

/// Plan: one state, many futures
///
/// Each {from..to/step} or {a,b,c} in the template is a parameter; every combination of their values is one command from
/// the same state. The table has a line for each.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) server: Place,

    /// Program with parameters, such as 'turn {-90..90/1}; move 100'
    #[arg(long, value_name = "TEMPLATE", value_parser = Template::parse, allow_hyphen_values = true)]
    sweep: Template,

    /// State to begin from: x,y,heading,mode [default: 0,0,0,water]
    #[arg(long, value_name = "STATE", value_parser = parse_state, allow_hyphen_values = true)]
    state: Option<State>,

    /// Column to sort by: a parameter's number from 1, x, y, heading or distance [default: as they were planned]
    #[arg(long, value_name = "COLUMN", value_parser = Column::parse)]
    sort: Option<Column>,

    /// Largest first
    #[arg(long, requires = "sort")]
    reverse: bool,

    /// Futures to show, after sorting [default: all]
    #[arg(long, value_name = "COUNT")]
    top: Option<usize>,

    /// Print a line of JSON for each future: its parameters, its script and the RobotResult
    #[arg(long)]
    json: bool,

    /// Draw the paths in the terminal instead of the table
    #[arg(long, conflicts_with = "json")]
    draw: bool,

    /// Picture of the paths to write, .svg or .png
    #[arg(long, short, value_name = "FILE", conflicts_with = "draw")]
    output: Option<PathBuf>,
}

/// True if every future has a state.
pub(super) async fn run(args: &Args) -> Outcome {
    let mut futures =
        Server::with(&args.server, async |server| futures_on(server, args).await).await?;
    let good = futures.iter().all(|future| future.state().is_some());
    if let Some(column) = args.sort {
        table::sort(&mut futures, start(args), column, args.reverse);
    }
    futures.truncate(args.top.unwrap_or(usize::MAX));
    show(args, &futures)?;
    Ok(good)
}

async fn futures_on(server: &Server, args: &Args) -> Result<Vec<Future>, RunError> {
    let client = server.connect().await?;
    let info = client.server_info().await?;
    check_semantics(&info)?;
    let window = NonZeroUsize::new(WINDOW_COMMANDS).expect("it is not 0");
    let session = client.session(SessionConfig::new(window)).await?;
    let limits = info.limits.unwrap_or_default();
    futures::run(session, limits, start(args), &args.sweep).await
}

fn start(args: &Args) -> State {
    args.state.unwrap_or_default()
}

fn show(args: &Args, futures: &[Future]) -> Result<(), RunError> {
    if args.draw || args.output.is_some() {
        let paths: Result<Vec<Path>, RunError> = futures
            .iter()
            .map(|future| draw::path_of_script(start(args), &future.script))
            .collect();
        draw::show(&paths?, args.output.as_deref(), None)?;
    }
    let text = match args.json {
        true => futures.iter().map(table::json_line).collect(),
        false if args.draw => return Ok(()),
        false => table::render(start(args), &args.sweep, futures),
    };
    Ok(write_out(&text)?)
}
