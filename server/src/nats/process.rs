//! A worker process: workers that get their jobs from the broker, and serve nobody else but who asks for metrics. It ends
//! as a server does: it takes no more jobs, does those that it has, and answers them.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::Ready;
use super::connect::Broker;
use super::counts::LinkCounts;
use super::credit::Credit;
use super::settings::NatsConfig;
use super::subjects::Subjects;
use super::worker::WorkerLink;
use crate::admin;
use crate::config::Config;
use crate::drain::{Drain, Shutdown};
use crate::metrics::{Link, Sources};
use crate::pool::Pool;
use crate::queue::QueueLimits;
use crate::telemetry::Telemetry;
use crate::traces::Traces;
use crate::watch::Watch;
use crate::worker::WorkerConfig;
use crate::{StartError, Summary};

/// Bytes of jobs that a process holds; a job that has no room goes to another.
const BYTES_MAX: usize = 256 << 20;

/// What a worker process is started with.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct NatsWorkerConfig {
    /// The broker.
    #[command(flatten)]
    pub nats: NatsConfig,

    /// Workers that run commands [default: one per core]
    #[arg(long, env = "ROBOT_SERVER_WORKERS", value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: Option<u32>,

    /// Number of the first worker, the others follow; no two workers of a system may have the same [default: random]
    #[arg(long, env = "ROBOT_SERVER_FIRST_WORKER_NUMBER", value_name = "NUMBER")]
    pub first_worker_number: Option<NonZeroU32>,

    /// Actions in one command, or in its script; what the gateways say of it must be the same
    #[arg(
        long,
        env = "ROBOT_SERVER_ACTIONS_PER_COMMAND_MAX",
        value_name = "ACTIONS",
        default_value_t = 10_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=150_000))]
    pub actions_per_command_max: u32,

    /// Milliseconds from the signal to end until jobs that are not done are left to others
    #[arg(
        long,
        env = "ROBOT_SERVER_DRAIN_MS_MAX",
        value_name = "MS",
        default_value_t = 10_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=3_600_000))]
    pub drain_ms_max: u32,

    /// Collector of OpenTelemetry that gets spans of the jobs of traced calls, by OTLP over gRPC
    #[arg(long, env = "ROBOT_SERVER_OTLP_ENDPOINT", value_name = "URL", value_parser = robot_otlp::parse_endpoint)]
    pub otlp_endpoint: Option<http::Uri>,

    /// Tests only: a command whose id is a multiple of this ends the process
    #[cfg(feature = "fault-injection")]
    #[arg(long, hide = true)]
    pub abort_on_multiples_of: Option<std::num::NonZeroU64>,

    /// Tests only: milliseconds that each job takes longer
    #[cfg(feature = "fault-injection")]
    #[arg(long, hide = true, default_value_t = 0)]
    pub slow_ms: u32,

    /// Tests only: the version of the semantics that this worker says it has
    #[cfg(feature = "fault-injection")]
    #[arg(long, hide = true)]
    pub semantics_version: Option<u32>,
}

impl NatsWorkerConfig {
    fn worker_config(&self) -> WorkerConfig {
        WorkerConfig {
            actions_max: self.actions_per_command_max as usize,
            #[cfg(feature = "fault-injection")]
            panic_on_multiples_of: None,
            #[cfg(feature = "fault-injection")]
            abort_on_multiples_of: self.abort_on_multiples_of,
            #[cfg(feature = "fault-injection")]
            slow: Duration::from_millis(self.slow_ms.into()),
        }
    }

    fn semantics_version(&self) -> u32 {
        #[cfg(feature = "fault-injection")]
        if let Some(version) = self.semantics_version {
            return version;
        }
        robot::SEMANTICS_VERSION
    }

    /// One line that says what works where, and every limit.
    fn announce(&self, admin: Option<SocketAddr>, workers: u32, first_worker_number: u32) {
        tracing::info!(
            admin = admin.map(tracing::field::display),
            version = env!("CARGO_PKG_VERSION"),
            semantics_version = self.semantics_version(),
            workers,
            first_worker_number,
            actions_per_command_max = self.actions_per_command_max,
            nats_ack_wait_ms = self.nats.nats_ack_wait_ms,
            drain_ms_max = self.drain_ms_max,
            otlp_endpoint = self.otlp_endpoint.as_ref().map(tracing::field::display),
            "working"
        );
    }
}

/// Runs jobs of the broker until `shutdown` says to end, then does those that it has. The summary counts their commands.
pub async fn run_worker(
    config: NatsWorkerConfig,
    admin: Option<TcpListener>,
    shutdown: Shutdown,
) -> Result<Summary, StartError> {
    let subjects = Subjects::new(&config.nats.nats_system, config.semantics_version());
    let broker = Broker::open(&config.nats, &subjects, "robot-worker").await?;
    let defaults = Config {
        workers: config.workers,
        ..Config::default()
    };
    let workers = defaults.worker_count();
    let first = config
        .first_worker_number
        .map_or_else(|| fastrand::u32(1..=u32::MAX - workers), NonZeroU32::get);
    let limits = QueueLimits {
        jobs_max: Credit::jobs_max(workers),
        bytes_max: BYTES_MAX,
    };
    let (pool, mut tasks) = Pool::start_from(first, workers, limits, config.worker_config());
    let counts: Arc<LinkCounts> = Arc::default();
    let ack_wait = Duration::from_millis(config.nats.nats_ack_wait_ms.into());
    let traces = config.otlp_endpoint.as_ref();
    let traces = traces.map(|endpoint| Traces::open(endpoint, "robot-worker"));
    let (link, ready) = WorkerLink::new(
        broker,
        subjects,
        ack_wait,
        Arc::clone(&pool),
        Arc::clone(&counts),
        traces.transpose()?,
    );
    let drain = Drain::default();
    let telemetry = Telemetry::new(admin.is_some().then(Arc::default), None);
    let sources = Sources {
        pool: Arc::clone(&pool),
        watch: Watch::new(defaults.watch_limits()),
        drain: drain.clone(),
        telemetry,
        connections_max: 0,
        link: Some(Link::Worker(counts)),
    };
    let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
    config.announce(admin_address, workers, first);
    let drain_max = Duration::from_millis(config.drain_ms_max.into());
    let in_time = tokio::select! {
        in_time = work(link, &shutdown, &drain, drain_max) => in_time,
        never = admin::serve(admin, sources, Ready(Some(ready))) => match never {},
    };
    pool.close();
    match in_time {
        true => while tasks.join_next().await.is_some() {},
        false => tasks.shutdown().await,
    }
    let answered = pool.counts().iter().map(|worker| worker.commands()).sum();
    let cut_off = u64::from(!in_time);
    tracing::info!(accepted = answered, answered, cut_off, "ended");
    Ok(Summary {
        accepted: answered,
        answered,
        cut_off,
    })
}

/// Works to the end; false if the end did not wait for all jobs.
async fn work(link: WorkerLink, shutdown: &Shutdown, drain: &Drain, drain_max: Duration) -> bool {
    let Shutdown {
        drain: begin,
        at_once,
    } = shutdown;
    let link = link.run(drain.stopping().clone());
    tokio::pin!(link);
    tokio::select! {
        () = &mut link => return true,
        () = at_once.cancelled() => return false,
        () = begin.cancelled() => {}
    }
    drain.begin();
    drain.stopping().cancel();
    tokio::select! {
        ended = timeout(drain_max, link) => ended.is_ok(),
        () = at_once.cancelled() => false,
    }
}
