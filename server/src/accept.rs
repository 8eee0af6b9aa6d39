//! The accept loop: connections in, one task each, all bounded and all awaited. It knows nothing of what is served.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::{self, Server};

/// After an error of the listener itself, such as too many open files, accepting rests this long.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Accepts connections until the drain says to stop, then waits until all are closed.
pub(crate) async fn serve(listener: TcpListener, connections_max: u32, server: &Server) {
    let places = Arc::new(Semaphore::new(connections_max as usize));
    let connections = &server.telemetry.connections;
    let stopping = server.drain.stopping().clone();
    while let Some(accepted) = stopping
        .run_until_cancelled(accept(&listener, &places))
        .await
    {
        let (stream, peer, place) = accepted;
        server.telemetry.accept();
        let server = server.clone();
        connections.spawn(async move {
            connection::serve(stream, peer, server).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection, and its place among those that may be open.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.expect("the semaphore is never closed");
    let mut failures = 0_u64;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if failures > 0 {
                    tracing::info!(failures, "accepting again");
                }
                return (stream, peer, place);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Said once: it may go on for long, and each try would say the same.
                if failures == 0 {
                    let rest_ms = ACCEPT_REST.as_millis() as u64;
                    tracing::warn!(%error, rest_ms, "cannot accept; trying again after each rest");
                }
                failures += 1;
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// The error is that of a connection that went away, not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
