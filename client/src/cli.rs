//! The command line, from arguments to an exit code: one module a subcommand, and what they share. Everything here is
//! the binary's own.

mod bench;
mod credentials;
mod docs;
mod draw;
mod error;
mod health;
mod info;
mod input;
mod message;
mod path;
mod plan;
mod record;
mod recording;
mod repl;
mod replay;
mod run;
mod server;
mod show;
mod state;
mod traced;
mod watch;
mod words;

use std::ffi::OsString;
use std::time::Duration;

use clap::{Parser, Subcommand};
use robot_api::v1;

pub(crate) use error::RunError;

use docs::Shell;
use recording::Tape;

/// What runs when no subcommand is named.
const BARE: &str = "bench";

/// Runs robot commands on a server, checks what comes back, and shows it.
///
/// Without a subcommand it is `bench`: a thousand turns, checked bit for bit, and the report.
#[derive(Debug, Parser)]
#[command(name = "robot-client", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Collector of OpenTelemetry that gets a span of the run, by OTLP over gRPC, such as http://127.0.0.1:4317
    #[arg(
        long,
        global = true,
        env = "ROBOT_CLIENT_OTLP_ENDPOINT",
        value_name = "URL"
    )]
    #[arg(value_parser = robot_otlp::parse_endpoint)]
    otlp_endpoint: Option<http::Uri>,

    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 ok; 1 a command failed, or a check; 2 wrong usage; 64 + N the call ended with \
    the gRPC status N, 78 if nobody answers";

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Args),
    Run(run::Args),
    Record(record::Args),
    Replay(replay::Args),
    Draw(draw::Args),
    Plan(plan::Args),
    Repl(repl::Args),
    Info(info::Args),
    Health(health::Args),
    Watch(watch::Args),
    /// Print completions for a shell
    Completions {
        /// Which
        shell: Shell,
    },
    /// Print the manual page, in troff: robot-client man bench | man -l -
    Man {
        /// Of which; the program's own if it is left out
        subcommand: Option<String>,
    },
}

/// Whether all that was asked for went well; what did not is printed already.
pub(crate) type Outcome = Result<bool, RunError>;

impl Cli {
    /// Parses the program's arguments. Without a subcommand in front they are those of `bench`.
    pub(crate) fn parse_from_args(
        args: impl Iterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        Self::try_parse_from(with_subcommand(args))
    }

    pub(crate) async fn run(self) -> Outcome {
        let Self {
            otlp_endpoint,
            command,
        } = self;
        match otlp_endpoint {
            None => command.run().await,
            Some(endpoint) => {
                let name = command.name();
                // Boxed: it is large, and is wrapped once more.
                traced::traced(&endpoint, name, Box::pin(command.run())).await
            }
        }
    }
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Bench(_) => "bench",
            Self::Run(_) => "run",
            Self::Record(_) => "record",
            Self::Replay(_) => "replay",
            Self::Draw(_) => "draw",
            Self::Plan(_) => "plan",
            Self::Repl(_) => "repl",
            Self::Info(_) => "info",
            Self::Health(_) => "health",
            Self::Watch(_) => "watch",
            Self::Completions { .. } => "completions",
            Self::Man { .. } => "man",
        }
    }

    async fn run(self) -> Outcome {
        match self {
            Self::Bench(args) => {
                let plan = bench::Plan::new(args)?;
                within(plan.server.timeout(), bench::run(&plan)).await
            }
            Self::Run(args) => {
                let tape = Tape::default();
                within(args.server.timeout(), run::run(&args, &tape)).await
            }
            Self::Record(args) => within(args.run.server.timeout(), record::run(&args)).await,
            Self::Replay(args) => within(args.server.timeout(), replay::run(&args)).await,
            Self::Draw(args) => draw::run(&args).await,
            Self::Plan(args) => within(args.server.timeout(), plan::run(&args)).await,
            Self::Repl(args) => repl::run(&args).await,
            Self::Info(args) => within(args.server.timeout(), info::run(&args)).await,
            Self::Health(args) => within(args.server.timeout(), health::run(&args)).await,
            Self::Watch(args) => watch::run(&args).await,
            Self::Completions { shell } => docs::completions::<Cli>(shell),
            Self::Man { subcommand } => docs::man::<Cli>(subcommand.as_deref()),
        }
    }
}

/// Ends what takes longer than the user wants to wait.
async fn within<T>(
    timeout: Option<Duration>,
    run: impl Future<Output = Result<T, RunError>>,
) -> Result<T, RunError> {
    match timeout {
        None => run.await,
        Some(timeout) => tokio::time::timeout(timeout, run)
            .await
            .unwrap_or(Err(RunError::TimedOut { timeout })),
    }
}

/// Whether results may be compared with what this client computes.
fn check_semantics(info: &v1::GetServerInfoResponse) -> Result<(), RunError> {
    let (server, client) = (info.semantics_version, robot::SEMANTICS_VERSION);
    match server == client {
        true => Ok(()),
        false => Err(RunError::OtherSemantics { server, client }),
    }
}

fn with_subcommand(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.collect();
    let own = ["-h", "--help", "-V", "--version"];
    let named = args.get(1).is_some_and(|first| {
        let first = first.to_string_lossy();
        !first.starts_with('-') || own.contains(&&*first)
    });
    if !named {
        args.insert(args.len().min(1), BARE.into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn bare_arguments_are_those_of_bench() {
        let check = |args: &[&str], expected: &[&str]| {
            let args = args.iter().map(OsString::from);
            assert_eq!(with_subcommand(args), expected, "{expected:?}");
        };
        check(&["robot-client"], &["robot-client", "bench"]);
        check(
            &["robot-client", "--turns", "5"],
            &["robot-client", "bench", "--turns", "5"],
        );
        check(&["robot-client", "info"], &["robot-client", "info"]);
        check(&["robot-client", "--help"], &["robot-client", "--help"]);
        check(&["robot-client", "-V"], &["robot-client", "-V"]);
    }
}
