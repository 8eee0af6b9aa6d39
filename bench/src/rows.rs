//! What is measured: each row is a load, and the figures that are read off it.

use crate::load::{Flood, Kind, Measured};
use crate::program::Program;

/// Commands that may be unanswered on one stream, unless messages are so large that eight of them are more.
const WINDOW: u64 = 1024;
const WINDOW_MESSAGES_MIN: u64 = 8;
const SAMPLE_EVERY: u64 = 997;
const STREAMS: [usize; 3] = [1, 4, 16];
const BATCHES: [usize; 5] = [1, 16, 64, 256, 1024];
/// A message of so many of these is just below the default limit of 1 MiB, and within that of 4096 commands.
const LARGEST: Program = Program::Turns(16);
const LARGEST_BATCH: usize = 4096;

/// One load, and what is read off it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Its first word can be given to `--rows`.
    pub(crate) name: String,
    pub(crate) work: Work,
    pub(crate) figures: &'static [Figure],
    /// The interval is so many times the usual one.
    pub(crate) stretch: u32,
}

/// What a row does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Work {
    /// A load on a server in another process.
    Load { kind: Kind, base: Base },
    /// The pool by itself, with one worker and with two, on programs of so many turns.
    Pool { turns: usize },
}

/// What ours is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Base {
    Nothing,
    Echo,
    /// Ours itself; what is measured as ours then is one whose metrics are on, and are asked for every second.
    WithoutMetrics,
}

/// A number that is read off a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Figure {
    /// Commands a second.
    Rate,
    /// Microseconds.
    P50,
    P99,
    /// Millions of actions a second while a worker runs a job of one command of so many actions.
    InWorker(usize),
    /// Of the server, an open stream.
    KibEach(usize),
    /// Of one core, by the server.
    CpuPercent,
    /// The most memory that the server took.
    RssMib,
}

impl Row {
    /// A load of streams on any server, wherever it runs, of which all is seen from the client.
    pub(crate) fn is_streams(&self) -> bool {
        let Work::Load { kind, base } = self.work else {
            return false;
        };
        let seen = |figure: &Figure| matches!(figure, Figure::Rate | Figure::P50 | Figure::P99);
        base == Base::Echo && matches!(kind, Kind::Streams(_)) && self.figures.iter().all(seen)
    }
}

impl Figure {
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Figure::Rate => "k commands/s",
            Figure::P50 => "us, p50",
            Figure::P99 => "us, p99",
            Figure::InWorker(_) => "M actions/s in the worker",
            Figure::KibEach(_) => "KiB a stream",
            Figure::CpuPercent => "% of a core",
            Figure::RssMib => "MiB resident, at most",
        }
    }

    pub(crate) fn of(self, measured: &Measured) -> f64 {
        let server = measured.server;
        match self {
            Figure::Rate => measured.commands as f64 / measured.seconds / 1e3,
            Figure::P50 => measured.p50_us,
            Figure::P99 => measured.p99_us,
            Figure::InWorker(actions) => {
                let actions = measured.job_commands * actions as u64;
                actions as f64 * 1e3 / measured.run_nanos as f64
            }
            Figure::KibEach(streams) => {
                let grown = server.rss_bytes_max - server.rss_bytes_before;
                grown as f64 / 1024.0 / streams as f64
            }
            Figure::CpuPercent => server.cpu_seconds / measured.seconds * 100.0,
            Figure::RssMib => server.rss_bytes_max as f64 / (1 << 20) as f64,
        }
    }

    /// It is of our server only; an echo has no workers.
    pub(crate) fn is_ours_alone(self) -> bool {
        matches!(self, Figure::InWorker(_))
    }
}

/// All rows, in the order of the table.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    for streams in STREAMS {
        for batch in BATCHES {
            let flood = flood(streams, batch, Program::TurnAndMove);
            rows.push(Row {
                name: name_of(streams, batch),
                ..row(Kind::Streams(flood), &[Figure::Rate])
            });
        }
    }
    rows.extend(latencies());
    rows.extend(programs());
    rows.extend(memory());
    rows.extend(metrics());
    rows.push(Row {
        name: "pool: programs of 10,000 turns; 1 worker in place of A, and 2".to_owned(),
        work: Work::Pool { turns: 10_000 },
        figures: &[Figure::Rate],
        stretch: 1,
    });
    rows
}

/// The row that others are compared with as well.
pub(crate) fn name_of(streams: usize, batch: usize) -> String {
    let plural = |count, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let (streams, batch) = (plural(streams, "stream"), plural(batch, "command"));
    format!("throughput: {streams}, {batch} a message")
}

fn latencies() -> Vec<Row> {
    let one = |batch| Flood {
        window: batch as u64,
        ..flood(1, batch, Program::TurnAndMove)
    };
    vec![
        Row {
            name: "ping-pong: one command at a time".to_owned(),
            ..row(Kind::Streams(one(1)), &[Figure::P50, Figure::P99])
        },
        Row {
            name: "ping-pong: one message of 64 commands at a time".to_owned(),
            ..row(Kind::Streams(one(64)), &[Figure::P50, Figure::P99])
        },
        Row {
            name: "chain: 1000 commands, each from the last one's state".to_owned(),
            ..row(Kind::Chain { commands: 1000 }, &[Figure::P50])
        },
        Row {
            name: "light: one command a millisecond beside 4 flooding streams".to_owned(),
            stretch: 3,
            ..row(
                Kind::Light(flood(4, 1, Program::TurnAndMove)),
                &[Figure::P50, Figure::P99],
            )
        },
        calls(1),
        calls(64),
    ]
}

fn calls(batch: usize) -> Row {
    let commands = if batch == 1 { "command" } else { "commands" };
    let kind = Kind::Calls {
        in_flight: 32,
        batch,
    };
    Row {
        name: format!("unary: Execute with {batch} {commands}, 32 calls in flight"),
        ..row(kind, &[Figure::Rate, Figure::P99])
    }
}

fn programs() -> Vec<Row> {
    let long = |turns, figures| {
        let flood = Flood {
            window: 1,
            sample_every: 1,
            ..flood(1, 1, Program::Turns(turns))
        };
        Row {
            name: format!("long: one command of {turns} turns at a time"),
            ..row(Kind::Streams(flood), figures)
        }
    };
    let with_events = flood(1, 16, Program::WithEvents);
    let rejected = flood(1, 1, Program::Rejected);
    vec![
        long(1000, &[Figure::InWorker(1000), Figure::P50]),
        long(10_000, &[Figure::InWorker(10_000), Figure::P50]),
        Row {
            name: "events: 1 stream, 16 commands a message, with events".to_owned(),
            work: Work::Load {
                kind: Kind::Streams(with_events),
                base: Base::Nothing,
            },
            ..row(Kind::Streams(with_events), &[Figure::Rate])
        },
        Row {
            name: "errors: 1 stream, 1 command a message, each rejected".to_owned(),
            work: Work::Load {
                kind: Kind::Streams(rejected),
                base: Base::Nothing,
            },
            ..row(Kind::Streams(rejected), &[Figure::Rate])
        },
    ]
}

fn metrics() -> Vec<Row> {
    let of = |what: &str, kind, figures| Row {
        name: format!("metrics: off in place of A, and on; {what}"),
        work: Work::Load {
            kind,
            base: Base::WithoutMetrics,
        },
        ..row(kind, figures)
    };
    let streams = |streams| Kind::Streams(flood(streams, 1, Program::TurnAndMove));
    let calls = Kind::Calls {
        in_flight: 32,
        batch: 1,
    };
    vec![
        of("1 stream, 1 command a message", streams(1), &[Figure::Rate]),
        of(
            "4 streams, 1 command a message",
            streams(4),
            &[Figure::Rate],
        ),
        of(
            "Execute with 1 command, 32 in flight",
            calls,
            &[Figure::Rate],
        ),
    ]
}

fn memory() -> Vec<Row> {
    let largest = Flood {
        window: 2 * LARGEST_BATCH as u64,
        ..flood(100, LARGEST_BATCH, LARGEST)
    };
    let idle = |streams, connections, figures| Row {
        name: format!("idle: {streams} open streams on {connections} connections"),
        ..row(
            Kind::Idle {
                streams,
                connections,
            },
            figures,
        )
    };
    vec![
        idle(1000, 10, &[Figure::KibEach(1000), Figure::CpuPercent]),
        idle(10_000, 100, &[Figure::KibEach(10_000), Figure::CpuPercent]),
        idle(1000, 1000, &[Figure::KibEach(1000)]),
        Row {
            name: "memory: 100 streams of the largest messages".to_owned(),
            ..row(Kind::Streams(largest), &[Figure::RssMib, Figure::Rate])
        },
    ]
}

fn row(kind: Kind, figures: &'static [Figure]) -> Row {
    Row {
        name: String::new(),
        work: Work::Load {
            kind,
            base: Base::Echo,
        },
        figures,
        stretch: 1,
    }
}

fn flood(streams: usize, batch: usize, program: Program) -> Flood {
    Flood {
        streams,
        share_connection: false,
        batch,
        window: WINDOW.max(WINDOW_MESSAGES_MIN * batch as u64),
        program,
        sample_every: SAMPLE_EVERY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Stamp, command};

    #[test]
    fn the_largest_message_is_just_within_the_servers_limits() {
        let config = robot_server::Config::default();
        assert_eq!(LARGEST_BATCH, config.commands_per_message_max as usize);
        let bytes = |program| Stamp::new(&command(program), LARGEST_BATCH).len();
        let max = config.message_bytes_max as usize;
        assert!(bytes(LARGEST) <= max);
        assert!(bytes(Program::Turns(17)) > max);
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut names: Vec<_> = all().into_iter().map(|row| row.name).collect();
        let rows = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), rows);
    }
}
