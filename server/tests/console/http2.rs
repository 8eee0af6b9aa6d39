//! The same requests over HTTP/2.

use bytes::Bytes;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

/// Sends one request on a connection of its own.
pub(crate) async fn send(address: &str, request: Request<()>, body: Vec<u8>) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut sender = sender.ready().await.unwrap();
    let (response, mut requests) = sender.send_request(request, body.is_empty()).unwrap();
    if !body.is_empty() {
        requests.send_data(Bytes::from(body), true).unwrap();
    }
    let (head, mut incoming) = response.await.unwrap().into_parts();
    let mut body = Vec::new();
    while let Some(data) = incoming.data().await {
        let data = data.unwrap();
        incoming
            .flow_control()
            .release_capacity(data.len())
            .unwrap();
        body.extend_from_slice(&data);
    }
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
        trailers: incoming.trailers().await.unwrap(),
    }
}
