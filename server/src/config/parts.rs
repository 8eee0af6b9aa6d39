//! What each part of the server, and its clients, get of the settings. It knows nothing of flags.

use std::net::SocketAddr;
use std::time::Duration;

use robot_api::v1;

use super::Config;
use crate::connection::ConnectionLimits;
use crate::console::Reception;
use crate::cut::JobLimits;
use crate::nats::GatewaySettings;
use crate::queue::QueueLimits;
use crate::session::SessionLimits;
use crate::watch::WatchLimits;
use crate::worker::WorkerConfig;

/// The prefix of the message of a gRPC-Web call; trailers, which browsers do not send.
const CALL_FRAMES_BYTES_MAX: usize = 1024;

impl Config {
    pub(crate) fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            message_bytes_max: self.message_bytes_max as usize,
            commands_per_message_max: self.commands_per_message_max as usize,
            in_flight_bytes_max: self.stream_in_flight_bytes_max as usize,
            job: JobLimits {
                commands_max: self.job_commands_max,
                bytes_max: self.job_bytes_max as usize,
                actions_max: self.actions_per_command_max as usize,
            },
        }
    }

    pub(crate) fn queue_limits(&self) -> QueueLimits {
        QueueLimits {
            jobs_max: self.queue_jobs_max as usize,
            bytes_max: self.queue_bytes_max as usize,
        }
    }

    pub(crate) fn watch_limits(&self) -> WatchLimits {
        WatchLimits {
            idle_max: millis(self.stream_idle_ms_max),
            stall_max: millis(self.stream_stall_ms_max),
        }
    }

    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            handshake_max: millis(self.handshake_ms_max),
            age_max: (self.connection_age_ms_max > 0).then(|| millis(self.connection_age_ms_max)),
            grace_max: millis(self.drain_ms_max),
            streams_max: self.streams_per_connection_max,
            header_bytes_max: self.header_bytes_max,
        }
    }

    pub(crate) fn reception(&self, loopback: bool) -> Reception {
        // In base64, with what stands before the message and behind it.
        let call_bytes_max =
            (self.message_bytes_max as usize + CALL_FRAMES_BYTES_MAX).div_ceil(3) * 4;
        Reception {
            this_machine_only: loopback && self.access.token_file.is_none(),
            call_bytes_max,
        }
    }

    /// Where the console is, if it is on.
    pub(crate) fn console_url(&self, listen: SocketAddr) -> Option<String> {
        let scheme = match self.access.tls_cert {
            Some(_) => "https",
            None => "http",
        };
        let is_on = self.console.is_on(listen.ip().is_loopback());
        is_on.then(|| format!("{scheme}://{listen}/"))
    }

    pub(crate) fn worker_config(&self) -> WorkerConfig {
        WorkerConfig {
            actions_max: self.actions_per_command_max as usize,
            #[cfg(feature = "fault-injection")]
            panic_on_multiples_of: self.panic_on_multiples_of,
            #[cfg(feature = "fault-injection")]
            abort_on_multiples_of: None,
            #[cfg(feature = "fault-injection")]
            slow: Duration::ZERO,
        }
    }

    pub(crate) fn gateway_settings(&self) -> GatewaySettings {
        GatewaySettings {
            jobs_max: self.nats_gateway.nats_jobs_max,
            job_max: millis(self.nats_gateway.nats_job_ms_max),
            ack_wait: millis(self.nats.nats_ack_wait_ms),
            actions_max: self.actions_per_command_max as usize,
            message_bytes_max: self.message_bytes_max as usize,
        }
    }

    pub(crate) fn semantics_version(&self) -> u32 {
        #[cfg(feature = "fault-injection")]
        if let Some(version) = self.semantics_version {
            return version;
        }
        robot::SEMANTICS_VERSION
    }

    pub(crate) fn server_info(&self, workers: u32) -> v1::GetServerInfoResponse {
        v1::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            semantics_version: self.semantics_version(),
            limits: Some(v1::Limits {
                commands_per_message_max: self.commands_per_message_max,
                actions_per_command_max: self.actions_per_command_max,
                message_bytes_max: self.message_bytes_max.into(),
                stream_in_flight_bytes_max: self.stream_in_flight_bytes_max.into(),
                commands_per_job_max: self.job_commands_max,
                queue_jobs_max: self.queue_jobs_max,
                queue_bytes_max: self.queue_bytes_max.into(),
                stream_idle_ms_max: self.stream_idle_ms_max,
                stream_stall_ms_max: self.stream_stall_ms_max,
                connection_age_ms_max: self.connection_age_ms_max,
            }),
            workers,
            queue_kind: match self.nats.queue {
                None => v1::QueueKind::Embedded.into(),
                Some(_) => v1::QueueKind::Nats.into(),
            },
        }
    }
}

fn millis(count: u32) -> Duration {
    Duration::from_millis(count.into())
}
