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
mod nats;
mod never_read;
mod poison;
mod poison_message;
mod ports;
mod process;
mod proxy;
mod raw;
mod replicas;
mod scale;
mod scenario;
mod serve;
mod server;
mod sessions;
mod site;
mod stage;
mod table;
mod through;
mod waits;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand, ValueEnum};

use robot_server::Summary;
use scale::{FULL, QUICK};
use scenario::{NO_ENVOY, NO_NATS, Scenario, Tools};
use serve::{LeashArgs, ServeArgs, WorkArgs};
use table::Row;

/// What ends a server role whose drain was cut off, as robot-server has it.
const EXIT_CUT_OFF: u8 = 3;

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

    #[command(flatten)]
    tools: Tools,

    /// Also write the figures as JSON
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The server under test.
    #[command(hide = true)]
    Serve(Box<ServeArgs>),
    /// One of its workers, behind a broker.
    #[command(hide = true)]
    Work(Box<WorkArgs>),
    /// Another program, which ends when the driver does.
    #[command(hide = true)]
    Leash(LeashArgs),
    /// Three replicas behind Envoy, until stdin is closed.
    #[command(hide = true)]
    Stage,
}

fn main() -> ExitCode {
    let Args {
        role,
        quick,
        only,
        tools,
        json,
    } = Args::parse();
    let ran = match role {
        Some(Role::Serve(args)) => live(serve::serve(*args)),
        Some(Role::Work(args)) => live(serve::work(*args)),
        Some(Role::Leash(args)) => serve::leash(&args).map(|never| match never {}),
        Some(Role::Stage) => stage(&tools),
        None => drive(quick, &only, &tools, json),
    };
    ran.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

#[tokio::main]
async fn live(role: impl Future<Output = anyhow::Result<Summary>>) -> anyhow::Result<ExitCode> {
    let summary = role.await?;
    Ok(match summary.cut_off {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_CUT_OFF),
    })
}

#[tokio::main]
async fn stage(tools: &Tools) -> anyhow::Result<ExitCode> {
    stage::stage(tools.envoy.as_deref().context(NO_ENVOY)?).await?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main]
async fn drive(
    quick: bool,
    only: &[Scenario],
    tools: &Tools,
    json: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let scale = if quick { QUICK } else { FULL };
    let mut chosen = chosen(quick, only, tools)?;
    if only.is_empty()
        && chosen.contains(&Scenario::NatsPartition)
        && let Err(error) = nats::partition_is_possible().await
    {
        eprintln!("left out: nats-partition; {error:#}");
        chosen.retain(|&scenario| scenario != Scenario::NatsPartition);
    }
    let mut rows = Vec::new();
    for scenario in chosen {
        let begun = Instant::now();
        let row = scenario.run(&scale, tools).await;
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
fn chosen(quick: bool, only: &[Scenario], tools: &Tools) -> anyhow::Result<Vec<Scenario>> {
    let lacks_envoy = |scenario: Scenario| scenario.needs_envoy() && tools.envoy.is_none();
    let lacks_nats = |scenario: Scenario| scenario.needs_nats() && tools.nats.is_none();
    let mut chosen = only.to_vec();
    if only.is_empty() {
        chosen = Scenario::value_variants().to_vec();
        chosen.retain(|&scenario| !quick || !scenario.is_long());
        if tools.envoy.is_none() {
            eprintln!("left out: the scenarios with Envoy; {NO_ENVOY}");
        }
        if tools.nats.is_none() {
            eprintln!("left out: the scenarios with a broker; {NO_NATS}");
        }
        chosen.retain(|&scenario| !lacks_envoy(scenario) && !lacks_nats(scenario));
    }
    ensure!(
        !chosen.iter().any(|&scenario| lacks_envoy(scenario)),
        NO_ENVOY
    );
    ensure!(
        !chosen.iter().any(|&scenario| lacks_nats(scenario)),
        NO_NATS
    );
    ensure!(
        cfg!(feature = "fault-injection")
            || !chosen.iter().any(|scenario| scenario.needs_injection()),
        "this build has no server that fails on demand: add --features fault-injection after -p robot-faults, or \
         choose other scenarios with --only"
    );
    Ok(chosen)
}
