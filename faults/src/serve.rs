//! The hidden roles: this binary as a process that can be killed. As the server under test, or a worker of it behind a
//! broker, it is what `robot-server` is, and ends by itself when whoever started it is gone. On a leash it becomes another
//! program, with the same end.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::future::Future;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use robot_server::{
    Beside, Config, NatsWorkerConfig, Shutdown, StartError, Summary, run_with, run_worker,
};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How the server is started; the limits have the flags of `robot-server`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    #[arg(long)]
    listen: SocketAddr,

    #[arg(long)]
    admin: Option<SocketAddr>,

    #[command(flatten)]
    config: Config,
}

/// How a worker is started, with the flags of `robot-server worker`.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkArgs {
    #[arg(long)]
    admin: Option<SocketAddr>,

    #[command(flatten)]
    config: NatsWorkerConfig,
}

/// What is put on a leash.
#[derive(Debug, clap::Args)]
pub(crate) struct LeashArgs {
    /// The network namespace to go to.
    #[arg(long)]
    network: Option<PathBuf>,

    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Serves until SIGTERM, then drains.
pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<Summary> {
    let ServeArgs {
        listen: address,
        admin,
        config,
    } = args;
    start_log();
    let listener = listen(address).await?;
    let beside = Beside {
        admin: listen_if_any(admin).await?,
        ..Beside::default()
    };
    until_told(|shutdown| run_with(listener, config, beside, shutdown)).await
}

/// Works until SIGTERM, then does what it has.
pub(crate) async fn work(args: WorkArgs) -> anyhow::Result<Summary> {
    let WorkArgs { admin, config } = args;
    start_log();
    let admin = listen_if_any(admin).await?;
    until_told(|shutdown| run_worker(config, admin, shutdown)).await
}

/// Becomes that program, which the system kills when the driver goes, whatever ends the driver.
pub(crate) fn leash(args: &LeashArgs) -> anyhow::Result<Infallible> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("cannot be put on a leash")?;
    if let Some(network) = &args.network {
        let network = File::open(network).context("the network namespace is gone")?;
        crate::nats::enter(&network)?;
    }
    let (program, arguments) = args.command.split_first().context("nothing to run")?;
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}

fn start_log() {
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .with_writer(std::io::stderr)
        .init();
}

/// Runs to the end that SIGTERM or the driver's end brings.
async fn until_told<R>(run: impl FnOnce(Shutdown) -> R) -> anyhow::Result<Summary>
where
    R: Future<Output = Result<Summary, StartError>>,
{
    let shutdown = Shutdown::default();
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch SIGTERM")?;
    let orphaned = shutdown.at_once.clone();
    // A thread of its own, since a runtime waits for its blocking reads when it ends. Nobody writes to stdin: reading
    // comes to its end when the driver's end of the pipe is closed.
    std::thread::spawn(move || {
        let _end = std::io::stdin().read(&mut [0]);
        orphaned.cancel();
    });
    let running = run(shutdown.clone());
    let drain_on_signal = async {
        terminate.recv().await;
        shutdown.drain.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        summary = running => Ok(summary?),
        () = drain_on_signal => unreachable!("it never ends"),
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}"))
}

async fn listen_if_any(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    match address {
        Some(address) => Ok(Some(listen(address).await?)),
        None => Ok(None),
    }
}
