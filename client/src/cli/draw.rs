//! `draw`: the way that a program takes a robot, as a picture. Nothing is sent: the pure library computes it here.

mod png;
mod svg;
mod terminal;

use std::io::IsTerminal;
use std::path::{Path as FilePath, PathBuf};

use robot::State;
use robot::script::statements;
use robot_api::{json, v1, wire};

use super::error::UsageError;
use super::input::{Line, Lines};
use super::path::Path;
use super::show::script_error;
use super::state::parse_state;
use super::words::write_out;
use super::{Outcome, RunError};

const EXAMPLES: &str = "\
Examples:
  robot-client draw examples/rosette.robot
  robot-client draw examples/sweep.robot -o sweep.svg
  echo 'start; move 5; turn 120; move 5' | robot-client draw - -o path.png";

/// Moves in a picture: each is held in memory.
const MOVES_MAX: usize = 1_000_000;
/// Actions of one command in JSON Lines.
const ACTIONS_MAX: usize = MOVES_MAX;

/// Draw the path of a program: in the terminal, or as SVG or PNG
///
/// Takes what `run` takes; from JSON Lines it draws the path of each command. Colours are the mode's, lines are thick
/// where the robot cleans.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Program or commands; - is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Picture to write, .svg or .png [default: draw in the terminal]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// State to begin from: x,y,heading,mode [default: 0,0,0,water]
    #[arg(long, value_name = "STATE", value_parser = parse_state, allow_hyphen_values = true)]
    state: Option<State>,

    /// Width in characters, or of a PNG in pixels [default: the terminal's, 80 without one; 800]
    #[arg(long, value_parser = clap::value_parser!(u16).range(20..=8192))]
    width: Option<u16>,
}

pub(super) async fn run(args: &Args) -> Outcome {
    let mut lines = Lines::open(&args.file).await?;
    let commands = lines.begin_with('{').await?;
    let state = args.state.unwrap_or_default();
    let paths = match commands {
        true => paths_of(&mut lines, args.state).await?,
        false => vec![path_of(&mut lines, state).await?],
    };
    show(&paths, args.output.as_deref(), args.width)?;
    Ok(true)
}

/// Draws to the terminal, or into a file by its ending.
pub(super) fn show(
    paths: &[Path],
    output: Option<&FilePath>,
    width: Option<u16>,
) -> Result<(), RunError> {
    let Some(output) = output else {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        return Ok(write_out(&terminal::render(paths, width, colours))?);
    };
    let picture = match output.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => svg::render(paths).into_bytes(),
        Some("png") => png::render(&svg::render(paths), width)?,
        _ => return Err(UsageError::PictureFormat(output.to_owned()).into()),
    };
    std::fs::write(output, picture).map_err(|source| RunError::Write {
        path: output.to_owned(),
        source,
    })
}

/// The path of a whole program.
pub(super) fn path_of_script(state: State, script: &str) -> Result<Path, RunError> {
    let mut path = Path::new(state);
    for statement in statements(script) {
        let (_, action) = statement.map_err(|error| RunError::Script(error.to_string()))?;
        let acted = path.act(action);
        acted.map_err(|rejection| RunError::Script(rejection.to_string()))?;
        check_moves(path.moves)?;
    }
    Ok(path)
}

async fn path_of(lines: &mut Lines, state: State) -> Result<Path, RunError> {
    let mut path = Path::new(state);
    while let Some(line) = lines.next().await? {
        for statement in statements(&line.text) {
            let (_, action) =
                statement.map_err(|error| RunError::Script(script_error(error, &line)))?;
            let acted = path.act(action);
            acted.map_err(|rejection| {
                RunError::Script(format!("line {}: {rejection}", line.number))
            })?;
            check_moves(path.moves)?;
        }
    }
    Ok(path)
}

async fn paths_of(lines: &mut Lines, state: Option<State>) -> Result<Vec<Path>, RunError> {
    let mut paths = Vec::new();
    let mut moves = 0;
    while let Some(line) = lines.next().await? {
        if !line.text.trim().is_empty() {
            let path = path_of_command(&line, state)?;
            moves += path.moves + 1;
            check_moves(moves)?;
            paths.push(path);
        }
    }
    Ok(paths)
}

fn path_of_command(line: &Line, state: Option<State>) -> Result<Path, RunError> {
    let number = line.number;
    let malformed = |source| RunError::Json {
        line: number,
        source,
    };
    let mut command: v1::RobotCommand = json::from_str(&line.text).map_err(malformed)?;
    command.state = command.state.or(state.map(wire::state_to));
    let rejected = |rejection| RunError::Script(format!("line {number}: {rejection}"));
    let command = wire::command_from(&command, ACTIONS_MAX).map_err(rejected)?;
    let mut path = Path::new(command.state);
    for &action in &command.actions {
        path.act(action).map_err(rejected)?;
    }
    Ok(path)
}

fn check_moves(moves: usize) -> Result<(), RunError> {
    match moves <= MOVES_MAX {
        true => Ok(()),
        false => Err(UsageError::TooManyMoves { max: MOVES_MAX }.into()),
    }
}
