//! The load generator, a process of its own: what is asked of it, and how a load is spread over threads. Each thread has
//! a runtime of its own and its share of the connections, so that nothing is handed between them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use robot_api::v1;
use serde::{Deserialize, Serialize};

use crate::meter::{self, Meter};
use crate::program::{self, Program};
use crate::{calls, chain, idle, streams};

/// Threads that a load is spread over.
const THREADS_MAX: usize = 2;

/// One measurement.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) server_pid: u32,
    /// The server answers each command with its own state.
    pub(crate) echo: bool,
    pub(crate) kind: Kind,
    pub(crate) warm_up: Duration,
    pub(crate) measure: Duration,
}

/// What is done to the server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Streams on connections of their own, each kept full.
    Streams(Flood),
    /// The same beside a client that sends one command a millisecond and waits for its answer: that one is timed.
    Light(Flood),
    /// One command at a time, each from the state that the one before it came to.
    Chain { commands: u64 },
    /// One-shot calls on one connection.
    Calls { in_flight: usize, batch: usize },
    /// Streams that are open and silent.
    Idle { streams: usize, connections: usize },
}

/// Streams that are kept full.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flood {
    pub(crate) streams: usize,
    /// All streams share one connection, in place of one each.
    pub(crate) share_connection: bool,
    /// Commands in a message.
    pub(crate) batch: usize,
    /// Commands that may be unanswered on one stream.
    pub(crate) window: u64,
    pub(crate) program: Program,
    /// Of so many results one is decoded and compared.
    pub(crate) sample_every: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    /// Commands answered in that time.
    pub(crate) commands: u64,
    /// Results that were decoded and compared.
    pub(crate) compared: u64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Nanoseconds and commands of the jobs of the results that were compared.
    pub(crate) run_nanos: u64,
    pub(crate) job_commands: u64,
    pub(crate) server: meter::Used,
    pub(crate) client: meter::Used,
}

/// When counting begins and ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interval {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
}

/// What one thread counted.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) commands: u64,
    pub(crate) compared: u64,
    pub(crate) run_nanos: u64,
    pub(crate) job_commands: u64,
    pub(crate) times: Histogram<u64>,
}

impl Load {
    /// What an answer to such a command must be.
    pub(crate) fn expected(&self, command: &v1::RobotCommand) -> v1::RobotResult {
        match self.echo {
            true => program::echoed(command),
            false => program::expected(command),
        }
    }
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            commands: 0,
            compared: 0,
            run_nanos: 0,
            job_commands: 0,
            times: Histogram::new(3).expect("three digits are allowed"),
        }
    }
}

impl Counted {
    pub(crate) fn add(&mut self, other: &Counted) {
        self.commands += other.commands;
        self.compared += other.compared;
        self.run_nanos += other.run_nanos;
        self.job_commands += other.job_commands;
        self.times
            .add(&other.times)
            .expect("both have the same digits");
    }

    pub(crate) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.times
            .record(nanos)
            .expect("the histogram grows with its values");
    }
}

/// Puts the load on the server.
pub(crate) fn run(load: &Load) -> anyhow::Result<Measured> {
    if let Kind::Idle {
        streams,
        connections,
    } = load.kind
    {
        return idle::run(load, streams, connections);
    }
    let begin = Instant::now() + load.warm_up;
    let interval = Interval {
        begin,
        end: begin + load.measure,
    };
    let work = |thread: usize| match load.kind {
        Kind::Streams(flood) => streams::run(load, flood, flood.share(thread), interval),
        Kind::Light(flood) => match thread {
            THREADS_MAX => streams::run_light(load, interval),
            _ => streams::run(load, flood, flood.share(thread), interval),
        },
        Kind::Chain { commands } => chain::run(load, commands, interval),
        Kind::Calls { in_flight, batch } => calls::run(load, in_flight, batch, interval),
        Kind::Idle { .. } => unreachable!("it was run above"),
    };
    let threads = match load.kind {
        Kind::Streams(flood) => flood.threads(),
        Kind::Light(_) => THREADS_MAX + 1,
        _ => 1,
    };
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        let mut meter = Meter::new(load.server_pid);
        let (server, client) = meter.watch(interval);
        let mut all = Counted::default();
        for thread in threads {
            all.add(&thread.join().expect("a thread does not panic")?);
        }
        Ok(measured(load, &all, server, client))
    })
}

impl Flood {
    fn threads(self) -> usize {
        match self.share_connection {
            true => 1,
            false => self.streams.min(THREADS_MAX),
        }
    }

    /// How many of its streams are this thread's.
    fn share(self, thread: usize) -> usize {
        let threads = self.threads();
        self.streams / threads + usize::from(thread < self.streams % threads)
    }
}

fn measured(load: &Load, all: &Counted, server: meter::Used, client: meter::Used) -> Measured {
    let micros = |quantile| all.times.value_at_quantile(quantile) as f64 / 1e3;
    Measured {
        seconds: load.measure.as_secs_f64(),
        commands: all.commands,
        compared: all.compared,
        p50_us: micros(0.5),
        p99_us: micros(0.99),
        run_nanos: all.run_nanos,
        job_commands: all.job_commands,
        server,
        client,
    }
}

/// A runtime for one thread's share.
pub(crate) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
