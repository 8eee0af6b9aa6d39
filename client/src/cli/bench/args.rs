//! The flags, each an environment variable too, and the plan that they make once they fit together.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::time::Duration;

use clap::builder::BoolishValueParser;

use super::file;
use super::threshold::Threshold;
use super::workload::{Content, Kind, Mode, Workload};
use crate::cli::error::UsageError;
use crate::cli::server::Place;

/// More than a stream sends in any run that time ends; a heading of as many degrees is still exact.
const IDS_OF_STREAM_MAX: u64 = 1 << 40;

/// Turn robots on the spot, check every result bit for bit, and report how fast that went and which workers did it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  robot-client\n  robot-client bench --turns 1000000 --batch 64 --server 10.0.0.7:50051\n  robot-client bench --mode chained --json\n  robot-client bench --streams 16 --connections 4 --duration 30s --warmup 2s\n  robot-client bench --streams 4 --rate 20000 --duration 10s --fail-if 'p99>5ms' --fail-if 'late>0'\n  robot-client bench --workload random --seed 7 --turns 100000 --csv"
)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    server: Place,

    /// How the turns become commands
    #[arg(long, env = "ROBOT_CLIENT_MODE", value_enum, default_value_t = Mode::Pipelined)]
    mode: Mode,

    /// Turns in all, shared out evenly among the streams
    #[arg(
        long,
        env = "ROBOT_CLIENT_TURNS",
        value_name = "TURNS",
        default_value_t = 1000,
        conflicts_with = "duration"
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    turns: u64,

    /// Send for so long, such as 30s, in place of a number of turns
    #[arg(long, env = "ROBOT_CLIENT_DURATION", value_name = "TIME")]
    #[arg(value_parser = humantime::parse_duration)]
    duration: Option<Duration>,

    /// Send for so long before the duration begins; results are checked, and not counted
    #[arg(
        long,
        env = "ROBOT_CLIENT_WARMUP",
        value_name = "TIME",
        requires = "duration"
    )]
    #[arg(value_parser = humantime::parse_duration)]
    warmup: Option<Duration>,

    /// Commands a second over all streams, sent when they are due whether or not others are answered (pipelined):
    /// times count from then [default: as fast as the window allows]
    #[arg(long, env = "ROBOT_CLIENT_RATE", value_name = "COMMANDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: Option<u32>,

    /// Streams at the same time
    #[arg(
        long,
        env = "ROBOT_CLIENT_STREAMS",
        value_name = "COUNT",
        default_value_t = 1
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=4096))]
    streams: u32,

    /// Connections that the streams are spread over, at most as many as they
    #[arg(
        long,
        env = "ROBOT_CLIENT_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 1
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    connections: u32,

    /// What the commands do (pipelined): turns, random (programs of mixed actions), or what is in a file, a text
    /// program or JSON Lines of commands, over and over
    #[arg(long, env = "ROBOT_CLIENT_WORKLOAD", value_name = "turns|random|FILE")]
    #[arg(default_value = "turns", value_parser = |text: &str| Ok::<_, Infallible>(Kind::from(text)))]
    workload: Kind,

    /// Which random programs; the same number gives the same ones (random)
    #[arg(
        long,
        env = "ROBOT_CLIENT_SEED",
        value_name = "NUMBER",
        default_value_t = 1
    )]
    seed: u64,

    /// Exit with 1 if this holds afterwards, such as 'p99>5ms'; may be given several times. p50, p90, p99, p999 and
    /// max are times of the round trip, rate is commands a second, failed and late are commands
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<Threshold>,

    /// Commands of a stream that may be unanswered (pipelined)
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

    /// Print a line of names and a line of numbers instead of the report
    #[arg(long, env = "ROBOT_CLIENT_CSV", value_parser = BoolishValueParser::new(), conflicts_with = "json")]
    csv: bool,
}

/// What a run does.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Plan {
    pub(in crate::cli) server: Place,
    pub(crate) workload: Workload,
    /// The workload has no end then: time ends it.
    pub(crate) duration: Option<Duration>,
    pub(crate) warmup: Duration,
    /// Commands a second, over all streams. `None`: a closed loop.
    pub(crate) rate: Option<u32>,
    pub(crate) streams: u32,
    /// At most as many as streams.
    pub(crate) connections: u32,
    pub(crate) fail_if: Vec<Threshold>,
    /// Commands of a stream that may be unanswered.
    pub(crate) window: NonZeroUsize,
    /// Commands in one message; at most the window.
    pub(crate) batch: usize,
    pub(crate) json: bool,
    pub(crate) csv: bool,
}

impl Plan {
    /// Checks what no single flag can.
    pub(in crate::cli) fn new(args: Args) -> Result<Self, UsageError> {
        let Args {
            server,
            mode,
            turns,
            duration,
            warmup,
            rate,
            streams,
            connections,
            workload,
            seed,
            fail_if,
            window,
            batch,
            json,
            csv,
        } = args;
        server.check()?;
        if batch > window {
            return Err(UsageError::BatchLargerThanWindow { batch, window });
        }
        if connections > streams {
            return Err(UsageError::MoreConnectionsThanStreams {
                connections,
                streams,
            });
        }
        let pipelined_only = rate.is_some() || workload != Kind::Turns;
        if mode != Mode::Pipelined && pipelined_only {
            return Err(UsageError::PipelinedOnly);
        }
        if mode == Mode::Program && (streams > 1 || duration.is_some()) {
            return Err(UsageError::OneProgram);
        }
        let content = match workload {
            Kind::Turns => Content::Turns,
            Kind::Random => Content::Random { seed },
            Kind::File(path) => Content::File(file::read(&path)?),
        };
        Ok(Self {
            server,
            workload: Workload {
                mode,
                turns: duration.map_or(turns, |_| u64::MAX),
                content,
            },
            duration,
            warmup: warmup.unwrap_or_default(),
            rate,
            streams,
            connections,
            fail_if,
            window: NonZeroUsize::new(window as usize).expect("the flag's range begins at 1"),
            batch: batch as usize,
            json,
            csv,
        })
    }

    /// Ids of the commands of that stream, which is one of 0 to `streams`: no two streams have one in common.
    pub(crate) fn ids(&self, stream: u32) -> Range<u64> {
        let (stream, streams) = (u64::from(stream), u64::from(self.streams));
        let first_of = |stream| match self.duration {
            Some(_) => stream * IDS_OF_STREAM_MAX + 1,
            None => self.workload.commands() * stream / streams + 1,
        };
        first_of(stream)..first_of(stream + 1)
    }
}

#[cfg(test)]
pub(super) mod tests;
