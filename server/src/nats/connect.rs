//! The connection to the broker: made in the background and made again for ever, since a broker that is gone for a while
//! is no reason to end. Whoever uses it sees when it comes and goes. It knows nothing of jobs.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::watch;
use tokio::time::timeout;

use super::settings::NatsConfig;
use super::subjects::Subjects;

/// The wait between two tries to connect grows to this.
const RETRY_MS_MAX: u64 = 1000;
const RETRY_MS_STEP: u64 = 50;
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection on which nothing comes for twice this long is given up.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// No question to the broker takes longer, or it is asked again.
pub(crate) const REQUEST_MAX: Duration = Duration::from_secs(2);
/// Between two log lines that say the same.
pub(crate) const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Messages on their way to the broker, in this process.
const OUTGOING_MAX: usize = 1024;
/// Messages of one subscription that wait in this process.
const INCOMING_MAX: usize = 64 * 1024;

/// Why no connection can ever be made.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// A file cannot be used.
    #[error("cannot read {flag} {}: {error}", path.display())]
    File {
        /// Which flag names it.
        flag: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The settings are of no use together.
    #[error("cannot connect to --queue {url}: {error}")]
    Connect {
        /// The broker.
        url: String,
        /// Why not.
        error: async_nats::ConnectError,
    },
}

/// How often the connection was made, and whether it is there.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Connected {
    pub(crate) times: u64,
    pub(crate) now: bool,
}

/// A connection, and what is seen of it.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
    pub(crate) connected: watch::Receiver<Connected>,
}

impl Broker {
    /// Does not wait for the broker.
    pub(crate) async fn open(
        config: &NatsConfig,
        subjects: &Subjects,
        name: &'static str,
    ) -> Result<Self, NatsError> {
        let url = config.queue.as_deref().unwrap_or_default();
        let addresses: Vec<_> = url.split(',').map(str::to_owned).collect();
        let (comes_and_goes, connected) = watch::channel(Connected::default());
        let troubles = Troubles::default();
        let options = options(config).await?;
        let connecting = options
            .name(name)
            .custom_inbox_prefix(subjects.inbox_prefix())
            .retry_on_initial_connect()
            .reconnect_delay_callback(|tries| {
                let step = RETRY_MS_STEP.saturating_mul(tries as u64);
                Duration::from_millis(step.min(RETRY_MS_MAX))
            })
            .connection_timeout(CONNECT_MAX)
            .request_timeout(Some(REQUEST_MAX))
            .ping_interval(PING_INTERVAL)
            .client_capacity(OUTGOING_MAX)
            .subscription_capacity(INCOMING_MAX)
            .event_callback(move |event| {
                note(&comes_and_goes, &troubles, &event);
                async {}
            })
            .connect(addresses);
        let client = connecting.await.map_err(|error| NatsError::Connect {
            url: url.to_owned(),
            error,
        })?;
        tracing::info!(
            broker = url,
            system = config.nats_system,
            "connecting to the broker"
        );
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(REQUEST_MAX);
        Ok(Self {
            client,
            jetstream,
            connected,
        })
    }

    /// Waits until all that was published is with the broker, but not for ever.
    pub(crate) async fn flush(&self) {
        if self.connected.borrow().now {
            let _gone = timeout(REQUEST_MAX, self.client.flush()).await;
        }
    }
}

/// Each try to connect may fail in the same way: not each is worth a line.
#[derive(Debug, Default)]
struct Troubles(Mutex<Option<Instant>>);

impl Troubles {
    fn log(&self, event: &Event) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
            *last = Some(Instant::now());
            tracing::warn!(%event, "trouble with the broker");
        }
    }
}

fn note(connected: &watch::Sender<Connected>, troubles: &Troubles, event: &Event) {
    match event {
        Event::Connected => {
            tracing::info!("connected to the broker");
            connected.send_modify(|connected| {
                connected.times += 1;
                connected.now = true;
            });
        }
        Event::Disconnected | Event::Closed => {
            tracing::warn!("the connection to the broker is lost; trying again");
            connected.send_modify(|connected| connected.now = false);
        }
        Event::ServerError(_) | Event::ClientError(_) | Event::SlowConsumer(_) => {
            troubles.log(event);
        }
        Event::LameDuckMode | Event::Draining => tracing::info!(%event, "the broker"),
    }
}

/// Who we are.
async fn options(config: &NatsConfig) -> Result<ConnectOptions, NatsError> {
    let mut options = ConnectOptions::new();
    if let Some(path) = &config.nats_creds {
        let credentials = read("--nats-creds", path).await?;
        options = options
            .credentials(&credentials)
            .map_err(|error| NatsError::File {
                flag: "--nats-creds",
                path: path.clone(),
                error,
            })?;
    }
    if let (Some(user), Some(path)) = (&config.nats_user, &config.nats_password_file) {
        let text = read("--nats-password-file", path).await?;
        let password = text.lines().next().unwrap_or_default();
        options = options.user_and_password(user.clone(), password.to_owned());
    }
    if let Some(path) = &config.nats_tls_ca {
        // So that a missing file is told now, and not at every try.
        read("--nats-tls-ca", path).await?;
        options = options
            .add_root_certificates(path.clone())
            .require_tls(true);
    }
    Ok(options)
}

async fn read(flag: &'static str, path: &PathBuf) -> Result<String, NatsError> {
    let text = tokio::fs::read_to_string(path).await;
    text.map_err(|error| NatsError::File {
        flag,
        path: path.clone(),
        error,
    })
}
