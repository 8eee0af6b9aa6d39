use bytes::{Buf, Bytes};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use prost::Message as _;
use tonic::Code;

use super::*;
use crate::messages::Message;
use crate::proto::test_service_server::TestServiceServer;
use crate::proto::{
    BoolValue, EchoStatus, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest,
};
use crate::service::TestService;

const UNARY: &str = "UnaryCall";
const INPUT: &str = "StreamingInputCall";
const OUTPUT: &str = "StreamingOutputCall";

/// A request of messages, each compressed or not.
fn request(method: &str, messages: &[(bool, Vec<u8>)]) -> Request<Body> {
    let mut body = Vec::new();
    let gzip = Gzip::default();
    for (compressed, bytes) in messages {
        gzip.send(*compressed);
        let message = gzip.deflate(Message {
            compressed: false,
            bytes: Bytes::copy_from_slice(bytes),
        });
        body.push(u8::from(message.compressed));
        body.extend((message.bytes.len() as u32).to_be_bytes());
        body.extend(message.bytes);
    }
    Request::post(format!("http://server/grpc.testing.TestService/{method}"))
        .header("content-type", "application/grpc")
        .body(Body::new(Full::from(body)))
        .unwrap()
}

fn with(mut request: Request<Body>, name: HeaderName, value: &'static str) -> Request<Body> {
    let value = HeaderValue::from_static(value);
    request.headers_mut().insert(name, value);
    request
}

async fn answer(request: Request<Body>) -> Response<Body> {
    let mut edge = Edge::new(TestServiceServer::new(TestService), 1 << 20);
    edge.call(request).await.unwrap()
}

/// The code that a call ends with, wherever it stands, and whether each message is compressed.
async fn outcome(response: Response<Body>) -> (Code, Vec<bool>) {
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let status = trailers
        .get("grpc-status")
        .or(parts.headers.get("grpc-status"));
    let code = Code::from_bytes(status.unwrap().as_bytes());
    let mut bytes = collected.to_bytes();
    let mut compressed = Vec::new();
    while bytes.has_remaining() {
        compressed.push(bytes.get_u8() == 1);
        let length = bytes.get_u32() as usize;
        bytes.advance(length);
    }
    (code, compressed)
}

fn expecting(compressed: bool) -> Vec<u8> {
    let expected = BoolValue { value: compressed };
    let message = StreamingInputCallRequest {
        expect_compressed: Some(expected),
        ..StreamingInputCallRequest::default()
    };
    message.encode_to_vec()
}

#[tokio::test]
async fn each_request_is_known_to_be_compressed_or_not() {
    let in_gzip = |messages: &[_]| with(request(INPUT, messages), ENCODING, "gzip");
    let as_said = [(true, expecting(true)), (false, expecting(false))];
    assert_eq!(outcome(answer(in_gzip(&as_said)).await).await.0, Code::Ok);

    let not_as_said = [(true, expecting(true)), (false, expecting(true))];
    let response = answer(in_gzip(&not_as_said)).await;
    assert_eq!(outcome(response).await.0, Code::InvalidArgument);
}

#[tokio::test]
async fn a_compressed_message_in_a_call_without_an_encoding_is_refused() {
    let response = answer(request(INPUT, &[(true, expecting(true))])).await;
    assert_ne!(outcome(response).await.0, Code::Ok);
    let unknown = request(INPUT, &[(true, expecting(true))]);
    let response = answer(with(unknown, ENCODING, "snappy")).await;
    assert_eq!(outcome(response).await.0, Code::Unimplemented);
}

#[tokio::test]
async fn each_response_is_compressed_as_asked_if_the_client_accepts_it() {
    let parameters = [true, false].map(|value| ResponseParameters {
        size: 1000,
        compressed: Some(BoolValue { value }),
        ..ResponseParameters::default()
    });
    let asked = StreamingOutputCallRequest {
        response_parameters: parameters.to_vec(),
        ..StreamingOutputCallRequest::default()
    };
    let asked = || request(OUTPUT, &[(false, asked.encode_to_vec())]);

    let response = answer(with(asked(), ACCEPT_ENCODING, "identity, gzip")).await;
    assert_eq!(response.headers()[ENCODING], GZIP);
    assert_eq!(outcome(response).await, (Code::Ok, vec![true, false]));

    let response = answer(with(asked(), ACCEPT_ENCODING, "identity")).await;
    assert!(!response.headers().contains_key(ENCODING));
    assert_eq!(outcome(response).await, (Code::Ok, vec![false, false]));
}

#[tokio::test]
async fn metadata_comes_back_with_the_headers_and_the_trailers() {
    let asked = with(request(UNARY, &[(false, vec![])]), ECHO_INITIAL, "first");
    let response = answer(with(asked, ECHO_TRAILING, "bGFzdA")).await;
    assert_eq!(response.headers()[ECHO_INITIAL], "first");
    assert!(!response.headers().contains_key(ECHO_TRAILING));
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()[ECHO_TRAILING], "bGFzdA");
}

#[tokio::test]
async fn a_status_alone_has_nothing_after_its_headers() {
    let status = EchoStatus {
        code: Code::Unknown as i32,
        message: "as asked".to_owned(),
    };
    let asked = SimpleRequest {
        response_status: Some(status),
        ..SimpleRequest::default()
    };
    let response = answer(request(UNARY, &[(false, asked.encode_to_vec())])).await;
    assert_eq!(response.headers()["grpc-message"], "as%20asked");
    assert!(response.body().is_end_stream());
    assert_eq!(outcome(response).await, (Code::Unknown, vec![]));
}
