//! Three replicas that are all the same, and what stands before them: nothing, with clients that spread by themselves, or
//! Envoy. It knows nothing of loads.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::envoy::Envoy;
use crate::raw::{commands_run, connect, snapshot};
use crate::server::Server;
use crate::sessions::Uris;

pub(crate) const REPLICAS: usize = 3;
/// Streams of each session: one for each replica.
const STREAMS: NonZeroUsize = NonZeroUsize::new(REPLICAS).expect("it is not 0");
/// Whoever is to learn of something has learned of it by then, unless it never will.
pub(crate) const LEARNED_MAX: Duration = Duration::from_secs(60);
/// Between two looks at whether it has.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How clients come to the replicas.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way<'a> {
    /// They know all of them.
    Own,
    /// Through this program.
    Envoy(&'a Path),
}

/// The replicas of a run.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) servers: Vec<Server>,
    pub(crate) envoy: Option<Envoy>,
}

impl Fleet {
    /// Starts replicas with these flags of `robot-server`.
    pub(crate) async fn start(way: Way<'_>, flags: &[&str]) -> anyhow::Result<Self> {
        let mut servers = Vec::new();
        for _ in 0..REPLICAS {
            servers.push(Server::start(flags).await?);
        }
        let addresses: Vec<SocketAddr> = servers.iter().map(Server::address).collect();
        let envoy = match way {
            Way::Own => None,
            Way::Envoy(binary) => Some(Envoy::start(binary, &addresses).await?),
        };
        Ok(Self { servers, envoy })
    }

    /// Where clients connect to.
    pub(crate) fn uris(&self) -> Uris {
        let all = || self.servers.iter().map(Server::uri).collect::<Vec<_>>();
        let uris = match &self.envoy {
            Some(envoy) => format!("http://{}", envoy.local),
            None => all().join(","),
        };
        Uris {
            healthy: uris.clone(),
            sessions: uris,
            streams: STREAMS,
        }
    }

    /// Calls that run commands and are open on each.
    pub(crate) async fn open_calls(&self) -> anyhow::Result<Vec<u64>> {
        let mut all = Vec::new();
        for server in &self.servers {
            let service = connect(&server.uri(), None).await?;
            all.push(snapshot(&service).await?.open_calls.into());
        }
        Ok(all)
    }

    /// Commands that each has run.
    pub(crate) async fn commands_run(&self) -> anyhow::Result<Vec<u64>> {
        let mut all = Vec::new();
        for server in &self.servers {
            let service = connect(&server.uri(), None).await?;
            all.push(commands_run(&snapshot(&service).await?));
        }
        Ok(all)
    }

    /// Waits until that one was given something to do, so that it is known to whoever gave it.
    pub(crate) async fn is_found(&self, index: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.commands_run().await?[index] == 0 {
            ensure!(
                begun.elapsed() < LEARNED_MAX,
                "replica {index} was given nothing for {LEARNED_MAX:?}"
            );
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// The most bytes of memory that any of them had.
    pub(crate) fn peak_rss_bytes(&self) -> u64 {
        let peaks = self.servers.iter().map(Server::peak_rss_bytes);
        peaks.max().unwrap_or_default()
    }
}

impl Way<'_> {
    /// As docs/scaling.md has it: longer than it takes until nobody sends anything new.
    pub(crate) fn drain_delay_ms(self) -> &'static str {
        match self {
            Self::Own => "500",
            Self::Envoy(_) => "3000",
        }
    }

    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Own => "clients that spread",
            Self::Envoy(_) => "Envoy",
        }
    }
}
