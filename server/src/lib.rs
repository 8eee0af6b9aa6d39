//! The stateless robot-command service: wiring. [`run`] takes a listener, the settings and a way to be told to end,
//! so that a test, a client that embeds a server, and the binary all start the same server. [`run_with`] takes more
//! services, for whoever wants them behind the same door.
//!
//! Requests go one way, service -> session -> queue -> worker, and results come back the same way. Only this file
//! sees all of them.

mod accept;
mod access;
mod admin;
#[cfg(feature = "bench-pool")]
pub mod bench_pool;
mod config;
mod connection;
mod console;
mod counter;
mod cut;
mod done;
mod drain;
mod framing;
mod handshake;
mod http;
mod http1;
mod linger;
mod log_limit;
mod method;
mod metrics;
mod nats;
mod pool;
mod queue;
mod record;
mod runner;
mod service;
mod session;
mod sync;
mod telemetry;
mod times;
mod traces;
mod unary;
mod watch;
mod who;
mod worker;

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use robot_api::v1::robot_service_server::{RobotServiceServer, SERVICE_NAME};

pub use access::{AccessConfig, AccessError};
pub use admin::parse_admin_address;
pub use config::{Config, ConfigError, Console, Reflection};
pub use drain::{Shutdown, Summary};
pub use log_limit::log_panics;
pub use nats::{NatsConfig, NatsError, NatsGatewayConfig, NatsWorkerConfig, run_worker};

use access::Access;
use connection::Server;
use drain::Drain;
use http::Services;
use metrics::{Link, Sources};
use nats::{Gateway, Ready};
use pool::Pool;
use service::Service;
use telemetry::Telemetry;
use traces::Traces;
use watch::Watch;

/// Calls have this long to notice that their connections are gone.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file that says who may come in cannot be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Spans cannot be sent to the collector.
    #[error("--otlp-endpoint: {0}")]
    Traces(#[from] robot_otlp::OtlpError),
    /// The broker can never be reached.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// The listener has no address.
    #[error("the listener has no address: {0}")]
    Listener(#[from] std::io::Error),
}

/// Serves on `listener` until `shutdown` says to end, then drains: health says not serving; after the delay no new
/// calls, and sessions stop reading; what was accepted is answered; streams end UNAVAILABLE; at the deadline what is
/// left is cut off. Nothing of it is left running when this returns.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: Shutdown,
) -> Result<Summary, StartError> {
    run_with(listener, config, Beside::default(), shutdown).await
}

/// What is served beside the robot's calls.
#[derive(Debug, Default)]
pub struct Beside {
    /// Other gRPC services, on the same listener.
    pub routes: Routes,
    /// Where metrics (`/metrics`, in the text format of Prometheus and OpenMetrics) and health (`/live`, `/ready`) are
    /// served over HTTP/1.1, to the end of the drain. Whoever reaches it is let in.
    pub admin: Option<TcpListener>,
}

/// [`run`], and serves others too. What comes in for other gRPC services goes through the same accept loop, TLS, locks,
/// bounds of the connection and watchdog as a robot's command. What differs:
///
/// - A drain waits for commands only. Calls of the others end UNAVAILABLE as soon as those have been answered.
/// - `message_bytes_max` is the robot's; a service of tonic's has a limit of its own.
/// - [`Config::stream_idle_ms_max`] is the time for a whole request, unless the call answers with headers before its end.
/// - OUT_OF_RANGE and INTERNAL in place of an answer reach the client as RESOURCE_EXHAUSTED and INVALID_ARGUMENT, since
///   that is what they mean when they come from tonic.
///
/// # Panics
///
/// If one of the others is a service that the server has already.
pub async fn run_with(
    listener: TcpListener,
    config: Config,
    beside: Beside,
    shutdown: Shutdown,
) -> Result<Summary, StartError> {
    config.validate()?;
    let address = listener.local_addr()?;
    config.validate_for(address)?;
    let loopback = address.ip().is_loopback();
    let console = config.console.is_on(loopback);
    let access = Access::load(&config.access, console)?;
    let drain = Drain::default();
    let Begun {
        pool,
        mut tasks,
        ready,
        link,
        gateway,
    } = begin(&config).await?;
    let Beside { routes, admin } = beside;
    let traces = config
        .otlp_endpoint
        .as_ref()
        .map(|endpoint| Traces::open(endpoint, "robot-server"))
        .transpose()?;
    let telemetry = Telemetry::new(admin.is_some().then(Arc::default), traces);
    let robot = Arc::new(Service::new(Arc::clone(&pool), &config, drain.clone()));
    let (health, routes) = all_routes(&config, loopback, routes, &robot).await;
    set_health(&health, status_of(&ready)).await;
    let services = Services {
        robot,
        routes,
        console: console.then(|| config.reception(loopback)),
        telemetry: Arc::clone(&telemetry),
    };

    let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
    config.announce(address, admin_address);
    if let Some(gateway) = gateway {
        tasks.spawn(gateway.run());
    }
    let server = Server {
        limits: config.connection_limits(),
        services,
        access: Arc::clone(&access),
        watch: Watch::new(config.watch_limits()),
        telemetry: Arc::clone(&telemetry),
        drain: drain.clone(),
    };
    let shown = Sources {
        pool: Arc::clone(&pool),
        watch: Arc::clone(&server.watch),
        drain: drain.clone(),
        telemetry: Arc::clone(&telemetry),
        connections_max: config.connections_max,
        link,
    };
    let followed = ready.clone();
    let mut served = pin!(async {
        tokio::select! {
            () = accept::serve(listener, config.connections_max, &server) => {}
            never = server.watch.run() => match never {},
            never = access.reload() => match never {},
            never = admin::serve(admin, shown, ready) => match never {},
            never = follow(followed, &health, &drain) => match never {},
        }
    });
    tokio::select! {
        () = &mut served => {}
        () = end(&config, shutdown, &health, &drain) => served.await,
    }
    // A call may notice a moment later than its connection; one that does not is left out of the summary.
    let _late = tokio::time::timeout(CUT_GRACE, drain.calls_ended()).await;

    pool.close();
    while let Some(ended) = tasks.join_next().await {
        ended.expect("a worker does not panic");
    }
    if let Some(traces) = &telemetry.traces {
        traces.close().await;
    }
    let summary = drain.summary();
    let Summary {
        accepted,
        answered,
        cut_off,
    } = summary;
    tracing::info!(accepted, answered, cut_off, "ended");
    Ok(summary)
}

/// The pool that sessions use, and what is needed to know how its jobs fare.
struct Begun {
    pool: Arc<Pool>,
    tasks: JoinSet<()>,
    ready: Ready,
    link: Option<Link>,
    /// To be run once the server has said that it listens, where the workers are elsewhere.
    gateway: Option<Gateway>,
}

/// Starts the workers, or opens the way to those that are elsewhere.
async fn begin(config: &Config) -> Result<Begun, NatsError> {
    if config.nats.queue.is_some() {
        let (pool, gateway, ready, counts) = nats::open_gateway(config).await?;
        return Ok(Begun {
            pool,
            tasks: JoinSet::new(),
            ready,
            link: Some(Link::Gateway(counts)),
            gateway: Some(gateway),
        });
    }
    let workers = config.worker_count();
    let (pool, tasks) = Pool::start(workers, config.queue_limits(), config.worker_config());
    Ok(Begun {
        pool,
        tasks,
        ready: Ready::default(),
        link: None,
        gateway: None,
    })
}

async fn all_routes(
    config: &Config,
    loopback: bool,
    others: Routes,
    robot: &Arc<Service>,
) -> (HealthReporter, Routes) {
    let service = RobotServiceServer::from_arc(Arc::clone(robot))
        .max_decoding_message_size(config.message_bytes_max as usize);
    let (health, health_service) = tonic_health::server::health_reporter();

    let mut routes = RoutesBuilder::from(others);
    routes.add_service(service).add_service(health_service);
    let reflection = match config.reflection {
        Reflection::Auto => loopback,
        Reflection::On => true,
        Reflection::Off => false,
    };
    if reflection {
        let builder = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(robot_api::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let valid = "the descriptor sets are valid";
        routes.add_service(builder().build_v1().expect(valid));
        routes.add_service(builder().build_v1alpha().expect(valid));
    }
    (health, routes.routes().prepare())
}

/// The service's health, and the server's as a whole.
async fn set_health(health: &HealthReporter, status: ServingStatus) {
    for service in ["", SERVICE_NAME] {
        health.set_service_status(service, status).await;
    }
}

/// Lets health say whether commands could be run, until the end begins.
async fn follow(mut ready: Ready, health: &HealthReporter, drain: &Drain) -> Infallible {
    loop {
        ready.changed().await;
        if !drain.has_begun() {
            set_health(health, status_of(&ready)).await;
        }
    }
}

fn status_of(ready: &Ready) -> ServingStatus {
    match ready.is_ready() {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    }
}

/// Waits to be told to end, and takes the server there step by step.
async fn end(config: &Config, shutdown: Shutdown, health: &HealthReporter, drain: &Drain) {
    let Shutdown {
        drain: begin,
        at_once,
    } = shutdown;
    tokio::select! {
        () = begin.cancelled() => {}
        () = at_once.cancelled() => {}
    }
    drain.begin();
    let in_time = async {
        set_health(health, ServingStatus::NotServing).await;
        tokio::time::sleep(Duration::from_millis(config.drain_delay_ms.into())).await;
        drain.stopping().cancel();
        drain.calls_ended().await;
        drain.drained().cancel();
        // From here on the server ends when its last connection is closed.
        pending::<()>().await;
    };
    tokio::select! {
        () = in_time => {}
        () = tokio::time::sleep(Duration::from_millis(config.drain_ms_max.into())) => {}
        () = at_once.cancelled() => {}
    }
    drain.cutting().cancel();
    drain.stopping().cancel();
    drain.drained().cancel();
}
