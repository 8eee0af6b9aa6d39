//! The server that a subcommand talks to: one that is given, or one that is started here, in this process, and ends
//! with the run.

use std::time::Duration;

use robot_client::Client;

use super::RunError;
use super::credentials::CredentialFiles;
use super::error::UsageError;
use super::words::counted;

/// Where a server listens if it was not told otherwise.
const DEFAULT_ADDRESS: &str = "127.0.0.1:50051";

/// A server that is there already.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub(super) struct Remote {
    /// Server to use, http(s)://HOST:PORT or HOST:PORT; several, separated by commas, are taken for the same, and work
    /// goes to those that serve [default: 127.0.0.1:50051]
    #[arg(
        long,
        env = "ROBOT_SERVER",
        value_name = "URL,..",
        value_delimiter = ','
    )]
    server: Vec<String>,

    #[command(flatten)]
    credentials: CredentialFiles,

    /// Give up after so long, such as 500ms or 10s [default: never]
    #[arg(long, env = "ROBOT_CLIENT_TIMEOUT", value_name = "TIME")]
    #[arg(value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
}

impl Remote {
    /// As it was given, or the default.
    pub(super) fn address(&self) -> String {
        match self.server.is_empty() {
            true => DEFAULT_ADDRESS.to_owned(),
            false => self.server.join(","),
        }
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(super) async fn connect(&self) -> Result<Client, RunError> {
        connect(&self.address(), &self.credentials).await
    }
}

/// A server that is there already, or else one of our own.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[command(mut_arg("server", |server| server.help(
    "Server to use, http(s)://HOST:PORT or HOST:PORT; several, separated by commas, are taken for the same, and work \
     goes to those that serve [default: start one here for this run]"
)))]
pub(super) struct Place {
    #[command(flatten)]
    remote: Remote,

    /// Workers of the server that is started here [default: one per core]
    #[arg(long, env = "ROBOT_CLIENT_WORKERS", value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
}

impl Place {
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.remote.timeout
    }

    /// Checks what no single flag can.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        match !self.remote.server.is_empty() && self.workers.is_some() {
            true => Err(UsageError::WorkersWithServer),
            false => Ok(()),
        }
    }
}

/// Where commands are sent to.
#[derive(Debug)]
pub(super) struct Server {
    /// One, or several separated by commas.
    address: String,
    credentials: CredentialFiles,
    #[cfg(feature = "embedded")]
    embedded: Option<embedded::Embedded>,
}

impl Server {
    /// Takes the server that is given, or starts one.
    #[cfg(feature = "embedded")]
    async fn open(place: &Place) -> Result<Self, RunError> {
        place.check()?;
        let credentials = place.remote.credentials.clone();
        if !place.remote.server.is_empty() {
            return Ok(Self {
                address: place.remote.address(),
                credentials,
                embedded: None,
            });
        }
        let embedded = embedded::Embedded::start(place.workers).await?;
        Ok(Self {
            address: embedded.address.to_string(),
            credentials,
            embedded: Some(embedded),
        })
    }

    /// Takes the server that is given; this build cannot start one.
    #[cfg(not(feature = "embedded"))]
    async fn open(place: &Place) -> Result<Self, RunError> {
        place.check()?;
        if place.remote.server.is_empty() {
            return Err(UsageError::ServerRequired.into());
        }
        Ok(Self {
            address: place.remote.address(),
            credentials: place.remote.credentials.clone(),
        })
    }

    /// Opens it, uses it, and closes it, however the use has ended. Its clients must be gone by then.
    pub(super) async fn with<T>(
        place: &Place,
        use_it: impl AsyncFnOnce(&Self) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let server = Self::open(place).await?;
        let used = use_it(&server).await;
        let closed = server.close().await;
        let used = used?;
        closed?;
        Ok(used)
    }

    /// As it was given, or HOST:PORT.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) async fn connect(&self) -> Result<Client, RunError> {
        connect(&self.address, &self.credentials).await
    }

    /// One more connection beside `first`. To several servers there is none: each stream has its own already, and only
    /// who knows of all streams can spread them evenly.
    pub(super) async fn connect_again(&self, first: &Client) -> Result<Client, RunError> {
        match self.address.contains(',') {
            true => Ok(first.clone()),
            false => self.connect().await,
        }
    }

    /// Tells people where their commands went, if they did not say.
    pub(super) fn announce(&self, workers: u32) {
        if self.is_embedded() {
            let workers = counted(workers.into(), "worker");
            eprintln!(
                "no --server given: started one on {} with {workers}",
                self.address
            );
        }
    }

    /// Stops the server if it was started here; nothing of it is left.
    async fn close(self) -> Result<(), RunError> {
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        Ok(())
    }

    fn is_embedded(&self) -> bool {
        #[cfg(feature = "embedded")]
        return self.embedded.is_some();
        #[cfg(not(feature = "embedded"))]
        false
    }
}

async fn connect(address: &str, credentials: &CredentialFiles) -> Result<Client, RunError> {
    let credentials = credentials.read()?;
    let several: Vec<_> = address.split(',').map(str::trim).collect();
    Ok(match several[..] {
        [one] => Client::connect_with(one, credentials).await?,
        _ => Client::connect_to_any(&several, credentials).await?,
    })
}

#[cfg(feature = "embedded")]
mod embedded {
    use std::net::SocketAddr;

    use robot_server::{Config, Console, Shutdown, StartError, Summary};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use crate::cli::RunError;

    /// Any free port, reachable from this machine only.
    const ADDRESS: &str = "127.0.0.1:0";

    /// A server in this process.
    #[derive(Debug)]
    pub(super) struct Embedded {
        pub(super) address: SocketAddr,
        shutdown: Shutdown,
        serving: JoinHandle<Result<Summary, StartError>>,
    }

    impl Embedded {
        pub(super) async fn start(workers: Option<u32>) -> Result<Self, RunError> {
            let listen = |source| RunError::Listen {
                address: ADDRESS,
                source,
            };
            let listener = TcpListener::bind(ADDRESS).await.map_err(listen)?;
            let address = listener.local_addr().map_err(listen)?;
            let config = Config {
                workers,
                // Nobody is told of its address but the subcommand.
                console: Console::Off,
                ..Config::default()
            };
            let shutdown = Shutdown::default();
            let serving = tokio::spawn(robot_server::run(listener, config, shutdown.clone()));
            Ok(Self {
                address,
                shutdown,
                serving,
            })
        }

        pub(super) async fn stop(self) -> Result<(), RunError> {
            self.shutdown.drain.cancel();
            let _summary = self.serving.await??;
            Ok(())
        }
    }
}
