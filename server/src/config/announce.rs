//! What a server says when it begins. It knows nothing of how the settings are used.

use std::net::SocketAddr;

use super::Config;

impl Config {
    /// One line that says what is served where, and every limit.
    pub(crate) fn announce(&self, address: SocketAddr, admin: Option<SocketAddr>) {
        tracing::info!(
            // Whoever filters or reads the log knows it by this name.
            target: "robot_server",
            %address,
            admin = admin.map(tracing::field::display),
            version = env!("CARGO_PKG_VERSION"),
            workers = self.worker_count(),
            queue_jobs_max = self.queue_jobs_max,
            queue_bytes_max = self.queue_bytes_max,
            job_commands_max = self.job_commands_max,
            job_bytes_max = self.job_bytes_max,
            stream_in_flight_bytes_max = self.stream_in_flight_bytes_max,
            commands_per_message_max = self.commands_per_message_max,
            actions_per_command_max = self.actions_per_command_max,
            message_bytes_max = self.message_bytes_max,
            header_bytes_max = self.header_bytes_max,
            streams_per_connection_max = self.streams_per_connection_max,
            connections_max = self.connections_max,
            handshake_ms_max = self.handshake_ms_max,
            connection_age_ms_max = self.connection_age_ms_max,
            stream_idle_ms_max = self.stream_idle_ms_max,
            stream_stall_ms_max = self.stream_stall_ms_max,
            drain_delay_ms = self.drain_delay_ms,
            drain_ms_max = self.drain_ms_max,
            reflection = ?self.reflection,
            queue = self.nats.queue,
            nats_jobs_max = self.nats_gateway.nats_jobs_max,
            nats_job_ms_max = self.nats_gateway.nats_job_ms_max,
            nats_ack_wait_ms = self.nats.nats_ack_wait_ms,
            otlp_endpoint = self.otlp_endpoint.as_ref().map(tracing::field::display),
            console = self.console_url(address),
            tls = self.access.tls_cert.is_some(),
            client_certificates = self.access.tls_client_ca.is_some(),
            tokens = self.access.token_file.is_some(),
            identity_streams_max = ?self.access.identity_streams_max,
            identity_commands_per_second_max = ?self.access.identity_commands_per_second_max,
            "listening"
        );
    }
}
