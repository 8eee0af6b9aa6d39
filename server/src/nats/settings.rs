//! How a gateway and its workers come to the broker: flags, each with its variable and its bound. Nothing secret is among
//! them, only the files that hold it. It knows nothing of jobs.

use std::path::PathBuf;

use clap::Args;

/// Where the broker is, and how to come in.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct NatsConfig {
    /// The broker that carries the jobs: nats://HOST:PORT, or tls://HOST:PORT; several, with commas, are one cluster
    #[arg(long, env = "ROBOT_SERVER_QUEUE", value_name = "URL")]
    #[arg(value_parser = broker_url)]
    pub queue: Option<String>,

    /// Name of the system of gateways and workers that share their jobs; part of all its subjects
    #[arg(
        long,
        env = "ROBOT_SERVER_NATS_SYSTEM",
        value_name = "NAME",
        default_value = "main"
    )]
    #[arg(value_parser = system_name)]
    pub nats_system: String,

    /// File with NATS credentials (JWT and seed), as `nsc` writes it
    #[arg(long, env = "ROBOT_SERVER_NATS_CREDS", value_name = "FILE")]
    #[arg(conflicts_with = "nats_user")]
    pub nats_creds: Option<PathBuf>,

    /// User at the broker; needs --nats-password-file
    #[arg(long, env = "ROBOT_SERVER_NATS_USER", value_name = "NAME")]
    #[arg(requires = "nats_password_file")]
    pub nats_user: Option<String>,

    /// File whose first line is the user's password
    #[arg(long, env = "ROBOT_SERVER_NATS_PASSWORD_FILE", value_name = "FILE")]
    #[arg(requires = "nats_user")]
    pub nats_password_file: Option<PathBuf>,

    /// File with the certificates (PEM) that the broker's own is checked against, beside the system's; TLS is then required
    #[arg(long, env = "ROBOT_SERVER_NATS_TLS_CA", value_name = "FILE")]
    pub nats_tls_ca: Option<PathBuf>,

    /// Milliseconds after which the broker gives a job that a worker has not acknowledged to another; the same for all
    #[arg(
        long,
        env = "ROBOT_SERVER_NATS_ACK_WAIT_MS",
        value_name = "MS",
        default_value_t = 2000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(100..=600_000))]
    pub nats_ack_wait_ms: u32,
}

/// What only a gateway needs.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct NatsGatewayConfig {
    /// Jobs of this gateway that the broker and its workers may hold; more wait in the gateway's own queue
    #[arg(
        long,
        env = "ROBOT_SERVER_NATS_JOBS_MAX",
        value_name = "JOBS",
        default_value_t = 64
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub nats_jobs_max: u32,

    /// Milliseconds that the broker keeps a job that nobody takes; one that is still wanted is sent again
    #[arg(
        long,
        env = "ROBOT_SERVER_NATS_JOB_MS_MAX",
        value_name = "MS",
        default_value_t = 60_000
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1000..=86_400_000))]
    pub nats_job_ms_max: u32,
}

/// A wrong URL is told without being repeated: there may be a password in it.
fn broker_url(text: &str) -> Result<String, String> {
    let valid = |url: &str| {
        let host = url
            .strip_prefix("nats://")
            .or_else(|| url.strip_prefix("tls://"));
        host.and_then(|host| host.rsplit_once(':'))
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    if text.contains('@') {
        return Err(
            "it must not hold a user or a password: use --nats-creds, or --nats-user and \
                    --nats-password-file"
                .to_owned(),
        );
    }
    match text.split(',').all(valid) {
        true => Ok(text.to_owned()),
        false => Err("it must be nats://HOST:PORT or tls://HOST:PORT".to_owned()),
    }
}

fn system_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match (1..=32).contains(&text.len()) && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("it must be 1 to 32 of a-z, 0-9 and -".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_scheme_a_host_and_a_port() {
        for (url, valid) in [
            ("nats://127.0.0.1:4222", true),
            ("tls://nats.example:4222", true),
            ("nats://a:1,nats://b:2", true),
            ("nats://[::1]:4222", true),
            ("nats://host", false),
            ("nats://:4222", false),
            ("nats://host:port", false),
            ("http://host:80", false),
            ("nats://user:secret@host:4222", false),
            ("", false),
        ] {
            assert_eq!(broker_url(url).is_ok(), valid, "{url}");
        }
        let error = broker_url("nats://user:secret@host:4222").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_system_is_one_token_of_a_subject() {
        for (name, valid) in [
            ("main", true),
            ("site-2", true),
            ("", false),
            ("a.b", false),
            ("*", false),
            (">", false),
            ("Main", false),
            (&"a".repeat(33), false),
        ] {
            assert_eq!(system_name(name).is_ok(), valid, "{name}");
        }
    }
}
