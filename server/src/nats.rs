//! The queue beyond one process: jobs go to workers in other processes, on any machine, through a NATS broker. At a
//! gateway a task takes jobs from the sessions' queue as a worker would, and publishes them; at a worker a task queues
//! what it gets as a session would. So sessions and workers are the same with and without a broker, and what has to be
//! done about brokers, connections and workers that go away is done here.
//!
//! Settings and names stand in `settings`, `subjects` and `header`; `connect`, `stream`, `ready` and `trace` are both sides'.
//! `gateway` uses `bundle` and `pace` for what it sends, `pending` and `lookup` for what it has sent, `answers` and `quarantine`
//! for what comes back; `worker` uses `credit`.

mod answers;
mod bundle;
mod connect;
mod counts;
mod credit;
mod gateway;
mod header;
mod lookup;
#[cfg(test)]
mod messages;
mod pace;
mod pending;
mod process;
mod quarantine;
mod ready;
mod settings;
mod stream;
mod subjects;
mod trace;
mod worker;

use std::sync::Arc;

use tokio::sync::watch;

pub use connect::NatsError;
pub use process::{NatsWorkerConfig, run_worker};
pub use settings::{NatsConfig, NatsGatewayConfig};

pub(crate) use counts::{Count, LinkCounts};
pub(crate) use gateway::{Gateway, GatewaySettings};

use connect::Broker;
use subjects::Subjects;

use crate::config::Config;
use crate::pool::Pool;

/// Whether commands could be run now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ready(Option<watch::Receiver<bool>>);

impl Ready {
    pub(crate) fn is_ready(&self) -> bool {
        self.0.as_ref().is_none_or(|ready| *ready.borrow())
    }

    /// Waits until that changes; for ever, if it never does.
    pub(crate) async fn changed(&mut self) {
        let changed = match &mut self.0 {
            Some(ready) => ready.changed().await.is_ok(),
            None => false,
        };
        if !changed {
            std::future::pending().await
        }
    }
}

/// A gateway's end: the pool that sessions use, and what carries its jobs once it is run, until the pool is closed.
pub(crate) async fn open_gateway(
    config: &Config,
) -> Result<(Arc<Pool>, Gateway, Ready, Arc<LinkCounts>), NatsError> {
    let subjects = Subjects::new(&config.nats.nats_system, config.semantics_version());
    let broker = Broker::open(&config.nats, &subjects, "robot-gateway").await?;
    let settings = config.gateway_settings();
    let pool = Pool::remote(config.queue_limits(), settings.jobs_max);
    let counts: Arc<LinkCounts> = Arc::default();
    let (gateway, ready) = Gateway::new(
        broker,
        subjects,
        settings,
        Arc::clone(&pool),
        Arc::clone(&counts),
    );
    Ok((pool, gateway, Ready(Some(ready)), counts))
}
