//! One HTTP/1.1 connection, which is what browsers speak in the clear, with the bounds that [`crate::connection`] puts
//! on HTTP/2: on headers and the time that they take, on what waits to be sent and for how long, on the connection's age
//! and on a drain. One request at a time is answered; what it is, and whether it ends, is seen to elsewhere.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;

use crate::access::Peer;
use crate::connection::{ConnectionLimits, Server, until_its_end};
use crate::handshake::Begun;
use crate::http::{Door, answer};
use crate::watch::Watch;

/// Lines of headers in one request.
const HEADERS_MAX: usize = 100;
/// Bytes that hyper holds of what came and was not read, and of what waits to be sent. It wants 8 KiB at least.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// False if it was dropped before its end.
pub(crate) async fn serve_to_the_end<S>(stream: &mut Begun<S>, peer: Peer, server: &Server) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let own = server.drain.of_connection();
    let used = AtomicBool::new(false);
    let address = peer.address;
    // There is no task for each call that could be aborted, as HTTP/2 has it: a call that stands still takes its
    // connection along, on which nothing else can be going on.
    let cut = CancellationToken::new();
    let service = service_fn(|request: Request<Incoming>| {
        used.store(true, Ordering::Relaxed);
        let who = server.telemetry.who(address, request.headers());
        let call = Watch::open(&server.watch, who, false, own.stopping());
        call.cut_off_by(cut.clone());
        let door = Door {
            access: Arc::clone(&server.access),
            peer: peer.clone(),
        };
        let services = server.services.clone();
        let answered = Box::pin(answer(request, services, own.clone(), door, call));
        async { Ok::<_, Infallible>(answered.await) }
    });
    // An answer that the client does not read is out of the watchdog's sight once hyper has all of it.
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(server.watch.stall_max()));
    let stream = pin!(stream);
    let builder = builder(server.limits);
    let served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = until_its_end(
        served,
        |served| served.graceful_shutdown(),
        server,
        address,
        &own,
        &used,
    );
    tokio::select! {
        ended = ended => ended,
        () = cut.cancelled() => {
            tracing::debug!("connection ended with its call");
            false
        }
    }
}

fn builder(limits: ConnectionLimits) -> http1::Builder {
    let header_bytes_max = limits.header_bytes_max as usize;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // From the last answer on, so that this is also how long a connection is kept that is not used.
        .header_read_timeout(limits.handshake_max)
        .max_headers(HEADERS_MAX)
        .max_header_size(header_bytes_max)
        .max_buf_size(BUFFER_BYTES_MAX.max(header_bytes_max))
        .half_close(false);
    builder
}
