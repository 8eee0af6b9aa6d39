//! The listener for those who look after the server: metrics, and whether it lives and takes calls, over HTTP/1.1. Few
//! connections and small requests, each with a deadline: what is asked for here changes nothing and may be asked for
//! often, and whoever floods it floods it alone.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::drain::Drain;
use crate::metrics::{self, Metrics, Sources};
use crate::nats::Ready;

/// More wait to be accepted.
const CONNECTIONS_MAX: usize = 16;
/// A connection is closed after so long, whatever it does: a scrape takes milliseconds.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(60);
const REQUEST_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
const HEADERS_WAIT_MAX: Duration = Duration::from_secs(5);
/// After an error of the listener, such as too many open files, accepting rests this long.
const ACCEPT_REST: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";
const PATHS: &str = "there are /metrics, /live and /ready\n";

/// What is shown.
#[derive(Debug, Clone)]
struct Shown {
    metrics: Arc<Metrics>,
    drain: Drain,
    ready: Ready,
}

/// Shows what there is to whoever asks, if anybody may, until it is dropped, which closes all that is open.
pub(crate) async fn serve(
    listener: Option<TcpListener>,
    sources: Sources,
    ready: Ready,
) -> Infallible {
    let (Some(listener), Some(calls)) = (listener, sources.telemetry.calls.clone()) else {
        return pending().await;
    };
    let drain = sources.drain.clone();
    let metrics = Arc::new(Metrics::new(&calls, sources));
    let shown = Shown {
        metrics,
        drain,
        ready,
    };
    accept(listener, shown).await
}

async fn accept(listener: TcpListener, shown: Shown) -> Infallible {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _peer)) => {
                let served = connection(stream, shown.clone());
                connections.spawn(async move {
                    let _too_old = timeout(CONNECTION_AGE_MAX, served).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept on the admin listener");
                sleep(ACCEPT_REST).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, shown: Shown) {
    let service = service_fn(|request| {
        let response = answer(&request, &shown);
        async { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WAIT_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(REQUEST_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to the admin listener ended");
    }
}

fn answer(request: &Request<Incoming>, shown: &Shown) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD are allowed\n",
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    match request.uri().path() {
        "/live" => text(StatusCode::OK, "live\n"),
        "/ready" => match (shown.drain.has_begun(), shown.ready.is_ready()) {
            (true, _) => text(StatusCode::SERVICE_UNAVAILABLE, "not ready: draining\n"),
            (false, false) => text(StatusCode::SERVICE_UNAVAILABLE, "not ready: no broker\n"),
            (false, true) => text(StatusCode::OK, "ready\n"),
        },
        "/metrics" => match shown.metrics.text() {
            Ok(metrics) => of_type(StatusCode::OK, metrics::CONTENT_TYPE, metrics),
            Err(error) => {
                tracing::error!(%error, "cannot write the metrics");
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "cannot write the metrics\n",
                )
            }
        },
        _ => text(StatusCode::NOT_FOUND, PATHS),
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    of_type(status, TEXT, text)
}

fn of_type(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Reads `PORT`, which is one of this machine's own, or `HOST:PORT`.
pub fn parse_admin_address(text: &str) -> Result<SocketAddr, String> {
    match (text.parse::<u16>(), text.parse()) {
        (Ok(port), _) => Ok(SocketAddr::from(([127, 0, 0, 1], port))),
        (_, Ok(address)) => Ok(address),
        _ => Err("it must be PORT, for this machine only, or HOST:PORT".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for (text, expected) in [
            ("9464", Some("127.0.0.1:9464")),
            ("0", Some("127.0.0.1:0")),
            ("0.0.0.0:9464", Some("0.0.0.0:9464")),
            ("[::1]:9464", Some("[::1]:9464")),
            ("65536", None),
            ("localhost:9464", None),
            ("", None),
        ] {
            let address = parse_admin_address(text).ok();
            assert_eq!(
                address,
                expected.map(|address| address.parse().unwrap()),
                "{text}"
            );
        }
    }
}
