//! The Rust peer: plays the scenarios against a server with `robot-client`, as each peer does with the client of its
//! language, and says what came of each. It knows nothing of how servers are started.

mod calls;
mod sessions;
mod tally;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::Args;

use crate::vectors::{self, Call, Scenario, Vectors};
use tally::Tally;
use target::Target;

const SCENARIO_MAX: Duration = Duration::from_secs(20);

/// What every peer is told.
#[derive(Debug, Args)]
pub(crate) struct PeerArgs {
    /// Where the server is
    #[arg(long, value_name = "HOST:PORT")]
    server: String,

    /// Speak TLS, and know the server by a certificate that this CA has signed, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// The token to show, in one line
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Who the server is, to kill it: it has to come back by itself
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,

    /// Only these scenarios
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    only: Vec<String>,

    /// Where the vectors are
    #[arg(long, value_name = "FOLDER", default_value = vectors::FOLDER)]
    vectors: PathBuf,
}

/// Plays all scenarios; whether none failed.
pub(crate) async fn run(args: PeerArgs) -> anyhow::Result<bool> {
    let vectors = Vectors::load(&args.vectors)?;
    let target = Target::new(&args)?;
    let known = |name: &&String| vectors.scenarios.iter().any(|it| it.name == **name);
    if let Some(unknown) = args.only.iter().find(|name| !known(name)) {
        bail!("there is no scenario {unknown}");
    }
    let [mut passed, mut failed, mut skipped] = [0; 3];
    for scenario in &vectors.scenarios {
        let name = &scenario.name;
        if !args.only.is_empty() && !args.only.contains(name) {
            continue;
        }
        if scenario.call == Call::Restart && !target.can_kill() {
            println!("skipped {name}: no --pid-file");
            skipped += 1;
            continue;
        }
        let played = play(scenario, &vectors, &target);
        match tokio::time::timeout(SCENARIO_MAX, played).await {
            Ok(Ok(remarks)) => {
                println!("ok {name}");
                for remark in remarks {
                    println!("  {remark}");
                }
                passed += 1;
            }
            Ok(Err(error)) => {
                println!("FAILED {name}: {error:#}");
                failed += 1;
            }
            Err(_elapsed) => {
                println!("FAILED {name}: timed out");
                failed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    Ok(failed == 0)
}

/// What there is to say of a scenario that was as it should be.
async fn play(
    scenario: &Scenario,
    vectors: &Vectors,
    target: &Target,
) -> anyhow::Result<Vec<String>> {
    let expected = vectors.commands(scenario);
    let mut tally = Tally::new(expected);
    let mut remarks = Vec::new();
    // A session sends no metadata, and knows no two commands of one id.
    let for_a_session = scenario.metadata.is_empty() && scenario.times == 1;
    match scenario.call {
        Call::Chain => sessions::chain(expected, &mut tally, target).await?,
        Call::Stream if for_a_session => {
            let resumed = sessions::run(scenario, expected, &mut tally, target).await?;
            ensure!(resumed.reconnects == 0, "the stream broke");
        }
        Call::Stream | Call::Deadline => {
            calls::stream(scenario, expected, &mut tally, target).await?;
        }
        Call::Restart => {
            let resumed = sessions::run(scenario, expected, &mut tally, target).await?;
            ensure!(resumed.resent_commands > 0, "nothing had to be sent again");
            remarks.push(format!(
                "{}: {} commands sent again, {} streams opened anew",
                scenario.name, resumed.resent_commands, resumed.reconnects
            ));
        }
        Call::Cancel => calls::cancel(scenario, expected, &mut tally, target).await?,
        Call::Unary => calls::unary(scenario, expected, target).await?,
        Call::Info => calls::info(target).await?,
        Call::Watch => calls::watch(target).await?,
    }
    if scenario.commands == "turns" && tally.all_answered() {
        remarks.push(format!("{} on workers {}", scenario.name, tally.spread()));
    }
    Ok(remarks)
}
