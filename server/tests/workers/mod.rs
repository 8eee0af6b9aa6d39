//! What the workers of a server have done, as WatchWorkers tells it.

#![allow(dead_code, reason = "each test file uses its own part")]

use robot_api::v1;
use tonic::Streaming;

use crate::support::Server;

/// Commands that the workers have run.
pub(crate) fn commands(snapshot: &v1::WatchWorkersResponse) -> u64 {
    snapshot.workers.iter().map(|worker| worker.commands).sum()
}

pub(crate) async fn watch(server: &Server) -> Streaming<v1::WatchWorkersResponse> {
    let watch = v1::WatchWorkersRequest { interval_ms: 100 };
    let snapshots = server.client().await.watch_workers(watch).await;
    snapshots.expect("the server is there").into_inner()
}

/// The first snapshot that is so.
pub(crate) async fn until(
    server: &Server,
    is_so: impl Fn(&v1::WatchWorkersResponse) -> bool,
) -> v1::WatchWorkersResponse {
    loop {
        let mut snapshots = watch(server).await;
        // It ends when its connection has reached its age.
        while let Ok(Some(snapshot)) = snapshots.message().await {
            if is_so(&snapshot) {
                return snapshot;
            }
        }
    }
}

/// Waits until no call is open and all workers wait; gives how many commands had been run then, and a moment later.
pub(crate) async fn commands_when_quiet(server: &Server) -> [u64; 2] {
    let quiet = until(server, |snapshot| {
        let idle = snapshot.queue.map_or(0, |queue| queue.idle_workers);
        snapshot.open_calls == 0 && idle as usize == snapshot.workers.len()
    });
    let quiet = commands(&quiet.await);
    let mut snapshots = watch(server).await;
    let mut later = None;
    for _ in 0..2 {
        later = snapshots.message().await.expect("the server goes on");
    }
    [quiet, commands(&later.expect("the server goes on"))]
}
