//! What is seen of the server from outside while it runs, in one place. It knows nothing of what calls do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use tokio_util::task::TaskTracker;

use crate::log_limit::LogLimit;
use crate::metrics::Calls;
use crate::traces::Traces;
use crate::who::Who;

/// What all connections and calls report to.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    pub(crate) log: Arc<LogLimit>,
    /// Where somebody asks for metrics.
    pub(crate) calls: Option<Arc<Calls>>,
    /// Where there is a collector.
    pub(crate) traces: Option<Traces>,
    /// Those that are open.
    pub(crate) connections: TaskTracker,
    accepted: AtomicU64,
    streams: AtomicU64,
}

impl Telemetry {
    pub(crate) fn new(calls: Option<Arc<Calls>>, traces: Option<Traces>) -> Arc<Self> {
        Arc::new(Self {
            calls,
            traces,
            ..Self::default()
        })
    }

    /// Whose a call is that begins now.
    pub(crate) fn who(&self, peer: SocketAddr, headers: &HeaderMap) -> Who {
        let stream = self.streams.fetch_add(1, Ordering::Relaxed) + 1;
        Who::new(peer, stream, headers, &self.log)
    }

    /// A connection was accepted.
    pub(crate) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections that were accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// A request is not let in.
    pub(crate) fn refuse(&self, reason: &'static str) {
        if let Some(calls) = &self.calls {
            calls.refuse(reason);
        }
    }
}
