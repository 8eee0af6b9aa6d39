//! The accept loop: connections in, one task each, all bounded and all awaited. It sets every protection that hyper
//! has. It knows nothing of what is served.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tonic::service::Routes;

use crate::config::Config;
use crate::drain::Drain;
use crate::http::answer;
use crate::linger;

/// After an error of the listener itself, such as too many open files, accepting rests this long.
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// A connection that is silent for this long is asked whether it is still there, and has as long to answer.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Streams that a client may reset before they are handled, or make us reset, before its connection is closed.
const PENDING_RESETS_MAX: usize = 20;
const LOCAL_RESETS_MAX: usize = 1024;
/// Bytes that hyper holds for one stream until its client makes room.
const SEND_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Accepts connections until the drain says to stop, then waits until all are closed.
pub(crate) async fn serve(listener: TcpListener, routes: Routes, config: &Config, drain: &Drain) {
    let builder = builder(config);
    let places = Arc::new(Semaphore::new(config.connections_max as usize));
    let connections = TaskTracker::new();
    let stopping = drain.stopping().clone();
    while let Some(accepted) = stopping
        .run_until_cancelled(accept(&listener, &places))
        .await
    {
        let (stream, place) = accepted;
        let (builder, routes, drain) = (builder.clone(), routes.clone(), drain.clone());
        connections.spawn(async move {
            connection(stream, builder, routes, drain).await;
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
) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => return (stream, place),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, rest_ms = ACCEPT_REST.as_millis() as u64, "cannot accept");
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

fn builder(config: &Config) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.streams_per_connection_max)
        .max_header_list_size(config.header_bytes_max)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(LOCAL_RESETS_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE);
    builder
}

/// Serves one connection to its end: the client's, a graceful one once the drain has begun, or the cut.
async fn connection(
    mut stream: TcpStream,
    builder: http2::Builder<TokioExecutor>,
    routes: Routes,
    drain: Drain,
) {
    if !serve_to_the_end(&mut stream, builder, routes, &drain).await {
        return;
    }
    let closed = linger::close(stream);
    drain.cutting().run_until_cancelled(closed).await;
}

/// False if it was dropped before its end.
async fn serve_to_the_end(
    stream: &mut TcpStream,
    builder: http2::Builder<TokioExecutor>,
    routes: Routes,
    drain: &Drain,
) -> bool {
    // Answers are small and wanted at once. A socket that cannot be set so is slower, not broken.
    let _slower = stream.set_nodelay(true);
    let used = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        used.store(true, Ordering::Relaxed);
        let answered = answer(request, routes.clone(), drain.clone());
        async { Ok::<_, Infallible>(answered.await) }
    });
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));

    tokio::select! {
        ended = served.as_mut() => {
            log_end(ended);
            return true;
        }
        () = drain.stopping().cancelled() => served.as_mut().graceful_shutdown(),
    }
    // One that never sent a request may never have said hello: waiting for its goodbye could take for ever.
    let silent = async {
        drain.drained().cancelled().await;
        if used.load(Ordering::Relaxed) {
            std::future::pending().await
        }
    };
    tokio::select! {
        ended = served.as_mut() => {
            log_end(ended);
            true
        }
        () = silent => false,
        () = drain.cutting().cancelled() => false,
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
