//! The hidden role: this binary as the server under test, a process of its own that can be killed. It is what
//! `robot-server` is, and ends by itself when whoever started it is gone.

use std::io::Read;
use std::net::SocketAddr;

use anyhow::Context;
use robot_server::{Config, Shutdown, Summary, run};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How the server is started; the limits have the flags of `robot-server`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    #[arg(long)]
    listen: SocketAddr,

    #[command(flatten)]
    config: Config,
}

/// Serves until SIGTERM, then drains.
pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<Summary> {
    let ServeArgs { listen, config } = args;
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .with_writer(std::io::stderr)
        .init();
    let shutdown = Shutdown::default();
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch SIGTERM")?;
    let orphaned = shutdown.at_once.clone();
    // A thread of its own, since a runtime waits for its blocking reads when it ends. Nobody writes to stdin: reading
    // comes to its end when the driver's end of the pipe is closed.
    std::thread::spawn(move || {
        let _end = std::io::stdin().read(&mut [0]);
        orphaned.cancel();
    });
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let serving = run(listener, config, shutdown.clone());
    let drain_on_signal = async {
        terminate.recv().await;
        shutdown.drain.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        summary = serving => Ok(summary?),
        () = drain_on_signal => unreachable!("it never ends"),
    }
}
