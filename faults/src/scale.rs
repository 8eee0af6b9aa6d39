//! How much of everything: the full form, whose figures are published, and the quick form for CI, which asks the same
//! questions in less than a minute. Only the full form judges times.

use std::time::Duration;

/// The figures of one form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Whether times are judged, or only shown.
    pub(crate) judges_times: bool,
    /// How long the healthy client is watched before the fault.
    pub(crate) before: Duration,
    pub(crate) kills: Through,
    pub(crate) resets: Through,
    /// Each of the proxy's other faults.
    pub(crate) strikes: Through,
    /// Each costs its client two keep-alive times of ten seconds.
    pub(crate) black_holes: Through,
    pub(crate) poison_commands: u64,
    pub(crate) drains: u64,
    pub(crate) drain_streams: u64,
    pub(crate) never_readers: u64,
    pub(crate) never_read_for: Duration,
    pub(crate) cancels: u64,
    pub(crate) deadlines: u64,
    /// Of three replicas.
    pub(crate) replicas: Through,
    pub(crate) rolling: Through,
    /// On each of thirty streams, three times.
    pub(crate) balance_commands: u64,
    /// Of a worker behind a broker; the commands are those of one kill.
    pub(crate) nats_worker_kills: Through,
    pub(crate) nats_broker_kills: Through,
    pub(crate) nats_gateway_kills: Through,
    /// Of each version.
    pub(crate) nats_versions_commands: u64,
    pub(crate) nats_partition: Through,
    /// Of what is measured with the fault and without it in turn.
    pub(crate) nats_rounds: Rounds,
    /// No scenario takes longer, unless it hangs.
    pub(crate) scenario_max: Duration,
}

/// So many commands through so many faults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Through {
    pub(crate) commands: u64,
    pub(crate) times: u64,
    /// A fault that has begun goes on to its end, even if all sessions have come to theirs.
    pub(crate) outlasts: bool,
}

/// So many measurements, each for so long, and a while before it that does not count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) rounds: u64,
    pub(crate) warm_up: Duration,
    pub(crate) period: Duration,
}

pub(crate) const FULL: Scale = Scale {
    judges_times: true,
    before: Duration::from_secs(10),
    kills: through(1_000_000, 100),
    resets: through(1_000_000, 100),
    strikes: through(200_000, 20),
    black_holes: through(100_000, 2),
    poison_commands: 1_000_000,
    drains: 20,
    drain_streams: 100,
    never_readers: 100,
    never_read_for: Duration::from_secs(60),
    cancels: 5,
    deadlines: 5,
    replicas: through(1_000_000, 30),
    rolling: outlasting(1_000_000, 6),
    balance_commands: 10_000,
    nats_worker_kills: through(100_000, 20),
    nats_broker_kills: outlasting(1_000_000, 20),
    nats_gateway_kills: outlasting(1_000_000, 20),
    nats_versions_commands: 500_000,
    nats_partition: outlasting(600_000, 2),
    nats_rounds: Rounds {
        rounds: 5,
        warm_up: Duration::from_secs(1),
        period: Duration::from_secs(4),
    },
    scenario_max: Duration::from_secs(600),
};

pub(crate) const QUICK: Scale = Scale {
    judges_times: false,
    before: Duration::from_millis(500),
    kills: through(50_000, 6),
    resets: through(50_000, 6),
    strikes: through(20_000, 2),
    black_holes: through(20_000, 1),
    poison_commands: 50_000,
    drains: 3,
    drain_streams: 20,
    never_readers: 100,
    never_read_for: Duration::from_secs(5),
    cancels: 1,
    deadlines: 1,
    replicas: through(50_000, 6),
    rolling: outlasting(50_000, 3),
    balance_commands: 500,
    nats_worker_kills: through(20_000, 3),
    nats_broker_kills: outlasting(50_000, 2),
    nats_gateway_kills: outlasting(50_000, 2),
    nats_versions_commands: 20_000,
    nats_partition: outlasting(60_000, 2),
    nats_rounds: Rounds {
        rounds: 1,
        warm_up: Duration::from_millis(500),
        period: Duration::from_millis(500),
    },
    scenario_max: Duration::from_secs(180),
};

pub(crate) const fn outlasting(commands: u64, times: u64) -> Through {
    Through {
        outlasts: true,
        ..through(commands, times)
    }
}

pub(crate) const fn through(commands: u64, times: u64) -> Through {
    Through {
        commands,
        times,
        outlasts: false,
    }
}
