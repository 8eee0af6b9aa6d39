//! `watch`: the workers of a server as they work. Snapshots come from the feed, which reconnects, and go to the screen
//! or, without a terminal, to lines.

mod bar;
mod feed;
mod lines;
mod meter;
mod patience;
mod screen;
mod times;
mod view;

use std::io::IsTerminal;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Outcome;
use super::server::Remote;
use view::View;

pub(crate) use feed::WatchError;

/// Snapshots that wait to be shown: who is slow to show them holds the stream up.
const UPDATES_MAX: usize = 1;

const EXAMPLES: &str = "\
Examples:
  robot-client watch
  robot-client watch --server 10.0.0.7:50051 --interval 200ms
  robot-client watch --json --count 1 | jq .workers

Keys: q, Esc and Ctrl-C quit; the arrows, j and k scroll the workers";

/// Watch the workers of a server: rates, busy shares, the queue
///
/// Fills the terminal; without one on stdout, or with --json, it prints a line for each snapshot. If the server goes
/// away it says so and connects again.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, mut_arg("timeout", |timeout| timeout.help(
    "Give a try to connect up after so long, such as 500ms or 10s [default: the connection's own 10s]"
)))]
pub(super) struct Args {
    #[command(flatten)]
    server: Remote,

    /// Time from one snapshot to the next, 100ms to 60s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_interval)]
    interval: Interval,

    /// Print each snapshot as one line of JSON, a WatchWorkersResponse in the protobuf mapping
    #[arg(long)]
    json: bool,

    /// End after so many snapshots [default: never]
    #[arg(long, value_name = "SNAPSHOTS", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Try for so long to reach a server again that went away, such as 30s or 5m
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    reconnect_for: Duration,
}

/// What the contract allows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Interval {
    milliseconds: u32,
}

fn parse_interval(text: &str) -> Result<Interval, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match u32::try_from(interval.as_millis()) {
        Ok(milliseconds @ 100..=60_000) => Ok(Interval { milliseconds }),
        _ => Err("it must be from 100ms to 60s".to_owned()),
    }
}

/// Until the user, the reader of stdout or a signal ends it.
pub(super) async fn run(args: &Args) -> Outcome {
    let (sender, updates) = mpsc::channel(UPDATES_MAX);
    let feed = feed::run(args, sender);
    let full_screen = std::io::stdout().is_terminal() && !args.json;
    let show = async {
        match full_screen {
            true => screen::show(view(args), updates).await,
            false => lines::show(updates, args.json).await,
        }
    };
    tokio::pin!(show);
    tokio::select! {
        shown = &mut show => shown?,
        ended = feed => {
            ended?;
            // All snapshots that were asked for are here; the last ones may not be shown yet.
            show.await?;
        }
        stopped = stop_signal() => stopped?,
    }
    Ok(true)
}

fn view(args: &Args) -> View {
    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    View::new(args.server.address(), colours)
}

/// Somebody else asks for the end.
#[cfg(unix)]
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

/// Somebody else asks for the end.
#[cfg(not(unix))]
async fn stop_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_contract() {
        for (text, milliseconds) in [
            ("100ms", 100),
            ("1s", 1000),
            ("60s", 60_000),
            ("1m", 60_000),
        ] {
            assert_eq!(parse_interval(text), Ok(Interval { milliseconds }));
        }
        for wrong in ["99ms", "61s", "0s", "soon", "", "50days"] {
            assert!(parse_interval(wrong).is_err(), "{wrong}");
        }
    }
}
