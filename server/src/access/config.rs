//! The settings that say who may come in. They name files; what is in the files they never hold.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::Args;

use super::IdentityLimits;
use crate::config::ConfigError;

/// Who may come in. Without any of it, anybody who can reach the server; it then listens on loopback only.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct AccessConfig {
    /// Certificate chain of the server, PEM; read again when it changes
    #[arg(long, env = "ROBOT_SERVER_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the server, PEM; read again when it changes
    #[arg(long, env = "ROBOT_SERVER_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Certificates that sign those of clients, PEM; calls then need a client certificate
    #[arg(long, env = "ROBOT_SERVER_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,

    /// Tokens, one a line, as NAME:SHA256 in hexadecimal; calls then need one of them
    #[arg(long, env = "ROBOT_SERVER_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Listen elsewhere than on loopback although anybody could come in or listen
    #[arg(long, env = "ROBOT_SERVER_INSECURE")]
    pub insecure: bool,

    /// Open calls of one identity, on all its connections [default: no limit]
    #[arg(
        long,
        env = "ROBOT_SERVER_IDENTITY_STREAMS_MAX",
        value_name = "STREAMS"
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub identity_streams_max: Option<u32>,

    /// Commands a second that are read from one identity, on all its calls [default: no limit]
    #[arg(
        long,
        env = "ROBOT_SERVER_IDENTITY_COMMANDS_PER_SECOND_MAX",
        value_name = "COMMANDS"
    )]
    pub identity_commands_per_second_max: Option<NonZeroU32>,
}

impl AccessConfig {
    /// Checks what no single flag can.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err(ConfigError::CertificateWithoutKey);
        }
        if self.tls_client_ca.is_some() && self.tls_cert.is_none() {
            return Err(ConfigError::ClientCaWithoutCertificate);
        }
        let limits = self.identity_limits();
        let limited = limits.streams_max.is_some() || limits.commands_per_second_max.is_some();
        if limited && !self.needs_credentials() {
            return Err(ConfigError::LimitWithoutIdentity);
        }
        Ok(())
    }

    /// Checks that nobody comes in by accident.
    pub(crate) fn validate_for(&self, listen: SocketAddr) -> Result<(), ConfigError> {
        let closed = self.tls_cert.is_some() && self.needs_credentials();
        match listen.ip().to_canonical().is_loopback() || closed || self.insecure {
            true => Ok(()),
            false => Err(ConfigError::Exposed { listen }),
        }
    }

    fn needs_credentials(&self) -> bool {
        self.tls_client_ca.is_some() || self.token_file.is_some()
    }

    pub(super) fn identity_limits(&self) -> IdentityLimits {
        IdentityLimits {
            streams_max: self.identity_streams_max,
            commands_per_second_max: self.identity_commands_per_second_max,
        }
    }

    /// The files that are set.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let Self {
            tls_cert,
            tls_key,
            tls_client_ca,
            token_file,
            ..
        } = self;
        let paths = [tls_cert, tls_key, tls_client_ca, token_file];
        paths.into_iter().flatten().map(PathBuf::as_path)
    }
}
