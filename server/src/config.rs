//! The server's settings: each is a flag and an environment variable, has a bound, and says its unit in its name. It
//! knows nothing of how they are used.

use std::thread::available_parallelism;

use clap::{Args, ValueEnum};

use crate::access::AccessConfig;
use crate::nats::{NatsConfig, NatsGatewayConfig};

mod announce;
mod console;
mod parts;

pub use console::Console;

/// Who may list the services by reflection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reflection {
    /// On when the server listens on a loopback address.
    Auto,
    /// On.
    On,
    /// Off.
    Off,
}

/// What a server is started with. [`Config::default`] is what the flags default to.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Config {
    /// Workers that run commands [default: one per core]
    #[arg(long, env = "ROBOT_SERVER_WORKERS", value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: Option<u32>,

    /// Jobs that may wait for a worker; one more waits on its stream
    #[arg(
        long,
        env = "ROBOT_SERVER_QUEUE_JOBS_MAX",
        value_name = "JOBS",
        default_value_t = 1024
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub queue_jobs_max: u32,

    /// Bytes of requests that may wait for a worker or be run; more wait on their streams
    #[arg(long, env = "ROBOT_SERVER_QUEUE_BYTES_MAX", value_name = "BYTES", default_value_t = 64 << 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(65_536..=1_073_741_824))]
    pub queue_bytes_max: u32,

    /// Commands in one job; while workers wait, jobs are smaller
    #[arg(
        long,
        env = "ROBOT_SERVER_JOB_COMMANDS_MAX",
        value_name = "COMMANDS",
        default_value_t = 128
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub job_commands_max: u32,

    /// Bytes in one job of more than one command
    #[arg(
        long,
        env = "ROBOT_SERVER_JOB_BYTES_MAX",
        value_name = "BYTES",
        default_value_t = 8192
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(64..=65_536))]
    pub job_bytes_max: u32,

    /// Room for the results of one stream's unanswered commands; a stream without room is not read
    #[arg(long, env = "ROBOT_SERVER_STREAM_IN_FLIGHT_BYTES_MAX", value_name = "BYTES", default_value_t = 512 << 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(4096..=1_073_741_824))]
    pub stream_in_flight_bytes_max: u32,

    /// Commands in one request message
    #[arg(
        long,
        env = "ROBOT_SERVER_COMMANDS_PER_MESSAGE_MAX",
        value_name = "COMMANDS",
        default_value_t = 4096
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub commands_per_message_max: u32,

    /// Actions in one command, or in its script
    #[arg(
        long,
        env = "ROBOT_SERVER_ACTIONS_PER_COMMAND_MAX",
        value_name = "ACTIONS",
        default_value_t = 10_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=150_000))]
    pub actions_per_command_max: u32,

    /// Bytes in one request message
    #[arg(long, env = "ROBOT_SERVER_MESSAGE_BYTES_MAX", value_name = "BYTES", default_value_t = 1 << 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1024..=67_108_864))]
    pub message_bytes_max: u32,

    /// Bytes of headers in one call
    #[arg(long, env = "ROBOT_SERVER_HEADER_BYTES_MAX", value_name = "BYTES", default_value_t = 16 << 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1024..=1_048_576))]
    pub header_bytes_max: u32,

    /// Open calls on one connection; one more waits at the client
    #[arg(
        long,
        env = "ROBOT_SERVER_STREAMS_PER_CONNECTION_MAX",
        value_name = "STREAMS",
        default_value_t = 1024
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub streams_per_connection_max: u32,

    /// Open connections; one more waits to be accepted
    #[arg(
        long,
        env = "ROBOT_SERVER_CONNECTIONS_MAX",
        value_name = "CONNECTIONS",
        default_value_t = 10_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections_max: u32,

    /// Milliseconds that a new connection has until it has said what it speaks, and HTTP/1.1 for a request's headers
    #[arg(
        long,
        env = "ROBOT_SERVER_HANDSHAKE_MS_MAX",
        value_name = "MS",
        default_value_t = 10_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(100..=600_000))]
    pub handshake_ms_max: u32,

    /// Milliseconds that a connection is used, give or take a tenth; 0 is for ever
    #[arg(
        long,
        env = "ROBOT_SERVER_CONNECTION_AGE_MS_MAX",
        value_name = "MS",
        default_value_t = 3_600_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=604_800_000))]
    pub connection_age_ms_max: u32,

    /// Milliseconds that the server waits for a request on a call that it owes nothing
    #[arg(
        long,
        env = "ROBOT_SERVER_STREAM_IDLE_MS_MAX",
        value_name = "MS",
        default_value_t = 300_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(100..=604_800_000))]
    pub stream_idle_ms_max: u32,

    /// Milliseconds that the server waits for a client to read the results that are ready
    #[arg(
        long,
        env = "ROBOT_SERVER_STREAM_STALL_MS_MAX",
        value_name = "MS",
        default_value_t = 120_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(100..=604_800_000))]
    pub stream_stall_ms_max: u32,

    /// Milliseconds from the signal to end until new calls are refused; until then only health says so
    #[arg(
        long,
        env = "ROBOT_SERVER_DRAIN_DELAY_MS",
        value_name = "MS",
        default_value_t = 0
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=600_000))]
    pub drain_delay_ms: u32,

    /// Milliseconds from the signal to end until what is still open is cut off
    #[arg(
        long,
        env = "ROBOT_SERVER_DRAIN_MS_MAX",
        value_name = "MS",
        default_value_t = 10_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=3_600_000))]
    pub drain_ms_max: u32,

    /// The broker, for a gateway whose workers are elsewhere.
    #[command(flatten)]
    pub nats: NatsConfig,

    /// What only a gateway needs.
    #[command(flatten)]
    pub nats_gateway: NatsGatewayConfig,

    /// Who may come in.
    #[command(flatten)]
    pub access: AccessConfig,

    /// Server reflection
    #[arg(long, env = "ROBOT_SERVER_REFLECTION", value_enum, default_value_t = Reflection::Auto)]
    pub reflection: Reflection,

    /// Collector of OpenTelemetry that gets a span for each call, by OTLP over gRPC, such as http://127.0.0.1:4317
    #[arg(long, env = "ROBOT_SERVER_OTLP_ENDPOINT", value_name = "URL", value_parser = robot_otlp::parse_endpoint)]
    pub otlp_endpoint: Option<http::Uri>,

    /// The console, a page for browsers at /, and the calls that it makes: HTTP/1.1 and gRPC-Web
    #[arg(long, env = "ROBOT_SERVER_CONSOLE", value_enum, default_value_t = Console::Auto)]
    pub console: Console,

    /// Tests only: a command whose id is a multiple of this panics
    #[cfg(feature = "fault-injection")]
    #[arg(long, hide = true)]
    pub panic_on_multiples_of: Option<std::num::NonZeroU64>,

    /// Tests only: the version of the semantics that this server says it has
    #[cfg(feature = "fault-injection")]
    #[arg(long, hide = true)]
    pub semantics_version: Option<u32>,
}

/// Settings that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A message could never enter the queue.
    #[error(
        "--queue-bytes-max is {queue}; it must be at least --message-bytes-max, which is {message}"
    )]
    QueueSmallerThanMessage {
        /// Bytes.
        queue: u32,
        /// Bytes.
        message: u32,
    },
    /// The drain would end before it began.
    #[error("--drain-delay-ms is {delay}; it must be at most --drain-ms-max, which is {max}")]
    DelayLongerThanDrain {
        /// Milliseconds.
        delay: u32,
        /// Milliseconds.
        max: u32,
    },
    /// One of them is of no use.
    #[error("--tls-cert and --tls-key need each other; only one of them is set")]
    CertificateWithoutKey,
    /// Clients show certificates on TLS connections only.
    #[error("--tls-client-ca needs --tls-cert and --tls-key")]
    ClientCaWithoutCertificate,
    /// There is nobody to limit.
    #[error(
        "--identity-streams-max and --identity-commands-per-second-max need identities: --token-file or \
         --tls-client-ca"
    )]
    LimitWithoutIdentity,
    /// Anybody could come in, or listen.
    #[error(
        "{listen} is not a loopback address; it needs --tls-cert, --tls-key and one of --tls-client-ca and \
         --token-file, or --insecure"
    )]
    Exposed {
        /// The address.
        listen: std::net::SocketAddr,
    },
}

impl Default for Config {
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Defaults {
            #[command(flatten)]
            config: Config,
        }
        // The flags are the one place where the defaults stand. The environment is not asked.
        let command = <Defaults as clap::CommandFactory>::command().mut_args(|arg| arg.env(None));
        let matches = command.get_matches_from([""]);
        <Config as clap::FromArgMatches>::from_arg_matches(&matches)
            .expect("the flags have defaults")
    }
}

impl Config {
    /// Checks what no single flag can.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.queue_bytes_max < self.message_bytes_max {
            return Err(ConfigError::QueueSmallerThanMessage {
                queue: self.queue_bytes_max,
                message: self.message_bytes_max,
            });
        }
        if self.drain_delay_ms > self.drain_ms_max {
            return Err(ConfigError::DelayLongerThanDrain {
                delay: self.drain_delay_ms,
                max: self.drain_ms_max,
            });
        }
        self.access.validate()
    }

    /// Checks that whoever can reach this address is asked who they are.
    pub fn validate_for(&self, listen: std::net::SocketAddr) -> Result<(), ConfigError> {
        self.access.validate_for(listen)
    }

    /// How many workers that is on this machine.
    pub fn worker_count(&self) -> u32 {
        let cores = || available_parallelism().map_or(1, |cores| cores.get() as u32);
        self.workers.unwrap_or_else(cores)
    }
}
