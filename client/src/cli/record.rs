//! `record`: what `run` does, with every command and result written down.

use std::path::PathBuf;
use std::time::Duration;

use super::Outcome;
use super::recording::{Recorder, Tape};
use super::run;

const EXAMPLES: &str = "\
Examples:
  robot-client record commands.jsonl -o run.rec
  robot-client record examples/sweep.robot -o sweep.rec --quiet
  robot-client record - -o run.jsonl --force <commands.jsonl";

/// Run a program or commands, and record every command and result
///
/// Takes and prints what `run` does. The recording is length-delimited protobuf, or JSON Lines if its name ends in .jsonl;
/// `replay` reads both. A crash leaves all whole records readable.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[group(skip)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) run: run::Args,

    /// Recording to write, .rec or .jsonl
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Replace a recording that is there
    #[arg(long)]
    force: bool,

    /// Time after which what was written is on the disk at the latest, while more is written
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    sync: Duration,
}

pub(super) async fn run(args: &Args) -> Outcome {
    let tape = Tape::new(Recorder::create(&args.output, args.force, args.sync)?);
    let ran = run::run(&args.run, &tape).await;
    let finished = tape.finish();
    let good = ran?;
    finished?;
    Ok(good)
}
