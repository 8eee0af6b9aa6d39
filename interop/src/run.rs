//! Runs peers: builds each, starts a server for it, lets it play the scenarios, once over plaintext and once over TLS with
//! a token, and prints one table of what came of it. It knows nothing of what is in a scenario.

mod access;
mod peer;
mod process;
mod report;
mod server;
mod table;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::vectors::{self, Scenario};
use access::{ACCESSES, Access, Files};
use peer::{Built, Peer};
use report::Report;
use server::Server;
use table::Column;

/// What to run, and where it is.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Only these peers [default: every folder of interop/ that has `build` and `run`]
    #[arg(value_name = "PEER")]
    peers: Vec<String>,

    /// A peer or a scenario that is skipped is an error
    #[arg(long)]
    require_all: bool,

    /// The server [default: robot-server beside this program]
    #[arg(long, value_name = "FILE")]
    server_binary: Option<PathBuf>,

    /// Where the peers are
    #[arg(long, value_name = "FOLDER", default_value = env!("CARGO_MANIFEST_DIR"))]
    folder: PathBuf,

    /// Where the vectors are; the peers are not told
    #[arg(long, value_name = "FOLDER", default_value = vectors::FOLDER)]
    vectors: PathBuf,

    /// Where to leave what builds, peers and servers print
    #[arg(long, value_name = "FOLDER", default_value = LOGS)]
    logs: PathBuf,

    /// How long one build may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    build_seconds_max: u64,

    /// How long one peer may play
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    play_seconds_max: u64,
}

const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/interop/logs");

/// Runs them and prints the table; whether nothing failed.
pub(crate) async fn run(args: RunArgs) -> anyhow::Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Whatever runs is killed when its future is dropped.
    tokio::select! {
        ran = run_all(&args) => ran,
        _ = terminate.recv() => bail!("terminated"),
        _ = interrupt.recv() => bail!("interrupted"),
    }
}

async fn run_all(args: &RunArgs) -> anyhow::Result<bool> {
    let runner = Runner {
        args,
        server_binary: server_binary(args)?,
        scenarios: vectors::scenarios(&args.vectors)?,
        files: Files::new()?,
    };
    let mut columns = Vec::new();
    for peer in Peer::find(&args.folder, &args.peers, &args.logs)? {
        let begun = Instant::now();
        let column = runner.column(&peer).await?;
        let seconds = begun.elapsed().as_secs();
        eprintln!("{}: {}, {seconds} s", column.peer, column.told());
        columns.push(column);
    }
    print!("{}", table::markdown(&runner.scenarios, &columns));
    let good = |column: &Column| column.is_good(args.require_all);
    Ok(columns.iter().all(good))
}

fn server_binary(args: &RunArgs) -> anyhow::Result<PathBuf> {
    let path = match &args.server_binary {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("robot-server"),
    };
    // Found now, since a peer's build may replace this program.
    path.canonicalize()
        .with_context(|| format!("there is no server at {}", path.display()))
}

/// What is the same for all peers.
struct Runner<'a> {
    args: &'a RunArgs,
    server_binary: PathBuf,
    scenarios: Vec<Scenario>,
    files: Files,
}

impl Runner<'_> {
    async fn column(&self, peer: &Peer) -> anyhow::Result<Column> {
        let mut column = Column::new(&peer.name);
        let build_max = Duration::from_secs(self.args.build_seconds_max);
        match peer.build(build_max).await? {
            Built::Ready => {}
            Built::Skipped(why) => {
                column.skipped = Some(why);
                return Ok(column);
            }
            Built::Failed(problem) => {
                column.reports = ACCESSES.map(|_| self.failed(&problem)).into();
                return Ok(column);
            }
        }
        column.version = peer.version().await?;
        for access in ACCESSES {
            let report = self.play(peer, access).await;
            // What is wrong with one run is no reason to leave out the other peers.
            let report = report.unwrap_or_else(|error| self.failed(&format!("{error:#}")));
            column.reports.push(report);
        }
        Ok(column)
    }

    /// On a server of its own, so that none pays for what another has done.
    async fn play(&self, peer: &Peer, access: Access) -> anyhow::Result<Report> {
        let pid_file = self.files.path("pid");
        let name = format!("{}-{access}.server.log", peer.name);
        let log = self.args.logs.join(name);
        let flags = self.files.server_flags(access);
        let server = Server::start(&self.server_binary, flags, &pid_file, &log).await?;
        let mut told = self.files.peer_flags(access, server.port());
        told.extend(["--pid-file".into(), pid_file.into()]);
        let play_max = Duration::from_secs(self.args.play_seconds_max);
        let played = peer.play(access, &told, play_max).await?;
        let restarts = server.stop().await?;
        Ok(Report::new(&self.scenarios, &played, restarts))
    }

    fn failed(&self, problem: &str) -> Report {
        Report::failed(&self.scenarios, problem)
    }
}
