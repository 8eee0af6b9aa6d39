//! One connection, from its first byte to its last: handshake, HTTP/2 with every protection that hyper has, and the
//! ways in which it ends: the client's, a graceful one once the drain has begun or it has grown old, or the cut. It
//! knows nothing of what is served.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::access::{Access, Peer};
use crate::drain::Drain;
use crate::handshake::{Begun, handshake};
use crate::http::{Door, Services, answer, is_session};
use crate::http1;
use crate::linger;
use crate::telemetry::Telemetry;
use crate::watch::{CallTasks, Watch};

/// A connection that is silent for this long is asked whether it is still there, and has as long to answer.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Streams that a client may reset before they are handled, or make us reset, before its connection is closed.
const PENDING_RESETS_MAX: usize = 20;
const LOCAL_RESETS_MAX: usize = 1024;
/// Bytes that hyper holds for one stream until its client makes room.
const SEND_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Bytes that a client may send on one stream before they are read.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// The same for all its streams together. As large as the windows of many streams, so that one that is not read does
/// not hold up the others. And h2 bounds what small frames cost by half of it, and closes the connection of a client
/// that sends more of them than are read: with a smaller window that would be any client that sends each command in a
/// frame of its own and has to wait.
const CONNECTION_WINDOW_BYTES: u32 = 64 * 1024 * 1024;
/// What HTTP/2 asks for at least, and what hyper defaults to.
const FRAME_BYTES_MAX: u32 = 16 * 1024;
const HEADER_TABLE_BYTES_MAX: u32 = 4 * 1024;

/// What bounds a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// Until the client has said that it speaks HTTP/2.
    pub(crate) handshake_max: Duration,
    /// Until it is told to go elsewhere, give or take a tenth.
    pub(crate) age_max: Option<Duration>,
    /// From then on, until it is dropped.
    pub(crate) grace_max: Duration,
    /// Calls that are open at the same time.
    pub(crate) streams_max: u32,
    /// Bytes of headers in one call.
    pub(crate) header_bytes_max: u32,
}

/// What all connections share.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) limits: ConnectionLimits,
    pub(crate) services: Services,
    pub(crate) access: Arc<Access>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) drain: Drain,
    pub(crate) telemetry: Arc<Telemetry>,
}

/// Serves one connection to its end.
pub(crate) async fn serve(stream: TcpStream, address: SocketAddr, server: Server) {
    // Answers are small and wanted at once. A socket that cannot be set so is slower, not broken.
    let _slower = stream.set_nodelay(true);
    match server.access.tls() {
        None => {
            if let Some(begun) = begin(handshake(stream), address, &server).await {
                let peer = server.access.peer(address, None);
                serve_begun(begun, peer, &server).await;
            }
        }
        Some(tls) => {
            let greeted = async { handshake(tls.accept(stream).await?).await };
            if let Some(begun) = begin(greeted, address, &server).await {
                let (_tcp, session) = begun.stream().get_ref();
                let certificate = session.peer_certificates().and_then(<[_]>::first);
                let peer = server.access.peer(address, certificate.map(AsRef::as_ref));
                serve_begun(begun, peer, &server).await;
            }
        }
    }
}

async fn serve_begun<S>(mut begun: Begun<S>, peer: Peer, server: &Server)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Without a console what is no HTTP/2 is refused by hyper, as HTTP/2.
    let ended = match begun.speaks_http_2() || server.services.console.is_none() {
        true => serve_to_the_end(&mut begun, peer, server).await,
        false => http1::serve_to_the_end(&mut begun, peer, server).await,
    };
    if !ended {
        return;
    }
    let closed = linger::close(begun);
    server.drain.cutting().run_until_cancelled(closed).await;
}

/// Waits for what has to come before the first request. A connection that has not come so far holds up no drain.
async fn begin<S>(
    greeted: impl Future<Output = io::Result<Begun<S>>>,
    address: SocketAddr,
    server: &Server,
) -> Option<Begun<S>> {
    let begun = timeout(server.limits.handshake_max, greeted);
    match server.drain.drained().run_until_cancelled(begun).await? {
        Ok(Ok(begun)) => Some(begun),
        Ok(Err(error)) => {
            let said =
                || tracing::debug!(peer = %address, %error, "a connection ended before it began");
            log_debug(address, server, said);
            None
        }
        Err(_elapsed) => {
            let said = || tracing::debug!(peer = %address, "a connection did not begin in time");
            log_debug(address, server, said);
            None
        }
    }
}

fn builder(limits: ConnectionLimits, calls: CallTasks) -> http2::Builder<CallTasks> {
    let mut builder = http2::Builder::new(calls);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.header_bytes_max)
        .header_table_size(HEADER_TABLE_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(LOCAL_RESETS_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE);
    builder
}

/// False if it was dropped before its end.
async fn serve_to_the_end<S>(stream: &mut Begun<S>, peer: Peer, server: &Server) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Server {
        limits,
        services,
        access,
        watch,
        drain,
        telemetry,
    } = server;
    let address = peer.address;
    let own = drain.of_connection();
    let calls = CallTasks::default();
    let used = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        used.store(true, Ordering::Relaxed);
        let who = telemetry.who(address, request.headers());
        let call = Watch::open(watch, who, is_session(&request), own.stopping());
        calls.expect(&call);
        let door = Door {
            access: Arc::clone(access),
            peer: peer.clone(),
        };
        // Boxed, since hyper moves it from place to place, and keeps its size for as long as the call is open.
        let answered = Box::pin(answer(request, services.clone(), own.clone(), door, call));
        async { Ok::<_, Infallible>(answered.await) }
    });
    let builder = builder(*limits, calls.clone());
    let served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    until_its_end(
        served,
        |served| served.graceful_shutdown(),
        server,
        address,
        &own,
        &used,
    )
    .await
}

/// Waits for the end of a connection, and has it begin to end when it must. False if it was dropped before.
pub(crate) async fn until_its_end<C>(
    mut served: Pin<&mut C>,
    begin_end: impl FnOnce(Pin<&mut C>),
    server: &Server,
    address: SocketAddr,
    own: &Drain,
    used: &AtomicBool,
) -> bool
where
    C: Future<Output = Result<(), hyper::Error>>,
{
    let Server { limits, drain, .. } = server;
    tokio::select! {
        ended = served.as_mut() => {
            log_end(ended, address, server);
            return true;
        }
        () = own.stopping().cancelled() => {}
        () = aged(limits.age_max) => own.end_connection(),
    }
    begin_end(served.as_mut());
    let grace = async {
        match drain.stopping().is_cancelled() {
            // The drain has a deadline of its own.
            true => pending().await,
            false => sleep(limits.grace_max).await,
        }
    };
    // One that never sent a request may not listen either: waiting for its goodbye could take for ever.
    let silent = async {
        drain.drained().cancelled().await;
        if used.load(Ordering::Relaxed) {
            pending().await
        }
    };
    tokio::select! {
        ended = served.as_mut() => {
            log_end(ended, address, server);
            true
        }
        () = grace => false,
        () = silent => false,
        () = drain.cutting().cancelled() => false,
    }
}

/// Waits until a connection has reached its age. Not all at the same time, or clients that came together would also
/// come back together.
async fn aged(age_max: Option<Duration>) {
    match age_max {
        None => pending().await,
        Some(age) => sleep(age.mul_f64(0.9 + 0.2 * fastrand::f64())).await,
    }
}

fn log_end(ended: Result<(), hyper::Error>, peer: SocketAddr, server: &Server) {
    if let Err(error) = ended {
        log_debug(
            peer,
            server,
            || tracing::debug!(%peer, %error, "connection ended"),
        );
    }
}

/// Lines that are not wanted use up nothing of what this peer may have.
fn log_debug(peer: SocketAddr, server: &Server, line: impl FnOnce()) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        server.telemetry.log.log(peer.ip(), line);
    }
}
