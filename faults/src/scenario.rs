//! The scenarios by name: what each needs, and where it is.

use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;

use crate::fleet::Way;
use crate::scale::Scale;
use crate::table::Row;
use crate::{cancel, drain, nats, never_read, poison, poison_message, replicas, through};

pub(crate) const NO_ENVOY: &str =
    "no Envoy is given: --envoy PATH or ROBOT_ENVOY names one, and deploy/envoy/check installs it";
pub(crate) const NO_NATS: &str = "no broker is given: --nats PATH or ROBOT_NATS_SERVER names nats-server, and deploy/nats/install installs it";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Server killed, by -9 and SIGTERM in turn
    Kills,
    /// Connections reset
    Resets,
    /// Connections cut in the middle of a message
    Cuts,
    /// Connections slow for a while
    Delays,
    /// Connections silent for a while
    Stalls,
    /// Connections closed one way
    HalfOpen,
    /// Connections silent for ever; not part of the quick form unless named
    BlackHoles,
    /// SIGTERM in the middle of many streams
    Drains,
    /// Commands that panic; needs --features fault-injection
    PoisonCommands,
    /// Clients that send and never read
    NeverReaders,
    /// The same, with results as large as can be
    NeverReadersOfEvents,
    /// Calls cancelled with 40,000 commands under way
    Cancels,
    /// Calls whose deadline passes
    Deadlines,
    /// A message that breaks every connection
    PoisonMessage,
    /// Three replicas killed, drained and started in turn; clients spread by themselves
    Replicas,
    /// The same, drained with a delay, one after the other
    ReplicasRolling,
    /// Thirty streams on three replicas, one of which says NOT_SERVING
    ReplicasBalance,
    /// The same three through Envoy; need --envoy
    Envoy,
    EnvoyRolling,
    EnvoyBalance,
    /// Workers behind a broker, killed with jobs in their hands; need --nats
    NatsWorkerKills,
    /// The broker killed, and all that it holds
    NatsBrokerKills,
    /// One of two gateways killed
    NatsGatewayKills,
    /// A command that ends each worker that runs it; needs --features fault-injection
    NatsPoison,
    /// Gateways and workers of two versions at one broker; needs --features fault-injection
    NatsMixedVersions,
    /// One of three workers slow; needs --features fault-injection
    NatsSlowWorker,
    /// One of two gateways flooded
    NatsFlood,
    /// The broker's link down, then a worker's, each on a host of its own; needs root and iproute2, and is not part of the
    /// quick form unless named
    NatsPartition,
}

/// Programs of others that some scenarios need.
#[derive(Debug, clap::Args)]
pub(crate) struct Tools {
    /// The Envoy to put in front of replicas; without one its scenarios are left out
    #[arg(long, env = "ROBOT_ENVOY", value_name = "PATH", global = true)]
    pub(crate) envoy: Option<PathBuf>,

    /// The nats-server between gateways and workers; without one its scenarios are left out
    #[arg(long, env = "ROBOT_NATS_SERVER", value_name = "PATH", global = true)]
    pub(crate) nats: Option<PathBuf>,
}

impl Scenario {
    pub(crate) fn needs_envoy(self) -> bool {
        matches!(self, Self::Envoy | Self::EnvoyRolling | Self::EnvoyBalance)
    }

    pub(crate) fn needs_nats(self) -> bool {
        matches!(
            self,
            Self::NatsWorkerKills
                | Self::NatsBrokerKills
                | Self::NatsGatewayKills
                | Self::NatsPoison
                | Self::NatsMixedVersions
                | Self::NatsSlowWorker
                | Self::NatsFlood
                | Self::NatsPartition
        )
    }

    /// Whether it cannot be had in little time.
    pub(crate) fn is_long(self) -> bool {
        matches!(self, Self::BlackHoles | Self::NatsPartition)
    }

    /// Whether its processes have to be told to fail, which only some builds can be.
    pub(crate) fn needs_injection(self) -> bool {
        matches!(
            self,
            Self::PoisonCommands
                | Self::NatsPoison
                | Self::NatsMixedVersions
                | Self::NatsSlowWorker
        )
    }

    pub(crate) async fn run(self, scale: &Scale, tools: &Tools) -> Row {
        let failed = |problem: String| {
            let mut row = Row::new(format!("{self:?}"), "-");
            row.problem(problem);
            row
        };
        match tokio::time::timeout(scale.scenario_max, self.rows(scale, tools)).await {
            Ok(Ok(row)) => row,
            Ok(Err(error)) => failed(format!("{error:#}")),
            Err(_elapsed) => failed(format!("not done after {:?}", scale.scenario_max)),
        }
    }

    async fn rows(self, scale: &Scale, tools: &Tools) -> anyhow::Result<Row> {
        let way = match (self.needs_envoy(), &tools.envoy) {
            (true, envoy) => Way::Envoy(envoy.as_deref().context(NO_ENVOY)?),
            (false, _) => Way::Own,
        };
        let nats = tools.nats.as_deref().context(NO_NATS);
        match self {
            Self::Kills => through::kills(scale).await,
            Self::Resets => through::resets(scale).await,
            Self::Cuts => through::cuts(scale).await,
            Self::Delays => through::delays(scale).await,
            Self::Stalls => through::stalls(scale).await,
            Self::HalfOpen => through::half_open(scale).await,
            Self::BlackHoles => through::black_holes(scale).await,
            Self::Drains => drain::drains(scale).await,
            Self::PoisonCommands => poison::poison_commands(scale).await,
            Self::NeverReaders => never_read::never_readers(scale).await,
            Self::NeverReadersOfEvents => never_read::never_readers_of_events(scale).await,
            Self::Cancels => cancel::cancels(scale).await,
            Self::Deadlines => cancel::deadlines(scale).await,
            Self::PoisonMessage => poison_message::poison_message(scale).await,
            Self::Replicas | Self::Envoy => replicas::killed(scale, way).await,
            Self::ReplicasRolling | Self::EnvoyRolling => replicas::rolling(scale, way).await,
            Self::ReplicasBalance | Self::EnvoyBalance => replicas::balance(scale, way).await,
            Self::NatsWorkerKills => nats::worker_kills(scale, nats?).await,
            Self::NatsBrokerKills => nats::broker_kills(scale, nats?).await,
            Self::NatsGatewayKills => nats::gateway_kills(scale, nats?).await,
            Self::NatsPoison => nats::poison(scale, nats?).await,
            Self::NatsMixedVersions => nats::versions(scale, nats?).await,
            Self::NatsSlowWorker => nats::slow_worker(scale, nats?).await,
            Self::NatsFlood => nats::flood(scale, nats?).await,
            Self::NatsPartition => nats::partition(scale, nats?).await,
        }
    }
}
