//! The promise under fire. Each scenario starts a real server as a process of its own, holds a load on it, does
//! something bad, and checks from what the clients were told that nothing was lost, nothing answered twice and no bit
//! wrong; meanwhile a healthy client measures what the trouble costs the others. Prints one table.

mod admin;
mod calls;
mod cancel;
mod drain;
mod ends;
mod envoy;
mod fleet;
mod healthy;
mod history;
mod never_read;
mod poison;
mod poison_message;
mod process;
mod proxy;
mod raw;
mod replicas;
mod scale;
mod serve;
mod sessions;
mod site;
mod stage;
mod table;
mod through;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand, ValueEnum};

use fleet::Way;
use scale::{FULL, QUICK, Scale};
use serve::ServeArgs;
use table::Row;

/// What ends a server role whose drain was cut off, as robot-server has it.
const EXIT_CUT_OFF: u8 = 3;

const NO_ENVOY: &str =
    "no Envoy is given: --envoy PATH or ROBOT_ENVOY names one, and deploy/envoy/check installs it";

/// Breaks servers, connections and commands, and counts what is lost, answered twice or wrong: nothing.
#[derive(Debug, Parser)]
#[command(name = "robot-faults", version, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    role: Option<Role>,

    /// The short form, for CI: every question, smaller numbers, no verdict on times
    #[arg(long)]
    quick: bool,

    /// Only these scenarios
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,..")]
    only: Vec<Scenario>,

    /// The Envoy to put in front of replicas; without one its scenarios are left out
    #[arg(long, env = "ROBOT_ENVOY", value_name = "PATH", global = true)]
    envoy: Option<PathBuf>,

    /// Also write the figures as JSON
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The server under test.
    #[command(hide = true)]
    Serve(Box<ServeArgs>),
    /// Three replicas behind Envoy, until stdin is closed.
    #[command(hide = true)]
    Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Server killed, by -9 and SIGTERM in turn
    Kills,
    /// Connections reset
    Resets,
    /// Connections cut in the middle of a message
    Cuts,
    /// Connections slow for a while
    Delays,
    /// Connections silent for a while
    Stalls,
    /// Connections closed one way
    HalfOpen,
    /// Connections silent for ever; not part of the quick form unless named
    BlackHoles,
    /// SIGTERM in the middle of many streams
    Drains,
    /// Commands that panic; needs --features fault-injection
    PoisonCommands,
    /// Clients that send and never read
    NeverReaders,
    /// The same, with results as large as can be
    NeverReadersOfEvents,
    /// Calls cancelled with 40,000 commands under way
    Cancels,
    /// Calls whose deadline passes
    Deadlines,
    /// A message that breaks every connection
    PoisonMessage,
    /// Three replicas killed, drained and started in turn; clients spread by themselves
    Replicas,
    /// The same, drained with a delay, one after the other
    ReplicasRolling,
    /// Thirty streams on three replicas, one of which says NOT_SERVING
    ReplicasBalance,
    /// The same three through Envoy; need --envoy
    Envoy,
    EnvoyRolling,
    EnvoyBalance,
}

fn main() -> ExitCode {
    let Args {
        role,
        quick,
        only,
        envoy,
        json,
    } = Args::parse();
    let ran = match role {
        Some(Role::Serve(args)) => serve(*args),
        Some(Role::Stage) => stage(envoy.as_deref()),
        None => drive(quick, &only, envoy.as_deref(), json),
    };
    ran.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

#[tokio::main]
async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let summary = serve::serve(args).await?;
    Ok(match summary.cut_off {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_CUT_OFF),
    })
}

#[tokio::main]
async fn stage(envoy: Option<&Path>) -> anyhow::Result<ExitCode> {
    stage::stage(envoy.context(NO_ENVOY)?).await?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main]
async fn drive(
    quick: bool,
    only: &[Scenario],
    envoy: Option<&Path>,
    json: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let scale = if quick { QUICK } else { FULL };
    let chosen = chosen(quick, only, envoy)?;
    let mut rows = Vec::new();
    for scenario in chosen {
        let begun = Instant::now();
        let row = scenario.run(&scale, envoy).await;
        let seconds = begun.elapsed().as_secs_f64();
        let verdict = if row.is_good() { "kept" } else { "FAILED" };
        eprintln!("{scenario:?}: {verdict}, {seconds:.1} s");
        rows.push(row);
    }
    println!("{}", table::markdown(&rows).trim_end());
    if let Some(path) = json {
        let text = format!("{:#}\n", table::json(&rows));
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(match rows.iter().all(Row::is_good) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Fails before anything has run, rather than after it, if the build cannot run it all.
fn chosen(quick: bool, only: &[Scenario], envoy: Option<&Path>) -> anyhow::Result<Vec<Scenario>> {
    let mut chosen = only.to_vec();
    if only.is_empty() {
        chosen = Scenario::value_variants().to_vec();
        chosen.retain(|&scenario| !quick || scenario != Scenario::BlackHoles);
        if envoy.is_none() {
            chosen.retain(|scenario| !scenario.needs_envoy());
            eprintln!("left out: the scenarios with Envoy; {NO_ENVOY}");
        }
    }
    ensure!(
        envoy.is_some() || !chosen.iter().any(|scenario| scenario.needs_envoy()),
        NO_ENVOY
    );
    ensure!(
        cfg!(feature = "fault-injection") || !chosen.contains(&Scenario::PoisonCommands),
        "this build has no server that panics on demand: add --features fault-injection after -p robot-faults, or \
         choose other scenarios with --only"
    );
    Ok(chosen)
}

impl Scenario {
    fn needs_envoy(self) -> bool {
        matches!(self, Self::Envoy | Self::EnvoyRolling | Self::EnvoyBalance)
    }

    async fn run(self, scale: &Scale, envoy: Option<&Path>) -> Row {
        let failed = |problem: String| {
            let mut row = Row::new(format!("{self:?}"), "-");
            row.problem(problem);
            row
        };
        match tokio::time::timeout(scale.scenario_max, self.rows(scale, envoy)).await {
            Ok(Ok(row)) => row,
            Ok(Err(error)) => failed(format!("{error:#}")),
            Err(_elapsed) => failed(format!("not done after {:?}", scale.scenario_max)),
        }
    }

    async fn rows(self, scale: &Scale, envoy: Option<&Path>) -> anyhow::Result<Row> {
        let way = match (self.needs_envoy(), envoy) {
            (true, Some(envoy)) => Way::Envoy(envoy),
            _ => Way::Own,
        };
        match self {
            Self::Kills => through::kills(scale).await,
            Self::Resets => through::resets(scale).await,
            Self::Cuts => through::cuts(scale).await,
            Self::Delays => through::delays(scale).await,
            Self::Stalls => through::stalls(scale).await,
            Self::HalfOpen => through::half_open(scale).await,
            Self::BlackHoles => through::black_holes(scale).await,
            Self::Drains => drain::drains(scale).await,
            Self::PoisonCommands => poison::poison_commands(scale).await,
            Self::NeverReaders => never_read::never_readers(scale).await,
            Self::NeverReadersOfEvents => never_read::never_readers_of_events(scale).await,
            Self::Cancels => cancel::cancels(scale).await,
            Self::Deadlines => cancel::deadlines(scale).await,
            Self::PoisonMessage => poison_message::poison_message(scale).await,
            Self::Replicas | Self::Envoy => replicas::killed(scale, way).await,
            Self::ReplicasRolling | Self::EnvoyRolling => replicas::rolling(scale, way).await,
            Self::ReplicasBalance | Self::EnvoyBalance => replicas::balance(scale, way).await,
        }
    }
}
