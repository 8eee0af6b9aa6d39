//! The command line: the server's own settings, and one line on stdout that says where it listens. It ends on SIGTERM
//! or SIGINT.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use robot_server::{Beside, Config, Shutdown, run_with};

/// Serves grpc.testing.TestService through the robot server's transport, for gRPC's interop clients.
#[derive(Debug, Parser)]
#[command(name = "robot-interop-cases", version)]
struct Args {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { listen, config } = Args::parse();
    let shutdown = Shutdown::default();
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch SIGINT")?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    println!("{}", listener.local_addr()?);

    let beside = Beside {
        routes: robot_interop_cases::routes(config.message_bytes_max as usize),
        ..Beside::default()
    };
    let signals = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.drain.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = run_with(listener, config, beside, shutdown.clone()) => { served?; }
        () = signals => {}
    }
    Ok(())
}
