//! The server's command line: parse, validate, run, print one error.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use robot_server::{
    Beside, Config, NatsWorkerConfig, Shutdown, StartError, Summary, log_panics,
    parse_admin_address, run_with, run_worker,
};

/// A setting was wrong.
const EXIT_USAGE: u8 = 2;
/// Calls were cut off before all that was accepted had been answered.
const EXIT_CUT_OFF: u8 = 3;
/// The broker's client says at each try what we say once.
const LOG_DEFAULT: &str = "info,async_nats=warn";

/// Runs robot commands for anyone who sends them over gRPC, and keeps nothing.
#[derive(Debug, Parser)]
#[command(name = "robot-server", version, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    role: Option<Role>,

    /// Address to listen on
    #[arg(
        long,
        env = "ROBOT_SERVER_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:50051"
    )]
    listen: SocketAddr,

    /// Address for metrics and health over HTTP: PORT, for this machine only, or HOST:PORT; whoever reaches it is let in
    #[arg(long, env = "ROBOT_SERVER_ADMIN", value_name = "ADDRESS")]
    #[arg(value_parser = parse_admin_address)]
    admin: Option<SocketAddr>,

    /// How log lines are written to stderr; RUST_LOG says which
    #[arg(long, env = "ROBOT_SERVER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Runs jobs of gateways, which come from the broker, and serves nobody
    Worker(Box<WorkerArgs>),
}

#[derive(Debug, clap::Args)]
struct WorkerArgs {
    /// Address for metrics and health over HTTP: PORT, for this machine only, or HOST:PORT; whoever reaches it is let in
    #[arg(long, env = "ROBOT_SERVER_ADMIN", value_name = "ADDRESS")]
    #[arg(value_parser = parse_admin_address)]
    admin: Option<SocketAddr>,

    /// How log lines are written to stderr; RUST_LOG says which
    #[arg(long, env = "ROBOT_SERVER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    #[command(flatten)]
    config: NatsWorkerConfig,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => return usage_error(&first_paragraph(&error)),
        Err(help) => help.exit(),
    };
    if let Some(Role::Worker(args)) = args.role {
        if args.config.nats.queue.is_none() {
            return usage_error("error: a worker needs --queue, or ROBOT_SERVER_QUEUE");
        }
        return exit_code(work(*args));
    }
    let settings = args.config.validate();
    if let Err(error) = settings.and_then(|()| args.config.validate_for(args.listen)) {
        return usage_error(&format!("error: {error}"));
    }
    exit_code(serve(args))
}

fn exit_code(ended: anyhow::Result<Summary>) -> ExitCode {
    match ended {
        Ok(Summary { cut_off: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(EXIT_CUT_OFF),
        Err(error) => match error.downcast_ref() {
            Some(error @ (StartError::Access(_) | StartError::Nats(_))) => {
                usage_error(&format!("error: {error}"))
            }
            _ => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn usage_error(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::from(EXIT_USAGE)
}

/// What is wrong and what is allowed, as one line, without the usage and the hints that follow it.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let paragraph: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}

#[tokio::main]
async fn serve(args: Args) -> anyhow::Result<Summary> {
    start_log(args.log_format);
    log_panics();
    let shutdown = Shutdown::default();
    // Before anything is served, so that no signal finds the default handler.
    let signals = end_on_signals(shutdown.clone())?;
    let listener = listen(args.listen).await?;
    let admin = match args.admin {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let beside = Beside {
        admin,
        ..Beside::default()
    };
    let summary = run_with(listener, args.config, beside, shutdown).await?;
    signals.abort();
    Ok(summary)
}

#[tokio::main]
async fn work(args: WorkerArgs) -> anyhow::Result<Summary> {
    start_log(args.log_format);
    log_panics();
    let shutdown = Shutdown::default();
    let signals = end_on_signals(shutdown.clone())?;
    let admin = match args.admin {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let summary = run_worker(args.config, admin, shutdown).await?;
    signals.abort();
    Ok(summary)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}"))
}

fn start_log(format: LogFormat) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(LOG_DEFAULT));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        // Whoever read the log may be gone. To say so on stderr, where it is gone from, would be a panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
}

/// The first SIGTERM or SIGINT drains, the second ends at once.
fn end_on_signals(shutdown: Shutdown) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch SIGINT")?;
    Ok(tokio::spawn(async move {
        for (step, token) in [
            ("draining", &shutdown.drain),
            ("ending at once", &shutdown.at_once),
        ] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!(step, "signal");
            token.cancel();
        }
    }))
}
