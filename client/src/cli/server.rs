//! The server of a run: one that is given, or one that is started here, in this process, and ends with the run.

use super::RunError;
use super::args::Plan;

/// Where commands are sent to.
#[derive(Debug)]
pub(crate) struct Server {
    address: String,
    #[cfg(feature = "embedded")]
    embedded: Option<embedded::Embedded>,
}

impl Server {
    /// Takes the server that is given, or starts one.
    #[cfg(feature = "embedded")]
    pub(crate) async fn open(plan: &Plan) -> Result<Self, RunError> {
        if let Some(address) = plan.server.clone() {
            let embedded = None;
            return Ok(Self { address, embedded });
        }
        let embedded = embedded::Embedded::start(plan.workers).await?;
        Ok(Self {
            address: embedded.address.to_string(),
            embedded: Some(embedded),
        })
    }

    /// Takes the server that is given; this build cannot start one.
    #[cfg(not(feature = "embedded"))]
    pub(crate) async fn open(plan: &Plan) -> Result<Self, RunError> {
        let address = plan.server.clone();
        let address = address.ok_or(super::error::UsageError::ServerRequired)?;
        Ok(Self { address })
    }

    /// As it was given, or HOST:PORT.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether it was started here.
    pub(crate) fn is_embedded(&self) -> bool {
        #[cfg(feature = "embedded")]
        return self.embedded.is_some();
        #[cfg(not(feature = "embedded"))]
        false
    }

    /// Stops the server if it was started here; nothing of it is left. Its clients must be gone.
    pub(crate) async fn close(self) -> Result<(), RunError> {
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        Ok(())
    }
}

#[cfg(feature = "embedded")]
mod embedded {
    use std::net::SocketAddr;

    use robot_server::{Config, Shutdown, StartError, Summary};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use crate::cli::RunError;

    /// Any free port, reachable from this machine only.
    const ADDRESS: &str = "127.0.0.1:0";

    /// A server in this process.
    #[derive(Debug)]
    pub(crate) struct Embedded {
        pub(crate) address: SocketAddr,
        shutdown: Shutdown,
        serving: JoinHandle<Result<Summary, StartError>>,
    }

    impl Embedded {
        pub(crate) async fn start(workers: Option<u32>) -> Result<Self, RunError> {
            let listen = |source| RunError::Listen {
                address: ADDRESS,
                source,
            };
            let listener = TcpListener::bind(ADDRESS).await.map_err(listen)?;
            let address = listener.local_addr().map_err(listen)?;
            let config = Config {
                workers,
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

        pub(crate) async fn stop(self) -> Result<(), RunError> {
            self.shutdown.drain.cancel();
            let _summary = self.serving.await??;
            Ok(())
        }
    }
}
