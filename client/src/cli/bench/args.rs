//! The flags, each an environment variable too, and the plan that they make once they fit together.

use std::num::NonZeroUsize;

use clap::builder::BoolishValueParser;

use super::workload::{Mode, Workload};
use crate::cli::error::UsageError;
use crate::cli::server::Place;

/// Turn robots on the spot, check every result bit for bit, and report how fast that went and which workers did it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  robot-client\n  robot-client bench --turns 1000000 --batch 64 --server 10.0.0.7:50051\n  robot-client bench --mode chained --json"
)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    server: Place,

    /// How the turns become commands
    #[arg(long, env = "ROBOT_CLIENT_MODE", value_enum, default_value_t = Mode::Pipelined)]
    mode: Mode,

    /// Turns in all
    #[arg(
        long,
        env = "ROBOT_CLIENT_TURNS",
        value_name = "TURNS",
        default_value_t = 1000
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    turns: u64,

    /// Commands that may be unanswered (pipelined)
    #[arg(
        long,
        env = "ROBOT_CLIENT_WINDOW",
        value_name = "COMMANDS",
        default_value_t = 1000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    window: u32,

    /// Commands in one message, at most the window (pipelined)
    #[arg(
        long,
        env = "ROBOT_CLIENT_BATCH",
        value_name = "COMMANDS",
        default_value_t = 1
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,

    /// Print one JSON object instead of the report
    #[arg(long, env = "ROBOT_CLIENT_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

/// What a run does.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Plan {
    pub(in crate::cli) server: Place,
    pub(crate) workload: Workload,
    /// Commands that may be unanswered.
    pub(crate) window: NonZeroUsize,
    /// Commands in one message; at most the window.
    pub(crate) batch: usize,
    pub(crate) json: bool,
}

impl Plan {
    /// Checks what no single flag can.
    pub(in crate::cli) fn new(args: Args) -> Result<Self, UsageError> {
        let Args {
            server,
            mode,
            turns,
            window,
            batch,
            json,
        } = args;
        server.check()?;
        if batch > window {
            return Err(UsageError::BatchLargerThanWindow { batch, window });
        }
        Ok(Self {
            server,
            workload: Workload { mode, turns },
            window: NonZeroUsize::new(window as usize).expect("the flag's range begins at 1"),
            batch: batch as usize,
            json,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        args: Args,
    }

    /// What those flags ask for.
    pub(in crate::cli::bench) fn plan(flags: &[&str]) -> Result<Plan, String> {
        let flags = [&["robot-client"], flags].concat();
        let flags = Flags::try_parse_from(flags).map_err(|error| error.to_string())?;
        Plan::new(flags.args).map_err(|error| error.to_string())
    }

    #[test]
    fn needs_no_flags() {
        let plan = plan(&[]).unwrap();
        assert_eq!(plan.workload.mode, Mode::Pipelined);
        assert_eq!(plan.workload.turns, 1000);
        assert_eq!((plan.window.get(), plan.batch), (1000, 1));
        assert!(!plan.json);
    }

    #[test]
    fn refuses_what_does_not_fit_together() {
        let check = |flags: &[&str], expected: &str| {
            let error = plan(flags).unwrap_err();
            assert!(error.contains(expected), "{flags:?}: {error}");
        };
        check(&["--turns", "0"], "1..=100000000");
        check(&["--turns", "100000001"], "1..=100000000");
        check(&["--window", "0"], "1..=1000000");
        check(&["--mode", "sideways"], "pipelined, chained, program");
        check(&["--workers", "1025"], "1..=1024");
        check(&["--workers", "2", "--server", "x:1"], "--server");
        check(&["--ca", "ca.pem"], "--server");
        check(&["--server", "x:1", "--cert", "cert.pem"], "--key");
        check(&["--token-file", "token"], "--server");
        check(
            &["--batch", "65", "--window", "64"],
            "--window, which is 64",
        );
        assert_eq!(
            plan(&["--batch", "64", "--window", "64"]).unwrap().batch,
            64
        );
    }
}
