//! A client of HTTP/2 and nothing above it: the bytes of a call are as the test says.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request};
use tokio::net::TcpStream;
use tonic::Code;

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) http: u16,
    pub(crate) headers: HeaderMap,
    /// Of the trailers, or of the headers where there are no trailers.
    pub(crate) code: Option<Code>,
    /// As it came: percent-encoded.
    pub(crate) message: String,
    /// The payloads of the response messages.
    pub(crate) messages: Vec<Bytes>,
    /// Why the call was cut off.
    pub(crate) reset: Option<h2::Reason>,
}

/// A request that is as it should be, for a test to spoil.
pub(crate) fn request(path: &str) -> http::request::Builder {
    Request::builder()
        .method(Method::POST)
        .uri(format!("http://robots.example{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

/// The five bytes before a message, with any flag and any length, and the message.
pub(crate) fn framed(flag: u8, length: u32, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(flag);
    frame.put_u32(length);
    frame.put_slice(message);
    frame.freeze()
}

/// A message as it should be framed.
pub(crate) fn message(message: &[u8]) -> Bytes {
    framed(0, message.len() as u32, message)
}

/// A connection of its own for each call.
pub(crate) async fn connect(address: &str) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

/// Sends a whole request on a connection of its own, ends it, and reads the answer to its end.
pub(crate) async fn call(address: &str, request: Request<()>, body: Bytes) -> Answer {
    let mut sender = connect(address).await;
    call_in_parts(&mut sender, request, body, usize::MAX).await
}

/// The same with a body in frames of no more than so many bytes.
pub(crate) async fn call_in_parts(
    sender: &mut SendRequest<Bytes>,
    request: Request<()>,
    body: Bytes,
    part_bytes_max: usize,
) -> Answer {
    let (response, mut requests) = sender.send_request(request, false).unwrap();
    let sending = async {
        // A server that has answered need not read the rest.
        let _refused = send(&mut requests, body, part_bytes_max).await;
    };
    let ((), answer) = tokio::join!(sending, read(response));
    answer.unwrap_or_else(|error| Answer {
        reset: Some(error.reason().unwrap_or_else(|| panic!("{error}"))),
        ..Default::default()
    })
}

async fn send(
    requests: &mut h2::SendStream<Bytes>,
    mut body: Bytes,
    part_bytes_max: usize,
) -> Result<(), h2::Error> {
    while body.has_remaining() {
        requests.reserve_capacity(body.len().min(part_bytes_max));
        let capacity = std::future::poll_fn(|cx| requests.poll_capacity(cx)).await;
        let Some(capacity) = capacity.transpose()? else {
            return Ok(());
        };
        let part = capacity.min(part_bytes_max).min(body.len());
        requests.send_data(body.split_to(part), false)?;
    }
    requests.send_data(Bytes::new(), true)
}

async fn read(response: h2::client::ResponseFuture) -> Result<Answer, h2::Error> {
    let (head, mut body) = response.await?.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = match data {
            Ok(data) => data,
            // What was left of the request is not wanted, and the answer is complete.
            Err(error) if error.reason() == Some(h2::Reason::NO_ERROR) => break,
            Err(error) => return Err(error),
        };
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.unwrap_or_default();
    let statuses = trailers.as_ref().unwrap_or(&head.headers);
    let code = statuses.get("grpc-status");
    let message = statuses.get("grpc-message");
    Ok(Answer {
        http: head.status.as_u16(),
        code: code.map(|code| Code::from_bytes(code.as_bytes())),
        message: message.map_or_else(String::new, |text| text.to_str().unwrap().to_owned()),
        messages: messages(bytes.freeze()),
        reset: None,
        headers: head.headers,
    })
}

fn messages(mut bytes: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while bytes.has_remaining() {
        assert_eq!(bytes.get_u8(), 0, "nothing is compressed");
        let length = bytes.get_u32() as usize;
        messages.push(bytes.split_to(length));
    }
    messages
}
