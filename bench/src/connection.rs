//! HTTP/2 and the calls on it, without a gRPC library: the load must not be the bottleneck.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// Pieces of a request between whoever makes them and the connection.
const PIECES_MAX: usize = 64;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// A connection; clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Body>,
    address: SocketAddr,
}

/// The sending end of a call; dropping it half-closes.
pub(crate) type Requests = mpsc::Sender<Bytes>;

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, address })
    }

    /// Opens an `ExecuteStream`.
    pub(crate) async fn stream(&mut self) -> anyhow::Result<(Requests, Incoming)> {
        let (requests, pieces) = mpsc::channel(PIECES_MAX);
        let frames = ReceiverStream::new(pieces).map(|piece| Ok(Frame::data(piece)));
        let body = StreamBody::new(frames).boxed_unsync();
        let response = self.call("ExecuteStream", body).await?;
        Ok((requests, response.into_body()))
    }

    /// Makes one `Execute`; gives the response's body with its gRPC prefix.
    pub(crate) async fn execute(&mut self, request: Bytes) -> anyhow::Result<Bytes> {
        let body = http_body_util::Full::new(request).boxed_unsync();
        let response = self.call("Execute", body).await?;
        let body = response.into_body().collect().await?;
        ended_ok(body.trailers())?;
        Ok(body.to_bytes())
    }

    async fn call(&mut self, method: &str, body: Body) -> anyhow::Result<Response<Incoming>> {
        let uri = format!("http://{}/robot.v1.RobotService/{method}", self.address);
        let request = Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(CONTENT_TYPE, "application/grpc")
            .header(TE, "trailers")
            .body(body)?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        // A call that fails at once has its status here.
        match response.headers().contains_key("grpc-status") {
            true => ended_ok(Some(response.headers())).map(|()| response),
            false => Ok(response),
        }
    }
}

/// Whether the call ended with the status OK.
pub(crate) fn ended_ok(trailers: Option<&HeaderMap>) -> anyhow::Result<()> {
    let trailers = trailers.context("the call ended without trailers")?;
    let status = trailers.get("grpc-status").context("there is no status")?;
    ensure!(
        status == "0",
        "the call ended with status {status:?}: {:?}",
        trailers.get("grpc-message")
    );
    Ok(())
}
